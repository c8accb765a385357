// Text from outside, made safe to show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ratls {

/// In double quotes, at most `limit` bytes of it, everything that is not printable ASCII as \xNN.
/// For error messages and terminals: what comes from outside never moves a cursor.
std::string quoted(std::string_view text, std::size_t limit = 80);

/// True if the bytes are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate).
bool is_utf8(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);

std::string lower(std::string_view text);

}  // namespace ratls
