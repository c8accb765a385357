#include "ratls/base/time.h"
#include "test/support/refusal.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::test;

TEST_CASE("base.time: known points in time") {
    CHECK(make_time(1970, 1, 1, 0, 0, 0) == 0);
    CHECK(make_time(1969, 12, 31, 23, 59, 59) == -1);
    CHECK(make_time(2001, 9, 9, 1, 46, 40) == 1000000000);
    CHECK(make_time(2038, 1, 19, 3, 14, 8) == 2147483648);
    CHECK(make_time(2049, 12, 31, 23, 59, 59) == 2524607999);
    CHECK(make_time(9999, 12, 31, 23, 59, 59) == 253402300799);
}

TEST_CASE("base.time: leap years follow the Gregorian rule") {
    CHECK(make_time(2024, 2, 29, 0, 0, 0));
    CHECK(make_time(2000, 2, 29, 0, 0, 0));
    CHECK(refusal(make_time(2023, 2, 29, 0, 0, 0)) == says("time: no such date or time of day"));
    CHECK(refusal(make_time(1900, 2, 29, 0, 0, 0)) == says("time: no such date or time of day"));
    CHECK(refusal(make_time(2100, 2, 29, 0, 0, 0)) == says("time: no such date or time of day"));
    CHECK(*make_time(2024, 3, 1, 0, 0, 0) - *make_time(2024, 2, 28, 0, 0, 0) == 2 * 86400);
    CHECK(*make_time(2023, 3, 1, 0, 0, 0) - *make_time(2023, 2, 28, 0, 0, 0) == 86400);
}

TEST_CASE("base.time: what is no date or time of day is refused") {
    struct Row {
        int year, month, day, hour, minute, second;
    };
    for (const Row& r :
         {Row{2025, 0, 1, 0, 0, 0}, Row{2025, 13, 1, 0, 0, 0}, Row{2025, 1, 0, 0, 0, 0},
          Row{2025, 1, 32, 0, 0, 0}, Row{2025, 4, 31, 0, 0, 0}, Row{2025, 1, 1, 24, 0, 0},
          Row{2025, 1, 1, -1, 0, 0}, Row{2025, 1, 1, 0, 60, 0}, Row{2025, 1, 1, 0, -1, 0},
          Row{2025, 1, 1, 0, 0, 60}, Row{2025, 1, 1, 0, 0, -1}, Row{2025, -1, 1, 0, 0, 0},
          Row{2025, 257, 1, 0, 0, 0}, Row{2025, 1, 257, 0, 0, 0}, Row{70000, 1, 1, 0, 0, 0},
          Row{-1, 1, 1, 0, 0, 0}}) {
        CAPTURE(r.year);
        CAPTURE(r.month);
        CAPTURE(r.day);
        CAPTURE(r.hour);
        CHECK(refusal(make_time(r.year, r.month, r.day, r.hour, r.minute, r.second)) ==
              says("time: no such date"));
    }
}

TEST_CASE("base.time: RFC 3339 texts with zone, offset and fraction") {
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_rfc3339("2025-05-15T21:21:54Z") == 1747344114);
    CHECK(parse_rfc3339("2025-05-15t21:21:54z") == 1747344114);
    CHECK(parse_rfc3339("2025-05-15T23:21:54+02:00") == 1747344114);
    CHECK(parse_rfc3339("2025-05-15T15:51:54-05:30") == 1747344114);
    CHECK(parse_rfc3339("2025-05-15T21:21:54.999999999Z") == 1747344114);
    CHECK(parse_rfc3339("2025-05-15T21:21:54.5+00:00") == 1747344114);
    CHECK(parse_rfc3339("2025-01-01T00:00:00+23:59") == 1735689600 - 86340);
}

TEST_CASE("base.time: other forms are refused, and so is every truncation") {
    for (const char* text : {"",
                             "now",
                             "2025-05-15",
                             "2025-05-15T21:21:54",
                             "2025-05-15 21:21:54Z",
                             "2025-05-15T21:21Z",
                             "2025-05-15T21:21:54ZZ",
                             "2025-05-15T21:21:54 Z",
                             "2025-05-15T21:21:54.Z",
                             "2025-05-15T21:21:54,5Z",
                             "2025-05-15T21:21:54+02",
                             "2025-05-15T21:21:54+0200",
                             "2025-05-15T21:21:54+24:00",
                             "2025-05-15T21:21:54+00:60",
                             "2025-5-15T21:21:54Z",
                             "+025-05-15T21:21:54Z",
                             "2025-13-15T21:21:54Z",
                             "2025-02-29T21:21:54Z",
                             "2025-05-15T24:00:00Z",
                             "2016-12-31T23:59:60Z",
                             "2025/05/15T21:21:54Z",
                             "2025-05-15T21-21-54Z",
                             " 2025-05-15T21:21:54Z",
                             "2025-05-15T21:21:5xZ"}) {
        CAPTURE(text);
        const auto time = parse_rfc3339(text);
        REQUIRE_FALSE(time);
        CHECK(time.error().code == Code::malformed);
    }
    const std::string_view good = "2025-05-15T21:21:54+02:00";
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK(refusal(parse_rfc3339(good.substr(0, n))) ==
              says("time: a time like 2025-05-15T21:21:54Z wanted, "));
    }
}

TEST_CASE("base.time: formatting is the inverse of parsing") {
    CHECK(format_rfc3339(0) == "1970-01-01T00:00:00Z");
    CHECK(format_rfc3339(-1) == "1969-12-31T23:59:59Z");
    CHECK(format_rfc3339(1709251199) == "2024-02-29T23:59:59Z");
    CHECK(format_rfc3339(253402300799) == "9999-12-31T23:59:59Z");
    for (UnixTime time = -2208988800; time < 253402300800; time += 1234567891) {
        CHECK(parse_rfc3339(format_rfc3339(time)) == time);
    }
}
