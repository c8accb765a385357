// The command line of `ratls`, and nothing else: one table of commands over CLI11.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "ratls/crypto/provider.h"
#include "ratls/platform/program.h"
#include "verify/cli/commands.h"

namespace ratls::cli {
namespace {

/// What is run when its subcommand was chosen.
using Run = std::function<int()>;

template <typename Options>
void add_common(CLI::App& command, Options& o) {
    command.add_option("--snapshot", o.snapshot, "Reference values (JSON)")->type_name("FILE");
    command
        .add_option("--snapshot-key", o.snapshot_keys,
                    "Public key or certificate of a signer that you trust (PEM)")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command.add_option("--policy", o.policy, "Policy: a name or a JSON file")
        ->type_name("FILE|NAME")
        ->capture_default_str();
    command.add_option("--snapshot-name", o.snapshot_name, "Name that the snapshot must have")
        ->type_name("NAME");
    command
        .add_option("--state", o.state,
                    "Folder that remembers sequence numbers; without it STATE_DIRECTORY, or the "
                    "user's")
        ->type_name("DIR");
    command
        .add_option("--endorsements", o.endorsements,
                    "Certificates and revocation lists of the vendor: a file or a folder")
        ->type_name("PATH")
        ->allow_extra_args(false);
    command
        .add_option("--trust-root", o.trust_roots,
                    "A root beside the vendors' own; the result then says root: user")
        ->type_name("KIND:FILE")
        ->allow_extra_args(false);
    command.add_option("--at-time", o.at_time, "Verify as of this time (RFC 3339)")
        ->type_name("TIME");
    command.add_option("--require-fresh", o.require_fresh, "Least freshness, 0 to 3")
        ->check(CLI::Range(0, 3));
    command.add_option("--log", o.logs, "IMA log or boot log that belongs to the evidence")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command
        .add_option("--resolve", o.resolve, "Connect to ADDR when NAME:PORT is meant, as curl does")
        ->type_name("NAME:PORT:ADDR")
        ->allow_extra_args(false);
    command.add_flag("--offline")->description("Fetch no endorsements; this version never does");
    command.add_flag("--evidence-only", o.evidence_only,
                     "Judge the evidence without reference values; opens no door");
    command.add_flag("--json", o.json, "Print the result as JSON");
}

Run add_verify(CLI::App& command, Io& io) {
    auto o = std::make_shared<VerifyOptions>();
    command
        .add_option(
            "TARGET", o->target,
            "https://host[:port], host[:port], a certificate file or a raw evidence file; - is "
            "standard input")
        ->required();
    add_common(command, *o);
    command.add_option("--evidence", o->evidence, "TARGET is raw evidence of this kind")
        ->check(CLI::IsMember({"snp", "tdx", "sgx", "tpm", "hcl"}));
    command.add_option("--nonce", o->nonce, "Nonce that the evidence must contain, 1 to 64 bytes")
        ->type_name("HEX");
    command.add_option("--signature", o->signature, "TPMT_SIGNATURE or bare RSASSA signature")
        ->type_name("FILE");
    command.add_option("--ak", o->ak, "Public key of the AK: TPMT_PUBLIC, TPM2B_PUBLIC or PEM")
        ->type_name("FILE");
    command.add_option("--pcrs", o->pcrs, "PCR values that were quoted: tpm2_pcrread or JSON")
        ->type_name("FILE");
    command.add_option("--tpm-quote", o->tpm_quote, "TPMS_ATTEST by the AK of an HCL report")
        ->type_name("FILE");
    command.add_option("--td-quote", o->td_quote, "TDX quote that belongs to an HCL report")
        ->type_name("FILE");
    return [o, &io] { return cmd_verify(*o, io); };
}

Run add_show(CLI::App& command, Io& io) {
    auto o = std::make_shared<ShowOptions>();
    command.add_option("TARGET", o->target, "File to show; - is standard input")->required();
    command.add_option("--as", o->as, "What the file is; guessed if absent")
        ->check(CLI::IsMember(
            {"ima", "eventlog", "ccel", "snp", "tdx", "sgx", "hcl", "tpm", "cert", "snapshot"}));
    command.add_flag("--json", o->json, "Print JSON");
    return [o, &io] { return cmd_show(*o, io); };
}

Run add_pin(CLI::App& command, Io& io) {
    auto o = std::make_shared<PinOptions>();
    command.add_option("TARGET", o->verify.target, "https://host[:port] or host[:port]")
        ->required();
    command.add_option("--format", o->format, "What the pin is for")
        ->check(CLI::IsMember({"curl", "chromium", "firefox", "tlsa", "known-hosts"}))
        ->capture_default_str();
    add_common(command, o->verify);
    return [o, &io] { return cmd_pin(*o, io); };
}

Run add_monitor(CLI::App& command, Io& io) {
    auto o = std::make_shared<MonitorOptions>();
    command.add_option("TARGET", o->verify.target, "https://host[:port] or host[:port]")
        ->required();
    command.add_option("--every", o->every_s, "Seconds from one verification to the next")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    command.add_option("--times", o->times, "How often; without it until something is wrong")
        ->check(CLI::Range(1, 1'000'000'000));
    add_common(command, o->verify);
    return [o, &io] { return cmd_monitor(*o, io); };
}

void add_sequence(CLI::App& command, std::uint64_t& sequence) {
    command.add_option("--sequence", sequence, "Sequence number; it only ever rises")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 52))
        ->capture_default_str();
}

void add_validity(CLI::App& command, int& valid_days) {
    command.add_option("--valid-days", valid_days, "Validity")
        ->check(CLI::Range(1, 3660))
        ->capture_default_str();
}

void add_image(CLI::App& command, std::string& image) {
    command.add_option("--image", image, "Version of the image, for people")->type_name("TEXT");
}

void add_force(CLI::App& command, bool& force) {
    command.add_flag("--force", force, "Replace a signed snapshot by this unsigned one");
}

void add_head(CLI::App& command, SnapshotHeadOptions& o) {
    add_force(command, o.force);
    command.add_option("--out", o.out, "Snapshot file to write")->required()->type_name("FILE");
    command.add_option("--name", o.name, "Name of the VM or image")->required();
    add_sequence(command, o.sequence);
    add_image(command, o.image);
    add_validity(command, o.valid_days);
    command
        .add_option("--valid-from", o.valid_from, "Start of the validity (RFC 3339); now if absent")
        ->type_name("TIME");
}

Run add_take(CLI::App& command, Io& io) {
    auto t = std::make_shared<TakeOptions>();
    command.add_option("TARGET", t->verify.target, "https://host[:port] or host[:port]")
        ->required();
    command.add_option("--out", t->out, "Snapshot file to write")->required();
    command.add_option("--name", t->name, "Name of the VM or image")->required();
    add_sequence(command, t->sequence);
    add_force(command, t->force);
    add_image(command, t->image);
    add_validity(command, t->valid_days);
    command.add_option("--require", t->require, "Measured path that must always be found")
        ->allow_extra_args(false);
    command.add_flag("--kernel-hashes", t->kernel_hashes,
                     "State that the launch measurement covers kernel, initrd, command line");
    add_common(command, t->verify);
    return [t, &io] { return cmd_snapshot_take(*t, io); };
}

Run add_build(CLI::App& command, Io& io) {
    auto o = std::make_shared<BuildOptions>();
    command
        .add_option("ROOT", o->roots,
                    "Folder with the root file system of an image, or a package (.deb, .rpm) or "
                    "archive (tar, cpio); several are taken together")
        ->required();
    add_head(command, o->head);
    command.add_option("--require", o->require, "Path below ROOT that must always be measured")
        ->required()
        ->allow_extra_args(false);
    command
        .add_option("--exclude", o->exclude,
                    "Leave out what is of this form, folders with all that is in them")
        ->type_name("PATTERN")
        ->allow_extra_args(false);
    command.add_option("--digest", o->digests, "Hash functions: those of the kernel's ima_hash")
        ->delimiter(',')
        ->type_name("ALG[,ALG...]")
        ->capture_default_str();
    command.add_option("--jobs", o->jobs, "Files that are hashed at the same time")
        ->check(CLI::Range(1, 64));
    command.add_flag("--no-usr-merge", o->no_usr_merge,
                     "Take /bin, /sbin and /lib* of packages as folders, not as links into /usr");
    return [o, &io] { return cmd_snapshot_build(*o, io); };
}

Run add_diff(CLI::App& command, Io& io) {
    auto o = std::make_shared<DiffOptions>();
    command.add_option("A", o->first, "Snapshot")->required();
    command.add_option("B", o->second, "Snapshot that A is compared with")->required();
    command.add_flag("--json", o->json, "Print JSON");
    return [o, &io] { return cmd_snapshot_diff(*o, io); };
}

Run add_merge(CLI::App& command, Io& io) {
    auto o = std::make_shared<MergeOptions>();
    command.add_option("FILE", o->files, "Snapshots whose references are united")
        ->required()
        ->expected(2, 64);
    command.add_option("--out", o->out, "Snapshot file to write")->required()->type_name("FILE");
    command.add_option("--name", o->name, "Name of the VM or image")->required();
    add_sequence(command, o->sequence);
    add_force(command, o->force);
    return [o, &io] { return cmd_snapshot_merge(*o, io); };
}

Run add_snapshot_verify(CLI::App& command, Io& io) {
    auto o = std::make_shared<SnapshotVerifyOptions>();
    command.add_option("FILE", o->file, "Snapshot")->required();
    command.add_option("--key", o->keys, "Public key or certificate of a signer (PEM)")
        ->required()
        ->type_name("FILE")
        ->allow_extra_args(false);
    command.add_flag("--json", o->json, "Print JSON");
    return [o, &io] { return cmd_snapshot_verify(*o, io); };
}

Run add_snapshot_show(CLI::App& command, Io& io) {
    auto o = std::make_shared<ShowOptions>();
    o->as = "snapshot";
    command.add_option("FILE", o->target, "Snapshot")->required();
    command.add_flag("--json", o->json, "Print JSON");
    return [o, &io] { return cmd_show(*o, io); };
}

Run add_import(CLI::App& command, Io& io) {
    auto o = std::make_shared<ImportOptions>();
    command.add_option("FILE", o->file, "What the other program wrote")->required();
    command.add_option("--from", o->from, "Which program that is")
        ->required()
        ->check(CLI::IsMember({"cosmian", "keylime"}));
    add_head(command, o->head);
    command.add_option("--require", o->require, "Path that must always be measured")
        ->type_name("PATH")
        ->allow_extra_args(false);
    command.add_flag("--skip-invalid", o->skip_invalid,
                     "Leave out lines and files that cannot be read, and name them");
    command.add_flag("--sha1", o->sha1, "Carry SHA-1 digests over too");
    return [o, &io] { return cmd_snapshot_import(*o, io); };
}

Run add_sign(CLI::App& command, Io& io) {
    auto s = std::make_shared<SignOptions>();
    command.add_option("FILE", s->file, "Snapshot")->required();
    command.add_option("--key", s->key, "Private key, P-256 or P-384 (PEM)")->required();
    command.add_option("--out", s->out, "Signed file; FILE itself if absent");
    return [s, &io] { return cmd_snapshot_sign(*s, io); };
}

struct Command {
    const char* name;
    const char* summary;
    const char* example;
    Run (*add)(CLI::App& command, Io& io);
};

constexpr std::array kSnapshotCommands = {
    Command{"build", "Write the reference values of the files of an unpacked image",
            "ratls snapshot build rootfs --name web --require /usr/bin/ratls-agent "
            "--exclude '/var/**' --out files.json",
            add_build},
    Command{"take", "Write the reference values of a running, genuine VM",
            "ratls snapshot take vm.example.org:5555 --name web --require /usr/bin/ratls-agent "
            "--kernel-hashes --endorsements amd --out web.json",
            add_take},
    Command{"import", "Write the reference values of another program as a snapshot",
            "ratls snapshot import policy.json --from keylime --name web "
            "--require /usr/bin/ratls-agent --out files.json",
            add_import},
    Command{"merge", "Unite the references of snapshots",
            "ratls snapshot merge files.json taken.json --name web --sequence 2 --out web.json",
            add_merge},
    Command{"diff", "Print what is different between two snapshots",
            "ratls snapshot diff old.json new.json", add_diff},
    Command{"show", "Print a snapshot, without judging it", "ratls snapshot show web.json",
            add_snapshot_show},
    Command{"verify", "Verify signatures and dates of a snapshot",
            "ratls snapshot verify web.json --key key.pub.pem", add_snapshot_verify},
    Command{"sign", "Sign a snapshot", "ratls snapshot sign web.json --key snapshot-key.pem",
            add_sign},
};

Run add_snapshot(CLI::App& command, Io& io) {
    std::vector<std::pair<CLI::App*, Run>> runs;
    for (const Command& inner : kSnapshotCommands) {
        CLI::App* sub = command.add_subcommand(inner.name, inner.summary);
        sub->footer(std::string("Example: ") + inner.example);
        runs.emplace_back(sub, inner.add(*sub, io));
    }
    command.require_subcommand(1);
    return [runs] {
        const auto chosen =
            std::ranges::find_if(runs, [](const auto& entry) { return entry.first->parsed(); });
        return chosen->second();
    };
}

Run add_policy(CLI::App& command, Io& io) {
    auto name = std::make_shared<std::string>("default");
    auto file = std::make_shared<std::string>();
    CLI::App* show = command.add_subcommand("show", "Print a ready-made policy");
    show->add_option("NAME", *name, "Name of the policy")->capture_default_str();
    show->footer("Example: ratls policy show default");
    CLI::App* check = command.add_subcommand("check", "Check a policy file and print it in full");
    check->add_option("FILE", *file, "Policy file")->required();
    check->footer("Example: ratls policy check policy.json");
    command.require_subcommand(1);
    return [=, &io] {
        return show->parsed() ? cmd_policy_show(*name, io) : cmd_policy_check(*file, io);
    };
}

void add_collateral_fetch(CLI::App& fetch, CollateralFetchOptions& o) {
    fetch.add_option("--evidence", o.evidence, "EVIDENCE says what is wanted, and is of this kind")
        ->check(CLI::IsMember({"snp", "tdx", "sgx"}));
    fetch.add_option("EVIDENCE", o.target, "Raw evidence: a SEV-SNP report, a TDX or SGX quote");
    fetch.add_option("--product", o.product, "Product line, for reports of version 2")
        ->check(CLI::IsMember({"Milan", "Genoa", "Turin"}));
    fetch.add_option("--kds", o.kds, "Key server instead of AMD's")->type_name("URL");
    fetch.add_option("--tee", o.tee, "Intel: for which TEE")->check(CLI::IsMember({"tdx", "sgx"}));
    fetch.add_option("--fmspc", o.fmspc, "Intel: FMSPC of the platform, 12 digits")
        ->type_name("HEX");
    fetch.add_option("--ca", o.ca, "Intel: which CA issued the PCK certificate")
        ->check(CLI::IsMember({"platform", "processor"}));
    fetch.add_option("--pcs", o.pcs, "Server instead of Intel's, as a PCCS")->type_name("URL");
    fetch.add_option("--out", o.out, "Folder for the documents instead of one in the cache")
        ->type_name("DIR");
    fetch
        .add_option("--ca-file", o.ca_file,
                    "Certificates that vouch for the server, instead of the system's (PEM)")
        ->type_name("FILE");
    fetch
        .add_option("--max-wait", o.max_wait,
                    "How long to wait, in all, for a server that is busy, in seconds")
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    CLI::Option* offline =
        fetch.add_flag("--offline", o.offline, "Fetch nothing; fail if a document is missing");
    fetch.add_flag("--refresh", o.refresh, "Fetch also what is there and valid")->excludes(offline);
    fetch.add_flag("--json", o.json, "Print JSON");
    fetch.footer(
        "Form and dates are checked, signatures are not: that is the business of `ratls verify`.\n"
        "Example: ratls collateral fetch --evidence snp report.bin --out amd\n"
        "Example: ratls collateral fetch --evidence tdx quote.bin --out intel\n"
        "Example: ratls collateral fetch --tee tdx --fmspc 00806f050000 --ca platform");
}

Run add_collateral(CLI::App& command, Io& io) {
    auto f = std::make_shared<CollateralFetchOptions>();
    auto e = std::make_shared<CollateralExportOptions>();
    auto list_json = std::make_shared<bool>(false);
    CLI::App* fetch = command.add_subcommand(
        "fetch", "Fetch what the vendor says about a platform, and keep it while it is valid");
    add_collateral_fetch(*fetch, *f);
    CLI::App* list = command.add_subcommand("list", "Print what is in the cache, with its dates");
    list->add_flag("--json", *list_json, "Print JSON");
    list->footer("Example: ratls collateral list");
    CLI::App* save = command.add_subcommand("export", "Copy a set from the cache into a folder");
    save->add_option("KEY", e->key, "A set that `ratls collateral list` names")->required();
    save->add_option("--out", e->out, "Folder to write into")->required()->type_name("DIR");
    save->add_flag("--json", e->json, "Print JSON");
    save->footer("Example: ratls collateral export intel/tdx/00806f050000-platform --out pcs");
    command.require_subcommand(1);
    return [=, &io] {
        if (fetch->parsed()) {
            return cmd_collateral_fetch(*f, io);
        }
        return list->parsed() ? cmd_collateral_list(*list_json, io) : cmd_collateral_export(*e, io);
    };
}

Run add_explain(CLI::App& command, Io& io) {
    auto rule = std::make_shared<std::string>();
    command.add_option("RULE", *rule, "Name of the rule; all are listed without one");
    return [=, &io] { return cmd_explain(*rule, io); };
}

constexpr std::array kCommands = {
    Command{"verify", "Verify a host, a certificate or raw evidence",
            "ratls verify vm.example.org:5555 --snapshot web.json --snapshot-key key.pub.pem "
            "--endorsements amd",
            add_verify},
    Command{"monitor", "Verify a host again and again, and end when it is not accepted",
            "ratls monitor vm.example.org:5555 --every 60 --snapshot web.json --snapshot-key "
            "key.pub.pem --endorsements amd",
            add_monitor},
    Command{"show", "Print what a certificate, quote or log says, without judging it",
            "ratls show binary_runtime_measurements --as ima --json", add_show},
    Command{"pin", "Print the key of an accepted host for other programs to pin",
            "curl -k --pinnedpubkey $(ratls pin vm.example.org --snapshot web.json "
            "--snapshot-key key.pub.pem --endorsements amd) https://vm.example.org",
            add_pin},
    Command{"snapshot", "Build, take, compare, merge and sign reference values",
            "ratls snapshot sign web.json --key snapshot-key.pem", add_snapshot},
    Command{"policy", "Show or check a policy", "ratls policy show default", add_policy},
    Command{"collateral", "Fetch and keep certificates and revocation lists of the vendors",
            "ratls collateral fetch --evidence snp report.bin --out amd", add_collateral},
    Command{"explain", "Say what a rule of the verdict means", "ratls explain snp.chain.root",
            add_explain},
};

}  // namespace

int run(int argc, const char* const* argv, Io& io) {
    CLI::App app("Verifies confidential VMs by their TLS certificates.", "ratls");
    app.set_version_flag("--version", "ratls " RATLS_VERSION "\n" + std::string(crypto_provider()));
    app.footer(std::string(kExitCodes));
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return usage_message("ratls", error.what());
    });
    app.require_subcommand(1);
    std::vector<std::pair<CLI::App*, Run>> runs;
    for (const Command& command : kCommands) {
        CLI::App* sub = app.add_subcommand(command.name, command.summary);
        sub->footer(std::string("Example: ") + command.example + "\n" + std::string(kExitCodes));
        runs.emplace_back(sub, command.add(*sub, io));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, io.out, io.err) == 0 ? 0 : exit_code(Code::usage);
    }
    for (const auto& [sub, execute] : runs) {
        if (sub->parsed()) {
            return execute();
        }
    }
    return exit_code(Code::usage);
}

}  // namespace ratls::cli
