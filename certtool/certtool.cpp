#include "certtool/certtool.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/cert/describe.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "ratls/collect/carried.h"
#include "ratls/crypto/provider.h"
#include "ratls/platform/named_files.h"
#include "ratls/platform/program.h"

namespace ratls::certtool {
namespace {

constexpr int kExitTooLarge = 10;
constexpr std::size_t kMaxFile = std::size_t{1} << 20;

struct Options {
    VmOptions vm;
    std::string out = "ratls-cert.pem";
    std::string key = "ratls-key.pem";
    std::vector<std::string> names;
    int valid_minutes = 23 * 60;
    unsigned max_fresh = 3;
    std::string target;
    bool json = false;
};

class Certtool {
  public:
    Certtool(const VmPlatform& platform, std::ostream& out, std::ostream& err)
        : platform_(platform), out_(out), err_(err) {}

    int issue(const Options& options) {
        if (auto status = keep_inputs(platform_.files, {"--out", options.out}, inputs(options));
            !status) {
            return report(status.error(), "certificate and key are two files");
        }
        auto key = load_or_make_key(options.key);
        if (!key) {
            return report(key.error(), "--key names a P-256 or P-384 key, or a file to be made");
        }
        auto vm = Vm::open(options.vm, platform_);
        if (!vm) {
            return report(vm.error(), "--tcti '' and --tsm '' leave the TPM or the TEE out");
        }
        // A key in a file outlives the boot, so its connections need the binder.
        auto issued = issue_identity((*vm)->attester(), *key, {options.names},
                                     std::int64_t{options.valid_minutes} * 60, options.max_fresh,
                                     cert::kKeyPersistent, platform_.clock.now());
        if (!issued) {
            const int code =
                report(issued.error(), "`ratls-certtool issue --help` lists where evidence is");
            return issued.error().code == Code::too_large ? kExitTooLarge : code;
        }
        const std::string text = pem("CERTIFICATE", issued->certificate);
        if (auto status =
                replace_named(platform_.files, "--out", options.out, as_bytes(text), 0644);
            !status) {
            return report(status.error(), "");
        }
        if (issued->certificate.size() > cert::kWarnBytes) {
            err_ << "warning: " << issued->certificate.size()
                 << " bytes: some TLS stacks take no more than 16 KiB for the whole chain\n";
        }
        Json result(Json::Object{});
        result.set("certificate", options.out).set("key", options.key);
        result.set("spki_sha256", hex(issued->spki_sha256));
        result.set("not_after", format_rfc3339(issued->not_after));
        result.set("der_bytes", std::uint64_t{issued->certificate.size()});
        if (options.json) {
            out_ << result.pretty();
        } else {
            out_ << printable(options.out) << ": " << issued->certificate.size()
                 << " bytes, valid until " << format_rfc3339(issued->not_after) << "\n";
        }
        return 0;
    }

    int show(const Options& options) {
        const auto content = read_named(platform_.files, "FILE", options.target, kMaxFile);
        if (!content) {
            return report(content.error(), "");
        }
        const auto certificates = parse_certificates(*content);
        const auto native =
            certificates ? cert::parse_native(certificates->front())
                         : Result<cert::NativeCertificate>(std::unexpected(certificates.error()));
        if (!native) {
            return report(native.error(), "FILE is an RA-TLS certificate, PEM or DER");
        }
        out_ << cert::describe(*native).pretty();
        return 0;
    }

  private:
    /// The files that must outlive the writing of --out.
    static std::vector<NamedFile> inputs(const Options& options) {
        const VmOptions& vm = options.vm;
        std::vector<NamedFile> out = {
            {"--key", options.key},    {"--ak-certificate", vm.ak_certificate},
            {"--ima-log", vm.ima_log}, {"--boot-log", vm.boot_log},
            {"--ccel", vm.ccel},       {"--vek", vm.vek},
            {"--ask", vm.ask},         {"--amd-crl", vm.amd_crl}};
        for (const std::string& document : collateral_files(vm.collateral)) {
            out.push_back({"--collateral", document});
        }
        return out;
    }

