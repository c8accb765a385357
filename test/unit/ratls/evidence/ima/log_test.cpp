#include "ratls/evidence/ima/log.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "test/support/ima_builder.h"
#include "test/support/refusal.h"

using namespace ratls;
using ima::Entry;
using ima::LogReader;
using test::digest_field;
using test::ImaBuilder;
using test::kAccepted;
using test::name_field;
using test::refusal;
using test::says;
using test::text_bytes;

namespace {

const Bytes kDigest(32, 0xd1);

/// Reads a whole list; the entries point into it.
Result<std::vector<Entry>> read_all(ByteView log, std::size_t digest_size = 20) {
    LogReader reader(log, digest_size);
    std::vector<Entry> out;
    Entry entry;
    while (reader.next(entry)) {
        out.push_back(entry);
    }
    RATLS_CHECK(reader.status());
    return out;
}

Error error_of(ByteView log) {
    const auto entries = read_all(log);
    REQUIRE_FALSE(entries);
    return entries.error();
}

/// The error of a list of one entry with these fields.
Error error_of(std::string_view name, const std::vector<Bytes>& fields) {
    return error_of(ImaBuilder().add_fields(name, fields).log());
}

std::string accepts(std::string_view name, const std::vector<Bytes>& fields) {
    const ImaBuilder builder = ImaBuilder().add_fields(name, fields);
    const auto entries = read_all(builder.log());
    CHECK((!entries || entries->size() == 1));
    return refusal(entries);
}

/// One entry by hand; only the lengths are as given.
Bytes raw_entry(std::uint32_t pcr, std::uint32_t name_length, std::string_view name,
                std::uint32_t data_length, ByteView data) {
    Writer out;
    out.u32_le(pcr).bytes(Bytes(20, 1)).u32_le(name_length).bytes(as_bytes(name));
    return out.u32_le(data_length).bytes(data).take();
}

}  // namespace

TEST_CASE("ima: the bytes of an ima-ng entry give its fields, as views into the log") {
    const Bytes log = *parse_hex(
        "0a0000007faad5dc96c4732eacbf3cbf69fa054138fb56c106000000696d612d6e673b00000028000000"
        "7368613235363a00bb54068aea85faa7e487530083366be9962390af822e4c71ef1aca7033c83e660b00"
        "00002f7362696e2f696e697400");
    LogReader reader(log);
    Entry entry;
    REQUIRE(reader.next(entry));
    CHECK(entry.pcr == 10);
    CHECK(hex(entry.template_digest) == "7faad5dc96c4732eacbf3cbf69fa054138fb56c1");
    CHECK(entry.template_name == "ima-ng");
    CHECK(entry.template_data.size() == 0x3b);
    CHECK_FALSE(entry.violation);
    CHECK(entry.file_hash == HashAlg::sha256);
    CHECK(entry.file_hash_name == "sha256");
    CHECK(hex(entry.file_digest) ==
          "bb54068aea85faa7e487530083366be9962390af822e4c71ef1aca7033c83e66");
    CHECK(entry.path == "/sbin/init");
    CHECK(entry.signature.empty());
    CHECK(entry.buffer.empty());
    CHECK_FALSE(entry.verity);
    CHECK(entry.raw.data() == log.data());
    CHECK(entry.raw.size() == log.size());
    CHECK(reader.index() == 1);
    CHECK(reader.offset() == log.size());
    CHECK_FALSE(reader.next(entry));
    CHECK(reader.status());
}

