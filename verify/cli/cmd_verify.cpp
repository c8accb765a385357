#include "ratls/base/text.h"
#include "ratls/evidence/hcl/report.h"
#include "verify/cli/commands.h"
#include "verify/cli/target.h"
#include "verify/formats/pcr_values.h"

namespace ratls::cli {
namespace {

/// Evidence that `fits`; its hex or base64 text counts as the bytes. Anything else is left as it
/// is, so that the verdict says what is wrong with it.
Result<Bytes> read_evidence(Io& io, std::string_view option, const std::string& path,
                            bool (*fits)(ByteView)) {
    RATLS_TRY(Bytes content, read_option(io, option, path, kMaxSmallFile));
    if (!fits(content)) {
        if (auto decoded = endorsement::decode_text(content, fits)) {
            return *std::move(decoded);
        }
    }
    return content;
}

bool is_report(ByteView content) {
    return snp::parse_report(content).has_value();
}

bool is_quote(ByteView content) {
    return dcap::parse_quote(content).has_value();
}

bool is_hcl_report(ByteView content) {
    return hcl::parse_report(content).has_value();
}

Result<verify::VerificationResult> verify_tpm_file(const VerifyOptions& options,
                                                   const LoadedOptions& loaded, Io& io) {
    verify::RawTpm raw;
    RATLS_TRY(raw.attest, read_option(io, "TARGET", options.target, kMaxSmallFile));
    if (options.signature.empty()) {
        return fail(Code::usage, "--signature", "needed with --evidence tpm");
    }
    RATLS_TRY(raw.signature, read_option(io, "--signature", options.signature, kMaxSmallFile));
    if (!options.ak.empty()) {
        RATLS_TRY(raw.ak, read_option(io, "--ak", options.ak, kMaxSmallFile));
    }
    if (!options.pcrs.empty()) {
        RATLS_TRY(const Bytes file, read_option(io, "--pcrs", options.pcrs, kMaxSmallFile));
        RATLS_TRY(raw.pcrs, verify::parse_pcr_values(file));
    }
    for (const std::string& path : options.logs) {
        RATLS_TRY(Bytes log, read_option(io, "--log", path, kMaxLogFile));
        raw.logs.push_back(std::move(log));
    }
    return verify::verify_raw_tpm(raw, loaded.context());
}

Result<verify::VerificationResult> verify_hcl_file(const VerifyOptions& options,
                                                   const LoadedOptions& loaded, Io& io) {
    verify::RawHcl raw;
    RATLS_TRY(raw.report, read_evidence(io, "TARGET", options.target, is_hcl_report));
    if (options.tpm_quote.empty() != options.signature.empty()) {
        return fail(Code::usage, "--tpm-quote, --signature", "both or none wanted");
    }
    if (!options.tpm_quote.empty()) {
        verify::RawHcl::Quote quote;
        RATLS_TRY(quote.attest, read_option(io, "--tpm-quote", options.tpm_quote, kMaxSmallFile));
        RATLS_TRY(quote.signature,
                  read_option(io, "--signature", options.signature, kMaxSmallFile));
        if (!options.pcrs.empty()) {
            RATLS_TRY(const Bytes file, read_option(io, "--pcrs", options.pcrs, kMaxSmallFile));
            RATLS_TRY(quote.pcrs, verify::parse_pcr_values(file));
        }
        raw.quote = std::move(quote);
    }
    if (!options.td_quote.empty()) {
        RATLS_TRY(raw.td_quote, read_evidence(io, "--td-quote", options.td_quote, is_quote));
    }
    return verify::verify_raw_hcl(raw, loaded.context());
}

Result<verify::VerificationResult> verify_raw(const VerifyOptions& options,
                                              const LoadedOptions& loaded, Io& io) {
    if (options.evidence == "tpm") {
        return verify_tpm_file(options, loaded, io);
    }
    if (options.evidence == "hcl") {
        return verify_hcl_file(options, loaded, io);
    }
    RATLS_TRY(const Bytes report, read_evidence(io, "TARGET", options.target,
                                                options.evidence == "snp" ? is_report : is_quote));
    if (options.evidence == "tdx" || options.evidence == "sgx") {
        const dcap::Tee tee = options.evidence == "tdx" ? dcap::Tee::tdx : dcap::Tee::sgx;
        std::optional<Bytes> ccel;
        if (options.logs.size() > 1) {
            return fail(Code::usage, "--log", "one CC event log wanted");
        }
        if (!options.logs.empty()) {
            RATLS_TRY(ccel, read_option(io, "--log", options.logs[0], kMaxLogFile));
        }
        return verify::verify_raw_dcap(report, tee, ccel, loaded.context());
    }
    return verify::verify_raw_snp(report, loaded.context());
}

Result<verify::VerificationResult> verify_file(const VerifyOptions& options,
                                               const LoadedOptions& loaded, Io& io) {
    RATLS_TRY(const Bytes file, read_option(io, "TARGET", options.target, kMaxSmallFile));
    RATLS_TRY(const GivenSnapshot snapshot, GivenSnapshot::load(options, loaded.policy, io));
    RATLS_TRY(const LogFiles logs, load_logs(options, io));
    const auto certificates = parse_certificates(file);
    std::vector<Bytes> chain;
    if (certificates) {
        for (const Certificate& certificate : *certificates) {
            chain.push_back(to_bytes(certificate.der()));
        }
    } else {
        chain.push_back(file);  // so that the verdict says what is wrong with it
    }
    const verify::Context context = loaded.context();
    verify::CertificateInputs inputs{.context = context,
                                     .snapshot = snapshot.input(io, loaded.now),
                                     .evidence_only = options.evidence_only,
                                     .name = {},
                                     .ima_log = logs.ima.get(),
                                     .boot_log = std::nullopt};
    if (logs.boot) {
        inputs.boot_log = *logs.boot;
    }
    return verify::verify_certificate(chain, inputs, verify::Stage::file);
}

/// An option that would be ignored is a mistake of the caller, who believes in it.
Status check_combination(const VerifyOptions& options) {
    const bool raw = !options.evidence.empty();
    if (!options.resolve.empty() && (raw || names_file(options.target))) {
        return fail(Code::usage, "--resolve",
                    "only with a host, " + ratls::quoted(options.target, 300) + " is a file");
    }
    const bool tpm = options.evidence == "tpm";
    if (raw && (!options.snapshot.empty() || !options.snapshot_name.empty() ||
                options.require_fresh > 0)) {
        return fail(Code::usage, "--evidence",
                    "raw evidence has neither reference values nor freshness: no --snapshot, no "
                    "--snapshot-name, no --require-fresh");
    }
    if (raw && !tpm && options.evidence != "tdx" && !options.logs.empty()) {
        return fail(Code::usage, "--log", "only with --evidence tpm or tdx, and with certificates");
    }
    if (options.evidence_only && !options.snapshot.empty()) {
        return fail(Code::usage, "--evidence-only", "then nothing is compared: no --snapshot");
    }
    if (!raw && !options.nonce.empty()) {
        return fail(Code::usage, "--nonce", "only with --evidence; hosts get a nonce of their own");
    }
    const bool hcl = options.evidence == "hcl";
    if (!tpm && !options.ak.empty()) {
        return fail(Code::usage, "--ak", "only with --evidence tpm");
    }
    if (!tpm && !hcl && (!options.signature.empty() || !options.pcrs.empty())) {
        return fail(Code::usage, "--signature, --pcrs", "only with --evidence tpm or hcl");
    }
    if (!hcl && (!options.tpm_quote.empty() || !options.td_quote.empty())) {
        return fail(Code::usage, "--tpm-quote, --td-quote", "only with --evidence hcl");
    }
    if (hcl && options.tpm_quote.empty() && !options.pcrs.empty()) {
        return fail(Code::usage, "--pcrs", "--tpm-quote wanted too");
    }
    return {};
}

Result<verify::VerificationResult> verify_target(const VerifyOptions& options,
                                                 const LoadedOptions& loaded, Io& io) {
    RATLS_CHECK(check_combination(options));
    if (!options.evidence.empty()) {
        return verify_raw(options, loaded, io);
    }
    if (names_file(options.target)) {
        return verify_file(options, loaded, io);
    }
    RATLS_TRY(verify::LiveResult live, verify_host(options, loaded, io));
    return std::move(live.result);
}

}  // namespace

int cmd_verify(const VerifyOptions& options, Io& io) {
    const auto loaded = load(options, io);
    if (!loaded) {
        return report(io, loaded.error(), "`ratls verify --help` has an example");
    }
    const auto result = verify_target(options, *loaded, io);
    if (!result) {
        return report(
            io, result.error(),
            result.error().code == Code::usage ? "`ratls verify --help` has an example" : "");
    }
    return print_result(io, *result, options.json);
}

}  // namespace ratls::cli
