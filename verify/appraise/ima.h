// Verification and appraisal of an IMA log, in one pass.
#pragma once

#include <functional>
#include <optional>

#include "ratls/evidence/ima/log.h"
#include "verify/appraise/ima_index.h"
#include "verify/appraise/ima_state.h"
#include "verify/finding.h"

namespace ratls::verify {

/// What certificate and quote say about the log.
struct ImaExpectation {
    ImaPoint n;           ///< claim 4: entries that the guest had read before the report
    std::uint64_t m = 0;  ///< label 4: entries that replay to the quote
    Sha256Digest m_log_sha256{};
    Bytes quoted_pcr10;  ///< SHA-256 bank
    /// PCR 0 to 9 of a bank: quoted, or replayed from a boot log that the quote proves. Nothing for
    /// a bank of which neither is at hand.
    std::function<std::optional<std::vector<Bytes>>(HashAlg)> boot_pcrs;
};

/// A log, or the rest of one.
struct ImaLog {
    ima::LogSource& source;
    std::size_t first = 0;  ///< index of its first entry
};

/// What was verified before, and by whom this log says that it is.
struct ImaHistory {
    ImaMemory& memory;
    ImaOwner owner;
    bool fresh = false;  ///< the quote was made for this verifier, after all that it remembers
};

/// How a quote over `m` entries contradicts what was verified before, whatever the log says: a boot
/// before one that was seen, or fewer entries in the same boot. "" if it does not.
std::string set_back(const ImaHistory& history, std::uint64_t m);

struct ImaOutcome {
    std::size_t total = 0;       ///< entries in the log
    std::size_t read = 0;        ///< of them now; the others were verified before
    std::size_t violations = 0;  ///< among the first m
};

/// Replays the log, checks it against quote and claims, and compares every entry below m with the
/// reference values, if there are any. No allocation per entry. With a history it goes on from what
/// was verified of this log before: the cost is that of the new entries. What is well is remembered
/// if nothing that is in `out` makes the evidence unsound. If the log begins later than what is
/// remembered, `ima.log` says what is needed.
void verify_and_appraise_ima(const ImaLog& log, const ImaExpectation& expected,
                             const ImaIndex* reference, const ImaHistory* history, Findings& out,
                             ImaOutcome& outcome);

}  // namespace ratls::verify
