// Patterns for paths.
#pragma once

#include <string_view>

namespace ratls {

/// True if the whole path is of this form: `?` stands for one byte but not for '/', `*` for any
/// number of them, `**` for any number of bytes, '/' among them, and a backslash takes the next
/// byte as it is. Takes time of length times length, whatever the pattern.
bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace ratls
