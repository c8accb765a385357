#include "verify/appraise/snapshot_import.h"

#include <algorithm>
#include <set>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"

namespace ratls::verify {
namespace {

// As for snapshots: anybody may have written it.
constexpr JsonLimits kLimits = {.max_bytes = kMaxSnapshotText,
                                .max_depth = kMaxSnapshotDepth,
                                .max_tokens = kMaxSnapshotTokens};
constexpr std::string_view kSpace = " \t\r";
constexpr std::size_t kMostNamed = 20;  // of one kind

/// "sha256:HEX" of a digest, which may have its algorithm before it. Else its length says it.
Result<std::string> digest_text(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
    for (const HashAlg alg : kAllHashAlgs) {
        const bool named = digits.size() == text.size() || text.substr(0, colon) == hash_name(alg);
        if (named && digits.size() == 2 * digest_size(alg) && parse_hex(digits)) {
            return std::string(hash_name(alg)) + ":" + lower(digits);
        }
    }
    return fail(Code::malformed, "digest",
                "40, 64, 96 or 128 hex digits wanted, with the algorithm before them or not, " +
                    quoted(text) + " found");
}

/// Collects files; what cannot be a reference of ours is named.
class FileCollector {
  public:
    FileCollector(const ImportLimits& limits, std::vector<std::string>& notes)
        : limits_(limits), notes_(notes) {}

    Status add(std::string_view path, std::string_view digest) {
        return skip(try_add(path, digest));
    }

    /// What is no file is noted if the caller wants the rest; else it stays an error.
    Status skip(Status status) {
        if (status || !limits_.skip_invalid) {
            return status;
        }
        notes_.push_back(status.error().text() + ": not carried over (--skip-invalid)");
        return {};
    }

    bool saw_sha1() const { return saw_sha1_; }

    std::optional<ImaReference> finish() const {
        ImaReference out;
        for (const auto& [path, digests] : files_) {
            out.allow.push_back({path, {digests.begin(), digests.end()}});
        }
        return out.allow.empty() ? std::nullopt : std::optional(std::move(out));
    }

    Status try_add(std::string_view path, std::string_view given) {
        if (path.empty() || path.contains('\0')) {
            return fail(Code::malformed, "path", "one wanted, " + quoted(path) + " found");
        }
        auto digest = digest_text(given);
        if (!digest) {
            return std::unexpected(std::move(digest).error().in(quoted(path, 300)));
        }
        const std::string_view digits = std::string_view(*digest).substr(digest->find(':') + 1);
        const bool sha1 = digest->starts_with("sha1:");
        if (path == ima::kBootAggregate) {
            notes_.emplace_back("boot_aggregate: not carried over: it is computed");
        } else if (digits.find_first_not_of('0') == std::string_view::npos) {
            note(path, "a digest of zeros, which stands for a violation");
        } else if (sha1 && !limits_.sha1) {
            saw_sha1_ = true;
            note(path, "a SHA-1 digest (--sha1 carries them over)");
        } else {
            files_[ima::logged_name(path)].insert(*std::move(digest));
        }
        return {};
    }

  private:
    void note(std::string_view path, std::string_view what) {
        notes_.push_back(quoted(path, 300) + ": not carried over: " + std::string(what));
    }

