#include "verify/appraise/snapshot_diff.h"

#include <set>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

/// Section and name of an item, and all its values.
using Items = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

void add(Items& out, const std::string& section, std::string value) {
    out[{section, {}}].insert(std::move(value));
}

void add_list(Items& out, const std::string& section, const std::vector<Bytes>& values) {
    for (const Bytes& value : values) {
        add(out, section, hex(value));
    }
}

void add_files(Items& out, const std::string& section, const std::vector<FileReference>& files) {
    for (const FileReference& file : files) {
        std::set<std::string>& values =
            out[{file.pattern ? section + " pattern" : section, file.path}];
        values.insert(file.digests.begin(), file.digests.end());
        if (file.digests.empty()) {
            values.insert("any content");
        }
        if (!file.source.empty()) {
            values.insert("source " + quoted(file.source));
        }
    }
}

void add_measurements(Items& out, const std::string& section,
                      const std::vector<MeasurementReference>& measurements) {
    for (const MeasurementReference& measurement : measurements) {
        std::set<std::string>& values = out[{section, hex(measurement.value)}];
        for (const std::string& part : measurement.covers) {
            values.insert("covers " + part);
        }
        if (!measurement.tag.empty()) {
            values.insert("tag " + measurement.tag);
        }
    }
}

void add_snp(Items& out, const SnpReference& snp) {
    add_measurements(out, "tee.snp.measurements", snp.measurements);
    add_list(out, "tee.snp.host_data", snp.host_data);
    add_list(out, "tee.snp.id_key_digests", snp.id_key_digests);
    add_list(out, "tee.snp.author_key_digests", snp.author_key_digests);
    add_list(out, "tee.snp.family_ids", snp.family_ids);
    add_list(out, "tee.snp.image_ids", snp.image_ids);
    add_list(out, "tee.snp.paravisor_id_key_digests", snp.paravisor_id_key_digests);
    add(out, "tee.snp.min_guest_svn", std::to_string(snp.min_guest_svn));
}

void add_tdx(Items& out, const TdxReference& tdx) {
    add_measurements(out, "tee.tdx.measurements", tdx.measurements);
    for (const auto& [index, values] : tdx.rtmrs) {
        add_list(out, "tee.tdx.rtmr" + std::to_string(index), values);
    }
    add_list(out, "tee.tdx.mr_config_id", tdx.mr_config_id);
    add_list(out, "tee.tdx.mr_owner", tdx.mr_owner);
    add_list(out, "tee.tdx.mr_owner_config", tdx.mr_owner_config);
}

Items items_of(const Snapshot& snapshot) {
    Items out;
    add(out, "name", quoted(snapshot.name, 128));
    add(out, "sequence", std::to_string(snapshot.sequence));
    add(out, "not_before", format_rfc3339(snapshot.not_before));
    add(out, "not_after", format_rfc3339(snapshot.not_after));
    add(out, "origin", snapshot.origin);
    for (const std::string& dialect : snapshot.dialects) {
        add(out, "dialects", quoted(dialect));
    }
    if (!snapshot.taken_from.empty()) {
        add(out, "taken_from", quoted(snapshot.taken_from, 300));
    }
    if (!snapshot.image.empty()) {
        add(out, "image", quoted(snapshot.image, 300));
    }
    if (!snapshot.tool.empty()) {
        add(out, "tool", quoted(snapshot.tool, 300));
    }
    for (const auto& [kind, digest] : snapshot.evidence) {
        out[{"evidence", kind}].insert(hex(digest));
    }
    if (snapshot.snp) {
        add_snp(out, *snapshot.snp);
    }
    if (snapshot.tdx) {
        add_tdx(out, *snapshot.tdx);
    }
    for (const auto& [index, values] : snapshot.pcrs.value_or(PcrReference())) {
        for (const Bytes& value : values) {
            out[{"tpm.sha256", std::to_string(index)}].insert(hex(value));
        }
    }
    if (snapshot.boot) {
        const Json boot = boot_json(*snapshot.boot);
        for (const auto& [key, value] : *boot.if_object()) {
            out[{"tpm.boot", key}].insert(value.canonical());
        }
    }
    if (snapshot.ima) {
        add_files(out, "ima.allow", snapshot.ima->allow);
        add_files(out, "ima.require", snapshot.ima->require);
        for (const std::string& path : snapshot.ima->tolerate_violations) {
            out[{"ima.tolerate_violations", path}];
        }
        for (const std::string& pattern : snapshot.ima->tolerate_violation_patterns) {
            out[{"ima.tolerate_violation_patterns", pattern}];
        }
        add_files(out, "ima.forbid", snapshot.ima->forbid);
        for (const SignerReference& signer : snapshot.ima->signers) {
            std::set<std::string>& values =
                out[{"ima.signers", hex(signer.key.spki_sha256()) + " " + hex(signer.key_id)}];
            for (const std::string& pattern : signer.patterns) {
                values.insert("pattern " + quoted(pattern));
            }
        }
        add_list(out, "ima.known_pcr10", snapshot.ima->known_pcr10);
    }
    return out;
}

std::vector<std::string> without(const std::set<std::string>& values,
                                 const std::set<std::string>& others) {
    std::vector<std::string> out;
    std::ranges::set_difference(values, others, std::back_inserter(out));
    return out;
}

}  // namespace

std::vector<SnapshotChange> diff_snapshots(const Snapshot& first, const Snapshot& second) {
    const Items a = items_of(first);
    const Items b = items_of(second);
    Items all = a;
    all.insert(b.begin(), b.end());
    std::vector<SnapshotChange> out;
    const std::set<std::string> none;
    for (const auto& [key, unused] : all) {
        const auto in_a = a.find(key);
        const auto in_b = b.find(key);
        const std::set<std::string>& old_values = in_a == a.end() ? none : in_a->second;
        const std::set<std::string>& new_values = in_b == b.end() ? none : in_b->second;
        if (in_a != a.end() && in_b != b.end() && old_values == new_values) {
            continue;
        }
        out.push_back({key.first, key.second, in_a != a.end(), in_b != b.end(),
                       without(old_values, new_values), without(new_values, old_values)});
    }
    return out;
}

std::string diff_text(const std::vector<SnapshotChange>& changes) {
    std::string out;
    for (const SnapshotChange& change : changes) {
        out += !change.in_first ? "+ " : !change.in_second ? "- " : "~ ";
        out += change.section;
        out += change.name.empty() ? "" : " " + quoted(change.name, 4096);
        for (const std::string& value : change.only_first) {
            out += " -" + printable(value);
        }
        for (const std::string& value : change.only_second) {
            out += " +" + printable(value);
        }
        out += "\n";
    }
    return out;
}

Json diff_json(const std::vector<SnapshotChange>& changes) {
    Json list(Json::Array{});
    for (const SnapshotChange& change : changes) {
        Json item(Json::Object{});
        item.set("change", !change.in_first ? "added" : !change.in_second ? "removed" : "changed");
        item.set("section", change.section);
        if (!change.name.empty()) {
            const bool plain = is_utf8(change.name) && !change.name.contains('\0');
            item.set(plain ? "name" : "name_hex", plain ? change.name : hex(as_bytes(change.name)));
        }
        item.set("only_first", text_array(change.only_first));
        item.set("only_second", text_array(change.only_second));
        list.push(std::move(item));
    }
    Json out(Json::Object{});
    return out.set("equal", changes.empty()).set("changes", std::move(list));
}

}  // namespace ratls::verify
