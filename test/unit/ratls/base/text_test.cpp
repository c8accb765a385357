#include "ratls/base/text.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace std::string_view_literals;

TEST_CASE("base.text: quoted text shows what is not printable ASCII as hex, and is cut") {
    CHECK(quoted("abc ~") == "\"abc ~\"");
    CHECK(quoted("") == "\"\"");
    CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
    CHECK(quoted("\x1b[2J\n\x7f\xff\0"sv) == R"("\x1b[2J\x0a\x7f\xff\x00")");
    CHECK(quoted("abcd", 4) == "\"abcd\"");
    CHECK(quoted("abcde", 4) == "\"abcd\"...");
    CHECK(quoted(std::string(1000, 'a')).size() == 80 + 5);
}

TEST_CASE("base.text: printable text has no quotes, and nothing in it steers a terminal") {
    CHECK(printable("a \"b\" \\ ~") == "a \"b\" \\ ~");
    CHECK(printable("\x1b[2J\n\t\x7f\x9b\0"sv) == R"(\x1b[2J\x0a\x09\x7f\x9b\x00)");
    CHECK(printable("\xe2\x80\xae") == R"(\xe2\x80\xae)");
    CHECK(printable(std::string(1000, 'a')).size() == 1000);
}

TEST_CASE("base.text: characters that change how others are shown, up to their boundaries") {
    for (const char32_t c :
         {0x00U, 0x0aU, 0x1bU, 0x1fU, 0x7fU, 0x9bU, 0x9fU, 0xadU, 0x61cU, 0x200bU, 0x200fU, 0x2028U,
          0x202aU, 0x202eU, 0x2060U, 0x2066U, 0x2069U, 0x206fU, 0xfeffU}) {
        CAPTURE(static_cast<unsigned>(c));
        CHECK(is_unseen(c));
    }
    for (const char32_t c : {0x20U, 0x7eU, 0xa0U, 0xacU, 0xaeU, 0x61bU, 0x61dU, 0x200aU, 0x2010U,
                             0x2027U, 0x202fU, 0x205fU, 0x2070U, 0xfefeU, 0xff00U, 0x10ffffU}) {
        CAPTURE(static_cast<unsigned>(c));
        CHECK_FALSE(is_unseen(c));
    }
}

TEST_CASE("base.text: one character after the other is taken off, up to what is no UTF-8") {
    std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff";
    for (const char32_t c : {0x61U, 0xe9U, 0x20acU, 0x1f600U}) {
        CHECK(take_utf8(text) == c);
    }
    CHECK_FALSE(take_utf8(text));
    CHECK(text == "\xff");
    text = {};
    CHECK_FALSE(take_utf8(text));
}

TEST_CASE("base.text: well-formed UTF-8 is accepted up to its boundaries") {
    for (const auto text :
         {""sv, "a\0b"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
          "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv,
          "\xc3\xa9x\xe2\x82\xac"sv}) {
        CAPTURE(quoted(text));
        CHECK(is_utf8(text));
    }
}

TEST_CASE(
    "base.text: overlong forms, surrogates, values too large and cut sequences are not UTF-8") {
    for (const auto text :
         {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv,
          "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf8\x88\x80\x80\x80"sv,
          "\xfe"sv, "\xff"sv, "\xc2"sv, "\xe2\x82"sv, "\xf0\x90\x80"sv, "\xc2\x41"sv,
          "\xe2\x82\x41"sv, "ok\xe2\x28\xa1"sv}) {
        CAPTURE(quoted(text));
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("base.text: split keeps empty parts") {
    using Parts = std::vector<std::string_view>;
    CHECK(split("", ',') == Parts{""});
    CHECK(split("a", ',') == Parts{"a"});
    CHECK(split("a,b", ',') == Parts{"a", "b"});
    CHECK(split(",a,,", ',') == Parts{"", "a", "", ""});
}

TEST_CASE("base.text: lower changes ASCII letters only") {
    CHECK(lower("aZ09_\xc3\x84") == "az09_\xc3\x84");
}
