#include "ratls/codec/cbor.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;
using cbor::Value;

namespace {

Bytes from_hex(std::string_view text) {
    return parse_hex(text).value();
}

bool refused(std::string_view text, Code code) {
    const Bytes in = from_hex(text);
    const auto value = cbor::parse(in, "t");
    return !value && value.error().code == code && value.error().where.starts_with("t: ");
}

}  // namespace

TEST_CASE("codec.cbor: the examples of RFC 8949, appendix A, both ways") {
    const std::pair<std::uint64_t, const char*> rows[] = {
        {0, "00"},
        {1, "01"},
        {10, "0a"},
        {23, "17"},
        {24, "1818"},
        {25, "1819"},
        {100, "1864"},
        {255, "18ff"},
        {256, "190100"},
        {1000, "1903e8"},
        {65535, "19ffff"},
        {65536, "1a00010000"},
        {1000000, "1a000f4240"},
        {0xffffffff, "1affffffff"},
        {0x100000000, "1b0000000100000000"},
        {1000000000000, "1b000000e8d4a51000"},
        {UINT64_MAX, "1bffffffffffffffff"},
    };
    for (const auto& [number, coded] : rows) {
        CAPTURE(coded);
        CHECK(hex(cbor::Encoder().uint(number).view()) == coded);
        const Bytes in = from_hex(coded);
        const auto value = cbor::parse(in, "t");
        REQUIRE(value);
        CHECK(value->is(Value::Kind::uint));
        CHECK(value->number() == number);
    }
    CHECK(hex(cbor::Encoder().bytes({}).view()) == "40");
    CHECK(hex(cbor::Encoder().bytes(Bytes{1, 2, 3, 4}).view()) == "4401020304");
    CHECK(hex(cbor::Encoder().text("IETF").view()) == "6449455446");
    CHECK(hex(cbor::Encoder().text("\xc3\xbc").view()) == "62c3bc");
    CHECK(hex(cbor::Encoder().array(3).uint(1).uint(2).uint(3).view()) == "83010203");
    CHECK(hex(cbor::Encoder().map(2).text("a").uint(1).text("b").array(2).uint(2).uint(3).take()) ==
          "a26161016162820203");
}

TEST_CASE("codec.cbor: strings, arrays and maps are read with their places") {
    const Bytes in = from_hex("a301430102030218ff6161826178a0");
    const auto map = cbor::parse(in, "t");
    REQUIRE(map);
    REQUIRE(map->is(Value::Kind::map));
    CHECK(map->items().size() == 6);
    REQUIRE(map->find(1));
    CHECK(map->find(1)->is(Value::Kind::bytes));
    CHECK(equal(map->find(1)->bytes(), Bytes{1, 2, 3}));
    CHECK(map->find(1)->bytes().data() == in.data() + 3);  // a view, not a copy
    REQUIRE(map->find(2));
    CHECK(map->find(2)->number() == 255);
    REQUIRE(map->find("a"));
    const Value& array = *map->find("a");
    REQUIRE(array.is(Value::Kind::array));
    REQUIRE(array.items().size() == 2);
    CHECK(array.items()[0].text() == "x");
    CHECK(array.items()[1].is(Value::Kind::map));
    CHECK(map->find(3) == nullptr);
    CHECK(map->find("b") == nullptr);
    CHECK(array.find(1) == nullptr);
    CHECK(array.find("x") == nullptr);
}

TEST_CASE("codec.cbor: a key is found by its kind, not by the bytes of a value") {
    const Bytes in = from_hex("a20102026101");  // {1: 2, 2: "\x01"}
    const auto map = cbor::parse(in, "t");
    REQUIRE(map);
    CHECK(map->find(1)->number() == 2);
    CHECK(map->find("\x01") == nullptr);
}

TEST_CASE("codec.cbor: integers and lengths that are not in their shortest form are refused") {
    for (const char* text : {"1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff",
                             "1b0000000000000000", "1b00000000ffffffff", "5800", "580101",
                             "59000101", "7800", "780161", "9800", "980101", "b800", "b8010101"}) {
        CAPTURE(text);
        CHECK(refused(text, Code::malformed));
    }
}

