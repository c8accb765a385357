#include "verify/appraise/ima_reference.h"

#include <algorithm>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"

namespace ratls::verify {
namespace {

constexpr std::size_t kMaxFiles = std::size_t{16} << 20;  // the size of the text bounds them before
constexpr std::size_t kMaxSigners = 64;
constexpr std::size_t kMaxPatterns = 256;  // each costs time for every entry of a log

bool is_digest_text(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto alg = hash_from_name(text.substr(0, colon));
    return colon != std::string_view::npos && alg &&
           parse_hex(text.substr(colon + 1), digest_size(*alg)) && lower(text) == text;
}

void check_pattern(JsonReader& reader, std::string_view key, const std::string& pattern) {
    if (!is_anchored_glob(pattern)) {
        reader.fail(key, "a pattern that begins with \"/\" or \"**/\" wanted, " +
                             quoted(pattern, 300) + " found");
    }
}

std::vector<std::string> read_patterns(JsonReader& reader, std::string_view key) {
    std::vector<std::string> out = reader.strings(key);
    if (out.size() > kMaxPatterns) {
        reader.fail(key, "at most 256 wanted");
    }
    for (std::string& pattern : out) {
        check_pattern(reader, key, pattern);
        pattern = ima::logged_name(pattern);
    }
    return out;
}

/// A path, a path in hex, or with `patterns` a pattern. Here they become what the kernel logs.
void read_path(JsonReader& item, bool patterns, FileReference& out) {
    int forms = item.member("path") != nullptr ? 1 : 0;
    out.path = item.string("path", {});
    if (item.member("path_hex") != nullptr) {
        ++forms;
        out.path = as_text(item.hex_bytes("path_hex", 0));
    }
    if (patterns && item.member("pattern") != nullptr) {
        ++forms;
        out.pattern = true;
        out.path = item.string("pattern", {});
        check_pattern(item, "pattern", out.path);
    }
    if (out.path.empty() || forms != 1) {
        item.fail("path", patterns ? "either a path, path_hex or a pattern wanted"
                                   : "either a path or path_hex wanted");
    }
    out.path = ima::logged_name(out.path);
    if (out.path == ima::kBootAggregate) {
        item.fail("path", "boot_aggregate is always required and computed, never listed");
    }
}

std::vector<std::string> read_digests(JsonReader& item) {
    std::vector<std::string> out = item.strings("digests");
    for (const std::string& digest : out) {
        if (!is_digest_text(digest)) {
            item.fail("digests", "\"sha256:\" and 64 lower case hex digits wanted, " +
                                     quoted(digest) + " found");
        }
    }
    return out;
}

void check_pattern_count(JsonReader& reader, std::string_view key,
                         const std::vector<FileReference>& files) {
    if (std::ranges::count(files, true, &FileReference::pattern) > std::ptrdiff_t{kMaxPatterns}) {
        reader.fail(key, "at most 256 patterns wanted");
    }
}

std::vector<FileReference> read_files(JsonReader& reader, std::string_view key, bool patterns) {
    std::vector<FileReference> out;
    reader.each(key, kMaxFiles, [&](JsonReader& item) {
        FileReference file;
        read_path(item, patterns, file);
        file.digests = read_digests(item);
        if (file.digests.empty()) {
            item.fail("digests", "at least one wanted");
        }
        file.source = item.string("source", {});
        out.push_back(std::move(file));
    });
    if (out.empty()) {
        reader.fail(key, "an empty list accepts nothing: at least one file wanted");
    }
    check_pattern_count(reader, key, out);
    return out;
}

std::vector<FileReference> read_forbidden(JsonReader& reader) {
    std::vector<FileReference> out;
    reader.each("forbid", kMaxFiles, [&](JsonReader& item) {
        FileReference file;
        read_path(item, true, file);
        file.digests = read_digests(item);
        if (file.digests.empty() && item.member("digests") != nullptr) {
            item.fail("digests", "an empty list forbids nothing: without it any content is");
        }
        file.source = item.string("source", {});
        out.push_back(std::move(file));
    });
    check_pattern_count(reader, "forbid", out);
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

Json files_json(const std::vector<FileReference>& files) {
    Json out(Json::Array{});
    for (const FileReference& file : files) {
        out.push(file_json(file));
    }
    return out;
}

Json signers_json(const std::vector<SignerReference>& signers) {
    Json out(Json::Array{});
    for (const SignerReference& signer : signers) {
        Json item(Json::Object{});
        if (!signer.name.empty()) {
            item.set("name", signer.name);
        }
        item.set("spki", base64(signer.key.spki()));
        if (signer.key_id != ima::key_id(signer.key)) {
            item.set("key_id", hex(signer.key_id));
        }
        out.push(std::move(item.set("patterns", text_array(signer.patterns))));
    }
    return out;
}

}  // namespace

ImaReference read_ima(JsonReader& reader) {
    ImaReference out;
    out.allow = read_files(reader, "allow", true);
    out.require = read_files(reader, "require", false);
    out.forbid = read_forbidden(reader);
    out.signers = read_signers(reader);
    out.tolerate_violations = reader.strings("tolerate_violations");
    for (std::string& path : out.tolerate_violations) {
        path = ima::logged_name(path);
    }
    out.tolerate_violation_patterns = read_patterns(reader, "tolerate_violation_patterns");
    out.known_pcr10 = reader.hex_list("known_pcr10", 32);
    return out;
}

Json ima_json(const ImaReference& ima) {
    Json out(Json::Object{});
    out.set("allow", files_json(ima.allow));
    out.set("require", files_json(ima.require));
    if (!ima.forbid.empty()) {
        out.set("forbid", files_json(ima.forbid));
    }
    if (!ima.signers.empty()) {
        out.set("signers", signers_json(ima.signers));
    }
    out.set("tolerate_violations", text_array(ima.tolerate_violations));
    if (!ima.tolerate_violation_patterns.empty()) {
        out.set("tolerate_violation_patterns", text_array(ima.tolerate_violation_patterns));
    }
    return out.set("known_pcr10", hex_array(ima.known_pcr10));
}

}  // namespace ratls::verify
