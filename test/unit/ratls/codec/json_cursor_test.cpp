#include "ratls/codec/json_cursor.h"

#include <doctest/doctest.h>

#include <functional>

using namespace ratls;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

using Kind = JsonCursor::Kind;

constexpr std::size_t kAny = 1000;

/// {"a": 1, "b": [text, ...]}, of which b may be absent.
struct Example {
    std::int64_t a = 0;
    std::vector<std::string_view> b;
};

void read_example(JsonCursor& at, Example& out) {
    at.members(json_required("a", [&] { out.a = at.integer(0, 9); }),
               json_optional("b", [&] { at.items(2, [&] { out.b.push_back(at.string()); }); }));
}

/// The failure of this text, as text; empty if there is none.
std::string fault(std::string_view text) {
    JsonCursor at(text, "e");
    Example out;
    read_example(at, out);
    const Status status = at.finish();
    return status ? "" : status.error().text();
}

/// The failure of reading one value.
std::string fault_of(std::string_view text, const std::function<void(JsonCursor&)>& read,
                     JsonLimits limits = {}) {
    JsonCursor at(text, "v", limits);
    read(at);
    const Status status = at.finish();
    return status ? "" : status.error().text();
}

/// The members of an object of integers, with the text of each.
std::vector<std::pair<std::string, std::string_view>> texts(std::string_view text) {
    JsonCursor at(text, "t");
    std::vector<std::pair<std::string, std::string_view>> out;
    const std::function<void()> read = [&] {
        switch (at.kind()) {
            case Kind::array:
                at.items(kAny, read);
                break;
            case Kind::object:
                at.any_members([&](std::string_view) { read(); });
                break;
            case Kind::string:
                at.string();
                break;
            case Kind::integer:
                at.integer(-9, 9);
                break;
            case Kind::boolean:
                at.boolean();
                break;
            case Kind::null:
                at.null();
                break;
        }
    };
    at.any_members([&](std::string_view name) {
        const std::string key(name);
        out.emplace_back(key, at.text_of(read));
    });
    CHECK(at.finish());
    return out;
}

}  // namespace

TEST_CASE("codec.json_cursor: members come in any order, and what may be absent may be") {
    const std::string text = R"( { "b" : [ "x", "\u0079" ] , "a" : 7 } )";
    JsonCursor at(text, "e");
    Example out;
    read_example(at, out);
    REQUIRE(at.finish());
    CHECK(out.a == 7);
    REQUIRE(out.b.size() == 2);  // still there: the views last as long as the cursor
    CHECK(out.b[0] == "x");
    CHECK(out.b[1] == "y");
    CHECK(fault(R"({"a":0})").empty());
    CHECK(fault(R"({"a":9,"b":[]})").empty());
}

TEST_CASE("codec.json_cursor: of an object everything must be known, once there, or optional") {
    CHECK(fault("{}") == "e: a: missing");
    CHECK(fault(R"({"b":[]})") == "e: a: missing");
    CHECK(fault(R"({"a":1,"c":2})") == "e: \"c\": unknown member");
    CHECK(fault(R"({"a":1,"\u001b":2})") == "e: \"\\x1b\": unknown member");
    CHECK(fault(R"({"a":1,"a":1})") == "e: a: occurs twice");
    CHECK(fault(R"({"a":1,"\u0061":1})") == "e: a: occurs twice");
    CHECK(fault(R"({"a":1,"b":[],"b":[]})") == "e: b: occurs twice");
    CHECK(fault(R"({"A":1})") == "e: \"A\": unknown member");
}

TEST_CASE("codec.json_cursor: what is optional before what is required changes nothing") {
    const auto read = [](JsonCursor& at) {
        at.members(json_optional("a", [&] { at.null(); }), json_required("b", [&] { at.null(); }),
                   json_optional("c", [&] { at.null(); }), json_required("d", [&] { at.null(); }));
    };
    CHECK(fault_of(R"({"b":null,"d":null})", read).empty());
    CHECK(fault_of(R"({"d":null,"b":null,"a":null})", read).empty());
    CHECK(fault_of(R"({"a":null,"d":null})", read) == "v: b: missing");
    CHECK(fault_of(R"({"a":null,"b":null,"c":null})", read) == "v: d: missing");
    CHECK(fault_of(R"({"b":0,"d":null})", read) == "v: b: null wanted");
}

