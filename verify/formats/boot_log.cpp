#include "verify/formats/boot_log.h"

namespace ratls::verify {
namespace {

constexpr unsigned kLastFirmwarePcr = 9;
constexpr unsigned kShimPcr = 14;

}  // namespace

bool is_boot_log_pcr(unsigned index) {
    return index <= kLastFirmwarePcr || index == kShimPcr;
}

std::optional<Verified<BootLog>> verify_boot_log(BootLog log, const Verified<TpmEvidence>& quote,
                                                 Findings& out) {
    std::string wrong;
    const auto replayed = eventlog::replay(log.log, HashAlg::sha256);
    for (const tpm::PcrValue& quoted : quote->pcrs) {
        if (!is_boot_log_pcr(quoted.index)) {
            continue;
        }
        const Digest value = eventlog::replayed_value(replayed, quoted.index, HashAlg::sha256);
        if (!equal(quoted.value, value.view())) {
            wrong += (wrong.empty() ? "PCR " : ", PCR ") + std::to_string(quoted.index);
        }
    }
    out.check("eventlog.replay", wrong.empty(), "the quoted PCR 0 to 9 and 14",
              wrong.empty() ? "equal" : wrong + " differ");
    if (!wrong.empty()) {
        return std::nullopt;
    }
    return VerifierAccess::mark(std::move(log));
}

}  // namespace ratls::verify
