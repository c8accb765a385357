// Dates in headers.
#pragma once

#include <string_view>

#include "ratls/base/time.h"

namespace ratls::http {

/// Parses `Sun, 06 Nov 1994 08:49:37 GMT`. The two obsolete forms are refused: nobody sends them.
/// That the day of the week fits the date is not checked.
/// Source: RFC 9110, section 5.6.7, IMF-fixdate.
Result<UnixTime> parse_date(std::string_view text);

}  // namespace ratls::http