    const ImportLimits limits_;
    std::vector<std::string>& notes_;
    std::map<std::string, std::set<std::string>> files_;  ///< by the name that the kernel logs
    bool saw_sha1_ = false;
};

/// Members that have no place in a snapshot: named if they say anything.
void note_member(const Json& object, std::string_view key, std::string_view why,
                 std::vector<std::string>& notes) {
    const Json* member = object.find(key);
    const bool says_nothing = member == nullptr || member->is_null() ||
                              (member->if_array() != nullptr && member->if_array()->empty()) ||
                              (member->if_object() != nullptr && member->if_object()->empty()) ||
                              (member->if_string() != nullptr && member->if_string()->empty());
    if (!says_nothing) {
        notes.push_back(std::string(key) + ": not carried over: " + std::string(why));
    }
}

void note_unknown(const Json& object, const std::set<std::string, std::less<>>& known,
                  std::vector<std::string>& notes) {
    for (const auto& [key, value] : *object.if_object()) {
        if (!known.contains(key)) {
            notes.push_back(quoted(key) + ": not carried over: nothing is known of it");
        }
    }
}

/// A member in hex, of one size; zeros, which stand for "not set", give none.
std::vector<Bytes> set_value(JsonReader& reader, std::string_view key, std::size_t size) {
    const Bytes value = reader.hex_bytes(key, size);
    return all_zero(value) ? std::vector<Bytes>() : std::vector<Bytes>{value};
}

MeasurementReference measurement(JsonReader& reader, std::string_view key, bool paravisor) {
    reader.required(key);
    return {reader.hex_bytes(key, 48), {"firmware"}, paravisor ? "paravisor" : ""};
}

SnpReference cosmian_snp(JsonReader& reader, const Json& json, bool paravisor,
                         std::vector<std::string>& notes) {
    SnpReference out;
    out.measurements = {measurement(reader, "measurement", paravisor)};
    out.id_key_digests = set_value(reader, "id_key_digest", 48);
    out.author_key_digests = set_value(reader, "author_key_digest", 48);
    out.family_ids = set_value(reader, "family_id", 16);
    out.image_ids = set_value(reader, "image_id", 16);
    out.min_guest_svn = static_cast<std::uint32_t>(reader.integer("guest_svn", 0, 0, 0xffffffff));
    note_member(json, "policy", "demand bits of the guest policy in a policy", notes);
    note_member(json, "report_data", "it belongs to one report", notes);
    note_member(json, "report_id", "it changes with each start", notes);
    note_member(json, "report_id_ma", "name migration agents in a policy", notes);
    note_unknown(json,
                 {"measurement", "id_key_digest", "author_key_digest", "family_id", "image_id",
                  "guest_svn", "policy", "report_data", "report_id", "report_id_ma"},
                 notes);
    return out;
}

Result<TdxReference> cosmian_tdx(const Json& json, bool paravisor,
                                 std::vector<std::string>& notes) {
    TdxReference out;
    const Json* body = json.find("body");
    if (body == nullptr || body->if_object() == nullptr) {
        return fail(Code::malformed, "tee_policy: Tdx: body", "an object wanted");
    }
    JsonReader reader(*body, "tee_policy: Tdx: body");
    out.measurements = {measurement(reader, "mr_td", paravisor)};
    for (const auto& [key, list] :
         {std::pair{"mr_config_id", &out.mr_config_id}, std::pair{"mr_owner", &out.mr_owner},
          std::pair{"mr_owner_config", &out.mr_owner_config}}) {
        if (reader.member(key) != nullptr) {
            *list = {reader.hex_bytes(key, 48)};
        }
    }
    if (!reader.ok()) {
        return std::unexpected(std::move(reader.finish()).error());
    }
    for (const char* key : {"minimum_tee_tcb_svn", "mr_seam", "td_attributes", "xfam"}) {
        note_member(*body, key, "it is a matter of the policy", notes);
    }
    note_member(*body, "report_data", "it belongs to one report", notes);
    note_unknown(*body,
                 {"mr_td", "mr_config_id", "mr_owner", "mr_owner_config", "minimum_tee_tcb_svn",
                  "mr_seam", "td_attributes", "xfam", "report_data"},
                 notes);
    note_member(json, "header", "it is a matter of the policy", notes);
    note_unknown(json, {"header", "body"}, notes);
    notes.emplace_back("tee.tdx: the source has no RTMRs: the boot is not compared");
    return out;
}

Status cosmian_tee(const Json& tee, bool paravisor, ImportedReferences& out) {
    if (tee.if_object() == nullptr || tee.if_object()->size() != 1) {
        return fail(Code::malformed, "tee_policy", "an object with Sev, Tdx or Sgx wanted");
    }
    const auto& [kind, json] = tee.if_object()->front();
    if (kind != "Sev" && kind != "Tdx") {
        return fail(Code::unsupported, "tee_policy",
                    "Sev or Tdx wanted, " + quoted(kind) + " found");
    }
    if (json.if_object() == nullptr) {
        return fail(Code::malformed, "tee_policy: " + kind, "an object wanted");
    }
    if (kind == "Tdx") {
        RATLS_TRY(out.snapshot.tdx, cosmian_tdx(json, paravisor, out.notes));
        return {};
    }
    JsonReader reader(json, "tee_policy: Sev");
    out.snapshot.snp = cosmian_snp(reader, json, paravisor, out.notes);
    return reader.ok() ? Status() : reader.finish();
}

Status cosmian_files(const Json& list, FileCollector& files) {
    if (list.if_array() == nullptr) {
        return fail(Code::malformed, "filehashes", "a list wanted");
    }
    for (const Json& item : *list.if_array()) {
        const Json::Array* pair = item.if_array();
        const bool texts = pair != nullptr && pair->size() == 2 &&
                           (*pair)[0].if_string() != nullptr && (*pair)[1].if_string() != nullptr;
        if (!texts) {
            return fail(Code::malformed, "filehashes", "pairs of path and digest wanted");
        }
        RATLS_CHECK(files.add(*(*pair)[0].if_string(), *(*pair)[1].if_string()));
    }
    return {};
}

/// An object of names and lists of digests.
Status keylime_digests(const Json& json, std::string_view key, FileCollector& files) {
    const Json* member = json.find(key);
    if (member == nullptr) {
        return {};
    }
    if (member->if_object() == nullptr) {
        return fail(Code::malformed, std::string(key), "an object wanted");
    }
    for (const auto& [path, digests] : *member->if_object()) {
        if (digests.if_array() == nullptr) {
            return fail(Code::malformed, std::string(key) + ": " + quoted(path, 300),
                        "a list of digests wanted");
        }
        for (const Json& digest : *digests.if_array()) {
            const std::string* text = digest.if_string();
            RATLS_CHECK(files.add(path, text == nullptr ? std::string_view() : *text));
        }
    }
    return {};
}

/// Keeps no tree, and names the first ones only: anybody may have written a million.
void note_excludes(JsonCursor& in, std::vector<std::string>& notes) {
    std::size_t count = 0;
    in.items(kMaxSnapshotTokens, [&] {
        const Json pattern = read_json(in, kMaxSnapshotTokens);
        if (++count <= kMostNamed) {
            notes.push_back("excludes: not carried over: " + quoted(pattern.canonical(), 300) +
                            ": what was excluded there is refused here");
        }
    });
    if (count > kMostNamed) {
        notes.push_back("excludes: and " + std::to_string(count - kMostNamed) +
                        " more, none carried over");
    }
}

/// The policy as a tree, but for a list of excludes.
Result<Json> keylime_tree(std::string_view text, std::vector<std::string>& notes) {
    JsonCursor in(text, "", kLimits);
    Json out(Json::Object{});
    in.any_members([&](std::string_view name) {
        if (out.find(name) != nullptr) {
            in.fail("occurs twice");
        } else if (name == "excludes" && in.kind() == JsonCursor::Kind::array) {
            note_excludes(in, notes);
            out.set(name, Json());
        } else {
            out.set(name, read_json(in, kMaxSnapshotTokens));
        }
    });
    RATLS_CHECK(in.finish());
    return out;
}

void note_keylime_ima(const Json& json, std::vector<std::string>& notes) {
    const Json* ima = json.find("ima");
    if (ima == nullptr || ima->if_object() == nullptr) {
        note_member(json, "ima", "an object is wanted there", notes);
        return;
    }
    note_member(*ima, "ignored_keyrings", "keys of every keyring must be listed", notes);
    note_member(*ima, "dm_policy", "device mapper tables are compared as files", notes);
    note_unknown(*ima, {"ignored_keyrings", "dm_policy", "log_hash_alg"}, notes);
}

Status keylime_json(std::string_view text, FileCollector& files, std::vector<std::string>& notes) {
    RATLS_TRY(const Json json, keylime_tree(text, notes));
    if (json.find("payload") != nullptr && json.find("payloadType") != nullptr) {
        return fail(Code::unsupported, "payload",
                    "it is a signed envelope (DSSE): verify and unpack it first");
    }
    if (json.find("digests") == nullptr) {
        return fail(Code::malformed, "digests", "an object wanted");
    }
    RATLS_CHECK(keylime_digests(json, "digests", files));
    RATLS_CHECK(keylime_digests(json, "ima-buf", files));
    note_member(json, "excludes", "a list is wanted there", notes);
    note_keylime_ima(json, notes);
    constexpr std::string_view kNoKeys = "files are accepted by digest, not by signature";
    note_member(json, "keyrings", kNoKeys, notes);
    note_member(json, "verification-keys", kNoKeys, notes);
    note_unknown(json,
                 {"meta", "release", "digests", "ima-buf", "excludes", "ima", "keyrings",
                  "verification-keys"},
                 notes);
    return {};
}

/// A name of which the line says, by a backslash before the digest, that it is escaped.
/// Source: GNU coreutils, "md5sum invocation".
Result<std::string> unescape(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] != '\\') {
            out += name[i];
            continue;
        }
        const char what = ++i < name.size() ? name[i] : '\0';
        if (what != '\\' && what != 'n' && what != 'r') {
            return fail(Code::malformed, "path",
                        "a backslash that escapes nothing, in " + quoted(name, 300));
        }
        out += what == 'n' ? '\n' : what == 'r' ? '\r' : '\\';
    }
    return out;
}

