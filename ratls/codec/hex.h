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

/// %XX to bytes; nothing else is special: "+" stays what it is. Source: RFC 3986, section 2.1.
Result<std::string> percent_decode(std::string_view text);

}  // namespace ratls
