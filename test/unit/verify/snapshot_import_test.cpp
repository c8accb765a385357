// Reference values of other programs: what can be carried over is, what cannot is named.
#include "verify/appraise/snapshot_import.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"

using namespace ratls;
using namespace ratls::verify;

namespace {

const std::string k40(40, 'a'), k64(64, 'b'), k96(96, 'c'), k128(128, 'd');

bool notes_say(const ImportedReferences& imported, std::string_view what) {
    return std::ranges::any_of(imported.notes,
                               [&](const std::string& note) { return note.contains(what); });
}

ImportedReferences keylime(const std::string& text) {
    const auto imported = parse_keylime_policy(text);
    REQUIRE_MESSAGE(imported, (imported ? "" : imported.error().text()));
    return *imported;
}

std::string keylime_json(const std::string& more, const std::string& digests) {
    return R"({"meta":{"version":1},"release":0,"digests":)" + digests + more + "}";
}

std::string cosmian_json(const std::string& tee, const std::string& files = "null",
                         const std::string& cloud = "\"AWS\"") {
    return R"({"cloud_type":)" + cloud + R"(,"tee_policy":)" + tee +
           R"(,"tpm_policy":{"reset_count":1,"restart_count":2},"filehashes":)" + files + "}";
}

std::string sev(const std::string& more = "") {
    return R"({"Sev":{"measurement":")" + k96 + R"(","guest_svn":2,"policy":196608)" + more + "}}";
}

}  // namespace

TEST_CASE("import keylime: the length of a digest says its algorithm") {
    const auto imported =
        keylime(keylime_json(R"(,"excludes":[])", R"({"/b":[")" + k96 + R"(",")" + k64 +
                                                      R"("],"/a":[")" + k128 + R"("]})"));
    REQUIRE(imported.snapshot.ima);
    const auto& allow = imported.snapshot.ima->allow;
    REQUIRE(allow.size() == 2);
    CHECK(allow[0].path == "/a");
    CHECK(allow[0].digests == std::vector{"sha512:" + k128});
    CHECK(allow[1].digests == std::vector{"sha256:" + k64, "sha384:" + k96});
    CHECK(imported.snapshot.origin == "observed");
    CHECK(imported.notes.empty());
}

TEST_CASE("import keylime: everything that is not carried over is named") {
    const auto imported = keylime(keylime_json(
        R"(,"excludes":["/tmp/.*","/var.*"],"keyrings":{".ima":[")" + k64 +
            R"("]},"ima":{"ignored_keyrings":["*"],"log_hash_alg":"sha1","dm_policy":{"a":1}},)"
            R"("ima-buf":{"kexec-cmdline":[")" +
            k64 + R"("]},"verification-keys":"{}","new":1)",
        R"({"/a":[")" + k64 + R"("],"/old":[")" + k40 + R"("],"boot_aggregate":[")" + k64 +
            R"("],"/v":[")" + std::string(64, '0') + R"("]})"));
    CHECK(imported.snapshot.ima->allow.size() == 2);
    CHECK(imported.snapshot.ima->allow[1].path == "kexec-cmdline");
    for (const char* what :
         {"\"/old\"", "boot_aggregate", "\"/v\"", "/tmp/.*", "/var.*", "keyrings",
          "ignored_keyrings", "dm_policy", "verification-keys", "\"new\""}) {
        CAPTURE(what);
        CHECK(notes_say(imported, what));
    }
    CHECK(imported.notes.size() == 10);
}

TEST_CASE("import keylime: what has not the form of a policy is refused") {
    for (const std::string& text : std::vector<std::string>{
             "", "{", "{}", R"({"digests":[]})", keylime_json("", "{}"),
             keylime_json("", R"({"/a":"x"})"), keylime_json("", R"({"/a":[1]})"),
             keylime_json("", R"({"/a":["abc"]})"), keylime_json("", R"({"":[")" + k64 + R"("]})"),
             keylime_json("", R"({"/a":[")" + k40 + R"("]})"),
             keylime_json(R"(,"ima-buf":1)", R"({"/a":[")" + k64 + R"("]})"),
             R"({"payload":"","payloadType":"","signatures":[]})"}) {
        CAPTURE(text);
        const auto imported = parse_keylime_policy(text);
        REQUIRE_FALSE(imported);
        CHECK(imported.error().where.starts_with("keylime"));
    }
}

