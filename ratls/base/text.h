// Text from outside, made safe to show.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratls {

/// In double quotes, at most `limit` bytes of it, everything that is not printable ASCII as \xNN.
/// For error messages and terminals: what comes from outside never moves a cursor.
std::string quoted(std::string_view text, std::size_t limit = 80);

/// The same without quotes and whole: for text that may have such parts in it, as the message of a
/// server. What of it came from outside is better quoted before.
std::string printable(std::string_view text);

/// True for a character that is not seen, but changes how those around it are: control characters
/// (U+0000 to U+001F, U+007F to U+009F), line and paragraph separators, marks of direction, and
/// those without a width.
bool is_unseen(char32_t character);

/// Takes the first character off well-formed UTF-8 (RFC 3629). None, and nothing is taken, if
/// `text` is empty or does not begin with one.
std::optional<char32_t> take_utf8(std::string_view& text);

/// True if the bytes are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate).
bool is_utf8(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);

std::string lower(std::string_view text);

}  // namespace ratls
