// The snapshot's text: parsed strictly, written, signed.
#include "verify/appraise/snapshot.h"

#include <doctest/doctest.h>

#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "test/support/ima_builder.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

Json base() {
    return snapshot_json(*Scene().snapshot);
}

/// The member at a path of names; a number is an index of a list.
Json with(const Json& json, std::vector<std::string> path, const Json& value, bool erase = false) {
    if (path.empty()) {
        return value;
    }
    const std::string head = path.front();
    path.erase(path.begin());
    if (const Json::Array* list = json.if_array()) {
        Json::Array out = *list;
        const auto index = static_cast<std::size_t>(std::stoul(head));
        out[index] = with(out[index], path, value, erase);
        return out;
    }
    if (erase && path.empty()) {
        Json::Object out = *json.if_object();
        std::erase_if(out, [&](const auto& member) { return member.first == head; });
        return out;
    }
    Json out = json;
    const Json* old = json.find(head);
    out.set(head, with(old == nullptr ? Json(Json::Object{}) : *old, path, value, erase));
    return out;
}

Json without(const Json& json, std::vector<std::string> path) {
    return with(json, std::move(path), Json(), true);
}

bool parses(const Json& json) {
    return parse_snapshot(json.pretty()).has_value();
}

Json list_of(Json item) {
    return Json(Json::Array{}).push(std::move(item));
}

const std::string kHex32(64, '1');
const std::string kHex48(96, '1');

}  // namespace

TEST_CASE("snapshot: what is written is read back equal") {
    const Scene scene;
    Snapshot snapshot = *scene.snapshot;
    snapshot.snp->host_data = {Bytes(32, 1)};
    snapshot.snp->id_key_digests = {Bytes(48, 2)};
    snapshot.snp->author_key_digests = {Bytes(48, 5)};
    snapshot.snp->family_ids = {Bytes(16, 6)};
    snapshot.snp->image_ids = {Bytes(16, 7), Bytes(16, 8)};
    snapshot.snp->paravisor_id_key_digests = {Bytes(48, 9)};
    snapshot.snp->min_guest_svn = 0xffffffff;
    snapshot.snp->measurements.push_back({Bytes(48, 3), {}, "paravisor"});
    snapshot.ima->allow.push_back({"/a/\xff\xfe", {Scene::file_digest_text(1)}});
    snapshot.ima->allow.push_back({"/a_b\n\"c\"", {Scene::file_digest_text(2)}});
    snapshot.ima->tolerate_violations = {"/var/log/x"};
    snapshot.ima->tolerate_violation_patterns = {"/var/log/**"};
    snapshot.ima->allow.push_back({"/lib/**", {Scene::file_digest_text(3)}, true, "libc6 2.36"});
    snapshot.ima->forbid = {{"/usr/bin/nc", {}},
                            {"/b\xff", {Scene::file_digest_text(4)}, false, "CVE-2026-1"},
                            {"**/core", {}, true}};
    const PublicKey key = PrivateKey::generate(KeyKind::p384).value().public_key();
    snapshot.ima->signers = {{"distribution", key, ima::key_id(key), {"/usr/**", "**/x"}},
                             {"", key, {1, 2, 3, 4}, {"/**"}}};
    snapshot.ima->known_pcr10 = {Bytes(32, 4)};
    snapshot.taken_from = "vm.example";
    snapshot.image = "web 1.2";
    snapshot.tool = "ratls 1";
    snapshot.evidence = {{"certificate", Bytes(32, 1)},
                         {"ima", Bytes(32, 2)},
                         {"tee", Bytes(32, 3)},
                         {"tpm", Bytes(32, 4)}};
    snapshot.origin = "observed";
    const auto parsed = parse_snapshot(snapshot_json(snapshot).pretty());
    REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text()));
    CHECK(snapshot_json(*parsed).pretty() == snapshot_json(snapshot).pretty());
    CHECK(parsed->ima->allow[1].path == "/a/\xff\xfe");
    CHECK(parsed->ima->allow[2].path == "/a_b\n\"c\"");
    CHECK(parsed->ima->allow.back() == snapshot.ima->allow.back());
    CHECK(parsed->ima->forbid == snapshot.ima->forbid);
    CHECK(parsed->ima->signers == snapshot.ima->signers);
    CHECK(parsed->ima->signers[0].name == "distribution");
    CHECK(parsed->snp->min_guest_svn == 0xffffffff);
    CHECK(parsed->snp->measurements[1].tag == "paravisor");
    CHECK_FALSE(parsed->snp->measurements[1].covers_boot());
    CHECK(parsed->not_after == kNow + kDay);
}

