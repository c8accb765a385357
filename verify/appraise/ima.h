// Verification and appraisal of an IMA log, in one pass.
#pragma once

#include "ratls/evidence/ima/log.h"
#include "verify/appraise/ima_index.h"
#include "verify/finding.h"

namespace ratls::verify {

/// What certificate and quote say about the log.
struct ImaExpectation {
    std::uint64_t n = 0;  ///< claim 4: entries that the guest had read before the report
    Sha256Digest n_log_sha256{};
    Sha256Digest n_pcr10{};
    std::uint64_t m = 0;  ///< label 4: entries that replay to the quote
    Sha256Digest m_log_sha256{};
    Bytes quoted_pcr10;            ///< SHA-256 bank
    std::vector<Bytes> boot_pcrs;  ///< quoted PCR 0 to 9
};

struct ImaOutcome {
    std::size_t total = 0;       ///< entries in the log
    std::size_t violations = 0;  ///< among the first m
};

/// Replays the log (binary form), checks it against quote and claims, and compares every entry
/// below m with the reference values, if there are any. No allocation per entry.
void verify_and_appraise_ima(ByteView log, const ImaExpectation& expected,
                             const ImaIndex* reference, Findings& out, ImaOutcome& outcome);

}  // namespace ratls::verify
