// What any HttpClient does, when this stands at `url`:
//   /hello    200, text/plain, "hello"      /missing  404, "nothing"
//   /big      200, 1000 bytes               /moved    302 to /hello
//   /echo     200, the body of the request
#pragma once

#include "ratls/platform/http_client.h"
#include "test/unit/ratls/platform/files_contract.h"

namespace ratls::test {

inline std::string body_of(const Result<FetchResponse>& response) {
    REQUIRE(response);
    return std::string(as_text(response->body));
}

inline void check_http_contract(HttpClient& client, const std::string& url) {
    SUBCASE("a response has status, headers in lower case, and body") {
        const auto response = client.fetch({.url = url + "/hello"});
        CHECK(body_of(response) == "hello");
        CHECK(response->status == 200);
        REQUIRE(response->header("content-type") != nullptr);
        CHECK(*response->header("content-type") == "text/plain");
        CHECK(response->header("x-absent") == nullptr);
    }
    SUBCASE("another status is a response, with its body") {
        const auto response = client.fetch({.url = url + "/missing"});
        CHECK(body_of(response) == "nothing");
        CHECK(response->status == 404);
    }
    SUBCASE("a redirect is not followed") {
        const auto response = client.fetch({.url = url + "/moved"});
        REQUIRE(response);
        CHECK(response->status == 302);
        REQUIRE(response->header("location") != nullptr);
        CHECK(*response->header("location") == "/hello");
    }
    SUBCASE("a body of exactly the limit is given, one byte more is too large") {
        CHECK(body_of(client.fetch({.url = url + "/big", .max_bytes = 1000})) ==
              std::string(1000, 'b'));
        CHECK(code_of(client.fetch({.url = url + "/big", .max_bytes = 999})) == Code::too_large);
        CHECK(code_of(client.fetch({.url = url + "/big", .max_bytes = 0})) == Code::too_large);
    }
    SUBCASE("a body can be taken in pieces") {
        std::string taken;
        FetchRequest request{.url = url + "/big", .max_bytes = 1000};
        request.sink = [&](ByteView piece) {
            taken += as_text(piece);
            return Status();
        };
        CHECK(body_of(client.fetch(request)).empty());
        CHECK(taken == std::string(1000, 'b'));
        request.max_bytes = 999;
        CHECK(code_of(client.fetch(request)) == Code::too_large);
        request.max_bytes = 1000;
        request.sink = [](ByteView) { return Status(fail(Code::denied, "sink", "no")); };
        CHECK(code_of(client.fetch(request)) == Code::denied);
    }
    SUBCASE("a HEAD has no body, however long it would be") {
        const auto response = client.fetch({.method = "HEAD", .url = url + "/big", .max_bytes = 0});
        CHECK(body_of(response).empty());
        CHECK(response->status == 200);
    }
    SUBCASE("a POST takes its body there, byte by byte") {
        const Bytes body = {'a', 0, 255, '\n', 'b'};
        const auto response = client.fetch({.method = "POST", .url = url + "/echo", .body = body});
        REQUIRE(response);
        CHECK(response->body == body);
        CHECK(body_of(client.fetch({.method = "POST", .url = url + "/echo"})).empty());
    }
    SUBCASE("a server that is not there is unavailable") {
        CHECK(code_of(client.fetch({.url = "http://127.0.0.1:1/"})) == Code::unavailable);
    }
    SUBCASE("a request that makes no sense is wrong use") {
        const std::vector<FetchRequest> wrong = {
            {.method = "PUT", .url = url + "/hello"},
            {.method = "GET", .url = url + "/hello", .body = {1}},
            {.url = ""},
            {.url = "file:///etc/passwd"},
            {.url = "ftp://127.0.0.1/"},
            {.url = "127.0.0.1"},
            {.url = url + "/a b"},
            {.url = url + "/a\r\nX: y"},
            {.url = url + "/hello", .headers = {{"X", "a\r\nY: b"}}},
            {.url = url + "/hello", .headers = {{"X Y", "a"}}},
            {.url = url + "/hello", .headers = {{"", "a"}}},
            {.url = url + "/hello", .headers = {{"X:", "a"}}},
        };
        for (const FetchRequest& request : wrong) {
            CAPTURE(request.url);
            CHECK(code_of(client.fetch(request)) == Code::usage);
        }
    }
}

}  // namespace ratls::test
