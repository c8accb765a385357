#include "verify/cli/snapshot_file.h"

#include <ostream>

#include "ratls/base/text.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/platform/named_files.h"
#include "verify/cli/options.h"

namespace ratls::cli {

Result<verify::Snapshot> snapshot_head(const SnapshotHeadOptions& options, const Io& io) {
    verify::Snapshot out;
    out.name = options.name;
    out.sequence = options.sequence;
    out.image = options.image;
    out.not_before = io.clock.now();
    if (!options.valid_from.empty()) {
        const auto time = parse_rfc3339(options.valid_from);
        if (!time) {
            return fail(Code::usage, "--valid-from", time.error().what);
        }
        out.not_before = *time;
    }
    out.not_after = out.not_before + UnixTime{options.valid_days} * 86400;
    out.dialects = {"ratls-vm/1"};
    return out;
}

Status require_files(verify::ImaReference& ima, const std::vector<std::string>& paths) {
    for (const std::string& name : paths) {
        const std::string path = ima::logged_name(name);
        const auto file = std::ranges::find(ima.allow, path, &verify::FileReference::path);
        if (file == ima.allow.end()) {
            return fail(Code::usage, "--require", ratls::quoted(name, 300) + " is not there");
        }
        if (std::ranges::find(ima.require, path, &verify::FileReference::path) ==
            ima.require.end()) {
            ima.require.push_back(*file);
        }
    }
    return {};
}

Status may_replace(Io& io, const std::string& path, bool force) {
    if (force || io.files.size(path) == 0) {  // nothing there, or a device or pipe: not read here
        return {};
    }
    auto file = io.files.read(path, kMaxSnapshotFile);
    const auto old = file ? verify::SnapshotText::read(*std::move(file))
                          : Result<verify::SnapshotText>(std::unexpected(file.error()));
    if (old && !old->signatures().empty()) {
        return fail(Code::usage, "--out " + ratls::quoted(path, 300),
                    "a signed snapshot, which an unsigned one would replace: choose another name, "
                    "or say --force");
    }
    return {};
}

Status write_snapshot(Io& io, const std::string& path, verify::Snapshot snapshot) {
    snapshot.tool = "ratls " RATLS_VERSION;
    const std::string text = verify::snapshot_to_text(snapshot);
    snapshot = {};  // one at a time: they are large
    if (auto parsed = verify::parse_snapshot(text); !parsed) {
        return std::unexpected(std::move(parsed).error().in("what would be written"));
    }
    return replace_named(io.files, "--out", path, as_bytes(text), 0644);
}

}  // namespace ratls::cli