TEST_CASE("ima: each template is read by its own fields") {
    const Bytes signature = {3, 2, 4, 1, 2, 3, 4, 0, 0};
    const Bytes command_line = text_bytes("root=/dev/vda1 quiet");
    ImaBuilder log;
    log.add("/usr/bin/a", kDigest);
    log.add_signed("/usr/bin/b", kDigest, signature);
    log.add_fields("ima-ngv2", {digest_field("sha1", Bytes(20, 7), "ima"), name_field("/c")});
    log.add_fields("ima-sigv2",
                   {digest_field("sha512", Bytes(64, 8), "verity"), name_field("/d"), signature});
    log.add_fields("ima-buf", {digest_field("sha256", sha256(command_line)),
                               name_field("kexec-cmdline"), command_line});
    log.add_fields("ima-modsig", {digest_field("sha256", kDigest),
                                  name_field("/e.ko"),
                                  {},
                                  digest_field("sha256", kDigest),
                                  Bytes(300, 0x30)});
    log.add_fields("evm-sig", {digest_field("sha256", kDigest), name_field("/f"), signature,
                               text_bytes("security.selinux"), Bytes(4), text_bytes("ctx"),
                               Bytes(4), Bytes(4), Bytes(2)});
    log.add_legacy("/g h", Bytes(20, 9));
    const auto entries = read_all(log.log());
    REQUIRE(entries);
    REQUIRE(entries->size() == 8);
    CHECK((*entries)[0].path == "/usr/bin/a");
    CHECK(equal((*entries)[1].signature, signature));
    CHECK((*entries)[2].file_hash == HashAlg::sha1);
    CHECK_FALSE((*entries)[2].verity);
    CHECK((*entries)[3].file_hash == HashAlg::sha512);
    CHECK((*entries)[3].verity);
    CHECK(equal((*entries)[3].signature, signature));
    CHECK(equal((*entries)[4].buffer, command_line));
    CHECK((*entries)[4].path == "kexec-cmdline");
    CHECK((*entries)[5].path == "/e.ko");
    CHECK((*entries)[6].path == "/f");
    CHECK((*entries)[7].path == "/g h");
    CHECK((*entries)[7].file_hash_name == "sha1");
    CHECK(hex((*entries)[7].file_digest) == hex(Bytes(20, 9)));
    for (std::size_t i = 0; i < entries->size(); ++i) {
        CHECK((*entries)[i].raw.size() == log.offset(i + 1) - log.offset(i));
    }
}

TEST_CASE("ima: an empty list has no entries and no error") {
    const auto entries = read_all({});
    REQUIRE(entries);
    CHECK(entries->empty());
}

TEST_CASE("ima: every truncation inside an entry is refused, and the message names the entry") {
    ImaBuilder log;
    log.add("/usr/bin/a", kDigest).add_signed("/usr/bin/b", kDigest, Bytes(9, 3));
    log.add_legacy("/usr/bin/c", Bytes(20, 9));
    for (std::size_t n = 1; n < log.log().size(); ++n) {
        const auto entries = read_all(ByteView(log.log()).first(n));
        if (n == log.offset(1) || n == log.offset(2)) {
            CHECK(entries);
            continue;
        }
        REQUIRE_FALSE(entries);
        const std::size_t index = n < log.offset(1) ? 0 : n < log.offset(2) ? 1 : 2;
        CHECK(entries.error().where.starts_with("ima: entry " + std::to_string(index) + ": "));
    }
}

TEST_CASE("ima: after a failure nothing more is read") {
    Bytes log = ImaBuilder().add("/a", kDigest).log();
    log.push_back(10);
    LogReader reader(log);
    Entry entry;
    CHECK(reader.next(entry));
    CHECK_FALSE(reader.next(entry));
    CHECK_FALSE(reader.next(entry));
    CHECK(reader.index() == 1);
    CHECK_FALSE(reader.status());
}

TEST_CASE("ima: the rest of a longer list is counted from its first index") {
    LogReader reader(ByteView(), 20, 7);
    CHECK(reader.index() == 7);
    const Bytes log = {1};
    LogReader rest(log, 20, 7);
    Entry entry;
    CHECK_FALSE(rest.next(entry));
    CHECK(rest.status().error().where.starts_with("ima: entry 7: "));
}