/// "digest  path", as sha256sum writes it: a '*' before the path marks a binary file.
Status keylime_line(std::string_view line, FileCollector& files, std::vector<std::string>& notes) {
    const bool escaped = line.starts_with('\\');
    line.remove_prefix(escaped ? 1 : 0);
    const std::size_t end = std::min(line.find_first_of(kSpace), line.size());
    const std::size_t begin = std::min(line.find_first_not_of(kSpace, end), line.size());
    std::string_view name = line.substr(begin);
    if (name.starts_with("%keyring:")) {
        notes.push_back(quoted(name, 300) +
                        ": not carried over: files are accepted by digest, not by signature");
        return {};
    }
    name.remove_prefix(name.starts_with("*/") ? 1 : 0);
    if (!name.starts_with('/') && name != ima::kBootAggregate) {
        return fail(Code::malformed, "path",
                    "a digest and a path from / wanted, " + quoted(line, 300) +
                        " found; run sha256sum over absolute names");
    }
    RATLS_TRY(const std::string path,
              escaped ? unescape(name) : Result<std::string>(std::string(name)));
    return files.try_add(path, line.substr(0, end));
}

Status keylime_lines(std::string_view text, FileCollector& files, std::vector<std::string>& notes) {
    std::size_t number = 0;
    for (std::string_view line : split(text, '\n')) {
        ++number;
        const std::size_t begin = line.find_first_not_of(kSpace);
        if (begin == std::string_view::npos || line[begin] == '#') {
            continue;
        }
        line = line.substr(begin);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        auto status = keylime_line(line, files, notes);
        if (!status) {
            status =
                std::unexpected(std::move(status).error().in("line " + std::to_string(number)));
        }
        RATLS_CHECK(files.skip(std::move(status)));
    }
    return {};
}

}  // namespace

