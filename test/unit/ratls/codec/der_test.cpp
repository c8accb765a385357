#include "ratls/codec/der.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Bytes from_hex(std::string_view text) {
    return parse_hex(text).value();
}

/// Reads one OCTET STRING that must fill the input.
Result<Bytes> octets(ByteView in) {
    der::Parser parser(in, "t");
    const Bytes content = to_bytes(parser.element(der::kOctetString, "f"));
    RATLS_CHECK(parser.finish());
    return content;
}

Result<std::uint64_t> integer(std::string_view text) {
    const Bytes in = from_hex(text);
    der::Parser parser(in, "t");
    const std::uint64_t value = parser.uint("f");
    RATLS_CHECK(parser.finish());
    return value;
}

}  // namespace

TEST_CASE("codec.der: an element is its content, whatever the length form") {
    for (const std::size_t size :
         {0UL, 1UL, 0x7fUL, 0x80UL, 0xffUL, 0x100UL, 0xffffUL, 0x10000UL}) {
        CAPTURE(size);
        const Bytes content(size, 0xab);
        const Bytes encoded = der::encode(der::kOctetString, content);
        CHECK(octets(encoded) == content);
    }
    CHECK(hex(der::encode(der::kOctetString, Bytes(0x7f))).starts_with("047f00"));
    CHECK(hex(der::encode(der::kOctetString, Bytes(0x80))).starts_with("04818000"));
    CHECK(hex(der::encode(der::kOctetString, Bytes(0x100))).starts_with("0482010000"));
}

TEST_CASE("codec.der: a number whose first bit is set is written as a positive one") {
    CHECK(hex(der::encode_uint(Bytes{0x01})) == "020101");
    CHECK(hex(der::encode_uint(Bytes{0x7f, 0xff})) == "02027fff");
    CHECK(hex(der::encode_uint(Bytes{0x80})) == "02020080");
}

TEST_CASE("codec.der: every truncation is refused") {
    const Bytes good = der::encode(der::kOctetString, Bytes(0x90, 1));
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        const auto result = octets(ByteView(good).first(n));
        REQUIRE_FALSE(result);
        CHECK(result.error().where == "t: f");
    }
}

TEST_CASE("codec.der: lengths that are not definite and shortest are refused") {
    constexpr const char* kLong = "a definite length of at most 4 bytes wanted";
    constexpr const char* kNotShortest = "the length is not in its shortest form";
    const std::pair<const char*, const char*> rows[] = {
        {"0480ab0000", kLong},                                  // indefinite
        {"048101ab", kNotShortest},                             // long form below 128
        {"04820001ab", kNotShortest},                           // leading zero
        {"04850000000001ab", kLong},                            // more than 4 bytes
        {"0484ffffffffab", "4294967295 bytes wanted, 1 left"},  // beyond the input
        {"04ff00", kLong},                                      // reserved
        {"0482", kLong},                                        // length cut off
        {"0402ab", "2 bytes wanted, 1 left"},                   // content cut off
    };
    for (const auto& [text, reason] : rows) {
        CAPTURE(text);
        CHECK(refusal(octets(from_hex(text))) == says(std::string("t: f: ") + reason));
    }
}

TEST_CASE("codec.der: another tag, a tag of several bytes and trailing bytes are refused") {
    CHECK(refusal(octets(from_hex("0501ab"))) == says("t: f: tag 4 wanted, 5 found"));
    CHECK(refusal(octets(from_hex("0401abff"))) == says("t: end: 1 trailing bytes"));
    const Bytes high = from_hex("1f01ab");
    der::Parser parser(high, "t");
    parser.element(0x1f, "f");
    CHECK_FALSE(parser.ok());
}

TEST_CASE("codec.der: optional takes what is there and leaves what is not") {
    const Bytes in = from_hex("0401ab020105");
    der::Parser parser(in, "t");
    CHECK_FALSE(parser.optional(der::kInteger, "f"));
    CHECK(parser.peek() == der::kOctetString);
    const auto content = parser.optional(der::kOctetString, "f");
    REQUIRE(content);
    CHECK(equal(*content, Bytes{0xab}));
    CHECK(equal(parser.whole(der::kInteger, "f"), from_hex("020105")));
    CHECK(parser.at_end());
    CHECK_FALSE(parser.peek());
    CHECK_FALSE(parser.optional(der::kInteger, "f"));
    CHECK(parser.finish());

    const Bytes cut = from_hex("0402ab");
    der::Parser broken(cut, "t");
    broken.optional(der::kOctetString, "f");
    CHECK(refusal(broken.finish()) == says("t: f: 2 bytes wanted, 1 left"));
}

TEST_CASE("codec.der: the first failure sticks and moves from nested to outer parsers") {
    const Bytes in = from_hex("3006020101020102");
    der::Parser outer(in, "t");
    der::Parser inner = outer.sequence("s");
    CHECK(inner.uint("a") == 1);
    outer.absorb(inner);  // its second integer was not read
    const auto status = outer.finish();
    REQUIRE_FALSE(status);
    CHECK(status.error().text() == "t: end: 3 trailing bytes");

    der::Parser failed(in, "t");
    failed.element(der::kOid, "first");
    der::Parser child = failed.sequence("second");
    CHECK_FALSE(child.ok());
    CHECK(child.at_end());
    CHECK(child.uint("third") == 0);
    CHECK(child.whole(der::kSequence, "third").empty());
    failed.absorb(child);
    failed.fail("fourth", "later");
    CHECK(failed.finish().error().where == "t: first");
}

TEST_CASE("codec.der: integers from 0 to 2^63-1 in their shortest form") {
    CHECK(integer("020100") == 0);
    CHECK(integer("02017f") == 127);
    CHECK(integer("02020080") == 128);
    CHECK(integer("020207ff") == 2047);
    CHECK(integer("02087fffffffffffffff") == INT64_MAX);
    for (const char* text :
         {"0200", "020180", "0201ff", "02020001", "0202007f", "020900ffffffffffffffff",
          "02088000000000000000", "0202ff7f", "0401ab"}) {
        CAPTURE(text);
        CHECK(refusal(integer(text)) == says("t: f: "));
    }
}

TEST_CASE("codec.der: object identifiers as dotted text") {
    const std::pair<const char*, const char*> rows[] = {
        {"2a864886f70d010101", "1.2.840.113549.1.1.1"},
        {"2b06010505070123", "1.3.6.1.5.5.7.1.35"},
        {"551d13", "2.5.29.19"},
        {"00", "0.0"},
        {"27", "0.39"},
        {"28", "1.0"},
        {"4f", "1.39"},
        {"50", "2.0"},
        {"883703", "2.999.3"},
        {"2affffffffffffffff7f", "1.2.9223372036854775807"},  // an arc of 63 bits
    };
    for (const auto& [bytes, text] : rows) {
        CAPTURE(bytes);
        CHECK(der::oid_text(from_hex(bytes)) == text);
    }
}

TEST_CASE("codec.der: object identifiers that are empty, cut, padded or too large are refused") {
    for (const char* text : {"", "80", "2a80", "2a8001", "2a86", "2a81ffffffffffffffff7f"}) {
        CAPTURE(text);
        CHECK(refusal(der::oid_text(from_hex(text))) == says("der.oid: "));
    }
}
