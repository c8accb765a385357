#include <algorithm>
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/platform/named_files.h"
#include "ratls/platform/program.h"
#include "verify/appraise/ima_observe.h"
#include "verify/cli/commands.h"
#include "verify/cli/snapshot_file.h"
#include "verify/cli/target.h"

namespace ratls::cli {
namespace {

/// What the TEE measured. Behind a paravisor, that is the paravisor.
Status observe_tee(const cert::Tee& tee, bool paravisor, const TakeOptions& options,
                   verify::Snapshot& out) {
    verify::MeasurementReference measurement;
    measurement.covers = {"firmware"};
    measurement.tag = paravisor ? "paravisor" : "";
    if (tee.type == cert::TeeType::tdx) {
        RATLS_TRY(const dcap::Quote quote, dcap::parse_quote(tee.evidence));
        measurement.value = to_bytes(quote.td->mr_td);
        verify::TdxReference reference;
        reference.measurements = {std::move(measurement)};
        // RTMR 3 is for what runs later.
        for (unsigned index = 0; index < 3; ++index) {
            reference.rtmrs[index] = {to_bytes(quote.td->rtmr[index])};
        }
        out.tdx = std::move(reference);
        return {};
    }
    RATLS_TRY(const snp::Report report, snp::parse_report(tee.evidence));
    measurement.value = to_bytes(report.measurement);
    if (options.kernel_hashes) {
        measurement.covers = {"firmware", "kernel", "initrd", "cmdline"};
    }
    verify::SnpReference reference;
    reference.measurements = {std::move(measurement)};
    reference.min_guest_svn = report.guest_svn;
    out.snp = std::move(reference);
    return {};
}

/// By what a record of the evidence can be told to be that of this snapshot.
std::map<std::string, Bytes> digests_of(const verify::LiveResult& live,
                                        const cert::Collection& collection) {
    std::map<std::string, Bytes> out;
    const auto add = [&](const char* kind, ByteView bytes) {
        const Sha256Digest digest = sha256(bytes);
        out.emplace(kind, Bytes(digest.begin(), digest.end()));
    };
    add("certificate", live.native->certificate.der());
    if (collection.tee) {
        add("tee", collection.tee->evidence);
    }
    if (collection.tpm) {
        add("tpm", collection.tpm->attest);
    }
    if (collection.ima) {
        const Sha256Digest& log = collection.ima->log_sha256;
        out.emplace("ima", Bytes(log.begin(), log.end()));
    }
    return out;
}

Result<verify::Snapshot> observe(const verify::LiveResult& live, const TakeOptions& options,
                                 UnixTime now) {
    verify::Snapshot out;
    out.name = options.name;
    out.sequence = options.sequence;
    out.not_before = now;
    out.not_after = now + UnixTime{options.valid_days} * 86400;
    out.origin = "observed";
    out.dialects = {"ratls-vm/1"};
    out.taken_from = options.verify.target;
    out.image = options.image;
    const cert::Collection& collection = *live.collection;
    out.evidence = digests_of(live, collection);
    if (collection.tee) {
        RATLS_CHECK(observe_tee(*collection.tee, collection.hcl_report.has_value(), options, out));
    }
    if (collection.tpm) {
        verify::PcrReference pcrs;
        for (unsigned index = 0; index < collection.tpm->pcr_values.size(); ++index) {
            if (index != ima::kImaPcr) {
                pcrs[index] = {to_bytes(collection.tpm->pcr_values[index])};
            }
        }
        out.pcrs = std::move(pcrs);
    }
    if (collection.ima) {
        if (live.ima_log == nullptr ||
            !live.result.findings.has("ima.replay", verify::Verdict::pass)) {
            return fail(Code::denied, "ima", "no log that the quote proves");
        }
        if (options.require.empty()) {
            return fail(Code::usage, "--require",
                        "name at least one measured file that must always run, as the agent's");
        }
        std::vector<std::string> require = options.require;
        std::ranges::transform(require, require.begin(), ima::logged_name);
        RATLS_TRY(out.ima, verify::observe_files(*live.ima_log, *collection.ima, require));
    }
    return out;
}

}  // namespace

int cmd_snapshot_take(const TakeOptions& options, Io& io) {
    if (!options.verify.at_time.empty() || !options.verify.snapshot.empty() ||
        options.verify.json) {
        return report(io, {Code::usage, "snapshot take",
                           "it takes no --at-time, --snapshot or --json: a snapshot is taken now"});
    }
    if (auto status = keep_inputs(io.files, {"--out", options.out}, named_files(options.verify));
        !status) {
        return report(io, status.error());
    }
    if (auto status = may_replace(io, options.out, options.force); !status) {
        return report(io, status.error());
    }
    VerifyOptions verifying = options.verify;
    verifying.evidence_only = true;  // there is nothing to compare with yet
    verifying.require_fresh = 3;
    const auto loaded = load(verifying, io);
    if (!loaded) {
        return report(io, loaded.error(), "`ratls snapshot take --help` has an example");
    }
    const auto live = verify_host(verifying, *loaded, io);
    if (!live) {
        return report(io, live.error());
    }
    if (live->result.outcome != verify::Outcome::genuine || live->result.freshness != 3) {
        io.err << verify::result_text(live->result);
        io.err << "error: a snapshot is taken only from genuine evidence of freshness 3\n";
        const int code = verify::outcome_exit_code(live->result.outcome);
        return code == 0 ? kExitRefused : code;
    }
    const auto snapshot = observe(*live, options, loaded->now);
    if (!snapshot) {
        const int code = report(io, snapshot.error());
        // Sound evidence of which no snapshot is to be made is refused, as by a verdict.
        return snapshot.error().code == Code::denied ? kExitRefused : code;
    }
    if (auto status = write_snapshot(io, options.out, *snapshot); !status) {
        return report(io, status.error());
    }
    if (snapshot->snp && !live->collection->hcl_report && !options.kernel_hashes) {
        io.err
            << "note: the launch measurement counts for the firmware only, and the default policy "
               "will refuse this VM: if it covers kernel, initrd and command line too, "
               "--kernel-hashes states that\n";
    }
    io.err << "note: observed, not built: it says what that VM ran, not that this is good; "
              "read it, then `ratls snapshot sign`\n";
    return 0;
}

int cmd_snapshot_sign(const SignOptions& options, Io& io) {
    const std::string out = options.out.empty() ? options.file : options.out;
    const std::array<NamedFile, 1> inputs = {{{"--key", options.key}}};
    if (auto status = keep_inputs(io.files, {"--out", out}, inputs); !status) {
        return report(io, status.error());
    }
    const auto file = read_option(io, "FILE", options.file, kMaxSnapshotFile);
    auto key_file = read_option(io, "--key", options.key, kMaxSmallFile);
    if (!file || !key_file) {
        return report(io, file ? key_file.error() : file.error());
    }
    const Secret secret(*std::move(key_file));
    const auto key = PrivateKey::parse(secret.reveal());
    if (!key) {
        return report(io, key.error(),
                      "`openssl ecparam -name prime256v1 -genkey -noout -out FILE` makes one");
    }
    const auto snapshot = verify::parse_snapshot(as_text(*file));
    const auto json = parse_json(as_text(*file), {.max_bytes = verify::kMaxSnapshotText,
                                                  .max_depth = verify::kMaxSnapshotDepth,
                                                  .max_tokens = verify::kMaxSnapshotTokens});
    if (!snapshot || !json) {
        return report(io, snapshot ? json.error() : snapshot.error());
    }
    const auto signed_json = verify::sign_snapshot(*json, *key);
    if (!signed_json) {
        return report(io, signed_json.error());
    }
    if (auto status = replace_named(io.files, "--out", out, as_bytes(signed_json->pretty()), 0644);
        !status) {
        return report(io, status.error());
    }
    io.err << "signed by " << hex(key->public_key().spki_sha256()) << "\n";
    return 0;
}

}  // namespace ratls::cli