TEST_CASE("ima: lengths beyond the limits are refused before anything is read by them") {
    const Bytes data(8);
    CHECK(error_of(raw_entry(10, 0xffffffff, "ima-ng", 8, data)).where ==
          "ima: entry 0: header: template name length");
    CHECK(error_of(raw_entry(10, 0, "", 8, data)).where ==
          "ima: entry 0: header: template name length");
    CHECK(error_of(raw_entry(10, 256, std::string(256, 'a'), 8, data)).where ==
          "ima: entry 0: header: template name length");
    CHECK(read_all(raw_entry(10, 255, std::string(255, 'a'), 8, data)));
    CHECK(error_of(raw_entry(10, 6, "ima-ng", 0xffffffff, data)).code == Code::too_large);
    CHECK(error_of(raw_entry(10, 6, "ima-ng", ima::kMaxTemplateData + 1, data)).code ==
          Code::too_large);
    CHECK(error_of(raw_entry(10, 6, "ima-ng", ima::kMaxTemplateData, data)).code ==
          Code::malformed);
    CHECK(error_of(raw_entry(24, 6, "ima-ng", 8, data)).where == "ima: entry 0: header: pcr");
    CHECK(read_all(ImaBuilder().add("/a", kDigest, 23).log()));
}

TEST_CASE("ima: a template that nobody knows is carried, without a digest and a path") {
    for (const std::string_view name : {"ima-xyz", "IMA-NG", "d-ng,n-ng"}) {
        CAPTURE(name);
        const ImaBuilder log =
            ImaBuilder().add_fields(name, {digest_field("sha256", kDigest), name_field("/a")});
        const auto entries = read_all(log.log());
        REQUIRE(entries);
        CHECK((*entries)[0].path.empty());
        CHECK((*entries)[0].file_hash_name.empty());
        CHECK((*entries)[0].template_data.size() ==
              log.log().size() - 4 - 20 - 4 - name.size() - 4);
    }
    using namespace std::string_view_literals;
    for (const std::string_view name : {"ima-ng "sv, "ima\nng"sv, "ima\0ng"sv, "\xff"sv}) {
        CAPTURE(name);
        const Error error = error_of(name, {digest_field("sha256", kDigest), name_field("/a")});
        CHECK(error.code == Code::malformed);
        CHECK(error.where == "ima: entry 0: header: template name");
    }
}

TEST_CASE("ima: a template whose name is a format is read by it, in any order of the fields") {
    const Bytes digest = digest_field("sha256", kDigest);
    const Bytes signature = {3, 2, 4, 9};
    std::vector<Bytes> logs;  // what entries point into
    const auto read = [&](std::string_view format, const std::vector<Bytes>& fields) {
        logs.push_back(ImaBuilder().add_fields(format, fields).log());
        return read_all(logs.back());
    };
    const auto is_file = [](const Result<std::vector<Entry>>& entries) {
        REQUIRE(entries);
        const Entry& entry = entries->front();
        return entry.path == "/a" && entry.file_hash == HashAlg::sha256 &&
               equal(entry.file_digest, kDigest);
    };
    CHECK(is_file(read("d-ng|n-ng", {digest, name_field("/a")})));
    CHECK(is_file(read("n-ng|d-ng", {name_field("/a"), digest})));
    CHECK(is_file(read("d-ng|n-ng|sig", {digest, name_field("/a"), signature})));
    CHECK(is_file(read("iuid|igid|imode|d-ng|n-ng",
                       {Bytes(4), Bytes(4), Bytes(2), digest, name_field("/a")})));
    CHECK(
        is_file(read("d|n|d-ng|n-ng", {Bytes(20, 7), name_field("/a"), digest, name_field("/a")})));
    CHECK(is_file(
        read("d-ng|d-ngv2|n", {digest, digest_field("sha256", kDigest, "ima"), name_field("/a")})));
    CHECK(is_file(read("d-ng|n-ng|hash-of-tomorrow", {digest, name_field("/a"), Bytes(3, 1)})));
    CHECK(read("d-ng|n-ng|sig", {digest, name_field("/a"), signature})->front().signature.size() ==
          signature.size());
    CHECK(read("d-ngv2|n-ng", {digest_field("sha256", kDigest, "verity"), name_field("/a")})
              ->front()
              .verity);
}

