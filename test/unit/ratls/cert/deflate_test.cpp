#include "ratls/cert/deflate.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"

using namespace ratls;

namespace {

bool refused(ByteView deflated, std::size_t max_bytes, Code code) {
    const auto plain = cert::inflate(deflated, max_bytes);
    return !plain && plain.error().code == code && plain.error().where == "deflate";
}

}  // namespace

TEST_CASE("cert.deflate: a stream of RFC 1951 without a frame, both ways") {
    // A stored block: final, 3 bytes, their complement. Source: RFC 1951, 3.2.4.
    const Bytes stored = parse_hex("010300fcff616263").value();
    CHECK(as_text(cert::inflate(stored, 3).value()) == "abc");
    for (const std::size_t size : {0U, 1U, 16383U, 16384U, 16385U, 100000U}) {
        CAPTURE(size);
        Bytes plain(size);
        for (std::size_t i = 0; i < size; ++i) {
            plain[i] = static_cast<std::uint8_t>(i * i >> 3);
        }
        CHECK(cert::inflate(cert::deflate(plain), size).value() == plain);
    }
}

TEST_CASE("cert.deflate: the bound is on what comes out, exactly") {
    const Bytes bomb = cert::deflate(Bytes(std::size_t{10} << 20));
    CHECK(bomb.size() < 20000);
    CHECK(refused(bomb, (std::size_t{10} << 20) - 1, Code::too_large));
    CHECK(refused(bomb, 0, Code::too_large));
    CHECK(cert::inflate(bomb, std::size_t{10} << 20));
}

TEST_CASE("cert.deflate: every truncation, trailing bytes and other frames are refused") {
    const Bytes good = cert::deflate(as_bytes("to be or not to be, to be or not to be"));
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK(refused(ByteView(good).first(n), 1000, Code::malformed));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK(refused(longer, 1000, Code::malformed));
    const Bytes zlib_frame = parse_hex("789c4b4c4a0600024d0127").value();  // "abc"
    CHECK(refused(zlib_frame, 1000, Code::malformed));
}