TEST_CASE("snapshot: every member that must be there is missed") {
    const Json good = base();
    REQUIRE(parses(good));
    for (const std::vector<std::string>& path : std::vector<std::vector<std::string>>{
             {"ratls_snapshot"},
             {"name"},
             {"sequence"},
             {"not_before"},
             {"not_after"},
             {"origin"},
             {"dialects"},
             {"tee", "snp"},
             {"tee", "snp", "measurements"},
             {"tee", "snp", "measurements", "0", "value"},
             {"tpm", "sha256"},
             {"ima", "allow"},
             {"ima", "require"},
             {"ima", "allow", "0", "path"},
             {"ima", "allow", "0", "digests"},
             {"ima", "require", "0", "path"},
             {"ima", "require", "0", "digests"},
         }) {
        CAPTURE(path.back());
        CHECK_FALSE(parses(without(good, path)));
    }
}

TEST_CASE("snapshot: every member of a wrong type or value is refused") {
    const Json good = base();
    const Json object(Json::Object{});
    const Json empty(Json::Array{});
    struct Case {
        std::vector<std::string> path;
        Json value;
    };
    for (const Case& wrong : std::vector<Case>{
             {{"ratls_snapshot"}, 2},
             {{"ratls_snapshot"}, "1"},
             {{"name"}, 1},
             {{"name"}, ""},
             {{"name"}, std::string(129, 'a')},
             {{"sequence"}, "7"},
             {{"sequence"}, -1},
             {{"sequence"}, (std::int64_t{1} << 52) + 1},
             {{"not_before"}, 1},
             {{"not_before"}, "yesterday"},
             {{"not_after"}, "2020-01-01T00:00:00Z"},  // before not_before
             {{"not_after"}, true},
             {{"origin"}, "found"},
             {{"origin"}, 1},
             {{"dialects"}, empty},
             {{"dialects"}, "ratls-vm/1"},
             {{"dialects"}, list_of(1)},
             {{"taken_from"}, 1},
             {{"image"}, 1},
             {{"tool"}, object},
             {{"evidence"}, kHex32},
             {{"evidence", "tee"}, kHex48},
             {{"tee"}, 1},
             {{"tee", "snp"}, 1},
             {{"tee", "tdx"}, object},
             {{"tee", "snp", "measurements"}, empty},
             {{"tee", "snp", "measurements"}, object},
             {{"tee", "snp", "measurements", "0"}, kHex48},
             {{"tee", "snp", "measurements", "0", "value"}, kHex32},
             {{"tee", "snp", "measurements", "0", "value"}, 1},
             {{"tee", "snp", "measurements", "0", "covers"}, "kernel"},
             {{"tee", "snp", "measurements", "0", "covers"}, list_of("everything")},
             {{"tee", "snp", "measurements", "0", "tag"}, "other"},
             {{"tee", "snp", "host_data"}, list_of(kHex48)},
             {{"tee", "snp", "host_data"}, kHex32},
             {{"tee", "snp", "id_key_digests"}, list_of(kHex32)},
             {{"tee", "snp", "author_key_digests"}, list_of(kHex32)},
             {{"tee", "snp", "author_key_digests"}, kHex48},
             {{"tee", "snp", "family_ids"}, list_of(kHex32)},
             {{"tee", "snp", "family_ids"}, true},
             {{"tee", "snp", "image_ids"}, list_of(kHex48)},
             {{"tee", "snp", "image_ids"}, object},
             {{"tee", "snp", "paravisor_id_key_digests"}, list_of(kHex32)},
             {{"tee", "snp", "paravisor_id_key_digests"}, list_of(std::string(96, '0'))},
             {{"tee", "snp", "min_guest_svn"}, -1},
             {{"tee", "snp", "min_guest_svn"}, std::int64_t{1} << 32},
             {{"tee", "snp", "min_guest_svn"}, "1"},
             {{"tpm"}, empty},
             {{"tpm", "sha256"}, empty},
             {{"tpm", "sha256", "0"}, empty},
             {{"tpm", "sha256", "0"}, kHex32},
             {{"tpm", "sha256", "0"}, list_of(kHex48)},
             {{"tpm", "sha256", "10"}, list_of(kHex32)},  // the log's
             {{"tpm", "sha256", "16"}, list_of(kHex32)},  // not quoted
             {{"tpm", "sha256", "01"}, list_of(kHex32)},
             {{"tpm", "sha1"}, object},
             {{"ima"}, empty},
             {{"ima", "allow"}, empty},
             {{"ima", "allow"}, object},
             {{"ima", "require"}, empty},
             {{"ima", "allow", "0", "path"}, 1},
             {{"ima", "allow", "0", "path"}, ""},
             {{"ima", "allow", "0", "path"}, "boot_aggregate"},
             {{"ima", "require", "0", "path"}, "boot_aggregate"},
             {{"ima", "allow", "0", "path_hex"}, "2"},
             {{"ima", "allow", "0", "digests"}, empty},
             {{"ima", "allow", "0", "digests"}, list_of(kHex32)},
             {{"ima", "allow", "0", "digests"}, list_of("sha256:" + kHex48)},
             {{"ima", "allow", "0", "digests"}, list_of("sha256:" + std::string(64, 'A'))},
             {{"ima", "allow", "0", "digests"}, list_of("md5:" + std::string(32, '1'))},
             {{"ima", "require", "0", "digests"}, list_of("sha256:")},
             {{"ima", "tolerate_violations"}, "/var"},
             {{"ima", "tolerate_violation_patterns"}, list_of("var")},
             {{"ima", "allow", "0", "source"}, 1},
             {{"ima", "forbid"}, object},
             {{"ima", "signers"}, object},
             {{"ima", "known_pcr10"}, list_of(kHex48)},
             {{"signatures"}, object},
             {{"signatures"}, list_of(1)},
         }) {
        std::string where;
        for (const std::string& part : wrong.path) {
            where += "/" + part;
        }
        CAPTURE(where);
        CAPTURE(wrong.value.canonical());
        CHECK_FALSE(parses(with(good, wrong.path, wrong.value)));
    }
}