TEST_CASE("codec.cbor: indefinite and reserved lengths are refused") {
    for (const char* text : {"1c", "1d", "1e", "1f", "5f4101ff", "7f6161ff", "9fff", "9f01ff",
                             "bfff", "bf0101ff", "5c", "5d", "5e"}) {
        CAPTURE(text);
        CHECK(refused(text, Code::malformed));
    }
}

TEST_CASE("codec.cbor: negative numbers, tags, floats and simple values are refused") {
    for (const char* text : {"20", "3818", "c000", "d82000", "f4", "f5", "f6", "f7", "e0", "f820",
                             "f93c00", "fa47c35000", "fb3ff199999999999a", "8120", "a1f600"}) {
        CAPTURE(text);
        CHECK(refused(text, Code::unsupported));
    }
}

TEST_CASE("codec.cbor: map keys out of order, twice, or of another kind are refused") {
    CHECK(refused("a202000100", Code::malformed));        // 2 before 1
    CHECK(refused("a201000100", Code::malformed));        // 1 twice
    CHECK(refused("a2616100616100", Code::malformed));    // "a" twice
    CHECK(refused("a2616200616100", Code::malformed));    // "b" before "a"
    CHECK(refused("a26161000100", Code::malformed));      // text before integer
    CHECK(refused("a262616100616200", Code::malformed));  // by encoded bytes the shorter text first
    CHECK(refused("a21818001700", Code::malformed));      // 24 before 23
    CHECK(refused("a14000", Code::unsupported));          // a byte string
    CHECK(refused("a18000", Code::unsupported));          // an array
    CHECK(refused("a1a000", Code::unsupported));          // a map
    const Bytes in = from_hex("a4170018180061620062616100");
    CHECK(cbor::parse(in, "t"));
}

TEST_CASE("codec.cbor: a nested map is held to the same rules") {
    CHECK(refused("a101a202000100", Code::malformed));
    CHECK(refused("81a201000100", Code::malformed));
    CHECK(refused("811800", Code::malformed));
}

TEST_CASE("codec.cbor: text must be UTF-8") {
    CHECK(refused("61ff", Code::malformed));
    CHECK(refused("62c328", Code::malformed));
    CHECK(refused("63eda080", Code::malformed));
    CHECK(refused("a161ff00", Code::malformed));
}

TEST_CASE("codec.cbor: every truncation and every trailing byte is refused") {
    const Bytes good = from_hex("a30143010203021901006161826178a0");
    REQUIRE(cbor::parse(good, "t"));
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        const auto value = cbor::parse(ByteView(good).first(n), "t");
        REQUIRE_FALSE(value);
        CHECK(value.error().where.starts_with("t: "));
    }
    Bytes longer = good;
    longer.push_back(0);
    const auto value = cbor::parse(longer, "t");
    REQUIRE_FALSE(value);
    CHECK(value.error().where == "t: end");
}

TEST_CASE("codec.cbor: a length far beyond the input costs nothing") {
    for (const char* text : {"5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff",
                             "bbffffffffffffffff", "5affffffff00", "9affffffff00"}) {
        CAPTURE(text);
        CHECK(refused(text, Code::malformed));
    }
}

TEST_CASE("codec.cbor: nesting is bounded") {
    const auto nested = [](std::size_t levels, unsigned most) {
        Bytes in(levels, 0x81);
        in.push_back(0);
        return cbor::parse(in, "t", {.max_depth = most});
    };
    CHECK(nested(4, 4));
    REQUIRE(refusal(nested(5, 4)) == says("t: nesting: more than 4 levels"));
    CHECK(nested(5, 4).error().code == Code::too_large);
    CHECK(nested(1, 1));
    CHECK(refusal(nested(1, 0)) == says("nesting: more than 0 levels"));
    CHECK(refusal(nested(100000, 16)) == says("nesting: more than 16 levels"));
}

TEST_CASE("codec.cbor: the number of items is bounded") {
    const auto items = [](std::size_t count, std::size_t most) {
        Bytes in = cbor::Encoder().array(count).take();
        in.insert(in.end(), count, 0);
        return cbor::parse(in, "t", {.max_items = most});
    };
    CHECK(items(9, 10));
    REQUIRE(refusal(items(10, 10)) == says("t: items: too many data items"));
    CHECK(items(10, 10).error().code == Code::too_large);
}
