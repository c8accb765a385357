// Base64 with the standard alphabet and padding.
#pragma once

#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

std::string base64(ByteView bytes);

/// Canonical form only: padded, zero pad bits, no white space. Source: RFC 4648, sections 3.5
/// and 4.
Result<Bytes> parse_base64(std::string_view text);

/// The alphabet with - and _, without padding. Source: RFC 7515, section 2.
std::string base64url(ByteView bytes);

/// The same, else as strict.
Result<Bytes> parse_base64url(std::string_view text);

}  // namespace ratls