TEST_CASE("import keylime: lines of digest and path") {
    const auto imported =
        keylime("# comment\n\n" + k64 + "  /usr/bin/a b\r\n  " + k96 + " /usr/bin/c\n" + k40 +
                "  /old\n" + k64 + "  boot_aggregate\n" + k64 + " %keyring:.ima\n");
    const auto& allow = imported.snapshot.ima->allow;
    REQUIRE(allow.size() == 2);
    CHECK(allow[0].path == "/usr/bin/a_b");  // as the kernel logs it
    CHECK(allow[1].digests == std::vector{"sha384:" + k96});
    CHECK(imported.notes.size() == 3);
    CHECK(notes_say(imported, "%keyring:.ima"));
    const std::vector<std::string> lines = {k64,
                                            k64 + " ",
                                            k64 + "  ./relative",
                                            k64 + " *relative",
                                            "\\" + k64 + "  /a\\b",
                                            "xyz  /a",
                                            "/a  " + k64,
                                            "sha512:" + k64 + "  /a",
                                            "sha256:" + k40 + "  /a",
                                            "SHA256 (/a) = " + k64,
                                            "\\" + k64 + "  /a\\"};
    for (const std::string& line : lines) {
        CAPTURE(line);
        const auto refused = parse_keylime_policy(k64 + "  /good\n" + line);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().where.contains("line 2"));
    }
}

TEST_CASE("import keylime: what sha256sum writes, with its marks and escapes") {
    const auto imported = keylime("\\" + k64 + "  /usr/lib/a\\\\x2db\n" + k64 + " */usr/bin/b\n" +
                                  "\\" + k64 + " */c\\nd\\re\n" + k64 + "  /with space\n" + k96 +
                                  "  /with_space\n" + k64 + "  /raw\\n\n");
    const auto& allow = imported.snapshot.ima->allow;
    REQUIRE(allow.size() == 5);
    CHECK(allow[0].path == "/c\nd\re");
    CHECK(allow[1].path == "/raw\\n");
    CHECK(allow[2].path == "/usr/bin/b");
    CHECK(allow[3].path == "/usr/lib/a\\x2db");
    CHECK(allow[4].path == "/with_space");
    CHECK(allow[4].digests == std::vector{"sha256:" + k64, "sha384:" + k96});
    CHECK(imported.notes.empty());
}

TEST_CASE("import keylime: a digest may have its algorithm before it") {
    const auto lines = keylime("sha256:" + k64 + "  boot_aggregate\nsha384:" + k96 + "  /a\n");
    CHECK(lines.snapshot.ima->allow[0].digests == std::vector{"sha384:" + k96});
    CHECK(notes_say(lines, "boot_aggregate"));
    const auto json = keylime(keylime_json(
        "", R"({"boot_aggregate":["sha256:)" + k64 + R"("],"/a":["sha512:)" + k128 + R"("]})"));
    CHECK(json.snapshot.ima->allow[0].digests == std::vector{"sha512:" + k128});
    for (const std::string& digest :
         {"sha1:" + k64, "md5:" + k64, ":" + k64, std::string("sha256:")}) {
        CAPTURE(digest);
        const auto refused =
            parse_keylime_policy(keylime_json("", R"({"/a":[")" + digest + R"("]})"));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().where.contains("/a"));
    }
}

TEST_CASE("import keylime: what is left out on demand is listed, each line") {
    const std::string text = k64 + "  /good\n" + k64 + "  ./relative\nxyz  /bad\n\\" + k64 +
                             "  /a\\b\n" + k64 + "  boot_aggregate\n";
    const auto refused = parse_keylime_policy(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where.contains("line 2"));
    CHECK(refused.error().what.contains("absolute names"));
    const auto imported = parse_keylime_policy(text, {.skip_invalid = true});
    REQUIRE(imported);
    CHECK(imported->snapshot.ima->allow.size() == 1);
    CHECK(imported->notes.size() == 4);
    for (const char* line : {"line 2", "line 3", "line 4"}) {
        CAPTURE(line);
        CHECK(notes_say(*imported, line));
    }
    const auto json = parse_keylime_policy(
        keylime_json("", R"({"/a":["xyz"],"/b":[")" + k64 + R"("]})"), {.skip_invalid = true});
    REQUIRE(json);
    CHECK(json->snapshot.ima->allow.size() == 1);
    CHECK(notes_say(*json, "\"/a\""));
}

TEST_CASE("import keylime: SHA-1 digests are carried over on demand only") {
    const std::string text = k40 + "  /a\n";
    const auto refused = parse_keylime_policy(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.contains("--sha1"));
    const auto imported = parse_keylime_policy(text, {.sha1 = true});
    REQUIRE(imported);
    CHECK(imported->snapshot.ima->allow[0].digests == std::vector{"sha1:" + k40});
    CHECK(imported->notes.empty());
}

