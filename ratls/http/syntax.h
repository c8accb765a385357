// The lines that requests and responses have in common. For ratls/http only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratls/http/message.h"

namespace ratls::http {

/// A `tchar`: what methods and header names are made of. Source: RFC 9110, section 5.6.2.
bool is_token_char(char c);
bool is_token(std::string_view text);

/// No control character but the tabulator. Source: RFC 9110, section 5.5.
bool is_field_text(std::string_view text);

/// True if these bytes cannot be part of a head: NUL, a bare CR or a bare LF. `before` is the byte
/// that came before `next`, 0 at the beginning.
bool breaks_line_rules(char before, char next);

/// Header lines without the last empty line. Folded lines, white space before the colon and empty
/// names are refused; values lose the white space around them. Source: RFC 9112, section 5.
Result<std::vector<Header>> read_headers(std::string_view lines, std::size_t max_count,
                                         std::string_view where);

/// What the headers say about the body. Source: RFC 9112, section 6.
struct Framing {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool close = false;       ///< Connection: close
    bool keep_alive = false;  ///< Connection: keep-alive, which matters to HTTP/1.0
};

/// Refused: Content-Length twice, with leading zeros, signs or more than 18 digits, or beside
/// Transfer-Encoding; a transfer coding other than one "chunked".
Result<Framing> read_framing(const std::vector<Header>& headers, std::string_view where);

}  // namespace ratls::http
