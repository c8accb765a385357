// How the agent is, for whoever watches it.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "ratls/base/time.h"
#include "ratls/codec/json.h"

namespace ratls::agent {

/// Remembers how the last evidence and the last look at the certificate's file went. Reasons are
/// public. Any thread may call.
class State {
  public:
    /// Fresh evidence, or a certificate, was made at this time, or why not.
    void evidence(UnixTime at, std::optional<std::string> failure);
    /// The certificate's files were read anew, or why they cannot be used.
    void certificate(std::optional<std::string> failure);

    /// What else is known at the moment.
    struct Now {
        UnixTime time = 0;
        UnixTime not_after = 0;              ///< of the certificate
        std::optional<std::string> logs;     ///< why they cannot be read
        std::optional<std::string> hanging;  ///< the TPM does not answer
    };
    /// The answer of /v1/health; its member "status" is "ok" or "failing". Source:
    /// docs/man/ratls-agent.8.md.
    struct Answer {
        Json json;
        std::string failures;  ///< empty: none
    };
    Answer answer(const Now& now) const;

  private:
    mutable std::mutex mutex_;
    std::optional<UnixTime> evidence_at_;
    std::optional<std::string> evidence_failure_;
    std::optional<std::string> certificate_failure_;
};

/// "the certificate expired at ..."
std::string expired_text(UnixTime not_after);

}  // namespace ratls::agent
