// Boot logs of a TPM, replayed to a quote.
#pragma once

#include <optional>

#include "ratls/evidence/eventlog/log.h"
#include "verify/formats/tpm.h"

namespace ratls::verify {

/// A log and the bytes that its events point into.
struct BootLog {
    BootLog(Bytes log_bytes, eventlog::Log parsed)
        : bytes(std::move(log_bytes)), log(std::move(parsed)) {}
    BootLog(BootLog&&) = default;
    BootLog& operator=(BootLog&&) = default;
    BootLog(const BootLog&) = delete;
    BootLog& operator=(const BootLog&) = delete;
    ~BootLog() = default;

    Bytes bytes;
    eventlog::Log log;
};

/// True for the PCRs that a boot log is replayed to: 0 to 9 and 14.
bool is_boot_log_pcr(unsigned index);

/// The rule eventlog.replay, SHA-256 bank. Gives the log only if it holds. What is proved then are
/// the digests of the events, neither their data nor their types.
std::optional<Verified<BootLog>> verify_boot_log(BootLog log, const Verified<TpmEvidence>& quote,
                                                 Findings& out);

}  // namespace ratls::verify