TEST_CASE("snapshot: a member that nobody knows is refused, at every level") {
    const Json good = base();
    for (const std::vector<std::string>& path : std::vector<std::vector<std::string>>{
             {"comment"},
             {"tee", "comment"},
             {"evidence", "comment"},
             {"tee", "snp", "comment"},
             {"tee", "snp", "measurements", "0", "comment"},
             {"tpm", "comment"},
             {"tpm", "sha256", "comment"},
             {"ima", "comment"},
             {"ima", "allow", "0", "comment"},
             {"ima", "require", "0", "comment"},
         }) {
        CAPTURE(path.size());
        CHECK_FALSE(parses(with(good, path, "text")));
    }
}

TEST_CASE("snapshot: no reference values at all, and no JSON, are refused") {
    Json empty = without(without(without(base(), {"tee"}), {"tpm"}), {"ima"});
    CHECK_FALSE(parses(empty));
    CHECK(parses(with(empty, {"tpm", "sha256", "0"}, list_of(kHex32))));
    CHECK_FALSE(parse_snapshot(""));
    CHECK_FALSE(parse_snapshot("[]"));
    CHECK_FALSE(parse_snapshot("{"));
    CHECK_FALSE(parse_snapshot(base().pretty() + "x"));
}

TEST_CASE("snapshot: a bank without any PCR accepts nothing and is refused") {
    CHECK_FALSE(parses(with(base(), {"tpm", "sha256"}, Json(Json::Object{}))));
}

TEST_CASE("snapshot: a path in two forms is refused") {
    CHECK_FALSE(parses(with(base(), {"ima", "allow", "0", "path_hex"}, "2f62696e2f7368")));
}

