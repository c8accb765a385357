#include "verify/appraise/snapshot_merge.h"

#include <cassert>
#include <set>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

using Notes = std::vector<std::string>;

template <typename T>
void unite(std::vector<T>& into, const std::vector<T>& more) {
    std::set<T> all(into.begin(), into.end());
    all.insert(more.begin(), more.end());
    into.assign(all.begin(), all.end());
}

/// Keeps what both have. True if something was dropped.
template <typename T>
bool keep_common(std::vector<T>& into, const std::vector<T>& more) {
    const std::set<T> a(into.begin(), into.end());
    const std::set<T> b(more.begin(), more.end());
    into.clear();
    std::ranges::set_intersection(a, b, std::back_inserter(into));
    return into.size() != a.size() || into.size() != b.size();
}

/// Lists in which none means any.
void unite_or_any(std::vector<Bytes>& into, const std::vector<Bytes>& more, std::string_view where,
                  Notes& notes) {
    if (into.empty() != more.empty()) {
        notes.push_back(std::string(where) +
                        ": a part accepts any value: the list of the other is kept");
    }
    unite(into, more);
}

void unite_files(std::vector<FileReference>& into, const std::vector<FileReference>& more) {
    struct Entry {
        std::set<std::string> digests;
        std::string source;
    };
    std::map<std::pair<bool, std::string>, Entry> all;
    for (const std::vector<FileReference>* files : {&std::as_const(into), &more}) {
        for (const FileReference& file : *files) {
            Entry& entry = all[{file.pattern, file.path}];
            entry.digests.insert(file.digests.begin(), file.digests.end());
            join_sources(entry.source, file.source);
        }
    }
    into.clear();
    for (auto& [key, entry] : all) {
        into.push_back({key.second,
                        {entry.digests.begin(), entry.digests.end()},
                        key.first,
                        std::move(entry.source)});
    }
}

void unite_measurements(std::vector<MeasurementReference>& into,
                        const std::vector<MeasurementReference>& more, const std::string& where,
                        Notes& notes) {
    for (const MeasurementReference& measurement : more) {
        const auto same = std::ranges::find(into, measurement.value, &MeasurementReference::value);
        if (same == into.end()) {
            into.push_back(measurement);
            continue;
        }
        const std::string place = where + " " + hex(measurement.value);
        if (keep_common(same->covers, measurement.covers)) {
            notes.push_back(place +
                            ": the parts differ in what it covers: only what all say is kept");
        }
        if (same->tag != measurement.tag) {
            notes.push_back(place + ": a part has no tag: none is kept");
            same->tag.clear();
        }
    }
}

void merge_snp(SnpReference& into, const SnpReference& more, Notes& notes) {
    unite_measurements(into.measurements, more.measurements, "tee.snp.measurements", notes);
    unite_or_any(into.host_data, more.host_data, "tee.snp.host_data", notes);
    unite_or_any(into.id_key_digests, more.id_key_digests, "tee.snp.id_key_digests", notes);
    unite_or_any(into.author_key_digests, more.author_key_digests, "tee.snp.author_key_digests",
                 notes);
    unite_or_any(into.family_ids, more.family_ids, "tee.snp.family_ids", notes);
    unite_or_any(into.image_ids, more.image_ids, "tee.snp.image_ids", notes);
    unite(into.paravisor_id_key_digests, more.paravisor_id_key_digests);
    if (into.min_guest_svn != more.min_guest_svn) {
        into.min_guest_svn = std::max(into.min_guest_svn, more.min_guest_svn);
        notes.push_back("tee.snp.min_guest_svn: the parts differ: " +
                        std::to_string(into.min_guest_svn) + ", the highest, is kept");
    }
}

void merge_tdx(TdxReference& into, const TdxReference& more, Notes& notes) {
    unite_measurements(into.measurements, more.measurements, "tee.tdx.measurements", notes);
    for (unsigned index = 0; index < 4; ++index) {
        const auto found = more.rtmrs.find(index);
        if (into.rtmrs.contains(index) || found != more.rtmrs.end()) {
            unite_or_any(into.rtmrs[index],
                         found == more.rtmrs.end() ? std::vector<Bytes>() : found->second,
                         "tee.tdx.rtmr" + std::to_string(index), notes);
        }
    }
    unite_or_any(into.mr_config_id, more.mr_config_id, "tee.tdx.mr_config_id", notes);
    unite_or_any(into.mr_owner, more.mr_owner, "tee.tdx.mr_owner", notes);
    unite_or_any(into.mr_owner_config, more.mr_owner_config, "tee.tdx.mr_owner_config", notes);
}

