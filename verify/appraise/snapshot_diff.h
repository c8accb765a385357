// What is different between two snapshots.
#pragma once

#include "verify/appraise/snapshot.h"

namespace ratls::verify {

/// One reference, or one member of the head, that the two do not say alike.
struct SnapshotChange {
    std::string section;  ///< where it stands in the file: "ima.allow", "tee.snp.measurements"
    std::string name;  ///< path, PCR number or measurement; raw bytes; empty if there is one only
    bool in_first = false;
    bool in_second = false;
    std::vector<std::string> only_first;  ///< values that only the first snapshot has
    std::vector<std::string> only_second;
};

/// Sorted by section and name; empty if both say the same. The order of values in the files does
/// not count, and neither do signatures.
std::vector<SnapshotChange> diff_snapshots(const Snapshot& first, const Snapshot& second);

/// A line for each: "+" for what only the second has, "-" for what only the first has, "~" for what
/// both have with other values.
std::string diff_text(const std::vector<SnapshotChange>& changes);
Json diff_json(const std::vector<SnapshotChange>& changes);

}  // namespace ratls::verify