    Result<PrivateKey> load_or_make_key(const std::string& path) {
        auto content = platform_.files.read(path, kMaxFile);
        if (content) {
            const Secret secret(*std::move(content));
            return PrivateKey::parse(secret.reveal());
        }
        if (content.error().code != Code::unavailable) {
            return std::unexpected(
                in_call(platform_.files, "--key", path, std::move(content).error()));
        }
        RATLS_TRY(PrivateKey key, PrivateKey::generate(KeyKind::p256));
        RATLS_TRY(const Secret text, key.pem());
        RATLS_CHECK(replace_named(platform_.files, "--key", path, text.reveal(), 0600));
        return key;
    }

    int report(const Error& error, std::string_view hint) {
        err_ << "error: " << error.text() << "\n";
        if (!hint.empty()) {
            err_ << "hint: " << hint << "\n";
        }
        return failure_exit_code(error.code);
    }

    const VmPlatform& platform_;
    std::ostream& out_;
    std::ostream& err_;
};

void add_issue(CLI::App& app, Options& options) {
    CLI::App* issue = app.add_subcommand("issue", "Gather evidence and issue a certificate");
    issue->add_option("--out", options.out, "Certificate file to write (PEM)")
        ->capture_default_str();
    issue->add_option("--key", options.key, "Key file; made with mode 0600 if it is not there")
        ->capture_default_str();
    issue->add_option("--name", options.names, "DNS name or address of the service")
        ->required()
        ->allow_extra_args(false);
    issue->add_option("--valid-minutes", options.valid_minutes, "Validity from now")
        ->check(CLI::Range(1, 1435))
        ->capture_default_str();
    issue->add_option("--max-fresh", options.max_fresh, "Freshness that the service offers")
        ->check(CLI::Range(0, 3))
        ->capture_default_str();
    issue->add_option("--tcti", options.vm.tcti, "TPM, as a TCTI string")->capture_default_str();
    issue
        ->add_option("--ak-type", options.vm.ak_type,
                     "Kind of the AK that is made: ecc, rsa, gce-ecc, gce-rsa")
        ->check(CLI::IsMember({"ecc", "rsa", "gce-ecc", "gce-rsa"}))
        ->capture_default_str();
    issue->add_option("--ak-certificate", options.vm.ak_certificate,
                      "The AK's chain from the cloud provider to carry, leaf first");
    issue->add_option("--ak-handle", options.vm.ak_handle, "A persistent AK, as 0x81000003");
    issue->add_option("--tsm", options.vm.tsm, "configfs-tsm directory")->capture_default_str();
    issue->add_option("--ima-log", options.vm.ima_log, "Binary IMA log")->capture_default_str();
    issue->add_option("--boot-log", options.vm.boot_log, "Boot event log")->capture_default_str();
    issue->add_option("--vek", options.vm.vek, "VCEK or VLEK certificate to carry");
    issue->add_option("--ask", options.vm.ask, "ASK or ASVK certificate to carry");
    issue->add_option("--amd-crl", options.vm.amd_crl, "AMD revocation list to carry, the beacon");
    issue->add_option("--ccel", options.vm.ccel, "CC event log of a trust domain")
        ->capture_default_str();
    issue->add_option("--collateral", options.vm.collateral,
                      "Folder with Intel's TCB info, QE identity and CRLs to carry");
    issue->add_flag("--json", options.json, "Print JSON");
    issue->footer(
        "Example: ratls-certtool issue --name vm.example.org --out cert.pem --key key.pem");
}

}  // namespace

int run(int argc, const char* const* argv, const VmPlatform& platform, std::ostream& out,
        std::ostream& err) {
    Options options;
    CLI::App app("Makes RA-TLS certificates in a confidential VM.", "ratls-certtool");
    app.set_version_flag("--version",
                         "ratls-certtool " RATLS_VERSION "\n" + std::string(crypto_provider()));
    app.require_subcommand(1);
    const std::string exit_codes =
        std::string(kExitCodes) +
        "\n  10 the certificate, or what goes into it, is larger than its limit";
    app.footer(exit_codes);
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return usage_message("ratls-certtool", error.what());
    });
    add_issue(app, options);
    CLI::App* show = app.add_subcommand("show", "Print what a certificate says");
    show->add_option("FILE", options.target, "Certificate, PEM or DER")->required();
    show->add_flag("--json", options.json, "Print JSON (the only form)");
    show->footer("Example: ratls-certtool show cert.pem");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, out, err) == 0 ? 0 : 1;
    }
    Certtool tool(platform, out, err);
    return show->parsed() ? tool.show(options) : tool.issue(options);
}

}  // namespace ratls::certtool
