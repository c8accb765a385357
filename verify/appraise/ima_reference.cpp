#include "verify/appraise/ima_reference.h"

#include <algorithm>
#include <limits>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"

namespace ratls::verify {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();  // the text bounds them
constexpr std::size_t kMaxText = 65'536;     // bytes of a path, pattern or source
constexpr std::size_t kMaxDigests = 65'536;  // of one file
constexpr std::size_t kMaxSigners = 64;
constexpr std::size_t kMaxPatterns = 256;   // each costs time for every entry of a log
constexpr std::size_t kMaxValues = 65'536;  // of all signers together, and of lists of patterns

bool is_digest_text(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto alg = hash_from_name(text.substr(0, colon));
    return colon != std::string_view::npos && alg &&
           parse_hex(text.substr(colon + 1), digest_size(*alg)) && lower(text) == text;
}

std::string pattern_wanted(const std::string& found) {
    return "a pattern that begins with \"/\" or \"**/\" wanted, " + quoted(found, 300) + " found";
}

std::vector<std::string> read_patterns(JsonReader& reader, std::string_view key) {
    std::vector<std::string> out = reader.strings(key);
    if (out.size() > kMaxPatterns) {
        reader.fail(key, "at most 256 wanted");
    }
    for (std::string& pattern : out) {
        if (!is_anchored_glob(pattern)) {
            reader.fail(key, pattern_wanted(pattern));
        }
        pattern = ima::logged_name(pattern);
    }
    return out;
}

/// A text that is printed or copied some day.
std::string read_text(JsonCursor& in) {
    const std::string_view out = in.string();
    if (out.size() > kMaxText) {
        in.fail("at most " + std::to_string(kMaxText) + " bytes wanted");
    }
    return std::string(out);
}

/// Names, as the kernel logs them.
std::vector<std::string> read_names(JsonCursor& in) {
    std::vector<std::string> out;
    in.items(kAny, [&] { out.push_back(ima::logged_name(read_text(in))); });
    return out;
}

std::vector<std::string> read_digests(JsonCursor& in) {
    std::vector<std::string> out;
    in.items(kMaxDigests, [&] {
        const std::string_view digest = in.string();
        if (in.ok() && !is_digest_text(digest)) {
            in.fail("\"sha256:\" and 64 lower case hex digits wanted, " + quoted(digest) +
                    " found");
        }
        out.emplace_back(digest);
    });
    return out;
}

std::vector<Bytes> read_pcr_values(JsonCursor& in) {
    std::vector<Bytes> out;
    in.items(kAny, [&] {
        auto value = parse_hex(in.string(), digest_size(HashAlg::sha256));
        if (!value) {
            in.fail(value.error().what);
            return;
        }
        out.push_back(*std::move(value));
    });
    return out;
}

/// What the lists of files have in common, and where they differ.
struct FileForm {
    bool patterns;        ///< a pattern may stand for a path
    bool digests_needed;  ///< else any content is meant if there are none
};

/// A path, a path in hex, or a pattern, with digests.
FileReference read_file(JsonCursor& in, const FileForm& form) {
    FileReference out;
    int forms = 0;
    bool has_digests = false;
    in.members(json_optional("path",
                             [&] {
                                 ++forms;
                                 out.path = read_text(in);
                             }),
               json_optional("path_hex",
                             [&] {
                                 ++forms;
                                 const auto path = parse_hex(read_text(in));
                                 if (!path) {
                                     in.fail(path.error().what);
                                     return;
                                 }
                                 out.path = as_text(*path);
                             }),
               json_optional("pattern",
                             [&] {
                                 ++forms;
                                 out.pattern = true;
                                 out.path = read_text(in);
                             }),
               json_optional("digests",
                             [&] {
                                 has_digests = true;
                                 out.digests = read_digests(in);
                             }),
               json_optional("source", [&] { out.source = read_text(in); }));
    if (out.path.empty() || forms != 1 || (out.pattern && !form.patterns)) {
        in.fail_at("path", form.patterns ? "either a path, path_hex or a pattern wanted"
                                         : "either a path or path_hex wanted");
    } else if (out.pattern && !is_anchored_glob(out.path)) {
        in.fail_at("pattern", pattern_wanted(out.path));
    } else if (ima::logged_name(out.path) == ima::kBootAggregate) {
        in.fail_at("path", "boot_aggregate is always required and computed, never listed");
    } else if (out.digests.empty() && form.digests_needed) {
        in.fail_at("digests", "at least one wanted");
    } else if (out.digests.empty() && has_digests) {
        in.fail_at("digests", "an empty list forbids nothing: without it any content is");
    }
    out.path = ima::logged_name(out.path);
    return out;
}

std::vector<FileReference> read_files(JsonCursor& in, const FileForm& form) {
    std::vector<FileReference> out;
    in.items(kAny, [&] { out.push_back(read_file(in, form)); });
    if (std::ranges::count(out, true, &FileReference::pattern) > std::ptrdiff_t{kMaxPatterns}) {
        in.fail("at most 256 patterns wanted");
    }
    if (out.empty() && form.digests_needed) {
        in.fail("an empty list accepts nothing: at least one file wanted");
    }
    return out;
}

std::vector<SignerReference> read_signers(JsonReader& reader) {
    std::vector<SignerReference> out;
    reader.each("signers", kMaxSigners, [&](JsonReader& item) {
        const std::string name = item.string("name", {});
        std::vector<std::string> patterns = read_patterns(item, "patterns");
        if (patterns.empty()) {
            item.fail("patterns", "at least one wanted: \"/**\" stands for all paths");
        }
        const Bytes id = item.hex_bytes("key_id", 4);
        const auto der = parse_base64(item.required_string("spki"));
        auto key =
            der ? PublicKey::from_spki(*der) : Result<PublicKey>(std::unexpected(der.error()));
        if (!key) {
            item.fail("spki", "base64 of a SubjectPublicKeyInfo wanted: " + key.error().what);
            return;
        }
        SignerReference signer{name, *key, ima::key_id(*key), std::move(patterns)};
        if (!id.empty()) {
            std::ranges::copy(id, signer.key_id.begin());
        }
        out.push_back(std::move(signer));
    });
    return out;
}

Json file_json(const FileReference& file) {
    Json item(Json::Object{});
    const bool plain =
        is_utf8(file.path) && file.path.find('\0') == std::string::npos && !file.path.empty();
    if (file.pattern) {
        item.set("pattern", file.path);
    } else {
        item.set(plain ? "path" : "path_hex", plain ? file.path : hex(as_bytes(file.path)));
    }
    if (!file.digests.empty()) {
        item.set("digests", text_array(file.digests));
    }
    if (!file.source.empty()) {
        item.set("source", file.source);
    }
    return item;
}

Json signer_json(const SignerReference& signer) {
    Json item(Json::Object{});
    if (!signer.name.empty()) {
        item.set("name", signer.name);
    }
    item.set("spki", base64(signer.key.spki()));
    if (signer.key_id != ima::key_id(signer.key)) {
        item.set("key_id", hex(signer.key_id));
    }
    return item.set("patterns", text_array(signer.patterns));
}

}  // namespace

