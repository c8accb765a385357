#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/replay.h"
#include "test/support/ima_builder.h"

using namespace ratls;
using test::digest_field;
using test::ImaBuilder;
using test::name_field;
using test::text_bytes;

namespace {

const Bytes kDigest(32, 0xd1);
const std::string kZeros(40, '0');

/// The line that the kernel prints for an entry; `rest` is what follows the template name.
std::string line(const ImaBuilder& one, std::string_view name, std::string_view rest) {
    return "10 " + hex(ByteView(one.log()).subspan(4, 20)) + " " + std::string(name) + " " +
           std::string(rest) + "\n";
}

void check_same(const ImaBuilder& one, std::string_view name, std::string_view rest) {
    const auto binary = ima::ascii_to_binary(line(one, name, rest));
    REQUIRE(binary);
    CHECK(hex(*binary) == hex(one.log()));
}

}  // namespace

TEST_CASE("ima.ascii: each line becomes the entry that the kernel printed") {
    const std::string digest = "sha256:" + hex(kDigest);
    const Bytes signature = {3, 2, 4, 9};
    check_same(ImaBuilder().add("/usr/bin/a", kDigest), "ima-ng", digest + " /usr/bin/a");
    check_same(ImaBuilder().add_signed("/usr/bin/a", kDigest, signature), "ima-sig",
               digest + " /usr/bin/a 03020409");
    check_same(ImaBuilder().add_signed("/usr/bin/a", kDigest, {}), "ima-sig",
               digest + " /usr/bin/a ");
    check_same(ImaBuilder().add_fields(
                   "ima-ngv2", {digest_field("sha256", kDigest, "verity"), name_field("/b")}),
               "ima-ngv2", "verity:" + digest + " /b");
    check_same(ImaBuilder().add_fields("ima-buf", {digest_field("sha256", sha256(signature)),
                                                   name_field("x"), signature}),
               "ima-buf", "sha256:" + hex(sha256(signature)) + " x 03020409");
    check_same(ImaBuilder().add_fields("ima-modsig", {digest_field("sha256", kDigest),
                                                      name_field("/m"),
                                                      {},
                                                      digest_field("sha256", kDigest),
                                                      signature}),
               "ima-modsig", digest + " /m  " + digest + " 03020409");
    check_same(
        ImaBuilder().add_fields(
            "ima-modsig", {digest_field("sha256", kDigest), name_field("/m"), signature, {}, {}}),
        "ima-modsig", digest + " /m 03020409  ");
    check_same(ImaBuilder().add_legacy("/g h", Bytes(20, 9)), "ima", hex(Bytes(20, 9)) + " /g h");
    check_same(ImaBuilder().add_violation("/v"), "ima-ng", "sha256:" + hex(Bytes(32)) + " /v");
}

TEST_CASE("ima.ascii: spaces in a made-up path stay in the path") {
    check_same(ImaBuilder().add("/a b c", kDigest), "ima-ng", "sha256:" + hex(kDigest) + " /a b c");
    check_same(ImaBuilder().add_signed("/a b", kDigest, {}), "ima-sig",
               "sha256:" + hex(kDigest) + " /a b ");
}

TEST_CASE("ima.ascii: a PCR below 10 is printed with a space before it") {
    const ImaBuilder one = ImaBuilder().add("/a", kDigest, 9);
    const std::string text = " 9 " + hex(ByteView(one.log()).subspan(4, 20)) +
                             " ima-ng sha256:" + hex(kDigest) + " /a\n";
    CHECK(ima::looks_like_ascii(as_bytes(text)));
    const auto binary = ima::ascii_to_binary(text);
    REQUIRE(binary);
    CHECK(*binary == one.log());
}

TEST_CASE("ima.ascii: several lines, and a last one without a line feed") {
    const ImaBuilder a = ImaBuilder().add("/a", kDigest);
    std::string text = line(a, "ima-ng", "sha256:" + hex(kDigest) + " /a");
    text += text;
    text.pop_back();
    const auto binary = ima::ascii_to_binary(text);
    REQUIRE(binary);
    CHECK(binary->size() == 2 * a.log().size());
    CHECK(ima::ascii_to_binary("")->empty());
}

TEST_CASE("ima.ascii: the list of one bank has longer template digests, all of one size") {
    const ImaBuilder one = ImaBuilder(HashAlg::sha256).add("/a", kDigest);
    const std::string text = "10 " + hex(ByteView(one.log()).subspan(4, 32)) +
                             " ima-ng sha256:" + hex(kDigest) + " /a\n";
    const auto binary = ima::ascii_to_binary(text);
    REQUIRE(binary);
    CHECK(*binary == one.log());
    const ImaBuilder other = ImaBuilder().add("/a", kDigest);
    const auto mixed =
        ima::ascii_to_binary(text + line(other, "ima-ng", "sha256:" + hex(kDigest) + " /a"));
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().where.starts_with("ima: line 2: "));
}

