#include "ratls/base/error.h"

#include <doctest/doctest.h>

#include "ratls/base/result.h"

using namespace ratls;

namespace {

Result<int> half(int value) {
    if (value % 2 != 0) {
        return fail(Code::malformed, "half", "an even number wanted");
    }
    return value / 2;
}

Status check_even(int value) {
    RATLS_CHECK(half(value));
    return {};
}

Result<int> quarter(int value) {
    RATLS_TRY(const int once, half(value));
    RATLS_TRY(const int twice, half(once));
    RATLS_CHECK(check_even(value));
    return twice;
}

}  // namespace

TEST_CASE("base.error: text is places from outside to inside, then what") {
    Error error = {Code::mismatch, "b", "x wanted, y found"};
    CHECK(error.text() == "b: x wanted, y found");
    CHECK(std::move(error).in("a").text() == "a: b: x wanted, y found");
    CHECK(Error{Code::io, "", "no"}.text() == "no");
    CHECK(Error{Code::io, "", "no"}.in("a").text() == "a: no");
    CHECK(Error{Code::io, "a\n", "\x1b[2J"}.text() == R"(a\x0a: \x1b[2J)");
}

TEST_CASE("base.error: every class has a name and the documented exit code") {
    struct Row {
        Code code;
        const char* name;
        int exit;
    };
    for (const Row& row :
         {Row{Code::usage, "usage", 1}, Row{Code::malformed, "malformed", 2},
          Row{Code::too_large, "too_large", 2}, Row{Code::unsupported, "unsupported", 2},
          Row{Code::untrusted, "untrusted", 2}, Row{Code::stale, "stale", 2},
          Row{Code::mismatch, "mismatch", 2}, Row{Code::denied, "denied", 3},
          Row{Code::unavailable, "unavailable", 4}, Row{Code::io, "io", 4},
          Row{Code::internal, "internal", 5}}) {
        CAPTURE(row.name);
        CHECK(code_name(row.code) == row.name);
        CHECK(exit_code(row.code) == row.exit);
    }
}

TEST_CASE("base.result: RATLS_TRY and RATLS_CHECK hand the first failure upwards") {
    CHECK(quarter(8) == 2);
    REQUIRE_FALSE(quarter(3));
    REQUIRE_FALSE(quarter(6));
    CHECK(quarter(6).error().text() == "half: an even number wanted");
    CHECK_FALSE(check_even(1));
    CHECK(check_even(2));
}
