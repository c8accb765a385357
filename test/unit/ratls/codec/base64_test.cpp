#include "ratls/codec/base64.h"
#include "test/support/refusal.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::test;

TEST_CASE("codec.base64: the test vectors of RFC 4648, section 10, both ways") {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [plain, coded] : rows) {
        CAPTURE(plain);
        CHECK(base64(as_bytes(plain)) == coded);
        const auto back = parse_base64(coded);
        REQUIRE(back);
        CHECK(as_text(*back) == plain);
    }
    CHECK(base64(Bytes{0xfb, 0xff, 0xfe}) == "+//+");
    CHECK(parse_base64("+//+") == Bytes{0xfb, 0xff, 0xfe});
}

TEST_CASE("codec.base64: every length and byte value survives the round trip") {
    Bytes bytes;
    for (unsigned i = 0; i < 300; ++i) {
        CHECK(parse_base64(base64(bytes)) == bytes);
        bytes.push_back(static_cast<std::uint8_t>(i * 7));
    }
}

TEST_CASE("codec.base64: the alphabet for URLs has no padding") {
    CHECK(base64url(Bytes{}).empty());
    CHECK(base64url(Bytes{0xfb, 0xff, 0xfe}) == "-__-");
    CHECK(base64url(Bytes{0xff}) == "_w");
    CHECK(base64url(Bytes{0xff, 0xff}) == "__8");
    for (const std::size_t size : {1U, 2U, 3U, 100U}) {
        CHECK(parse_base64url(base64url(Bytes(size, 0xfe))) == Bytes(size, 0xfe));
    }
}

TEST_CASE("codec.base64: only the canonical form is read") {
    for (const char* text :
         {"Z",        "Zg",       "Zg=",      "Zg===", "Zm9vYg=", "====",      "=",    "A===",
          "Zm9=vYg=", "Zg==Zg==", "Zm8=Zm8=", "Zh==",  "Zk==",    "Zm9=",      "Zm 8", "Zm8\n",
          "Zm9v\n",   "-_-_",     "Zm9*",     "Zm9v=", "=m9v",    "Zm\xc3\xa9"}) {
        CAPTURE(text);
        CHECK(refusal(parse_base64(text)) == says("base64: "));
    }
    CHECK(refusal(parse_base64(std::string_view("AA\0A", 4))) ==
          says("base64: not a base64 character at position 2"));
}
