// A TARGET of the command line, verified as what it is: a live host or a certificate file.
#pragma once

#include "verify/cli/options.h"
#include "verify/tls/live.h"

namespace ratls::cli {

/// The reference values behind --snapshot and --snapshot-key, and the highest sequence numbers seen
/// before, which are kept in a state file of the user.
class SnapshotFiles {
  public:
    /// Without --snapshot: no input. A snapshot that cannot be parsed is an error.
    static Result<SnapshotFiles> load(const VerifyOptions& options, Io& io);

    std::optional<verify::SnapshotInput> input() const;

  private:
    /// Keeps the sequence number of a snapshot whose signature holds, whatever the verdict on a VM
    /// will be; warns if that is not possible.
    void remember(Io& io) const;
    Status write_state(Io& io) const;

    std::optional<verify::Snapshot> snapshot_;
    std::optional<Error> fault_;
    std::vector<std::string> signers_;  ///< of the given keys, those whose signature holds
    std::uint64_t highest_ = 0;
};

/// "https://host[:port]", "host[:port]", "[::1]:port"; no value if it names a file instead.
Result<Endpoint> parse_endpoint(const std::string& target, const std::vector<std::string>& resolve);

/// True if the target is meant as a file: one that exists.
bool is_file_target(Io& io, const std::string& target);

/// Verifies a live host.
Result<verify::LiveResult> verify_host(const VerifyOptions& options, const LoadedOptions& loaded,
                                       Io& io);

/// The --log files by what they are: one IMA log, in binary form, and one boot log at most.
struct LogFiles {
    std::optional<Bytes> ima;
    std::optional<Bytes> boot;
};
Result<LogFiles> load_logs(const VerifyOptions& options, Io& io);

/// Only `accepted` opens a door: refuses what would weaken that, before anything is done.
Status refuse_weakening(const VerifyOptions& options);

}  // namespace ratls::cli
