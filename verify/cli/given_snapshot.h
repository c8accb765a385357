// The snapshot that a command was given, with what is known of it.
#pragma once

#include "verify/cli/options.h"
#include "verify/cli/sequence_store.h"
#include "verify/verifier.h"

namespace ratls::cli {

/// The reference values behind --snapshot and --snapshot-key.
class GivenSnapshot {
  public:
    /// Without --snapshot: no input. A text that is no snapshot's is an error. What it says is read
    /// only if one of the given keys signed it, or the policy waives that.
    static Result<GivenSnapshot> load(const VerifyOptions& options, const verify::Policy& policy,
                                      Io& io);

    /// For one verification at `now`. Asks the store of sequence numbers, and has it keep this one,
    /// whatever the verdict on a VM will be, if a signature holds, `now` is within the dates and is
    /// no time that the user chose.
    std::optional<verify::SnapshotInput> input(Io& io, UnixTime now) const;

  private:
    verify::SequenceMemory ask_store(Io& io, UnixTime now) const;

    bool given_ = false;
    std::shared_ptr<const verify::Snapshot> snapshot_;  ///< stays where it is: the index points in
    std::shared_ptr<const verify::ImaIndex> ima_index_;
    std::optional<Error> fault_;
    SnapshotIdentity identity_;  ///< of the given keys, those whose signature holds
    std::string state_;          ///< --state
    bool time_is_chosen_ = false;
};

}  // namespace ratls::cli
