#include <doctest/doctest.h>

#include "ratls/codec/json.h"

using namespace ratls;

namespace {

Json object(std::string_view text) {
    return parse_json(text).value();
}

}  // namespace

TEST_CASE("codec.json_reader: members of every kind, and what stands in for absent ones") {
    const Json json =
        object(R"({"b":true,"i":7,"s":"x","h":"00ff","hl":["aa","bb"],"sl":["p","q"],"il":[1,2]})");
    JsonReader r(json, "t");
    CHECK(r.boolean("b", false));
    CHECK(r.integer("i", 0, 0, 10) == 7);
    CHECK(r.string("s", "") == "x");
    CHECK(r.hex_bytes("h", 2) == std::vector<std::uint8_t>{0x00, 0xff});
    CHECK(r.hex_list("hl", 1).size() == 2);
    CHECK(r.strings("sl") == std::vector<std::string>{"p", "q"});
    CHECK(r.integers("il", 1, 2) == std::vector<std::int64_t>{1, 2});
    CHECK(r.boolean("b2", true));
    CHECK(r.integer("i2", 5, 0, 10) == 5);
    CHECK(r.string("s2", "y") == "y");
    CHECK(r.hex_bytes("h2", 2).empty());
    CHECK(r.hex_list("hl2", 2).empty());
    CHECK(r.strings("sl2").empty());
    CHECK(r.integers("il2", 0, 1).empty());
    CHECK(r.finish());
}

TEST_CASE("codec.json_reader: a member that nobody asked for is named") {
    const Json json = object(R"({"a":1,"allow_debgu":true})");
    JsonReader r(json, "policy: snp");
    r.integer("a", 0, 0, 1);
    const auto status = r.finish();
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::malformed);
    CHECK(status.error().text() == "policy: snp: \"allow_debgu\": unknown member");
}

TEST_CASE("codec.json_reader: a wrong kind or range is refused and named, and the first stays") {
    struct Row {
        const char* text;
        void (*read)(JsonReader&);
    };
    const Row rows[] = {
        {R"({"k":1})", [](JsonReader& r) { r.boolean("k", false); }},
        {R"({"k":"true"})", [](JsonReader& r) { r.boolean("k", false); }},
        {R"({"k":"1"})", [](JsonReader& r) { r.integer("k", 0, 0, 9); }},
        {R"({"k":10})", [](JsonReader& r) { r.integer("k", 0, 0, 9); }},
        {R"({"k":-1})", [](JsonReader& r) { r.integer("k", 0, 0, 9); }},
        {R"({"k":null})", [](JsonReader& r) { r.integer("k", 0, 0, 9); }},
        {R"({"k":1})", [](JsonReader& r) { r.string("k", ""); }},
        {R"({"k":1})", [](JsonReader& r) { r.required_string("k"); }},
        {R"({})", [](JsonReader& r) { r.required_string("k"); }},
        {R"({})", [](JsonReader& r) { r.required("k"); }},
        {R"({"k":1})", [](JsonReader& r) { r.hex_bytes("k", 0); }},
        {R"({"k":"0g"})", [](JsonReader& r) { r.hex_bytes("k", 0); }},
        {R"({"k":"00"})", [](JsonReader& r) { r.hex_bytes("k", 2); }},
        {R"({"k":""})", [](JsonReader& r) { r.hex_bytes("k", 2); }},
        {R"({"k":"00"})", [](JsonReader& r) { r.hex_list("k", 1); }},
        {R"({"k":["00","0001"]})", [](JsonReader& r) { r.hex_list("k", 1); }},
        {R"({"k":[""]})", [](JsonReader& r) { r.hex_list("k", 1); }},
        {R"({"k":{}})", [](JsonReader& r) { r.strings("k"); }},
        {R"({"k":["a",1]})", [](JsonReader& r) { r.strings("k"); }},
        {R"({"k":1})", [](JsonReader& r) { r.integers("k", 0, 9); }},
        {R"({"k":[1,10]})", [](JsonReader& r) { r.integers("k", 0, 9); }},
        {R"({"k":[1,"2"]})", [](JsonReader& r) { r.integers("k", 0, 9); }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Json json = object(row.text);
        JsonReader r(json, "t");
        row.read(r);
        CHECK_FALSE(r.ok());
        r.fail("later", "another failure");
        const auto status = r.finish();
        REQUIRE_FALSE(status);
        CHECK(status.error().where == "t: k");
    }
}

TEST_CASE("codec.json_reader: what is no object is refused") {
    const Json json = object("[1]");
    JsonReader r(json, "t");
    CHECK(r.member("a") == nullptr);
    const auto status = r.finish();
    REQUIRE_FALSE(status);
    CHECK(status.error().text() == "t: an object wanted");
}

TEST_CASE("codec.json_reader: a failure of a nested reader keeps its place and class") {
    const Json json = object("{}");
    JsonReader r(json, "t");
    r.fail(Error{Code::unsupported, "t: inner", ""});
    CHECK_FALSE(r.ok());
    const auto status = r.finish();
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::unsupported);
    CHECK(status.error().where == "t: inner");
}
