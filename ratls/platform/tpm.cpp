#include "ratls/platform/tpm.h"

namespace ratls {

Status check_quote_arguments(ByteView qualifying_data,
                             std::span<const tpm::PcrSelection> selection) {
    if (qualifying_data.size() > kMaxQualifyingData) {
        return fail(Code::usage, "tpm: qualifyingData",
                    "at most " + std::to_string(kMaxQualifyingData) + " bytes wanted, " +
                        std::to_string(qualifying_data.size()) + " found");
    }
    if (selection.empty()) {
        return fail(Code::usage, "tpm: PCR selection", "is empty");
    }
    std::vector<HashAlg> banks;
    for (const tpm::PcrSelection& pcrs : selection) {
        if (pcrs.mask == 0 || (pcrs.mask >> tpm::kPcrCount) != 0) {
            return fail(Code::usage, "tpm: PCR selection", "PCRs 0 to 23 wanted");
        }
        if (std::ranges::find(banks, pcrs.bank) != banks.end()) {
            return fail(Code::usage, "tpm: PCR selection", "a bank twice");
        }
        banks.push_back(pcrs.bank);
    }
    return {};
}

Status check_pcr_indexes(std::span<const unsigned> indexes) {
    if (indexes.empty() || indexes.size() > tpm::kPcrCount ||
        std::ranges::any_of(indexes, [](unsigned index) { return index >= tpm::kPcrCount; })) {
        return fail(Code::usage, "tpm: PCR indexes", "1 to 24 of PCR 0 to 23 wanted");
    }
    return {};
}

}  // namespace ratls