ImaReference read_ima(JsonCursor& in) {
    ImaReference out;
    Json small(Json::Object{});
    const auto keep = [&](const char* name) {
        return json_optional(name, [&, name] { small.set(name, read_json(in, kMaxValues)); });
    };
    in.members(
        json_required(
            "allow",
            [&] { out.allow = read_files(in, {.patterns = true, .digests_needed = true}); }),
        json_required(
            "require",
            [&] { out.require = read_files(in, {.patterns = false, .digests_needed = true}); }),
        json_optional(
            "forbid",
            [&] { out.forbid = read_files(in, {.patterns = true, .digests_needed = false}); }),
        json_optional("tolerate_violations", [&] { out.tolerate_violations = read_names(in); }),
        json_optional("known_pcr10", [&] { out.known_pcr10 = read_pcr_values(in); }),
        keep("signers"), keep("tolerate_violation_patterns"));
    JsonReader reader(small, "snapshot: ima");
    out.signers = read_signers(reader);
    out.tolerate_violation_patterns = read_patterns(reader, "tolerate_violation_patterns");
    if (auto status = reader.finish(); !status) {
        in.fail(std::move(status).error());
    }
    return out;
}

void visit_ima(const ImaReference& ima, const std::function<void(std::string_view)>& list,
               const std::function<void(const Json&)>& item) {
    const auto visit = [&](std::string_view name, const auto& values, const auto& json_of) {
        list(name);
        for (const auto& value : values) {
            item(json_of(value));
        }
    };
    const auto text = [](const std::string& value) { return Json(value); };
    visit("allow", ima.allow, file_json);
    visit("require", ima.require, file_json);
    if (!ima.forbid.empty()) {
        visit("forbid", ima.forbid, file_json);
    }
    if (!ima.signers.empty()) {
        visit("signers", ima.signers, signer_json);
    }
    visit("tolerate_violations", ima.tolerate_violations, text);
    if (!ima.tolerate_violation_patterns.empty()) {
        visit("tolerate_violation_patterns", ima.tolerate_violation_patterns, text);
    }
    visit("known_pcr10", ima.known_pcr10, [](const Bytes& value) { return Json(hex(value)); });
}

}  // namespace ratls::verify