void merge_pcrs(PcrReference& into, const PcrReference& more, Notes&) {
    for (const auto& [index, values] : more) {
        unite(into[index], values);
    }
}

/// A tolerated violation opens a path, and a known PCR 10 stands for a log that nobody compares
/// with the other part's `require`: both count only if all parts with files say so.
void merge_ima(ImaReference& into, const ImaReference& more, Notes& notes) {
    unite_files(into.allow, more.allow);
    unite_files(into.require, more.require);
    for (const FileReference& file : more.forbid) {
        if (std::ranges::find(into.forbid, file) == into.forbid.end()) {
            into.forbid.push_back(file);
        }
    }
    for (const SignerReference& signer : more.signers) {
        if (std::ranges::find(into.signers, signer) == into.signers.end()) {
            into.signers.push_back(signer);
        }
    }
    const bool paths = keep_common(into.tolerate_violations, more.tolerate_violations);
    const bool patterns =
        keep_common(into.tolerate_violation_patterns, more.tolerate_violation_patterns);
    if (paths || patterns) {
        notes.emplace_back("ima.tolerate_violations: only paths that all parts tolerate are kept");
    }
    if (keep_common(into.known_pcr10, more.known_pcr10)) {
        notes.emplace_back("ima.known_pcr10: only values that all parts know are kept");
    }
}

/// What only one has is taken as it is.
template <typename T>
void merge_part(std::optional<T>& into, const std::optional<T>& more,
                void (*merge)(T&, const T&, Notes&), Notes& notes) {
    if (into && more) {
        merge(*into, *more, notes);
    } else if (more) {
        into = more;
    }
}

/// Whether a boot is good is judged by all its events together: an event that one part wants and
/// the other does not know would be good for neither, so two references are not united.
Status merge_boot(std::optional<BootReference>& into, const std::optional<BootReference>& more) {
    if (into && more && boot_json(*into).canonical() != boot_json(*more).canonical()) {
        return fail(Code::mismatch, "tpm.boot",
                    "the parts differ, and what boot logs must say is not united; leave it out of "
                    "all parts but one");
    }
    into = into ? into : more;
    return {};
}

Status merge_head(Snapshot& into, const Snapshot& more, Notes& notes) {
    if (into.not_before != more.not_before || into.not_after != more.not_after) {
        into.not_before = std::max(into.not_before, more.not_before);
        into.not_after = std::min(into.not_after, more.not_after);
        notes.push_back(
            "not_before, not_after: the parts differ: " + format_rfc3339(into.not_before) + " to " +
            format_rfc3339(into.not_after) + ", when all are valid, is kept");
    }
    if (into.not_after < into.not_before) {
        return fail(Code::mismatch, "snapshot", "at no time are all parts valid");
    }
    if (keep_common(into.dialects, more.dialects)) {
        notes.emplace_back("dialects: only those of all parts are kept");
    }
    if (into.dialects.empty()) {
        return fail(Code::mismatch, "snapshot", "the parts are good for different dialects");
    }
    if (more.origin == "observed") {
        into.origin = more.origin;
    }
    join_sources(into.taken_from, more.taken_from);
    join_sources(into.image, more.image);
    return {};
}

}  // namespace

void join_sources(std::string& into, const std::string& more) {
    if (into.empty()) {
        into = more;
    } else if (!more.empty() && into != more) {
        into += "; " + more;
    }
}

Result<MergedSnapshot> merge_snapshots(std::span<const Snapshot> parts) {
    assert(!parts.empty());
    MergedSnapshot out{parts.front(), {}};
    out.snapshot.signatures.clear();
    out.snapshot.tool.clear();  // whoever writes it says so
    if (parts.size() > 1) {
        out.snapshot.evidence.clear();  // the parts have their own
    }
    out.snapshot.digest = {};
    for (const Snapshot& part : parts.subspan(1)) {
        RATLS_CHECK(merge_head(out.snapshot, part, out.notes));
        merge_part(out.snapshot.snp, part.snp, merge_snp, out.notes);
        merge_part(out.snapshot.tdx, part.tdx, merge_tdx, out.notes);
        merge_part(out.snapshot.pcrs, part.pcrs, merge_pcrs, out.notes);
        RATLS_CHECK(merge_boot(out.snapshot.boot, part.boot));
        merge_part(out.snapshot.ima, part.ima, merge_ima, out.notes);
    }
    return out;
}

}  // namespace ratls::verify
