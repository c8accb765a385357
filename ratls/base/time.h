// Points in time, as they stand in certificates and claims.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratls/base/result.h"

namespace ratls {

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX).
using UnixTime = std::int64_t;

/// The time of a date in the proleptic Gregorian calendar, UTC. Fails if there is no such date, or
/// for a leap second.
Result<UnixTime> make_time(int year, int month, int day, int hour, int minute, int second);

/// Parses `2025-05-15T21:21:54Z`, also with an offset as in `+02:00` and with fractions of a
/// second, which are cut off. Source: RFC 3339, section 5.6.
Result<UnixTime> parse_rfc3339(std::string_view text);

/// `2025-05-15T21:21:54Z`, for years 0 to 9999.
std::string format_rfc3339(UnixTime time);

}  // namespace ratls
