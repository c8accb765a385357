#include "ratls/codec/hex.h"
#include "test/support/refusal.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::test;

TEST_CASE("codec.hex: written in lower case, read in both") {
    CHECK(hex(Bytes{0x00, 0x09, 0xaf, 0xff}) == "0009afff");
    CHECK(hex({}).empty());
    CHECK(parse_hex("0009afFF") == Bytes{0x00, 0x09, 0xaf, 0xff});
    CHECK(parse_hex("") == Bytes{});
}

TEST_CASE("codec.hex: anything but pairs of digits is refused, with the place") {
    for (const char* text : {"0", "0x00", "00 ", " 00", "0g", "g0", "00\n", "-1", "/0", ":0", "@0",
                             "`0", "\xc3\xa9"}) {
        CAPTURE(text);
        CHECK(refusal(parse_hex(text)) == says("hex: "));
    }
    CHECK(parse_hex("00x0").error().what.ends_with("position 2"));
    CHECK(parse_hex("000x").error().what.ends_with("position 3"));
}

TEST_CASE("codec.hex: a wanted size is exact") {
    CHECK(parse_hex("aabb", 2) == Bytes{0xaa, 0xbb});
    CHECK(refusal(parse_hex("aabb", 1)) == says("hex: 2 hex digits wanted, 4 found"));
    CHECK(refusal(parse_hex("aabb", 3)) == says("hex: 6 hex digits wanted, 4 found"));
    CHECK(refusal(parse_hex("", 1)) == says("hex: 2 hex digits wanted, 0 found"));
    CHECK(parse_hex("", 0) == Bytes{});
    CHECK(parse_hex("aab", 2).error().text() == "hex: 4 hex digits wanted, 3 found");
}

TEST_CASE("codec.hex: percent encoding gives bytes, and half of one is refused") {
    CHECK(percent_decode("a%2Fb+c%00").value() == std::string("a/b+c\0", 6));
    CHECK(percent_decode("").value().empty());
    for (const auto text : {"%", "%1", "%zz", "a%4"}) {
        CAPTURE(text);
        CHECK(refusal(percent_decode(text)) ==
              says("URL encoding: two hex digits wanted after % at "));
    }
}
