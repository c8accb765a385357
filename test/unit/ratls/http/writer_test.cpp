#include "ratls/http/writer.h"

#include <doctest/doctest.h>

#include "ratls/codec/json.h"
#include "ratls/http/parser.h"

using namespace ratls;
using namespace ratls::http;
using namespace std::string_literals;

TEST_CASE("http.write: a request reads back as it was") {
    Request request;
    request.method = Method::put;
    request.target = "/v1/app?x=1";
    request.headers = {{"host", "vm"}, {"x-a", "b"}};
    request.body = {1, 2, 3};
    request.keep_alive = false;
    const auto head = write_head(request);
    REQUIRE(head);
    CHECK(*head ==
          "PUT /v1/app?x=1 HTTP/1.1\r\nhost: vm\r\nx-a: b\r\ncontent-length: 3\r\n"
          "connection: close\r\n\r\n");
    const auto again = parse_request_head(*head);
    REQUIRE(again);
    CHECK(again->path == "/v1/app");
    CHECK_FALSE(again->keep_alive);
}

TEST_CASE("http.write: a length is written where a body may be expected") {
    const auto head_for = [](Method method) {
        Request request;
        request.method = method;
        request.headers = {{"host", "vm"}};
        return write_head(request).value();
    };
    CHECK(head_for(Method::get) == "GET / HTTP/1.1\r\nhost: vm\r\n\r\n");
    CHECK(head_for(Method::head) == "HEAD / HTTP/1.1\r\nhost: vm\r\n\r\n");
    CHECK(head_for(Method::post) == "POST / HTTP/1.1\r\nhost: vm\r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE("http.write: nothing that ends a line gets into a head") {
    for (const auto& target :
         {"/a b"s, "/a\r\nb"s, "/a\n"s, "/\0"s, "a"s, ""s, "/a#b"s, "/\x7f"s}) {
        Request request;
        request.target = target;
        CHECK(write_head(request).error().code == Code::usage);
    }
    for (const Header& header :
         {Header{"a", "b\r\nc: d"}, Header{"a", "b\n"}, Header{"a", "\0"s}, Header{"a\r\nb", "c"},
          Header{"", "c"}, Header{"a b", "c"}, Header{"Content-Length", "5"},
          Header{"transfer-encoding", "chunked"}, Header{"connection", "close"}}) {
        CAPTURE(header.name);
        Request request;
        request.headers = {header};
        CHECK_FALSE(write_head(request));
        Response response;
        response.headers = {header};
        CHECK(write_head(response).error().code == Code::usage);
    }
}

TEST_CASE("http.write: a response reads back as it was") {
    Response response = make_response(404, "text/plain", {'n', 'o'});
    const auto head = write_head(response);
    REQUIRE(head);
    CHECK(*head ==
          "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n");
    ResponseParser parser(Method::get, 10);
    REQUIRE(parser.feed(as_bytes(*head + "no")));
    REQUIRE(parser.complete());
    CHECK(parser.take().status == 404);
    response.keep_alive = false;
    CHECK(write_head(response)->ends_with("content-length: 2\r\nconnection: close\r\n\r\n"));
}

TEST_CASE("http.write: the length of a stream is written, of which nothing is read") {
    const auto read = [](std::uint64_t, std::span<std::uint8_t>) -> Result<std::size_t> {
        return fail(Code::internal, "stream", "was read");
    };
    const auto head = write_head(make_response("text/plain", {std::uint64_t{5} << 30, read}));
    REQUIRE(head);
    CHECK(*head ==
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5368709120\r\n\r\n");
}

TEST_CASE("http.write: 204 and 304 have no length, and odd statuses are ours to avoid") {
    Response response;
    response.status = 204;
    CHECK(write_head(response) == "HTTP/1.1 204 No Content\r\n\r\n");
    response.status = 299;  // no words for it
    CHECK(write_head(response) == "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
    for (const int status : {199, 100, 600, 0, -1}) {
        response.status = status;
        CHECK_FALSE(write_head(response));
    }
}

TEST_CASE("http.write: errors are small JSON bodies") {
    const Response response = error_response(413, "too \"large\"\n");
    CHECK(response.status == 413);
    CHECK(*response.header("content-type") == "application/json");
    const auto body = parse_json(as_text(response.body));
    REQUIRE(body);
    CHECK(*body->find("error")->if_string() == "too \"large\"\n");
}
