#include "ratls/codec/json.h"

#include <doctest/doctest.h>

#include "ratls/base/text.h"

using namespace ratls;
using namespace std::string_view_literals;

namespace {

/// The value that is the text.
Result<Json> parse_value(std::string_view text) {
    RATLS_TRY(const Json list, parse_json("[" + std::string(text) + "]"));
    if (list.if_array()->size() != 1) {
        return fail(Code::malformed, "json", "one value wanted");
    }
    return list.if_array()->front();
}

bool refused(std::string_view text, Code code = Code::malformed) {
    const auto json = parse_json(text);
    return !json && json.error().code == code && json.error().where.starts_with("json");
}

}  // namespace

TEST_CASE("codec.json: every kind of value") {
    const auto json = parse_json(
        " {\"n\":null,\"t\":true,\"f\":false,\"i\":-12,\"s\":\"x\",\n\t\"a\":[1,[]],\"o\":{}}"
        "\r\n ");
    REQUIRE(json);
    CHECK(json->find("n")->is_null());
    CHECK(*json->find("t")->if_bool());
    CHECK_FALSE(*json->find("f")->if_bool());
    CHECK(*json->find("i")->if_int() == -12);
    CHECK(*json->find("s")->if_string() == "x");
    CHECK(json->find("a")->if_array()->size() == 2);
    CHECK(json->find("o")->if_object()->empty());
    CHECK(json->find("N") == nullptr);
    CHECK(json->find("t")->find("x") == nullptr);
    CHECK(json->find("t")->if_int() == nullptr);
    for (const auto scalar : {"null"sv, "1"sv, "true"sv, "\"\""sv}) {
        CHECK(parse_value(scalar));
        CHECK(refused(scalar));  // the outermost value is an object or a list
    }
}

TEST_CASE("codec.json: member names that differ in case are two, the same name twice is an error") {
    const auto json = parse_json(R"({"a":1,"A":2})");
    REQUIRE(json);
    CHECK(*json->find("a")->if_int() == 1);
    CHECK(*json->find("A")->if_int() == 2);
    CHECK(refused(R"({"a":1,"a":1})"));
    CHECK(refused(R"({"x":{"a":1,"b":2,"a":3}})"));
    CHECK(refused(R"([{"a":1,"\u0061":2}])"));
    CHECK(refused(R"({"":1,"":2})"));
}

TEST_CASE("codec.json: integers up to 2^53-1, and no other number") {
    CHECK(*parse_value("9007199254740991")->if_int() == 9007199254740991);
    CHECK(*parse_value("-9007199254740991")->if_int() == -9007199254740991);
    CHECK(*parse_value("0")->if_int() == 0);
    CHECK(*parse_value("-0")->if_int() == 0);
    for (const char* text : {"9007199254740992",
                             "-9007199254740992",
                             "9007199254740993",
                             "9223372036854775808",
                             "18446744073709551616",
                             "1.0",
                             "1.5",
                             "1e3",
                             "1E3",
                             "1e999",
                             "01",
                             "00",
                             "-01",
                             "-",
                             "+1",
                             ".5",
                             "1.",
                             "0x10",
                             "NaN",
                             "Infinity",
                             "-Infinity",
                             "1_0",
                             "1 2",
                             "--1",
                             "1-1",
                             "[1-1]",
                             "[1+1]",
                             "1a"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_value(text));
    }
}

TEST_CASE("codec.json: strings with every escape") {
    CHECK(*parse_value(R"("\"\\\/\b\f\n\r\t")")->if_string() == "\"\\/\b\f\n\r\t");
    CHECK(*parse_value(R"("\u00e9\u20AC\ud83d\ude00")")->if_string() ==
          "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(*parse_value("\"\xc3\xa9\x7f\"")->if_string() == "\xc3\xa9\x7f");
    CHECK(*parse_value(R"("\\u0000")")->if_string() == "\\u0000");
    CHECK(*parse_value(R"("[{]}-1.5e9")")->if_string() == "[{]}-1.5e9");
}

TEST_CASE("codec.json: strings that would be cut, mangled or guessed are refused") {
    for (const char* text : {R"("a\u0000b")",
                             R"({"a\u0000b":1})",
                             R"("\u00")",
                             R"("\u00zz")",
                             R"("\u00g0x")",
                             R"("\u 041")",
                             R"("\u+041")",
                             R"("\u-001")",
                             R"("\ud800")",
                             R"("\udc00")",
                             R"("\ud800\u0041")",
                             R"("\ud800x")",
                             R"("\x41")",
                             R"("\'")",
                             R"("\)",
                             R"(")",
                             R"("a)",
                             "'a'",
                             "\"\n\"",
                             "\"\t\"",
                             "\"\x01\"",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\""}) {
        CAPTURE(quoted(text));
        CHECK_FALSE(parse_value(text));
    }
    CHECK_FALSE(parse_value("\"a\0b\""sv));
    CHECK_FALSE(parse_value("\"a\"\0"sv));
    CHECK(refused("[1,\0 2]"sv));
}

