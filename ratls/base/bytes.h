// Byte strings: owned, viewed, compared.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ratls {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}

/// The bytes of a text, viewed; the text must outlive the view.
ByteView as_bytes(std::string_view text);

/// The text of some bytes, viewed; says nothing about their encoding.
std::string_view as_text(ByteView bytes);

inline void append(Bytes& out, ByteView more) {
    out.insert(out.end(), more.begin(), more.end());
}

inline bool equal(ByteView a, ByteView b) {
    return std::ranges::equal(a, b);
}

inline bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

/// Compares without a branch on the content; only the lengths may show in the timing.
bool equal_constant_time(ByteView a, ByteView b);

/// True if one of the values has these bytes.
bool contains(const std::vector<Bytes>& values, ByteView wanted);

}  // namespace ratls
