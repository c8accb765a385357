// The canonical form without a tree, and what bounds the reading of a text.
#include "ratls/codec/json_canonical.h"

#include <doctest/doctest.h>

#include "ratls/codec/json.h"

using namespace ratls;

namespace {

/// The form, or the error.
std::string canonical(std::string_view text, std::size_t max_members = 100) {
    JsonCursor in(text, "t");
    std::string out = "before ";
    append_canonical(in, max_members, out);
    const auto status = in.finish();
    return status ? out.substr(7) : status.error().text();
}

}  // namespace

TEST_CASE("codec.json_canonical: the form is that of the tree") {
    for (const std::string_view text : {
             R"({})",
             R"([])",
             R"([ {} , [ ] , "" , 0 , -0 , true , false , null ])",
             R"({"b": 1, "a": {"z": [2, {"y": 1, "x": []}], "k": "v"}, "": 3, "B": 4})",
             R"({"aa": 1, "a": 2, "a\u0000b": 3})",
             R"({"\u0061": "\u0022\/\\\b\f\n\r\t\u0001\u001f\u007f", "Z": "\u00e4\ud83d\ude00"})",
             "{\"\xc3\xa4\": 1, \"z\": 2, \"\xf0\x9f\x98\x80\": 3}",
             R"([9007199254740991, -9007199254740991])",
         }) {
        CAPTURE(text);
        const auto tree = parse_json(text);
        CHECK(canonical(text) == (tree ? tree->canonical() : canonical(text)));
        if (tree) {
            CHECK(canonical(tree->canonical()) == tree->canonical());
            CHECK(canonical(text).size() <= text.size());
        }
    }
}

TEST_CASE("codec.json_canonical: a member twice is refused, whatever stands between") {
    for (const std::string_view text : {
             R"({"a": 1, "a": 2})",
             R"({"a": 1, "b": 3, "a": 2})",
             R"({"b": 1, "\u0061": 3, "a": 2})",
         }) {
        CAPTURE(text);
        CHECK(canonical(text).find("occurs twice") != std::string::npos);
    }
    CHECK(canonical(R"([{"a": {"c": 1, "c": 1}}])") == "t[0]: a: member \"c\" occurs twice");
}

TEST_CASE("codec.json_canonical: members are bounded in each object, on both sides of the limit") {
    CHECK(canonical(R"({"a": {"b": 1, "c": 2}, "d": 1})", 2) == R"({"a":{"b":1,"c":2},"d":1})");
    CHECK(canonical(R"({"a": {"b": 1, "c": 2}, "d": 1})", 1) == "t: a: c: more than 1 members");
}

TEST_CASE("codec.json_canonical: what is no JSON, or no number of ours, stays refused") {
    for (const std::string_view text :
         {"", "1", "[1.5]", "[1e3]", "[\"\\ud800\"]", "[1,]", "{\"a\"}", "[1] x", "[nul]"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_json(text));
        CHECK(canonical(text).find(": ") != std::string::npos);
    }
}

TEST_CASE(
    "codec.json_cursor: tokens are bounded before anything is read, on both sides of the limit") {
    const auto fits = [](std::string_view text, std::size_t most) {
        const auto json = parse_json(text, {.max_tokens = most});
        if (!json) {
            CHECK(json.error().code == Code::too_large);
        }
        return json.has_value();
    };
    // Brackets, commas and colons; texts, whatever is in them; numbers and words.
    for (const auto& [text, tokens] : std::vector<std::pair<std::string_view, std::size_t>>{
             {"[]", 2},
             {" [ ] ", 2},
             {"[1]", 3},
             {"[ 12 , true ]", 5},
             {R"({"a":"b"})", 5},
             {R"(["\"[,]\\",""])", 5},
             {R"({"a" : [ null , { } ] })", 10},
         }) {
        CAPTURE(text);
        CHECK(fits(text, tokens));
        CHECK_FALSE(fits(text, tokens - 1));
    }
    CHECK_FALSE(fits("[\"without an end", 1));
    CHECK_FALSE(fits(std::string(1000, '['), 999));
    // Also where it is no JSON: what the parser would index.
    CHECK_FALSE(fits("[1 1 1 1]", 5));
    CHECK_FALSE(fits("[\"\"\"\"\"\"]", 4));
}

TEST_CASE("codec.json_cursor: a text that is not copied is read up to its end, not behind") {
    const std::string text = R"({"a": [1, 2]})";
    for (const char behind : {'\0', ' ', ']', '1', '"'}) {
        const std::string buffer = text + std::string(kJsonPadding, behind);
        JsonCursor in(std::string_view(buffer).substr(0, text.size()), kJsonPadding, "t", {});
        std::string out;
        append_canonical(in, 10, out);
        CHECK(in.finish());
        CHECK(out == R"({"a":[1,2]})");
    }
    // A number at the end of the text does not go on behind it.
    const std::string cut = "[1" + std::string(kJsonPadding, '2');
    JsonCursor in(std::string_view(cut).substr(0, 2), kJsonPadding, "t", {});
    std::string out;
    append_canonical(in, 10, out);
    CHECK_FALSE(in.finish());
}

TEST_CASE("codec.json: a tree of a part has at most as many values as may be") {
    const auto read = [](std::string_view text, std::size_t most) {
        JsonCursor in(text, "t");
        Json json = read_json(in, most);
        const auto status = in.finish();
        return status ? json.canonical() : status.error().text();
    };
    CHECK(read(R"([1, {"a": []}])", 4) == R"([1,{"a":[]}])");
    CHECK(read(R"([1, {"a": []}])", 3) == "t[1]: a: more values than may be here");
    CHECK(read("[]", 0) == "t: more values than may be here");
}
