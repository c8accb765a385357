// Bytes that stay where they are until somebody takes them.
#pragma once

#include <functional>
#include <span>

#include "ratls/base/result.h"

namespace ratls {

/// So many bytes, to be read in any order, by one thread at a time. Copies read the same bytes.
struct ByteStream {
    std::uint64_t size = 0;
    /// Gives the number of bytes, which may be fewer than asked for; 0 behind the end. Fails where
    /// the bytes are no longer there.
    std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::uint8_t> into)> read_at;
};

}  // namespace ratls