Result<ImportedReferences> parse_cosmian_snapshot(std::string_view text,
                                                  const ImportLimits& limits) {
    auto json = parse_json(text, kLimits);
    if (!json) {
        return std::unexpected(std::move(json).error().in("cosmian"));
    }
    ImportedReferences out;
    out.snapshot.origin = "observed";
    const Json* cloud = json->find("cloud_type");
    const bool azure =
        cloud != nullptr && cloud->if_string() != nullptr && *cloud->if_string() == "Azure";
    FileCollector files(limits, out.notes);
    Status status;
    const Json* tee = json->find("tee_policy");
    if (tee == nullptr) {
        status = fail(Code::malformed, "tee_policy", "an object wanted");
    } else {
        status = cosmian_tee(*tee, azure, out);
    }
    if (const Json* list = json->find("filehashes");
        status && list != nullptr && !list->is_null()) {
        status = cosmian_files(*list, files);
    }
    if (!status) {
        return std::unexpected(std::move(status).error().in("cosmian"));
    }
    out.snapshot.ima = files.finish();
    note_member(*json, "tpm_policy", "counters of starts change with each start", out.notes);
    note_member(*json, "cloud_type", "it only says which measurement is the paravisor's",
                out.notes);
    note_unknown(*json, {"tee_policy", "filehashes", "tpm_policy", "cloud_type"}, out.notes);
    return out;
}

Result<ImportedReferences> parse_keylime_policy(std::string_view text, const ImportLimits& limits) {
    ImportedReferences out;
    out.snapshot.origin = "observed";
    FileCollector files(limits, out.notes);
    const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    auto status = text.substr(begin).starts_with('{') ? keylime_json(text, files, out.notes)
                                                      : keylime_lines(text, files, out.notes);
    if (!status) {
        return std::unexpected(std::move(status).error().in("keylime"));
    }
    out.snapshot.ima = files.finish();
    if (!out.snapshot.ima) {
        return fail(
            Code::malformed, "keylime",
            std::string("not one file that can be carried over") +
                (files.saw_sha1() ? ": they have SHA-1 digests, which --sha1 carries over" : ""));
    }
    return out;
}

}  // namespace ratls::verify
