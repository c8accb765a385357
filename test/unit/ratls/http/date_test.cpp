#include "ratls/http/date.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ratls;

TEST_CASE("http.date: the date of RFC 9110 is read") {
    CHECK(http::parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == UnixTime{784111777});
    CHECK(http::parse_date("Thu, 01 Jan 1970 00:00:00 GMT") == UnixTime{0});
    CHECK(http::parse_date("Thu, 29 Feb 2024 23:59:59 GMT") == UnixTime{1709251199});
}

TEST_CASE("http.date: what is no date, or another form of it, is refused") {
    const std::string good = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK_FALSE(http::parse_date(good.substr(0, n)));
    }
    const std::vector<std::string> wrong = {
        good + " ",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Son, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 6  Nov 1994 08:49:37 GMT",
    };
    for (const std::string& text : wrong) {
        CAPTURE(text);
        const auto date = http::parse_date(text);
        REQUIRE_FALSE(date);
        CHECK(date.error().code == Code::malformed);
    }
}