TEST_CASE("codec.json: what is not one JSON text is refused") {
    for (const char* text : {"",
                             " ",
                             "{",
                             "}",
                             "[",
                             "]",
                             "[1",
                             "[1,",
                             "[1,]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "nul",
                             "True",
                             "nullx",
                             "null null",
                             "{} {}",
                             "[]]",
                             "{}}",
                             "//c\n1",
                             "/*c*/1",
                             "1//c",
                             "[1 2]",
                             "\xef\xbb\xbf{}",
                             "{}\xef\xbb\xbf",
                             "\x0b[]",
                             "[]\x0c",
                             "[\x01]",
                             "\xa0[]"}) {
        CAPTURE(quoted(text));
        CHECK(refused(text));
        CHECK_FALSE(parse_value(text));
    }
    const std::string_view good = R"({"a":[1,"x",{"b":null}],"c":true})";
    REQUIRE(parse_json(good));
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK(refused(good.substr(0, n)));
    }
}

TEST_CASE("codec.json: size and nesting are bounded on both sides of the limit") {
    CHECK(parse_json("[1]", {.max_bytes = 3}));
    REQUIRE_FALSE(parse_json("[1] ", {.max_bytes = 3}));
    CHECK(parse_json("[1] ", {.max_bytes = 3}).error().code == Code::too_large);
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    CHECK(parse_json(nested(32)));
    CHECK(refused(nested(33), Code::too_large));
    CHECK(refused(nested(1000000), Code::too_large));
    CHECK(refused(std::string(1000000, '[')));
    std::string objects = "1";
    for (int i = 0; i < 33; ++i) {
        objects = "{\"a\":" + objects + "}";
    }
    CHECK(refused(objects, Code::too_large));
    CHECK(parse_json("[[],[],[],[]]", {.max_depth = 2}));
}

TEST_CASE("codec.json: the canonical form of known values") {
    const auto canonical = [](std::string_view text) { return parse_value(text)->canonical(); };
    CHECK(canonical(R"( { "b" : 1 , "a" : [ true , null ] } )") == R"({"a":[true,null],"b":1})");
    CHECK(canonical(R"({"aa":1,"a":2,"B":3,"":4})") == R"({"":4,"B":3,"a":2,"aa":1})");
    CHECK(canonical(R"("\u001f\u0001\u0008\u000a\u000c\u000d\u0009\/\"\\")") ==
          R"("\u001f\u0001\b\n\f\r\t/\"\\")");
    CHECK(canonical(R"("\u00e9\u007f")") == "\"\xc3\xa9\x7f\"");
    CHECK(canonical("-0") == "0");
    CHECK(canonical("[]") == "[]");
    CHECK(canonical("{}") == "{}");
    CHECK(canonical(R"([{"b":{"d":1,"c":2}}])") == R"([{"b":{"c":2,"d":1}}])");
}

TEST_CASE("codec.json: the indented form keeps the order and reads back") {
    Json json;
    json.set("b", 1).set("a", Json::Array{Json("x"), Json(Json::Object{})}).set("e", Json::Array{});
    CHECK(json.pretty() ==
          "{\n  \"b\": 1,\n  \"a\": [\n    \"x\",\n    {}\n  ],\n  \"e\": []\n}\n");
    CHECK(parse_json(json.pretty())->canonical() == json.canonical());
}

TEST_CASE("codec.json: what is printed cannot steer a terminal, and reads back") {
    Json json(Json::Object{});
    json.set("a\x7f", "\x1b[31m\n\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf");
    json.set("b", "caf\xc3\xa9 \xf0\x9f\x98\x80").set("c", Json::Array{1, "\xd8\x9c"});
    const std::string line = json.line();
    CHECK(line ==
          "{\"a\\u007f\":\"\\u001b[31m\\n\\u009b\\u202e\\u2066\\ufeff\",\"b\":\"caf\xc3\xa9 "
          "\xf0\x9f\x98\x80\",\"c\":[1,\"\\u061c\"]}");
    for (const std::string& text : {line, json.pretty()}) {
        const auto again = parse_json(text);
        REQUIRE(again);
        CHECK(again->canonical() == json.canonical());
    }
    CHECK(json.canonical().contains("\xe2\x80\xae"));  // what is signed does not change
}

TEST_CASE("codec.json: a byte that is no UTF-8 is printed as U+FFFD") {
    CHECK(Json("a\xff\xc0\xafz\xe2\x82").line() == R"("a\ufffd\ufffd\ufffdz\ufffd\ufffd")");
    CHECK(is_utf8(Json("\xff").pretty()));
}

TEST_CASE("codec.json: set replaces, push adds, both turn a value into what they need") {
    Json json = "text";
    json.set("a", 1).set("b", 2).set("a", nullptr);
    CHECK(json.canonical() == R"({"a":null,"b":2})");
    json.push(true).push(-1);
    CHECK(json.canonical() == "[true,-1]");
}

TEST_CASE("codec.json: a number that JSON readers would round is written as text") {
    CHECK(Json(std::uint64_t{9007199254740991}).canonical() == "9007199254740991");
    CHECK(Json(std::uint64_t{9007199254740992}).canonical() == "\"9007199254740992\"");
    CHECK(Json(UINT64_MAX).canonical() == "\"18446744073709551615\"");
    CHECK(Json(std::int64_t{-9007199254740991}).canonical() == "-9007199254740991");
    CHECK(Json(INT64_MIN).canonical() == "\"-9223372036854775808\"");
    CHECK(Json(4294967295U).canonical() == "4294967295");
}