TEST_CASE("snapshot: forbidden files and signers have their form, and patterns their places") {
    const std::string digest = Scene::file_digest_text(1);
    const auto file = [](std::string_view member, Json value) {
        return Json(Json::Object{}).set(member, std::move(value));
    };
    const auto with_digest = [&](Json item, Json value) {
        return Json(Json::Array{}).push(std::move(item.set("digests", std::move(value))));
    };
    const auto alone = [](Json item) { return Json(Json::Array{}).push(std::move(item)); };
    struct Case {
        std::string list;
        Json value;
        bool good;
    };
    const Json::Array none;
    const std::string spki =
        base64(PrivateKey::generate(KeyKind::p256).value().public_key().spki());
    const auto signer = [&](Json patterns) {
        return Json(Json::Object{}).set("spki", spki).set("patterns", std::move(patterns));
    };
    for (const Case& item : std::vector<Case>{
             {"allow", with_digest(file("pattern", "/a/*"), list_of(digest)), true},
             {"allow", with_digest(file("pattern", "a/*"), list_of(digest)), false},
             {"allow", with_digest(file("pattern", ""), list_of(digest)), false},
             {"allow", with_digest(file("pattern", "/a/*"), Json(none)), false},
             {"allow", alone(file("pattern", "/a/*")), false},
             {"allow", with_digest(file("pattern", "/a").set("path", "/a"), list_of(digest)),
              false},
             {"require", with_digest(file("pattern", "/a/*"), list_of(digest)), false},
             {"forbid", Json(none), true},
             {"forbid", alone(file("path", "/a")), true},
             {"forbid", alone(file("pattern", "**/a")), true},
             {"forbid", alone(file("path_hex", "2fff")), true},
             {"forbid", with_digest(file("path", "/a"), list_of(digest)), true},
             {"forbid", with_digest(file("path", "/a"), Json(none)), false},
             {"forbid", with_digest(file("path", "/a"), list_of("sha256:")), false},
             {"forbid", alone(file("path", "boot_aggregate")), false},
             {"forbid", alone(file("digests", list_of(digest))), false},
             {"forbid", alone(file("path", "/a").set("comment", "x")), false},
             {"signers", alone(signer(list_of("/**"))), true},
             {"signers", alone(signer(list_of("/**")).set("name", "x").set("key_id", "01020304")),
              true},
             {"signers", alone(signer(list_of("/**")).set("key_id", "010203")), false},
             {"signers", alone(signer(list_of("usr/**"))), false},
             {"signers", alone(signer(Json(none))), false},
             {"signers", alone(signer(list_of("/**")).set("spki", "AAAA")), false},
             {"signers", alone(signer(list_of("/**")).set("comment", "x")), false},
             {"signers", alone(file("spki", spki)), false},
             {"signers", alone(file("patterns", list_of("/**"))), false},
         }) {
        CAPTURE(item.list);
        CAPTURE(item.value.canonical());
        CHECK(parses(with(base(), {"ima", item.list}, item.value)) == item.good);
    }
}

TEST_CASE("snapshot: P-256 and P-384 sign, and two may sign one") {
    const PrivateKey small = PrivateKey::generate(KeyKind::p256).value();
    const PrivateKey large = PrivateKey::generate(KeyKind::p384).value();
    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    const Json one = sign_snapshot(base(), small).value();
    const Json two = sign_snapshot(one, large).value();
    CHECK(verify_signature(one.pretty(), small.public_key()));
    CHECK_FALSE(verify_signature(one.pretty(), large.public_key()));
    CHECK(verify_signature(two.pretty(), small.public_key()));
    CHECK(verify_signature(two.pretty(), large.public_key()));
    CHECK_FALSE(verify_signature(two.pretty(), other.public_key()));
    CHECK(parse_snapshot(two.pretty()).value().signatures.size() == 2);
    // What is signed does not contain the signatures.
    CHECK(parse_snapshot(two.pretty()).value().digest ==
          parse_snapshot(base().pretty()).value().digest);
    // The same signer again replaces its signature.
    const Json again = sign_snapshot(two, small).value();
    CHECK(parse_snapshot(again.pretty()).value().signatures.size() == 2);
}

