// Raw deflate with a hard bound on what comes out.
#pragma once

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::cert {

/// The raw deflate stream (RFC 1951, no zlib or gzip frame) of these bytes.
Bytes deflate(ByteView plain);

/// Undoes `deflate`. Refused: more than `max_bytes` of output, a stream that does not end, bytes
/// after its end. Memory grows with the output, never by what a stream announces.
Result<Bytes> inflate(ByteView deflated, std::size_t max_bytes);

}  // namespace ratls::cert
