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
    RATLS_TRY(Bytes file, read_option(io, "FILE", path, kMaxSnapshotFile));
    const auto text = verify::SnapshotText::read(std::move(file));
    auto snapshot = text ? verify::parse_snapshot(*text)
                         : Result<verify::Snapshot>(std::unexpected(text.error()));
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

void set_content(const verify::Snapshot& snapshot, UnixTime now, Json& out) {
    out.set("name", snapshot.name).set("sequence", snapshot.sequence);
    out.set("origin", snapshot.origin);
    out.set("not_before", format_rfc3339(snapshot.not_before));
    out.set("not_after", format_rfc3339(snapshot.not_after));
    out.set("validity", validity(snapshot, now));
}

/// Whether this key signed it, and if not, why.
Json signer_json(const verify::SnapshotText& text, const PublicKey& key) {
    const auto status = text.verify(key);
    Json out(Json::Object{});
    out.set("key", hex(key.spki_sha256())).set("signed", status.has_value());
    return status ? out : out.set("why", status.error().what);
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
    auto file = read_option(io, "FILE", options.file, kMaxSnapshotFile);
    const auto text = file ? verify::SnapshotText::read(*std::move(file))
                           : Result<verify::SnapshotText>(std::unexpected(file.error()));
    if (!text) {
        return report(io, text.error());
    }
    Json signers(Json::Array{});
    std::size_t signatures = 0;
    for (const std::string& path : options.keys) {
        const auto key = load_public_key(io, "--key", path);
        if (!key) {
            return report(io, key.error());
        }
        signers.push(signer_json(*text, *key));
        signatures += *signers.if_array()->back().find("signed")->if_bool() ? 1U : 0U;
    }
    Json result(Json::Object{});
    bool good = signatures == options.keys.size();
    if (signatures > 0) {  // else nobody vouches for what it says
        const auto snapshot = verify::parse_snapshot(*text);
        if (!snapshot) {
            return report(io, snapshot.error());
        }
        set_content(*snapshot, io.clock.now(), result);
        good = good && *result.find("validity")->if_string() == "valid";
    }
    result.set("digest", hex(text->hash(HashAlg::sha256).view())).set("keys", std::move(signers));
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
