#include "verify/appraise/snapshot.h"

#include <algorithm>
#include <array>

#include "ratls/base/text.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"

namespace ratls::verify {
namespace {

// Values in all but "ima", whose lists are long and read without a tree.
constexpr std::size_t kMaxValues = 65536;
constexpr std::size_t kMaxItems = kMaxValues;
constexpr unsigned kMaxPcr = 15;  // what a certificate quotes

UnixTime read_time(JsonReader& reader, std::string_view key) {
    const auto time = parse_rfc3339(reader.required_string(key));
    if (!time) {
        reader.fail(key, time.error().what);
    }
    return time.value_or(0);
}

std::vector<MeasurementReference> read_measurements(JsonReader& reader) {
    std::vector<MeasurementReference> out;
    reader.each("measurements", kMaxItems, [&](JsonReader& item) {
        MeasurementReference reference;
        item.required("value");
        reference.value = item.hex_bytes("value", 48);
        reference.covers = item.strings("covers");
        for (const std::string& part : reference.covers) {
            if (part != "firmware" && part != "kernel" && part != "initrd" && part != "cmdline") {
                item.fail("covers",
                          "firmware, kernel, initrd, cmdline wanted, " + quoted(part) + " found");
            }
        }
        reference.tag = item.string("tag", {});
        if (!reference.tag.empty() && reference.tag != kParavisorTag) {
            item.fail("tag", "\"paravisor\" wanted");
        }
        out.push_back(std::move(reference));
    });
    if (out.empty()) {
        reader.fail("measurements", "an empty list accepts nothing: at least one wanted");
    }
    return out;
}

SnpReference read_snp(JsonReader& reader) {
    SnpReference out;
    out.measurements = read_measurements(reader);
    out.host_data = reader.hex_list("host_data", 32);
    out.id_key_digests = reader.hex_list("id_key_digests", 48);
    out.author_key_digests = reader.hex_list("author_key_digests", 48);
    out.family_ids = reader.hex_list("family_ids", 16);
    out.image_ids = reader.hex_list("image_ids", 16);
    out.min_guest_svn =
        static_cast<std::uint32_t>(reader.integer("min_guest_svn", 0, 0, 0xffffffff));
    out.paravisor_id_key_digests = reader.hex_list("paravisor_id_key_digests", 48);
    for (const Bytes& digest : out.paravisor_id_key_digests) {
        if (all_zero(digest)) {
            reader.fail("paravisor_id_key_digests", "zeros stand for no key");
        }
    }
    return out;
}

TdxReference read_tdx(JsonReader& reader) {
    TdxReference out;
    out.measurements = read_measurements(reader);
    for (unsigned index = 0; index < 4; ++index) {
        const std::string key = "rtmr" + std::to_string(index);
        if (reader.member(key) == nullptr) {
            continue;
        }
        out.rtmrs[index] = reader.hex_list(key, 48);
        if (out.rtmrs[index].empty()) {
            reader.fail(key, "an empty list accepts nothing: at least one value wanted");
        }
    }
    out.mr_config_id = reader.hex_list("mr_config_id", 48);
    out.mr_owner = reader.hex_list("mr_owner", 48);
    out.mr_owner_config = reader.hex_list("mr_owner_config", 48);
    return out;
}

/// The reference of one kind of TEE.
template <typename T>
void read_tee(JsonReader& parent, std::string_view key, T (*read)(JsonReader&),
              std::optional<T>& place) {
    parent.object(key, [&](JsonReader& inner) { place = read(inner); });
}

PcrReference read_pcrs(const Json& json, JsonReader& parent) {
    PcrReference out;
    JsonReader reader(json, "snapshot: tpm: sha256");
    for (unsigned index = 0; index <= kMaxPcr; ++index) {
        const std::string key = std::to_string(index);
        if (index == ima::kImaPcr || json.find(key) == nullptr) {
            continue;
        }
        std::vector<Bytes> values = reader.hex_list(key, 32);
        if (values.empty()) {
            reader.fail(key, "an empty list accepts nothing: at least one value wanted");
        }
        out[index] = std::move(values);
    }
    if (out.empty() && reader.ok()) {
        reader.fail({}, "a bank without values accepts nothing: at least one PCR wanted");
    }
    parent.absorb(reader);
    return out;
}

/// A PCR has values or is vouched for by the log, never both: nobody could tell which one counts.
void read_boot_member(JsonReader& tpm, Snapshot& out) {
    tpm.object("boot", [&](JsonReader& reader) {
        BootReference boot = read_boot(reader);
        for (const unsigned pcr : boot.pcrs_by_log) {
            if (out.pcrs && out.pcrs->contains(pcr)) {
                reader.fail("pcrs_by_log", "PCR " + std::to_string(pcr) + " has values in sha256");
            }
        }
        out.boot = std::move(boot);
    });
}

constexpr std::array<std::string_view, 4> kEvidenceKinds = {"certificate", "tee", "tpm", "ima"};

void read_evidence(JsonReader& reader, Snapshot& out) {
    const Json* member = reader.member("evidence");
    if (member == nullptr) {
        return;
    }
    JsonReader evidence(*member, "snapshot: evidence");
    for (const std::string_view kind : kEvidenceKinds) {
        if (evidence.member(kind) != nullptr) {
            out.evidence[std::string(kind)] = evidence.hex_bytes(kind, 32);
        }
    }
    reader.absorb(evidence);
}

Json measurements_json(const std::vector<MeasurementReference>& references) {
    Json out(Json::Array{});
    for (const MeasurementReference& reference : references) {
        Json item(Json::Object{});
        item.set("value", hex(reference.value)).set("covers", text_array(reference.covers));
        if (!reference.tag.empty()) {
            item.set("tag", reference.tag);
        }
        out.push(std::move(item));
    }
    return out;
}

void set_list(Json& out, std::string_view key, const std::vector<Bytes>& values) {
    if (!values.empty()) {
        out.set(key, hex_array(values));
    }
}

Json tdx_json(const TdxReference& tdx) {
    Json out(Json::Object{});
    out.set("measurements", measurements_json(tdx.measurements));
    for (const auto& [index, values] : tdx.rtmrs) {
        set_list(out, "rtmr" + std::to_string(index), values);
    }
    set_list(out, "mr_config_id", tdx.mr_config_id);
    set_list(out, "mr_owner", tdx.mr_owner);
    set_list(out, "mr_owner_config", tdx.mr_owner_config);
    return out;
}

Json snp_json(const SnpReference& snp) {
    Json out(Json::Object{});
    out.set("measurements", measurements_json(snp.measurements));
    set_list(out, "host_data", snp.host_data);
    set_list(out, "id_key_digests", snp.id_key_digests);
    set_list(out, "author_key_digests", snp.author_key_digests);
    set_list(out, "family_ids", snp.family_ids);
    set_list(out, "image_ids", snp.image_ids);
    set_list(out, "paravisor_id_key_digests", snp.paravisor_id_key_digests);
    out.set("min_guest_svn", std::uint64_t{snp.min_guest_svn});
    return out;
}

/// All but "ima", which is in `out` already if it is there.
Status read_head(const Json& json, Snapshot& out) {
    JsonReader reader(json, "snapshot");
    if (reader.integer("ratls_snapshot", 0, 0, 1000) != 1) {
        reader.fail("ratls_snapshot", "1 wanted");
    }
    out.name = reader.required_string("name");
    if (out.name.empty() || out.name.size() > kMaxSnapshotName) {
        reader.fail("name", "1 to 128 bytes wanted");
    }
    reader.required("sequence");
    out.sequence = static_cast<std::uint64_t>(reader.integer("sequence", 0, 0, kMaxSequence));
    out.not_before = read_time(reader, "not_before");
    out.not_after = read_time(reader, "not_after");
    if (out.not_after < out.not_before) {
        reader.fail("not_after", "later than not_before wanted");
    }
    out.origin = reader.required_string("origin");
    if (out.origin != "built" && out.origin != "observed") {
        reader.fail("origin", "\"built\" or \"observed\" wanted, " + quoted(out.origin) + " found");
    }
    out.dialects = reader.strings("dialects");
    if (out.dialects.empty()) {
        reader.fail("dialects", "an empty list accepts nothing: \"ratls-vm/1\" wanted");
    }
    out.taken_from = reader.string("taken_from", {});
    out.image = reader.string("image", {});
    out.tool = reader.string("tool", {});
    read_evidence(reader, out);
    if (const Json* member = reader.member("tee")) {
        JsonReader tee(*member, "snapshot: tee");
        read_tee(tee, "snp", read_snp, out.snp);
        read_tee(tee, "tdx", read_tdx, out.tdx);
        if (!out.snp && !out.tdx) {
            tee.fail({}, "snp or tdx wanted");
        }
        reader.absorb(tee);
    }
    if (const Json* member = reader.member("tpm")) {
        JsonReader tpm(*member, "snapshot: tpm");
        if (const Json* bank = tpm.required("sha256")) {
            out.pcrs = read_pcrs(*bank, tpm);
        }
        read_boot_member(tpm, out);
        reader.absorb(tpm);
    }
    if (!out.snp && !out.tdx && !out.pcrs && !out.ima) {
        reader.fail("tee", "a snapshot without reference values accepts nothing");
    }
    return reader.finish();
}

}  // namespace

bool MeasurementReference::covers_boot() const {
    const auto has = [&](std::string_view part) {
        return std::ranges::find(covers, part) != covers.end();
    };
    return has("kernel") && has("initrd") && has("cmdline");
}

Result<Snapshot> parse_snapshot(std::string_view text) {
    RATLS_TRY(const SnapshotText read, SnapshotText::read(to_bytes(as_bytes(text))));
    return parse_snapshot(read);
}

Result<Snapshot> parse_snapshot(const SnapshotText& text) {
    Snapshot out;
    if (!text.ima().empty()) {
        JsonCursor in(text.ima(), kJsonPadding, "snapshot: ima",
                      {.max_bytes = kMaxSnapshotText, .max_depth = kMaxSnapshotDepth});
        out.ima = read_ima(in);
        RATLS_CHECK(in.finish());
    }
    const std::string rest = text.rest();
    JsonCursor in(rest, "snapshot");
    const Json json = read_json(in, kMaxValues);
    RATLS_CHECK(in.finish());
    RATLS_CHECK(read_head(json, out));
    const Digest digest = text.hash(HashAlg::sha256);
    std::ranges::copy(digest.view(), out.digest.begin());
    out.signatures = text.signatures();
    return out;
}

Json snapshot_head_json(const Snapshot& snapshot) {
    Json out(Json::Object{});
    out.set("ratls_snapshot", 1).set("name", snapshot.name).set("sequence", snapshot.sequence);
    out.set("not_before", format_rfc3339(snapshot.not_before));
    out.set("not_after", format_rfc3339(snapshot.not_after));
    out.set("origin", snapshot.origin).set("dialects", text_array(snapshot.dialects));
    if (!snapshot.taken_from.empty()) {
        out.set("taken_from", snapshot.taken_from);
    }
    if (!snapshot.image.empty()) {
        out.set("image", snapshot.image);
    }
    if (!snapshot.tool.empty()) {
        out.set("tool", snapshot.tool);
    }
    if (!snapshot.evidence.empty()) {
        Json evidence(Json::Object{});
        for (const auto& [kind, digest] : snapshot.evidence) {
            evidence.set(kind, hex(digest));
        }
        out.set("evidence", std::move(evidence));
    }
    Json tee(Json::Object{});
    if (snapshot.snp) {
        tee.set("snp", snp_json(*snapshot.snp));
    }
    if (snapshot.tdx) {
        tee.set("tdx", tdx_json(*snapshot.tdx));
    }
    if (!tee.if_object()->empty()) {
        out.set("tee", std::move(tee));
    }
    if (snapshot.pcrs) {
        Json bank(Json::Object{});
        for (const auto& [index, values] : *snapshot.pcrs) {
            bank.set(std::to_string(index), hex_array(values));
        }
        Json tpm(Json::Object{});
        tpm.set("sha256", std::move(bank));
        if (snapshot.boot) {
            tpm.set("boot", boot_json(*snapshot.boot));
        }
        out.set("tpm", std::move(tpm));
    }
    return out;
}

void write_snapshot_json(const Json& head, const ImaReference* ima, const TextSink& sink) {
    std::string text = head.pretty();
    if (ima == nullptr) {
        sink(text);
        return;
    }
    constexpr std::string_view kEnd = "\n}\n";
    text.resize(text.size() - kEnd.size());
    text += ",\n  \"ima\": {";
    bool first_list = true;
    bool empty = true;
    const auto end_list = [&] { text += first_list ? "" : empty ? "]" : "\n    ]"; };
    visit_ima(
        *ima,
        [&](std::string_view name) {
            end_list();
            text += first_list ? "\n    \"" : ",\n    \"";
            text.append(name).append("\": [");
            first_list = false;
            empty = true;
        },
        [&](const Json& item) {
            text += empty ? "\n      " : ",\n      ";
            empty = false;
            item.append_pretty(text, 3);
            sink(text);
            text.clear();
        });
    end_list();
    sink(text.append("\n  }").append(kEnd));
}

std::string snapshot_to_text(const Snapshot& snapshot) {
    std::string out;
    write_snapshot_json(snapshot_head_json(snapshot), snapshot.ima ? &*snapshot.ima : nullptr,
                        [&](std::string_view part) { out += part; });
    return out;
}

Result<Json> sign_snapshot(const Json& snapshot, const PrivateKey& key) {
    RATLS_TRY(const SnapshotText text,
              SnapshotText::read(to_bytes(as_bytes(snapshot.canonical()))));
    RATLS_TRY(const Bytes signature,
              key.sign_ecdsa(snapshot_hash(key.public_key()), text.signed_bytes()));
    const std::string key_id = hex(key.public_key().spki_sha256());
    Json signatures(Json::Array{});
    if (const Json* old = snapshot.find("signatures");
        old != nullptr && old->if_array() != nullptr) {
        for (const Json& item : *old->if_array()) {
            const Json* id = item.find("key");
            if (id == nullptr || id->if_string() == nullptr || *id->if_string() != key_id) {
                signatures.push(item);
            }
        }
    }
    signatures.push(Json(Json::Object{}).set("key", key_id).set("signature", base64(signature)));
    Json out = snapshot;
    out.set("signatures", std::move(signatures));
    return out;
}

}  // namespace ratls::verify