TEST_CASE("codec.json_cursor: a value of another kind, or out of its bounds, is named") {
    CHECK(fault("[]") == "e: an object wanted");
    CHECK(fault("1") == "json: an object or a list wanted");
    CHECK(fault(R"({"a":"1"})") == "e: a: an integer from 0 to 9 wanted");
    CHECK(fault(R"({"a":-1})") == "e: a: an integer from 0 to 9 wanted");
    CHECK(fault(R"({"a":10})") == "e: a: an integer from 0 to 9 wanted");
    CHECK(fault(R"({"a":1.0})") == "e: a: an integer from 0 to 9 wanted");
    CHECK(fault(R"({"a":null})") == "e: a: an integer from 0 to 9 wanted");
    CHECK(fault(R"({"a":1,"b":{}})") == "e: b: a list wanted");
    CHECK(fault(R"({"a":1,"b":["x",2]})") == "e: b[1]: a text wanted");
    CHECK(fault(R"({"a":1,"b":["x","y"]})").empty());
    CHECK(fault(R"({"a":1,"b":["x","y","z"]})") == "e: b: at most 2 items wanted");
    const auto boolean = [](JsonCursor& at) { at.items(1, [&] { at.boolean(); }); };
    CHECK(fault_of("[true]", boolean).empty());
    CHECK(fault_of("[0]", boolean) == "v[0]: true or false wanted");
    const auto integer = [](JsonCursor& at) {
        at.items(1, [&] { at.integer(INT64_MIN, INT64_MAX); });
    };
    CHECK(fault_of("[-9007199254740991]", integer).empty());
    CHECK_FALSE(fault_of("[9007199254740992]", integer).empty());
    // The outermost value is none of these.
    CHECK(fault_of("{}", [](JsonCursor& at) { at.null(); }) == "v: null wanted");
    CHECK(fault_of("[]", [](JsonCursor& at) { at.boolean(); }) == "v: true or false wanted");
    CHECK(fault_of("[]", [](JsonCursor& at) { at.integer(0, 1); }) ==
          "v: an integer from 0 to 1 wanted");
    CHECK(fault_of("{}", [](JsonCursor& at) { at.string(); }) == "v: a text wanted");
}

TEST_CASE("codec.json_cursor: each kind is told before it is read") {
    std::vector<Kind> kinds;
    std::vector<bool> booleans;
    JsonCursor at("[null, false, true, -1, \"\", [], {}]", "k");
    CHECK(at.kind() == Kind::array);
    at.items(kAny, [&] {
        const Kind kind = kinds.emplace_back(at.kind());
        if (kind == Kind::boolean) {
            booleans.push_back(at.boolean());
        } else if (kind == Kind::null) {
            at.null();
        } else if (kind == Kind::integer) {
            at.integer(-1, -1);
        } else if (kind == Kind::string) {
            at.string();
        } else if (kind == Kind::array) {
            at.items(0, [] {});
        } else {
            at.members();
        }
    });
    CHECK(at.finish());
    CHECK(kinds == std::vector{Kind::null, Kind::boolean, Kind::boolean, Kind::integer,
                               Kind::string, Kind::array, Kind::object});
    CHECK(booleans == std::vector{false, true});
    CHECK(JsonCursor("{}", "k").kind() == Kind::object);
}

TEST_CASE("codec.json_cursor: the first failure stays, and after it nothing is read") {
    JsonCursor at(R"({"a":1})", "e");
    at.fail_at("x", "wrong");
    at.fail("later");
    bool called = false;
    at.members(json_required("a", [&] { called = true; }));
    at.any_members([&](std::string_view) { called = true; });
    at.items(kAny, [&] { called = true; });
    CHECK_FALSE(called);
    CHECK_FALSE(at.ok());
    CHECK(at.integer(1, 1) == 0);
    CHECK(at.string().empty());
    CHECK_FALSE(at.boolean());
    CHECK(at.kind() == Kind::null);
    CHECK(at.text_of([] {}).empty());
    CHECK(at.finish().error().text() == "e: x: wrong");

    JsonCursor unnamed("{}", "");
    unnamed.fail_at("x", "wrong");
    CHECK(unnamed.finish().error().text() == "x: wrong");
}

TEST_CASE("codec.json_cursor: who gets a value and does not read it is at fault") {
    const auto member = [](JsonCursor& at) { at.members(json_required("a", [] {})); };
    CHECK(fault_of(R"({"a":[nonsense]})", member) == "v: a: a value that was not read");
    const auto item = [](JsonCursor& at) { at.items(kAny, [&] { at.kind(); }); };
    CHECK(fault_of(R"([[]])", item) == "v[0]: a value that was not read");
    CHECK(fault_of(R"([])", item).empty());
    const auto nested = [](JsonCursor& at) { at.items(kAny, [&] { at.items(kAny, [] {}); }); };
    CHECK(fault_of(R"([[],[]])", nested).empty());
    CHECK(fault_of(R"([[],[1]])", nested) == "v[1][0]: a value that was not read");
}

