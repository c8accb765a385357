// The snapshot that a command was given, with what is known of it.
#pragma once

#include "verify/cli/options.h"
#include "verify/verifier.h"

namespace ratls::cli {

/// The reference values behind --snapshot and --snapshot-key, and the highest sequence numbers seen
/// before, which are kept in a state file of the user.
class GivenSnapshot {
  public:
    /// Without --snapshot: no input. A snapshot that cannot be parsed is an error.
    static Result<GivenSnapshot> load(const VerifyOptions& options, Io& io);

    std::optional<verify::SnapshotInput> input() const;

  private:
    /// Keeps the sequence number of a snapshot whose signature holds, whatever the verdict on a VM
    /// will be; warns if that is not possible.
    void remember(Io& io) const;
    Status write_state(Io& io) const;

    std::shared_ptr<const verify::Snapshot> snapshot_;  ///< stays where it is: the index points in
    std::shared_ptr<const verify::ImaIndex> ima_index_;
    std::optional<Error> fault_;
    std::vector<std::string> signers_;  ///< of the given keys, those whose signature holds
    std::uint64_t highest_ = 0;
};

}  // namespace ratls::cli
