// The highest sequence numbers of snapshots that were seen, in a file of the user.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratls/platform/files.h"

namespace ratls::cli {

/// Which snapshot is meant: its name, and the keys that signed it (hex of the SHA-256 of each
/// SubjectPublicKeyInfo).
struct SnapshotIdentity {
    std::vector<std::string> keys;
    std::string name;
};

/// Numbers are kept per key and name and never fall. Any number of processes may use one folder at
/// a time.
class SequenceStore {
  public:
    /// In a file of `folder`, which is made when something is written.
    SequenceStore(Files& files, std::string folder);

    /// The highest number that is kept under any of the keys; no value if none is. A file that is
    /// not there keeps nothing; a damaged one is an error, since it would let an older snapshot
    /// pass.
    Result<std::optional<std::uint64_t>> highest(const SnapshotIdentity& snapshot);
    /// The same, and keeps `sequence` under each of the keys unless one is higher. What is kept is
    /// on the disk then. Waits for other processes, at most ten seconds.
    Result<std::optional<std::uint64_t>> raise(const SnapshotIdentity& snapshot,
                                               std::uint64_t sequence);

  private:
    using Numbers = std::map<std::string, std::uint64_t, std::less<>>;

    Result<Numbers> read();
    Status write(const Numbers& numbers);

    Files& files_;
    std::string folder_;
    std::string path_;
};

/// The folder for what is kept from run to run: `option` if it is not empty, else the first of
/// STATE_DIRECTORY, else the user's, by XDG_STATE_HOME, HOME or the passwd entry.
Result<std::string> state_folder(const std::string& option);

}  // namespace ratls::cli