TEST_CASE("import cosmian: what ratls compares of SEV-SNP is carried over, the rest is named") {
    const auto imported = parse_cosmian_snapshot(cosmian_json(
        sev(R"(,"report_data":"00","family_id":")" + std::string(32, '1') + R"(","image_id":")" +
            std::string(32, '0') + R"(","id_key_digest":")" + k96 + R"(","author_key_digest":")" +
            std::string(96, '0') + R"(","report_id":"11","report_id_ma":"ff","new":1)"),
        R"([["/b",")" + k64 + R"("],["/a",")" + k64 + R"("],["/a",")" + k96 +
            R"("],["boot_aggregate",")" + k64 + R"("],["/v",")" + std::string(64, '0') +
            R"("],["/s",")" + k40 + R"("]])"));
    REQUIRE_MESSAGE(imported, (imported ? "" : imported.error().text()));
    const SnpReference& snp = *imported->snapshot.snp;
    REQUIRE(snp.measurements.size() == 1);
    CHECK(hex(snp.measurements[0].value) == k96);
    CHECK(snp.measurements[0].covers == std::vector<std::string>{"firmware"});
    CHECK(snp.measurements[0].tag.empty());
    CHECK(snp.min_guest_svn == 2);
    CHECK(snp.family_ids.size() == 1);
    CHECK(snp.image_ids.empty());
    CHECK(snp.id_key_digests.size() == 1);
    CHECK(snp.author_key_digests.empty());
    const auto& allow = imported->snapshot.ima->allow;
    REQUIRE(allow.size() == 2);
    CHECK(allow[0].path == "/a");
    CHECK(allow[0].digests.size() == 2);
    CHECK(imported->snapshot.origin == "observed");
    for (const char* what : {"policy", "report_data", "report_id", "report_id_ma", "\"new\"",
                             "tpm_policy", "cloud_type", "boot_aggregate", "\"/v\"", "\"/s\""}) {
        CAPTURE(what);
        CHECK(notes_say(*imported, what));
    }
}

TEST_CASE("import cosmian: behind Azure's paravisor the measurement is the paravisor's") {
    const auto imported = parse_cosmian_snapshot(cosmian_json(sev(), "null", "\"Azure\""));
    REQUIRE(imported);
    CHECK(imported->snapshot.snp->measurements[0].tag == "paravisor");
    CHECK_FALSE(imported->snapshot.ima);
}

TEST_CASE("import cosmian: a trust domain has MRTD and owners, but no RTMRs") {
    const auto imported = parse_cosmian_snapshot(cosmian_json(
        R"({"Tdx":{"header":{"minimum_qe_svn":1},"body":{"mr_td":")" + k96 +
        R"(","mr_config_id":")" + k96 + R"(","mr_owner":")" + k96 + R"(","mr_owner_config":")" +
        k96 + R"(","mr_seam":"00","td_attributes":"00","xfam":3,"minimum_tee_tcb_svn":"00"}}})"));
    REQUIRE_MESSAGE(imported, (imported ? "" : imported.error().text()));
    const TdxReference& tdx = *imported->snapshot.tdx;
    CHECK(hex(tdx.measurements[0].value) == k96);
    CHECK(tdx.rtmrs.empty());
    CHECK(tdx.mr_config_id.size() == 1);
    CHECK(tdx.mr_owner.size() == 1);
    CHECK(tdx.mr_owner_config.size() == 1);
    for (const char* what :
         {"header", "mr_seam", "td_attributes", "xfam", "minimum_tee_tcb_svn", "RTMRs"}) {
        CAPTURE(what);
        CHECK(notes_say(*imported, what));
    }
}

TEST_CASE("import cosmian: what has not the form is refused") {
    for (const std::string& text : std::vector<std::string>{
             "", "[]", "{}", cosmian_json("null"), cosmian_json("{}"),
             cosmian_json(R"({"Sgx":{}})"), cosmian_json(R"({"Sev":1})"),
             cosmian_json(R"({"Sev":{}})"), cosmian_json(R"({"Sev":{"measurement":"00"}})"),
             cosmian_json(R"({"Tdx":{}})"), cosmian_json(R"({"Tdx":{"body":{}}})"),
             cosmian_json(sev(R"(,"family_id":"00")")), cosmian_json(sev(), "{}"),
             cosmian_json(sev(), R"(["/a"])"), cosmian_json(sev(), R"([["/a"]])"),
             cosmian_json(sev(), R"([["/a",1]])"), cosmian_json(sev(), R"([["/a","00"]])"),
             cosmian_json(sev(), R"([["",")" + k64 + R"("]])")}) {
        CAPTURE(text);
        const auto imported = parse_cosmian_snapshot(text);
        REQUIRE_FALSE(imported);
        CHECK(imported.error().where.starts_with("cosmian"));
    }
}
