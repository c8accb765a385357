#include "ratls/base/reader.h"

#include <doctest/doctest.h>

#include <functional>

#include "ratls/base/writer.h"

using namespace ratls;

namespace {

const Bytes kEight = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};

}  // namespace

TEST_CASE("base.reader: every fixed-size read takes its bytes in its order") {
    const auto once = [](auto read) {
        Reader r(kEight, "t");
        return read(r);
    };
    CHECK(once([](Reader& r) { return r.u8("f"); }) == 0x01);
    CHECK(once([](Reader& r) { return r.u16_le("f"); }) == 0x0201);
    CHECK(once([](Reader& r) { return r.u16_be("f"); }) == 0x0102);
    CHECK(once([](Reader& r) { return r.u32_le("f"); }) == 0x04030201);
    CHECK(once([](Reader& r) { return r.u32_be("f"); }) == 0x01020304);
    CHECK(once([](Reader& r) { return r.u64_le("f"); }) == 0x8807060504030201);
    CHECK(once([](Reader& r) { return r.u64_be("f"); }) == 0x0102030405060788);
    CHECK(once([](Reader& r) { return r.array<3>("f"); }) == std::array<std::uint8_t, 3>{1, 2, 3});
    CHECK(once([](Reader& r) { return to_bytes(r.bytes(2, "f")); }) == Bytes{1, 2});
}

TEST_CASE("base.reader: every read is refused one byte short, names its field, and gives zero") {
    struct Row {
        std::size_t size;
        std::function<std::uint64_t(Reader&)> read;
    };
    const std::vector<Row> rows = {
        {1, [](Reader& r) { return r.u8("f"); }},
        {2, [](Reader& r) { return r.u16_le("f"); }},
        {2, [](Reader& r) { return r.u16_be("f"); }},
        {4, [](Reader& r) { return r.u32_le("f"); }},
        {4, [](Reader& r) { return r.u32_be("f"); }},
        {8, [](Reader& r) { return r.u64_le("f"); }},
        {8, [](Reader& r) { return r.u64_be("f"); }},
        {5, [](Reader& r) { return r.array<5>("f")[0]; }},
        {5, [](Reader& r) { return r.bytes(5, "f").size(); }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.size);
        Reader enough(ByteView(kEight).first(row.size), "t");
        CHECK(row.read(enough) != 0);
        CHECK(enough.finish(0));
        Reader short_by_one(ByteView(kEight).first(row.size - 1), "t");
        CHECK(row.read(short_by_one) == 0);
        const auto result = short_by_one.finish(0);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == Code::malformed);
        CHECK(result.error().where == "t: f");
    }
}

TEST_CASE("base.reader: the first failure sticks, and later reads give nothing") {
    Reader r(kEight, "t");
    r.u8("a");
    CHECK(r.left() == 7);
    CHECK(r.offset() == 1);
    r.bytes(8, "b");
    CHECK_FALSE(r.ok());
    CHECK(r.left() == 0);
    CHECK(r.u8("c") == 0);
    CHECK(r.bytes(1, "c").empty());
    CHECK(r.array<2>("c") == std::array<std::uint8_t, 2>{});
    r.expect(r.u8("c"), 1, "c");
    r.zeros(1, "c");
    r.fail(Code::too_large, "d", "later");
    CHECK(r.error().where == "t: b");
    const auto result = r.finish(1);
    REQUIRE_FALSE(result);
    CHECK(result.error().text() == "t: b: 8 bytes wanted at offset 1, 7 left");
}

TEST_CASE("base.reader: trailing bytes are refused and counted") {
    Reader r(kEight, "t");
    r.u32_be("f");
    const auto result = r.finish(1);
    REQUIRE_FALSE(result);
    CHECK(result.error().text() == "t: end: 4 trailing bytes after offset 4");
}

TEST_CASE("base.reader: finish hands the value over") {
    Reader r({}, "t");
    const auto result = r.finish(std::string("value"));
    REQUIRE(result);
    CHECK(*result == "value");
}

TEST_CASE("base.reader: a length prefix is bounded by the input, whatever it says") {
    const Bytes good = Writer().u16_be(2).u8(7).u8(8).take();
    Reader r(good, "t");
    CHECK(equal(r.bytes_u16_be("f"), Bytes{7, 8}));
    CHECK(r.finish(0));

    Reader truncated(ByteView(good).first(3), "t");
    CHECK(truncated.bytes_u16_be("f").empty());
    CHECK_FALSE(truncated.ok());

    const Bytes huge = Writer().u32_le(0xffffffff).u8(1).take();
    Reader h(huge, "t");
    CHECK(h.bytes_u32_le("f").empty());
    CHECK_FALSE(h.ok());
    Reader all(huge, "t");
    CHECK(all.bytes(SIZE_MAX, "f").empty());
    CHECK_FALSE(all.ok());

    const Bytes little = Writer().u32_le(1).u8(9).take();
    Reader l(little, "t");
    CHECK(equal(l.bytes_u32_le("f"), Bytes{9}));
    CHECK(l.finish(0));
}

TEST_CASE("base.reader: reserved bytes must be zero") {
    const Bytes in = {0, 0, 1};
    Reader good(ByteView(in).first(2), "t");
    good.zeros(2, "reserved");
    CHECK(good.finish(0));
    Reader bad(in, "t");
    bad.zeros(3, "reserved");
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.error().text() == "t: reserved: zero bytes wanted, others found");
    Reader missing(in, "t");
    missing.zeros(4, "reserved");
    CHECK_FALSE(missing.ok());
}

TEST_CASE("base.reader: an expected value is named with what was found") {
    Reader r(kEight, "t");
    r.expect(r.u8("version"), 1, "version");
    CHECK(r.ok());
    r.expect(r.u8("version"), 1, "version");
    REQUIRE_FALSE(r.ok());
    CHECK(r.error().text() == "t: version: 1 wanted, 2 found");
}

TEST_CASE("base.reader: a parser's own failure keeps its class") {
    Reader r(kEight, "t");
    r.fail(Code::too_large, "count", "9");
    const auto result = r.finish(0);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::too_large);
    CHECK(result.error().where == "t: count");
}
