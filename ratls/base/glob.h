// Patterns for paths.
#pragma once

#include <cstddef>
#include <string_view>

namespace ratls {

/// A longer path fits no pattern. Source: PATH_MAX of Linux.
inline constexpr std::size_t kMaxGlobPath = 4096;

/// True if the whole path is of this form: `?` stands for one byte but not for '/', `*` for any
/// number of them, `**` for any number of bytes, '/' among them, and a backslash takes the next
/// byte as it is. Takes time of length times length, whatever the pattern,
/// and no memory.
bool glob_match(std::string_view pattern, std::string_view path);

/// True if a pattern begins where paths do, with "/" or "**/", so that one that is meant for a
/// folder does not fit another.
bool is_anchored_glob(std::string_view pattern);

}  // namespace ratls
