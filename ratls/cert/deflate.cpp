#include "ratls/cert/deflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include <array>
#include <cassert>

namespace ratls::cert {
namespace {

constexpr int kRawDeflate = -MAX_WBITS;                  // negative: no frame around the stream
constexpr int kMemoryLevel = 8;                          // zlib's default
constexpr std::size_t kMaxInput = std::size_t{1} << 30;  // zlib counts in 32 bits

}  // namespace

Bytes deflate(ByteView plain) {
    assert(plain.size() <= kMaxInput);
    z_stream stream{};
    // These fail only without memory or for wrong constants.
    [[maybe_unused]] int status = deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kRawDeflate,
                                               kMemoryLevel, Z_DEFAULT_STRATEGY);
    assert(status == Z_OK);
    Bytes out(deflateBound(&stream, static_cast<uLong>(plain.size())));
    stream.next_in = plain.data();
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    status = ::deflate(&stream, Z_FINISH);
    assert(status == Z_STREAM_END);
    deflateEnd(&stream);
    return to_bytes(ByteView(out).first(out.size() - stream.avail_out));
}

Result<Bytes> inflate(ByteView deflated, std::size_t max_bytes) {
    if (deflated.size() > kMaxInput) {
        return fail(Code::too_large, "deflate", "an input of at most 1 GiB wanted");
    }
    z_stream stream{};
    if (inflateInit2(&stream, kRawDeflate) != Z_OK) {
        return fail(Code::internal, "deflate", "zlib does not start");
    }
    stream.next_in = deflated.data();
    stream.avail_in = static_cast<uInt>(deflated.size());
    Bytes out;
    std::array<std::uint8_t, 16384> piece{};
    int status = Z_OK;
    do {
        stream.next_out = piece.data();
        stream.avail_out = static_cast<uInt>(piece.size());
        status = ::inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR: no progress, the input ended
        append(out, ByteView(piece).first(piece.size() - stream.avail_out));
    } while (status == Z_OK && out.size() <= max_bytes);
    const std::size_t left = stream.avail_in;
    inflateEnd(&stream);
    if (out.size() > max_bytes) {
        return fail(Code::too_large, "deflate",
                    "at most " + std::to_string(max_bytes) + " bytes wanted, more come out");
    }
    if (status != Z_STREAM_END) {
        return fail(Code::malformed, "deflate", "not one whole deflate stream");
    }
    if (left != 0) {
        return fail(Code::malformed, "deflate",
                    std::to_string(left) + " bytes after the end of the stream");
    }
    return out;
}

}  // namespace ratls::cert