TEST_CASE("ima: the fields d and n have the sizes of SHA-1 or MD5 and of a short name") {
    std::vector<Bytes> logs;  // what entries point into
    const auto read = [&](const Bytes& digest, const std::string& name) {
        logs.push_back(ImaBuilder().add_fields("d|n", {digest, name_field(name)}).log());
        return read_all(logs.back());
    };
    REQUIRE(read(Bytes(20, 7), "/a"));
    CHECK(read(Bytes(20, 7), "/a")->front().file_hash == HashAlg::sha1);
    REQUIRE(read(Bytes(16, 7), std::string(255, 'a')));
    CHECK(read(Bytes(16, 7), "/a")->front().file_hash_name == "md5");
    CHECK_FALSE(read(Bytes(16, 7), "/a")->front().file_hash);
    for (const std::size_t size : {0U, 15U, 17U, 21U, 32U}) {
        const auto refused = read(Bytes(size, 7), "/a");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().where == "ima: entry 0: template data: d");
    }
    CHECK(read(Bytes(20, 7), std::string(256, 'a')).error().where ==
          "ima: entry 0: template data: n");
    CHECK(error_of("d", {Bytes(21)}).where == "ima: entry 0: template data: d");
}

TEST_CASE("ima: a format has at most 15 fields") {
    std::string format = "d-ng";
    std::vector<Bytes> fields = {digest_field("sha256", kDigest)};
    for (int i = 0; i < 14; ++i) {
        format += "|iuid";
        fields.emplace_back();
    }
    CHECK(accepts(format, fields) == kAccepted);
    fields.emplace_back();
    CHECK(error_of(format + "|iuid", fields).where == "ima: entry 0: header: template name");
}

TEST_CASE("ima: others accept, we refuse: a field that its owner wrote, called digest or path") {
    const Bytes real = digest_field("sha256", Bytes(32, 0xee));
    const Bytes good = digest_field("sha256", kDigest);
    const auto first = [](std::string_view format, const std::vector<Bytes>& fields) {
        const ImaBuilder log = ImaBuilder().add_fields(format, fields);
        const auto entries = read_all(log.log());
        REQUIRE(entries);
        return std::pair(std::string(entries->front().path),
                         std::string(entries->front().file_hash_name));
    };
    // The template hash is the same whatever the fields are called.
    const std::pair<std::string, std::string> no_digest = {"/a", ""};
    const std::pair<std::string, std::string> no_path = {"", "sha256"};
    CHECK(first("later|n-ng|xattrvalues", {real, name_field("/b"), good}).second.empty());
    CHECK(first("n-ng|later|d-ng", {name_field("/a"), real, good}) == no_digest);
    CHECK(first("n-ng|xattrvalues|d-ng", {name_field("/a"), real, good}) == no_digest);
    CHECK(first("n-ng|d-modsig|sig|d-ng", {name_field("/a"), real, {}, good}) == no_digest);
    CHECK(first("d-ng|buf|n-ng", {digest_field("sha256", sha256(name_field("/b"))),
                                  name_field("/b"), name_field("/a")}) == no_path);
    // Two that differ say nothing.
    CHECK(first("d-ng|n-ng|n-ng", {good, name_field("/a"), name_field("/b")}) == no_path);
    CHECK(first("d-ng|n|n-ng", {good, name_field("/a"), name_field("/a")}) ==
          std::pair<std::string, std::string>("/a", "sha256"));
    CHECK(error_of("d-ng|d-ng|n-ng", {good, real, name_field("/a")}).where ==
          "ima: entry 0: template data: d-ng");
    CHECK(error_of("d-ng|d-ngv2|n-ng",
                   {good, digest_field("sha256", Bytes(32, 1), "ima"), name_field("/a")})
              .where == "ima: entry 0: template data: d-ngv2");
}

TEST_CASE("ima: a buffer in a format of one's own has its digest beside it too") {
    const Bytes buffer = text_bytes("quiet");
    const Bytes name = name_field("kexec-cmdline");
    const std::string_view format = "d-ng|n-ng|buf";
    CHECK(accepts(format, {digest_field("sha256", sha256(buffer)), name, buffer}) == kAccepted);
    CHECK(accepts(format, {digest_field("sha256", kDigest), name_field("/a"), {}}) == kAccepted);
    CHECK(error_of(format, {digest_field("sha256", kDigest), name, buffer}).code == Code::mismatch);
}