TEST_CASE("snapshot: every changed member breaks the signature") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const Json good = sign_snapshot(base(), key).value();
    struct Case {
        std::vector<std::string> path;
        Json value;
    };
    for (const Case& change : std::vector<Case>{
             {{"name"}, "other"},
             {{"sequence"}, 8},
             {{"not_after"}, "2040-01-01T00:00:00Z"},
             {{"origin"}, "observed"},
             {{"dialects"}, list_of("other")},
             {{"taken_from"}, "somewhere"},
             {{"tee", "snp", "measurements", "0", "value"}, kHex48},
             {{"tee", "snp", "min_guest_svn"}, 1},
             {{"tpm", "sha256", "0"}, list_of(kHex32)},
             {{"ima", "allow", "0", "path"}, "/other"},
             {{"ima", "known_pcr10"}, list_of(kHex32)},
         }) {
        CAPTURE(change.path.back());
        const std::string text = with(good, change.path, change.value).pretty();
        REQUIRE(parse_snapshot(text));
        CHECK_FALSE(verify_signature(text, key.public_key()));
    }
}

TEST_CASE("snapshot: a signature of another form is refused") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const Json good = sign_snapshot(base(), key).value();
    CHECK_FALSE(parses(with(good, {"signatures", "0", "signature"}, "AAAA")));
    CHECK_FALSE(parses(with(good, {"signatures", "0", "signature"}, "!")));
    CHECK_FALSE(parses(with(good, {"signatures", "0", "key"}, "00")));
    CHECK_FALSE(parses(with(good, {"signatures", "0", "comment"}, "text")));
    CHECK_FALSE(parses(without(good, {"signatures", "0", "key"})));
    CHECK_FALSE(parses(without(good, {"signatures", "0", "signature"})));
    const std::string zeros = std::string(85, 'A') + "A==";  // 64 zero bytes
    const Json forged = with(good, {"signatures", "0", "signature"}, zeros);
    REQUIRE(parses(forged));
    CHECK_FALSE(verify_signature(forged.pretty(), key.public_key()));
}

TEST_CASE("snapshot: the signed bytes begin with the domain, so no other document passes for one") {
    const auto text = SnapshotText::read(text_bytes(base().pretty()));
    REQUIRE(text);
    const Bytes bytes = text->signed_bytes();
    CHECK(as_text(bytes).starts_with(std::string_view("ratls-vm/snapshot/1\0{", 21)));
    CHECK(as_text(bytes).substr(20) == base().canonical());
    CHECK(hex(text->hash(HashAlg::sha384).view()) == hex(hash(HashAlg::sha384, bytes).view()));
    CHECK_FALSE(sign_snapshot(Json("text"), PrivateKey::generate(KeyKind::p256).value()));
}

TEST_CASE("snapshot: who signed is known before anything else is read") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const Json odd = with(base(), {"sequence"}, "seven");
    CHECK(verify_signature(sign_snapshot(odd, key).value().pretty(), key.public_key()));
    CHECK_FALSE(parses(odd));
}

TEST_CASE("snapshot: a text is bounded on both sides of each limit, before it is believed") {
    const auto code = [](const std::string& text) {
        const auto read = SnapshotText::read(text_bytes(text));
        return read ? std::string("read") : read.error().text();
    };
    const auto tool = [](std::size_t size) {
        return R"({"tool":")" + std::string(size - 2, 'x') + "\"}";
    };
    CHECK(code(tool(kMaxSnapshotMember)) == "read");
    CHECK(code(tool(kMaxSnapshotMember + 1)) == "snapshot: tool: at most 4194304 bytes wanted");
    const std::string space(kMaxSnapshotText - 2, ' ');
    CHECK(code("{" + space + "}") == "read");
    CHECK(code("{ " + space + "}").starts_with("snapshot: json: at most 67108864 bytes wanted"));
    // {"ima":[..]}: six tokens, and two for each item but the last.
    const auto items = [](std::size_t count) {
        std::string out = R"({"ima":[0)";
        for (std::size_t i = 1; i < count; ++i) {
            out += ",0";
        }
        return out + "]}";
    };
    constexpr std::size_t kFit = (kMaxSnapshotTokens - 6) / 2;
    CHECK(code(items(kFit)) == "read");
    CHECK(code(items(kFit + 1)).starts_with("snapshot: json: more than 4194304 "));
    CHECK(code(R"({"ima":[[[[[[[]]]]]]]})") == "read");
    CHECK(code(R"({"ima":[[[[[[[[]]]]]]]]})").ends_with("8 levels of nesting"));
    CHECK(code(R"({"comment":"x"})") == "snapshot: \"comment\": unknown member");
    CHECK(code(R"({"ima":{},"ima":{}})") == "snapshot: ima: occurs twice");
}