TEST_CASE("ima.ascii: a malformed line is refused, and the message names it") {
    const std::string digest = " sha256:" + hex(kDigest);
    const std::string good = "10 " + kZeros + " ima-ng" + digest + " /a\n";
    CHECK(ima::ascii_to_binary(good));
    for (const std::string& bad : {
             std::string("\n"),
             std::string("10\n"),
             "10 " + kZeros + "\n",
             "10 " + kZeros + " ima-ng\n",
             "24 " + kZeros + " ima-ng" + digest + " /a\n",
             "99999999999999999999 " + kZeros + " ima-ng" + digest + " /a\n",
             "-1 " + kZeros + " ima-ng" + digest + " /a\n",
             "0x0a " + kZeros + " ima-ng" + digest + " /a\n",
             "  9 " + kZeros + " ima-ng" + digest + " /a\n",
             "10 " + kZeros.substr(2) + " ima-ng" + digest + " /a\n",
             "10 " + kZeros.substr(1) + "g ima-ng" + digest + " /a\n",
             "10 " + kZeros + " ima-xyz" + digest + " /a\n",
             "10 " + kZeros + " ima-ng sha256-" + hex(kDigest) + " /a\n",
             "10 " + kZeros + " ima-ng" + digest + "0 /a\n",
             "10 " + kZeros + " ima-sig" + digest + "\n",
             "10 " + kZeros + " ima-sig" + digest + " /a 0g\n",
             "10 " + kZeros + " ima-modsig" + digest + " /a 00 00 00\n",
             "10 " + kZeros + " ima " + hex(Bytes(19)) + " /a\n",
         }) {
        CAPTURE(bad);
        const auto binary = ima::ascii_to_binary(good + bad);
        REQUIRE_FALSE(binary);
        CHECK(binary.error().where.starts_with("ima: line 2: "));
    }
}

TEST_CASE("ima.ascii: evm-sig and formats of one's own have numbers and texts") {
    const Bytes signature = {3, 2, 4, 9};
    const Bytes lengths = {4, 0, 0, 0};
    const std::string digest = "sha256:" + hex(kDigest);
    check_same(ImaBuilder().add_fields(
                   "evm-sig", {digest_field("sha256", kDigest), name_field("/a"), signature,
                               name_field("security.ima"), lengths, Bytes(4, 0xab), Bytes(4),
                               Bytes{0xe8, 3, 0, 0}, Bytes{0xa4, 0x81}}),
               "evm-sig", digest + " /a 03020409 security.ima 04000000 abababab 0 1000 33188");
    check_same(ImaBuilder().add_fields("evm-sig", {digest_field("sha256", kDigest),
                                                   name_field("boot_aggregate"),
                                                   {},
                                                   {},
                                                   {},
                                                   {},
                                                   {},
                                                   {},
                                                   {}}),
               "evm-sig", digest + " boot_aggregate       ");
    check_same(ImaBuilder().add_fields("iuid|d-ng|n-ng|sig",
                                       {Bytes{1, 0, 0, 0}, digest_field("sha256", kDigest),
                                        name_field("/a b"), signature}),
               "iuid|d-ng|n-ng|sig", "1 " + digest + " /a b 03020409");
    check_same(ImaBuilder().add_fields("d|n", {Bytes(20, 9), name_field("/a")}), "d|n",
               hex(Bytes(20, 9)) + " /a");
    check_same(ImaBuilder().add_fields("d-ng|sig", {digest_field("sha256", kDigest), signature}),
               "d-ng|sig", digest + " 03020409");
}

TEST_CASE("ima.ascii: what is not known of a template is not guessed") {
    const std::string digest = "sha256:" + hex(kDigest);
    const auto error = [](const std::string& rest) {
        const auto binary = ima::ascii_to_binary("10 " + kZeros + " " + rest + "\n");
        REQUIRE_FALSE(binary);
        return binary.error();
    };
    CHECK(error("ima-xyz " + digest + " /a").code == Code::unsupported);
    CHECK(error("d-ng|n-ng|later " + digest + " /a x").code == Code::unsupported);
    for (const char* const number : {"4294967296", "-1", "0x1", "1a"}) {
        CAPTURE(number);
        CHECK(error(std::string("iuid|d-ng|n-ng ") + number + " " + digest + " /a").where ==
              "ima: line 1: number");
    }
    CHECK(error("imode|d-ng|n-ng 65536 " + digest + " /a").where == "ima: line 1: number");
    CHECK(error("d-ng|iuid " + digest + " 1 2").where == "ima: line 1: line");
    CHECK(error("d-ng|n-ng|iuid " + digest).where == "ima: line 1: line");
}

TEST_CASE("ima.ascii: a NUL in a path does not get past the binary reader") {
    const std::string text = "10 " + std::string(40, '1') + " ima-ng sha256:" + hex(kDigest) +
                             " /a" + std::string(1, '\0') + "b\n";
    const auto binary = ima::ascii_to_binary(text);
    REQUIRE(binary);
    CHECK_FALSE(ima::summarize(*binary));
}

TEST_CASE("ima.ascii: a binary list does not look like an ascii one") {
    CHECK(ima::looks_like_ascii(text_bytes("10 00")));
    CHECK(ima::looks_like_ascii(text_bytes(" 9 00")));
    CHECK_FALSE(ima::looks_like_ascii(ImaBuilder().add("/a", kDigest).log()));
    CHECK_FALSE(ima::looks_like_ascii({}));
    CHECK_FALSE(ima::looks_like_ascii(text_bytes(" ")));
    CHECK_FALSE(ima::looks_like_ascii(text_bytes("10")));
    CHECK_FALSE(ima::looks_like_ascii(text_bytes("{ \"a\"")));
}