TEST_CASE("ima: a name is logged with _ for each space, and nothing else changes") {
    CHECK(ima::logged_name("/opt/my app/a  b\t\xff") == "/opt/my_app/a__b\t\xff");
    CHECK(ima::logged_name("").empty());
}

TEST_CASE("ima: an entry has exactly the fields of its template") {
    const Bytes digest = digest_field("sha256", kDigest);
    CHECK(accepts("ima-ng", {digest, name_field("/a")}) == kAccepted);
    CHECK(error_of("ima-ng", {digest}).code == Code::malformed);
    CHECK(error_of("ima-ng", {digest, name_field("/a"), {}}).where ==
          "ima: entry 0: template data: end");
    CHECK(accepts("ima-sig", {digest, name_field("/a"), {}}) == kAccepted);
    CHECK(error_of("ima-sig", {digest, name_field("/a")}).code == Code::malformed);
    CHECK(error_of("ima-buf", {digest, name_field("/a")}).code == Code::malformed);
    CHECK(error_of("ima-modsig", {digest, name_field("/a"), {}, {}}).code == Code::malformed);
    CHECK(error_of("evm-sig", {digest, name_field("/a"), {}, {}, {}, {}, {}, {}}).code ==
          Code::malformed);
    CHECK(error_of("ima-ng", {}).code == Code::malformed);
}

TEST_CASE("ima: a field length beyond its data is refused") {
    Writer data;
    data.u32_le(0xfffffff0).bytes(Bytes(40));
    CHECK(error_of(ImaBuilder().add_data("ima-ng", data.view(), 10, false).log()).where ==
          "ima: entry 0: template data: d-ng");
}

TEST_CASE("ima: a digest field names an algorithm and has the size of its digest") {
    const Bytes path = name_field("/a");
    CHECK(accepts("ima-ng", {digest_field("sha1", Bytes(20, 1)), path}) == kAccepted);
    CHECK(accepts("ima-ng", {digest_field("sha384", Bytes(48, 1)), path}) == kAccepted);
    CHECK(accepts("ima-ng", {digest_field("sha512", Bytes(64, 1)), path}) == kAccepted);
    for (const std::size_t size : {0U, 20U, 31U, 33U}) {
        CHECK(error_of("ima-ng", {digest_field("sha256", Bytes(size, 1)), path}).where ==
              "ima: entry 0: template data: d-ng");
    }
    const auto with_prefix = [&](std::string_view prefix) {
        Bytes field = text_bytes(prefix);
        append(field, kDigest);
        return accepts("ima-ng", {field, path});
    };
    using namespace std::string_view_literals;
    CHECK(with_prefix("sha256:\0"sv) == kAccepted);
    CHECK(with_prefix("sha256:"sv) ==
          says("template data: d-ng: an algorithm, a colon and a NUL wanted"));
    CHECK(with_prefix("sha256\0"sv) ==
          says("template data: d-ng: an algorithm, a colon and a NUL wanted"));
    CHECK(with_prefix("sha256\0:"sv) ==
          says("template data: d-ng: an algorithm, a colon and a NUL wanted"));
    CHECK(with_prefix(":\0"sv) ==
          says("ima: entry 0: template data: d-ng: an algorithm wanted, \"\" found"));
    CHECK(with_prefix("\0"sv) ==
          says("template data: d-ng: an algorithm, a colon and a NUL wanted"));
    CHECK(with_prefix("ima:sha256:\0"sv) ==
          says("template data: d-ng: an algorithm wanted, \"ima:sha256\" found"));
    CHECK(with_prefix("SHA256:\0"sv) ==
          says("template data: d-ng: an algorithm wanted, \"SHA256\" found"));
    CHECK(with_prefix("sha 256:\0"sv) ==
          says("template data: d-ng: an algorithm wanted, \"sha 256\" found"));
    CHECK(with_prefix(""sv) == says("template data: d-ng: an algorithm, a colon and a NUL wanted"));
}

