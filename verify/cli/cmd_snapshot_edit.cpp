// Snapshots as files: compared, merged, verified, imported.
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/platform/named_files.h"
#include "ratls/platform/program.h"
#include "verify/appraise/snapshot_diff.h"
#include "verify/appraise/snapshot_import.h"
#include "verify/appraise/snapshot_merge.h"
#include "verify/cli/options.h"
#include "verify/cli/snapshot_file.h"

namespace ratls::cli {
namespace {

Result<verify::Snapshot> read_snapshot(Io& io, const std::string& path) {
    RATLS_TRY(const Bytes file, read_option(io, "FILE", path, kMaxSnapshotFile));
    auto snapshot = verify::parse_snapshot(as_text(file));
    if (!snapshot) {
        return std::unexpected(std::move(snapshot).error().in(ratls::quoted(path, 300)));
    }
    return snapshot;
}

/// "valid", "expired" or "not yet valid".
std::string_view validity(const verify::Snapshot& snapshot, UnixTime now) {
    return now < snapshot.not_before  ? "not yet valid"
           : now > snapshot.not_after ? "expired"
                                      : "valid";
}

Json verified_json(const verify::Snapshot& snapshot, std::string_view when) {
    Json out(Json::Object{});
    out.set("name", snapshot.name).set("sequence", snapshot.sequence);
    out.set("origin", snapshot.origin).set("digest", hex(snapshot.digest));
    out.set("not_before", format_rfc3339(snapshot.not_before));
    return out.set("not_after", format_rfc3339(snapshot.not_after)).set("validity", when);
}

void print_verified(Io& io, const Json& result) {
    for (const auto& [key, value] : *result.if_object()) {
        if (const Json::Array* keys = value.if_array()) {
            for (const Json& item : *keys) {
                io.out << "key " << printable(*item.find("key")->if_string()) << ": "
                       << (*item.find("signed")->if_bool() ? "signed" : "not signed: ");
                const Json* why = item.find("why");
                io.out << (why == nullptr ? "" : printable(*why->if_string())) << "\n";
            }
        } else {
            io.out << key << ": "
                   << (value.if_string() != nullptr ? ratls::quoted(*value.if_string(), 128)
                                                    : printable(value.line()))
                   << "\n";
        }
    }
}

}  // namespace

int cmd_snapshot_diff(const DiffOptions& options, Io& io) {
    const auto first = read_snapshot(io, options.first);
    const auto second = read_snapshot(io, options.second);
    if (!first || !second) {
        return report(io, first ? second.error() : first.error());
    }
    const auto changes = verify::diff_snapshots(*first, *second);
    io.out << (options.json ? verify::diff_json(changes).pretty() : verify::diff_text(changes));
    return changes.empty() ? 0 : kExitRefused;
}

int cmd_snapshot_merge(const MergeOptions& options, Io& io) {
    std::vector<NamedFile> inputs;
    for (const std::string& path : options.files) {
        inputs.push_back({"FILE", path});
    }
    if (auto status = keep_inputs(io.files, {"--out", options.out}, inputs); !status) {
        return report(io, status.error());
    }
    if (auto status = may_replace(io, options.out, options.force); !status) {
        return report(io, status.error());
    }
    std::vector<verify::Snapshot> parts;
    for (const std::string& path : options.files) {
        auto part = read_snapshot(io, path);
        if (!part) {
            return report(io, part.error());
        }
        parts.push_back(*std::move(part));
    }
    auto merged = verify::merge_snapshots(parts);
    if (!merged) {
        return report(io, merged.error());
    }
    print_lines(io, "note", merged->notes);
    merged->snapshot.name = options.name;
    merged->snapshot.sequence = options.sequence;
    if (auto status = write_snapshot(io, options.out, merged->snapshot); !status) {
        return report(io, status.error());
    }
    return 0;
}

int cmd_snapshot_verify(const SnapshotVerifyOptions& options, Io& io) {
    const auto file = read_option(io, "FILE", options.file, kMaxSnapshotFile);
    if (!file) {
        return report(io, file.error());
    }
    std::vector<PublicKey> keys;
    for (const std::string& path : options.keys) {
        auto key = load_public_key(io, "--key", path);
        if (!key) {
            return report(io, key.error());
        }
        keys.push_back(*std::move(key));
    }
    const auto snapshot = verify::parse_snapshot(as_text(*file));
    if (!snapshot) {
        return report(io, snapshot.error());
    }
    const std::string_view when = validity(*snapshot, io.clock.now());
    bool good = when == "valid";
    Json signers(Json::Array{});
    for (const PublicKey& key : keys) {
        const auto status = verify::verify_snapshot_signature(as_text(*file), key);
        Json item(Json::Object{});
        item.set("key", hex(key.spki_sha256())).set("signed", status.has_value());
        if (!status) {
            item.set("why", status.error().what);
            good = false;
        }
        signers.push(std::move(item));
    }
    Json result = verified_json(*snapshot, when);
    result.set("keys", std::move(signers));
    if (options.json) {
        io.out << result.pretty();
    } else {
        print_verified(io, result);
    }
    return good ? 0 : kExitRefused;
}

int cmd_snapshot_import(const ImportOptions& options, Io& io) {
    const std::array<NamedFile, 1> inputs = {{{"FILE", options.file}}};
    if (auto status = keep_inputs(io.files, {"--out", options.head.out}, inputs); !status) {
        return report(io, status.error());
    }
    auto head = snapshot_head(options.head, io);
    if (!head) {
        return report(io, head.error());
    }
    if (auto status = may_replace(io, options.head.out, options.head.force); !status) {
        return report(io, status.error());
    }
    const auto file = read_option(io, "FILE", options.file, kMaxSnapshotFile);
    if (!file) {
        return report(io, file.error());
    }
    const verify::ImportLimits limits{options.skip_invalid, options.sha1};
    auto imported = options.from == "cosmian"
                        ? verify::parse_cosmian_snapshot(as_text(*file), limits)
                        : verify::parse_keylime_policy(as_text(*file), limits);
    if (!imported) {
        return report(io, imported.error());
    }
    print_lines(io, "note", imported->notes);
    head->origin = imported->snapshot.origin;
    head->taken_from = options.from + ": " + options.file;
    head->snp = std::move(imported->snapshot.snp);
    head->tdx = std::move(imported->snapshot.tdx);
    head->ima = std::move(imported->snapshot.ima);
    verify::ImaReference none;
    if (auto status = require_files(head->ima ? *head->ima : none, options.require); !status) {
        return report(io, status.error());
    }
    if (auto status = write_snapshot(io, options.head.out, *head); !status) {
        return report(io, status.error());
    }
    io.err << "note: origin observed: nobody knows here how these values came about\n";
    return 0;
}

}  // namespace ratls::cli
