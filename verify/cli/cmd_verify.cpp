#include <memory>

#include "verify/cli/commands.h"
#include "verify/cli/options.h"

namespace ratls::cli {
namespace {

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

Result<verify::VerificationResult> verify_raw(const VerifyOptions& options,
                                              const LoadedOptions& loaded, Io& io) {
    if (options.evidence == "tpm") {
        return verify_tpm_file(options, loaded, io);
    }
    RATLS_TRY(const Bytes report, read_option(io, "TARGET", options.target, kMaxSmallFile));
    return verify::verify_raw_snp(report, loaded.context());
}

int cmd_verify(const VerifyOptions& options, Io& io) {
    const auto loaded = load(options, io);
    if (!loaded) {
        return report(io, loaded.error(), "`ratls verify --help` has an example");
    }
    const auto result = verify_raw(options, *loaded, io);
    if (!result) {
        return report(io, result.error(), "`ratls verify --help` has an example");
    }
    return print_result(io, *result, options.json);
}

}  // namespace

Run add_verify(CLI::App& command, Io& io) {
    auto options = std::make_shared<VerifyOptions>();
    command
        .add_option("TARGET", options->target,
                    "https://host[:port], host[:port], a certificate file or a raw evidence file")
        ->required();
    options->add_common(command);
    options->add_raw(command);
    return [options, &io] { return cmd_verify(*options, io); };
}

}  // namespace ratls::cli
