#include "ratls/base/writer.h"

#include <doctest/doctest.h>

#include "ratls/base/reader.h"

using namespace ratls;

TEST_CASE("base.writer: every field is written in its order") {
    Writer w;
    w.u8(0x01).u16_le(0x0203).u16_be(0x0203).u32_le(0x04050607).u32_be(0x04050607);
    w.bytes(Bytes{0xaa, 0xbb}).zeros(2);
    CHECK(w.size() == 17);
    CHECK(w.view() == Bytes{0x01, 0x03, 0x02, 0x02, 0x03, 0x07, 0x06, 0x05, 0x04, 0x04, 0x05, 0x06,
                            0x07, 0xaa, 0xbb, 0x00, 0x00});
    CHECK(Writer().u64_le(0x0102030405060708).take() == Bytes{8, 7, 6, 5, 4, 3, 2, 1});
    CHECK(Writer().u64_be(0x0102030405060708).take() == Bytes{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("base.writer: what it writes, Reader reads") {
    const Bytes bytes = Writer()
                            .u8(0xf1)
                            .u16_le(0xf2f3)
                            .u32_le(0xf4f5f6f7)
                            .u64_le(UINT64_MAX - 1)
                            .u16_be(0x8001)
                            .u32_be(0x80000001)
                            .u64_be(0x8000000000000001)
                            .take();
    Reader r(bytes, "t");
    CHECK(r.u8("f") == 0xf1);
    CHECK(r.u16_le("f") == 0xf2f3);
    CHECK(r.u32_le("f") == 0xf4f5f6f7);
    CHECK(r.u64_le("f") == UINT64_MAX - 1);
    CHECK(r.u16_be("f") == 0x8001);
    CHECK(r.u32_be("f") == 0x80000001);
    CHECK(r.u64_be("f") == 0x8000000000000001);
    CHECK(r.finish(0));
}
