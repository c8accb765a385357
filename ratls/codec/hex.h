// Hexadecimal, as people and JSON files write byte strings.
#pragma once

#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

/// Lower case, without prefix.
std::string hex(ByteView bytes);

/// Both cases, an even number of digits, nothing else: no prefix, no spaces.
Result<Bytes> parse_hex(std::string_view text);

/// `parse_hex` for a value of exactly `size` bytes.
Result<Bytes> parse_hex(std::string_view text, std::size_t size);

}  // namespace ratls
