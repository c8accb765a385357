// What the commands that write a snapshot share.
#pragma once

#include "verify/appraise/snapshot.h"
#include "verify/cli/commands.h"

namespace ratls::cli {

/// A snapshot with name, sequence and validity of the options, and no references yet.
Result<verify::Snapshot> snapshot_head(const SnapshotHeadOptions& options, const Io& io);

/// Copies from `allow` to `require` what the options name; each must be there.
Status require_files(verify::ImaReference& ima, const std::vector<std::string>& paths);

/// That `--out` names no snapshot with signatures, which an unsigned one would replace, or that
/// `force` says that it may. Before any work is done.
Status may_replace(Io& io, const std::string& path, bool force);

/// Writes a snapshot, as made by this version of `ratls`, if it can be read back; a larger one is
/// refused.
Status write_snapshot(Io& io, const std::string& path, verify::Snapshot snapshot);

}  // namespace ratls::cli