TEST_CASE("ima: a digest of an algorithm that we do not know is carried, up to 64 bytes") {
    const Bytes path = name_field("/a");
    const ImaBuilder log = ImaBuilder().add_fields("ima-ng", {digest_field("sm3", kDigest), path});
    const auto entries = read_all(log.log());
    REQUIRE(entries);
    CHECK_FALSE((*entries)[0].file_hash);
    CHECK((*entries)[0].file_hash_name == "sm3");
    CHECK(accepts("ima-ng", {digest_field("sha3-512", Bytes(64, 1)), path}) == kAccepted);
    CHECK(accepts("ima-ng", {digest_field("sha3-512", Bytes(65, 1)), path}) ==
          says("entry 0: template data: d-ng: 1 to 64 bytes wanted, 65 found"));
    CHECK(accepts("ima-ng", {digest_field("sm3", {}), path}) ==
          says("ima: entry 0: template data: d-ng: 1 to 64 bytes wanted, 0 found"));
    CHECK(accepts("ima-ng", {digest_field(std::string(64, 'a'), kDigest), path}) == kAccepted);
    CHECK(accepts("ima-ng", {digest_field(std::string(65, 'a'), kDigest), path}) ==
          says("d-ng: an algorithm wanted, "
               "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" found"));
}

TEST_CASE("ima: a typed digest is of type ima or verity") {
    const Bytes path = name_field("/a");
    CHECK(accepts("ima-ngv2", {digest_field("sha256", kDigest, "ima"), path}) == kAccepted);
    CHECK(accepts("ima-ngv2", {digest_field("sha256", kDigest, "verity"), path}) == kAccepted);
    CHECK(accepts("ima-ngv2", {digest_field("sha256", kDigest), path}) ==
          says("ima: entry 0: template data: d-ngv2: type ima or verity wanted"));
    CHECK(accepts("ima-ngv2", {digest_field("sha256", kDigest, "evm"), path}) ==
          says("ima: entry 0: template data: d-ngv2: type ima or verity wanted"));
    CHECK(accepts("ima-ngv2", {digest_field("ima:sha256", kDigest, "ima"), path}) ==
          says("template data: d-ngv2: an algorithm wanted, \"ima:sha256\" found"));
    CHECK(accepts("ima-ngv2", {digest_field("sha256", Bytes(20), "ima"), path}) ==
          says("template data: d-ngv2: 32 bytes of sha256 wanted, 20 found"));
}

TEST_CASE("ima: a path has one NUL, at its end") {
    const Bytes digest = digest_field("sha256", kDigest);
    using namespace std::string_view_literals;
    const auto with_path = [&](std::string_view field) {
        return accepts("ima-ng", {digest, text_bytes(field)});
    };
    CHECK(with_path("/a\0"sv) == kAccepted);
    CHECK(with_path(""sv) == says("n-ng: a name with exactly one NUL, at its end, wanted"));
    CHECK(with_path("\0"sv) == says("n-ng: a name with exactly one NUL, at its end, wanted"));
    CHECK(with_path("/a"sv) == says("n-ng: a name with exactly one NUL, at its end, wanted"));
    CHECK(with_path("/allowed\0/evil\0"sv) ==
          says("n-ng: a name with exactly one NUL, at its end, wanted"));
    CHECK(with_path("/a\0\0"sv) == says("n-ng: a name with exactly one NUL, at its end, wanted"));
    CHECK(accepts("ima-ng", {digest, name_field(std::string(4096, 'a'))}) == kAccepted);
    CHECK(error_of("ima-ng", {digest, name_field(std::string(4097, 'a'))}).code == Code::too_large);
}

TEST_CASE("ima: a newline and bytes that are not UTF-8 in a path are only bytes") {
    const std::string path = "/tmp/a\n10 00 ima-ng sha256:00 /b\xff\x1b[2J";
    const ImaBuilder log = ImaBuilder().add(path, kDigest).add("/b", kDigest);
    const auto entries = read_all(log.log());
    REQUIRE(entries);
    REQUIRE(entries->size() == 2);
    CHECK((*entries)[0].path == path);
}

TEST_CASE("ima: a legacy name has 1 to 255 bytes and no NUL") {
    const auto accepted = [](std::string_view name) {
        return refusal(read_all(ImaBuilder().add_legacy(name, Bytes(20, 9)).log()));
    };
    CHECK(accepted("a") == kAccepted);
    CHECK(accepted(std::string(255, 'a')) == kAccepted);
    CHECK(accepted("") == says("ima: entry 0: header: name length: 1 to 255 wanted, 0 found"));
    CHECK(accepted(std::string(256, 'a')) ==
          says("ima: entry 0: header: name length: 1 to 255 wanted, 256 found"));
    CHECK(accepted(std::string_view("a\0b", 3)) ==
          says("ima: entry 0: header: name: a NUL inside"));
}

TEST_CASE("ima: signatures have a limit") {
    const Bytes digest = digest_field("sha256", kDigest);
    CHECK(accepts("ima-sig", {digest, name_field("/a"), Bytes(ima::kMaxSignature, 3)}) ==
          kAccepted);
    CHECK(error_of("ima-sig", {digest, name_field("/a"), Bytes(ima::kMaxSignature + 1, 3)}).code ==
          Code::too_large);
}

TEST_CASE("ima: a violation is a zero template digest, and measures nothing") {
    const Bytes zeros(32);
    const auto read = [](std::string_view name, const std::vector<Bytes>& fields) {
        return read_all(ImaBuilder().add_violation_fields(name, fields).log());
    };
    const ImaBuilder log = ImaBuilder().add_violation("/var/log/x");
    const auto entries = read_all(log.log());
    REQUIRE(entries);
    CHECK((*entries)[0].violation);
    CHECK((*entries)[0].path == "/var/log/x");
    const Bytes zero_digest = digest_field("sha256", zeros);
    CHECK(read("ima-sig", {zero_digest, name_field("/a"), {}}));
    CHECK(refusal(read("ima-ng", {digest_field("sha256", kDigest), name_field("/a")})) ==
          says("template digest: zero, as for a violation, but the entry measures something"));
    CHECK(refusal(read("ima-sig", {zero_digest, name_field("/a"), Bytes(9, 3)})) ==
          says("template digest: zero, as for a violation, but the entry measures something"));
    CHECK(refusal(read("ima-buf", {zero_digest, name_field("/a"), Bytes(9, 3)})) ==
          says("template digest: zero, as for a violation, but the entry measures something"));
}

TEST_CASE("ima: a violation of Linux 4.20 to 5.18 has room for SHA-1 only") {
    const std::vector<Bytes> fields = {digest_field("sha256", Bytes(20)), name_field("/a")};
    CHECK(read_all(ImaBuilder().add_violation_fields("ima-ng", fields).log()));
    CHECK(accepts("ima-ng", fields) ==
          says("template data: d-ng: 32 bytes of sha256 wanted, 20 found"));
    const std::vector<Bytes> other = {digest_field("sha256", Bytes(21)), name_field("/a")};
    CHECK(refusal(read_all(ImaBuilder().add_violation_fields("ima-ng", other).log())) ==
          says("template data: d-ng: 32 bytes of sha256 wanted, 21 found"));
}

TEST_CASE("ima: the digest of an ima-buf entry is that of its buffer") {
    const Bytes buffer = text_bytes("quiet");
    const Bytes name = name_field("kexec-cmdline");
    CHECK(accepts("ima-buf", {digest_field("sha256", sha256(buffer)), name, buffer}) == kAccepted);
    CHECK(accepts("ima-buf", {digest_field("sha1", hash(HashAlg::sha1, buffer).view()), name,
                              buffer}) == kAccepted);
    CHECK(accepts("ima-buf", {digest_field("sha256", sha256(ByteView())), name, {}}) == kAccepted);
    CHECK(error_of("ima-buf", {digest_field("sha256", kDigest), name, buffer}).code ==
          Code::mismatch);
    CHECK(error_of("ima-buf", {digest_field("sha256", kDigest), name, {}}).code == Code::mismatch);
    CHECK(error_of("ima-buf", {digest_field("sm3", kDigest), name, buffer}).code ==
          Code::unsupported);
}

TEST_CASE("ima: the further fields of ima-modsig and evm-sig have their form") {
    const Bytes digest = digest_field("sha256", kDigest);
    const Bytes name = name_field("/a");
    CHECK(accepts("ima-modsig", {digest, name, {}, {}, {}}) == kAccepted);
    CHECK(accepts("ima-modsig", {digest, name, {}, digest, {}}) == kAccepted);
    CHECK(accepts("ima-modsig", {digest, name, {}, kDigest, {}}) ==
          says("template data: d-modsig: an algorithm, a colon and a NUL wanted"));
    const auto evm = [&](std::size_t lengths, std::size_t uid, std::size_t gid, std::size_t mode) {
        return accepts(
            "evm-sig",
            {digest, name, {}, {}, Bytes(lengths), {}, Bytes(uid), Bytes(gid), Bytes(mode)});
    };
    CHECK(evm(0, 0, 0, 0) == kAccepted);
    CHECK(evm(8, 4, 4, 2) == kAccepted);
    CHECK(evm(7, 4, 4, 2) == says("template data: xattrlengths: lengths of 4 bytes each wanted"));
    CHECK(evm(8, 3, 4, 2) ==
          says("ima: entry 0: template data: iuid: 0 or 4 bytes wanted, 3 found"));
    CHECK(evm(8, 4, 5, 2) ==
          says("ima: entry 0: template data: igid: 0 or 4 bytes wanted, 5 found"));
    CHECK(evm(8, 4, 4, 4) ==
          says("ima: entry 0: template data: imode: 0 or 2 bytes wanted, 4 found"));
}

TEST_CASE("ima: the list of one bank has template digests of that size") {
    for (const HashAlg alg : kAllHashAlgs) {
        const ImaBuilder log = ImaBuilder(alg).add("/a", kDigest).add_violation("/b");
        const auto entries = read_all(log.log(), digest_size(alg));
        REQUIRE(entries);
        CHECK((*entries)[0].template_digest.size() == digest_size(alg));
        CHECK((*entries)[1].violation);
        if (alg != HashAlg::sha1) {
            CHECK(refusal(read_all(log.log(), ima::kSha1DigestSize)) ==
                  says("ima: entry 0: header: template name length: 1 to 255 wanted, "));
        }
    }
}

TEST_CASE("ima: the size of the template digests is found out, also by a later part of the list") {
    for (const HashAlg alg : kAllHashAlgs) {
        CAPTURE(hash_name(alg));
        const ImaBuilder log = ImaBuilder(alg)
                                   .add("/a", kDigest)
                                   .add_violation("/b")
                                   .add_signed("/c", kDigest, Bytes(9, 3));
        for (std::size_t from = 0; from < log.size(); ++from) {
            const ByteView rest = ByteView(log.log()).subspan(log.offset(from));
            CHECK(ima::template_digest_size(rest) == digest_size(alg));
            const auto entries = read_all(rest, LogReader::kByContent);
            REQUIRE(entries);
            CHECK(entries->size() == log.size() - from);
        }
    }
    CHECK(ima::template_digest_size({}) == 20);
    CHECK(ima::template_digest_size(text_bytes("no list")) == 20);
}

TEST_CASE("ima: the template hash is that of the data, padded for the first template") {
    Hasher sha1(HashAlg::sha1);
    const Bytes digest = to_bytes(hash(HashAlg::sha1, text_bytes("init")).view());
    const ImaBuilder log = ImaBuilder().add_legacy("/sbin/init", digest).add_violation("/b");
    const auto entries = read_all(log.log());
    REQUIRE(entries);
    Bytes extended(20);
    append(extended, template_hash((*entries)[0], sha1).view());
    CHECK(hex(hash(HashAlg::sha1, extended).view()) == "3f687e1313d43126141108b0ef7b57b420d3be36");
    CHECK(hex(template_hash((*entries)[1], sha1).view()) == hex(Bytes(20, 0xff)));
}
