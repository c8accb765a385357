// One snapshot out of several.
#pragma once

#include "verify/appraise/snapshot.h"

namespace ratls::verify {

struct MergedSnapshot {
    Snapshot snapshot;
    std::vector<std::string> notes;  ///< where the parts differ, and what was kept: the stricter
};

/// Unites the references of at least one snapshot: whatever one of them accepts is accepted, and
/// what one of them requires is required. Where they differ in what is no list of accepted values,
/// the stricter is kept. Name and sequence are those of the first; there are no signatures. The
/// result is "observed" if one of them is. Fails if no time is in the validity of all.
Result<MergedSnapshot> merge_snapshots(std::span<const Snapshot> parts);

/// Both where something comes from, if they differ and are not empty.
void join_sources(std::string& into, const std::string& more);

}  // namespace ratls::verify
