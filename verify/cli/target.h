// A TARGET of the command line, verified as what it is: a live host or a certificate file.
#pragma once

#include "verify/cli/endpoint.h"
#include "verify/cli/given_snapshot.h"
#include "verify/cli/options.h"
#include "verify/tls/live.h"

namespace ratls::cli {

/// The --log files by what they are: one IMA log, in binary form, and one boot log at most. A long
/// IMA log stays in its file.
struct LogFiles {
    std::shared_ptr<ima::LogSource> ima;
    std::optional<Bytes> boot;
};
Result<LogFiles> load_logs(const VerifyOptions& options, Io& io);

/// A regular file that is longer than any boot log and begins as a binary IMA log does; null for
/// any other, which is to be read whole.
Result<std::shared_ptr<ima::LogSource>> open_long_log(Io& io, const std::string& path);

/// A live host and what it is compared with.
class HostTarget {
  public:
    static Result<HostTarget> load(const VerifyOptions& options, const verify::Policy& policy,
                                   Io& io);

    /// `memory`: what earlier verifications left; null if this is the only one.
    Result<verify::LiveResult> verify(const LoadedOptions& loaded, Io& io,
                                      verify::LiveMemory* memory = nullptr) const;

  private:
    Endpoint endpoint_;
    GivenSnapshot snapshot_;
    LogFiles logs_;
    bool evidence_only_ = false;
};

/// Loads and verifies a live host, once.
Result<verify::LiveResult> verify_host(const VerifyOptions& options, const LoadedOptions& loaded,
                                       Io& io);

/// Only `accepted` opens a door: refuses what would weaken that, before anything is done.
Status refuse_weakening(const VerifyOptions& options);

}  // namespace ratls::cli