TEST_CASE("codec.json_cursor: nothing is read twice, since it would be what was read last") {
    const auto string = [](JsonCursor& at) { at.items(kAny, [&] { at.string(), at.string(); }); };
    CHECK(fault_of(R"(["x"])", string) == "v[0]: a value that was read twice");
    const auto list = [](JsonCursor& at) {
        at.items(kAny, [&] { at.integer(0, 9); });
        at.integer(0, 9);
    };
    CHECK(fault_of(R"([7])", list) == "v: a value that was read twice");
    const auto empty = [](JsonCursor& at) {
        at.members();
        at.members();
    };
    CHECK(fault_of(R"({})", empty) == "v: a value that was read twice");
}

TEST_CASE("codec.json_cursor: a text that cannot be opened can be asked for anything") {
    for (const auto text : {""sv, "{\"a"sv, "[\"\xff\"]"sv, "x"sv}) {
        JsonCursor at(text, "t");
        CHECK(at.text_of([&] { at.items(kAny, [] {}); }).empty());
        at.members();
        at.any_members([](std::string_view) {});
        at.null();
        CHECK(at.kind() == Kind::null);
        CHECK(at.string().empty());
        CHECK(at.integer(0, 1) == 0);
        CHECK_FALSE(at.boolean());
        CHECK_FALSE(at.finish());
    }
    JsonCursor large("[1]", "t", {.max_bytes = 2});
    large.items(kAny, [] {});
    CHECK(large.text_of([] {}).empty());
    CHECK(large.finish().error().code == Code::too_large);
}

TEST_CASE("codec.json_cursor: a text that is no JSON is refused with the place") {
    CHECK(fault("{\"a\":1} x").find("json: the text does not end with the bracket") == 0);
    CHECK(fault("{\"a\":1} {}") == "json: trailing text at offset 8");
    CHECK(fault(R"({"a":1,"b":[x]})") == "e: b[0]: a text wanted");
    CHECK(fault("{\"a\":1,\n\"b\":[\"x\n\"]}") ==
          "json: a string without an end, or with a control character, at offset 15");
    CHECK(fault("{\"a\":1,\"b\":[\"x\\\"\\\\").find("json: a string without an end") == 0);
    CHECK(fault("{\"a\":1,\"b\":[\"x\" \"y\"]}").find("at offset 16") != std::string::npos);
    CHECK(fault(R"({"a":1,"b":["\u0000"]})").find("json: NUL in a string") == 0);
    CHECK(fault(R"({"a":1,"b":["\udc00"]})").find("json: a string with a broken escape") == 0);
    CHECK(fault("{\"a\":1,\"b\":[\"\xed\x9f\xbf\"]}").empty());
    CHECK_FALSE(fault("\xef\xbb\xbf{\"a\":1}").empty());
    const std::string_view good = R"({"a":1,"b":["x\"","y"]})";
    REQUIRE(fault(good).empty());
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK_FALSE(fault(good.substr(0, n)).empty());
    }
}

TEST_CASE("codec.json_cursor: size and nesting are bounded on both sides of the limit") {
    const auto two_levels = [](JsonCursor& at) {
        at.items(kAny, [&] { at.items(kAny, [&] { at.integer(0, 9); }); });
    };
    CHECK(fault_of("[[1]]", two_levels, {.max_bytes = 5, .max_depth = 2}).empty());
    CHECK(fault_of("[[1]]", two_levels, {.max_bytes = 4}).find("json: at most 4 bytes") == 0);
    CHECK(fault_of("[[1]]", two_levels, {.max_depth = 1}) == "json: more than 1 levels of nesting");
    CHECK(fault_of("[[1],[2],[3]]", two_levels, {.max_depth = 2}).empty());
}

TEST_CASE("codec.json_cursor: the text of a value, without the space around it") {
    const std::string text =
        " \r\n{ \"a\" : {\"b\": [1, {\"c\":2}]} ,\"d\":\t[ ] ,\n\"e\":\"x\" , \"f\": -1 ,"
        "\"g\":null}\t\n";
    const auto members = texts(text);
    REQUIRE(members.size() == 5);
    CHECK(members[0] == std::pair("a"s, R"({"b": [1, {"c":2}]})"sv));
    CHECK(members[1] == std::pair("d"s, "[ ]"sv));
    CHECK(members[2] == std::pair("e"s, "\"x\""sv));
    CHECK(members[3] == std::pair("f"s, "-1"sv));
    CHECK(members[4] == std::pair("g"s, "null"sv));
    CHECK(members[0].second.data() == text.data() + 11);  // a part of the input, no copy
}

TEST_CASE("codec.json_cursor: brackets, commas and quotes in strings end no text") {
    const auto members =
        texts(R"({"a":"}],{[:","b":{"}":"\"},\\","c":["\\\""]},"d":"\\","e, {":"\\\"}"})");
    REQUIRE(members.size() == 4);
    CHECK(members[0].second == R"("}],{[:")");
    CHECK(members[1].second == R"({"}":"\"},\\","c":["\\\""]})");
    CHECK(members[2].second == R"("\\")");
    CHECK(members[3] == std::pair("e, {"s, R"("\\\"}")"sv));
}
