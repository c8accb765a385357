#include <doctest/doctest.h>

#include "ratls/http/parser.h"

using namespace ratls;
using namespace ratls::http;
using namespace std::string_literals;

namespace {

constexpr std::string_view kSized =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4\r\nhell\r\n1;name=\"value\"\r\no\r\n00000\r\nx-trailer: 1\r\n\r\n";
constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string with_lines(std::string_view lines, std::string_view body = "") {
    return "HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n" + std::string(body);
}

/// The response, if these bytes are exactly one; the connection ends after them.
Result<Response> parse(std::string_view text, Method to = Method::get, std::size_t max_body = 100) {
    ResponseParser parser(to, max_body);
    RATLS_TRY(const std::size_t used, parser.feed(as_bytes(text)));
    RATLS_CHECK(parser.finish());
    CHECK(used == text.size());
    return parser.take();
}

Code failure(std::string_view text) {
    CAPTURE(text);
    const auto response = parse(text);
    REQUIRE_FALSE(response);
    CHECK(response.error().where.starts_with("http.response"));
    return response.error().code;
}

}  // namespace

TEST_CASE("http.response: status, headers and a body by length") {
    const auto response = parse(kSized);
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(*response->header("content-type") == "text/plain");
    CHECK(as_text(response->body) == "hello");
    CHECK(response->keep_alive);
}

TEST_CASE("http.response: a chunked body is put together; trailers are read and dropped") {
    const auto response = parse(kChunked);
    REQUIRE(response);
    CHECK(as_text(response->body) == "hello");
    CHECK(response->header("x-trailer") == nullptr);
    CHECK(response->keep_alive);
    CHECK(parse(std::string(kChunkedHead) + "0\r\n\r\n")->body.empty());
    CHECK(parse(std::string(kChunkedHead) + "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n")
              ->body.size() == 20);
}

TEST_CASE("http.response: every truncation is unfinished, however the bytes are cut") {
    for (const std::string_view whole : {kSized, kChunked}) {
        for (std::size_t n = 0; n < whole.size(); ++n) {
            CAPTURE(n);
            ResponseParser parser(Method::get, 100);
            REQUIRE(parser.feed(as_bytes(whole.substr(0, n))) == n);
            CHECK_FALSE(parser.complete());
            const auto end = parser.finish();
            REQUIRE_FALSE(end);
            CHECK(end.error().code == Code::malformed);
            CHECK(parser.feed(as_bytes(whole.substr(n))) == whole.size() - n);
            REQUIRE(parser.complete());
            CHECK(as_text(parser.take().body) == "hello");
        }
    }
}

TEST_CASE("http.response: what comes after the message is left alone") {
    ResponseParser parser(Method::get, 100);
    CHECK(parser.feed(as_bytes(std::string(kSized) + "HTTP/1.1")) == kSized.size());
    CHECK(parser.feed(as_bytes("x")) == 0U);
}

TEST_CASE("http.response: without length or chunks the body lasts until the connection ends") {
    ResponseParser parser(Method::get, 5);
    REQUIRE(parser.feed(as_bytes(with_lines("", "hello"))));
    CHECK_FALSE(parser.complete());
    REQUIRE(parser.finish());
    const Response response = parser.take();
    CHECK(as_text(response.body) == "hello");
    CHECK_FALSE(response.keep_alive);
    CHECK_FALSE(parse(with_lines("", "hello!"), Method::get, 5));
}

TEST_CASE("http.response: answers to HEAD, 204 and 304 have no body, whatever the headers say") {
    const auto head = parse(with_lines("Content-Length: 500\r\n"), Method::head);
    REQUIRE(head);
    CHECK(head->body.empty());
    CHECK(*head->header("content-length") == "500");
    CHECK(parse("HTTP/1.1 204 No Content\r\n\r\n"));
    CHECK(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"));
    CHECK(failure("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") == Code::malformed);
}

TEST_CASE("http.response: the body limit holds on both sides, for each way to end a body") {
    for (const auto& text : {std::string(kSized), std::string(kChunked), with_lines("", "hello")}) {
        CAPTURE(text);
        CHECK(parse(text, Method::get, 5));
        const auto refused = parse(text, Method::get, 4);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::too_large);
    }
    // Before a single byte of the body.
    ResponseParser parser(Method::get, 4);
    CHECK_FALSE(parser.feed(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")));
    CHECK_FALSE(parser.feed(as_bytes("x")));
    CHECK_FALSE(parser.finish());
}

TEST_CASE("http.response: what two readers could frame differently is refused") {
    for (const auto* lines :
         {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
          "Content-Length: -5\r\n", "Content-Length: 05\r\n", "Content-Length: 0x5\r\n",
          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "A: b\r\n c\r\n", "A : b\r\n",
          "A: b\n", "A: b\rc\r\n", "A\r\n"}) {
        CHECK(failure(with_lines(lines, "hello")) == Code::malformed);
    }
    CHECK(failure("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"s) == Code::malformed);
    for (const auto* coding : {"gzip", "gzip, chunked", "chunked, chunked", ""}) {
        CHECK(failure(with_lines("Transfer-Encoding: "s + coding + "\r\n")) == Code::unsupported);
    }
}

TEST_CASE("http.response: chunks are strict") {
    for (const auto* chunks :
         {"\r\n", "5\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
          "-5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
          "g\r\n", ";a\r\n", "000000005\r\nhello\r\n0\r\n\r\n", "5\r\nhelloo\r\n0\r\n\r\n",
          "6\r\nhello\r\n0\r\n\r\n", "5;a\x01\r\nhello\r\n0\r\n\r\n", "0\r\nA : b\r\n\r\n"}) {
        const Code code = failure(std::string(kChunkedHead) + chunks);
        CHECK((code == Code::malformed || code == Code::too_large));
    }
    const auto with_extension = [](std::size_t size) {
        return std::string(kChunkedHead) + "0;" + std::string(size - 4, 'a') + "\r\n\r\n";
    };
    CHECK(parse(with_extension(256)));
    CHECK(failure(with_extension(257)) == Code::too_large);
    CHECK(failure(std::string(kChunkedHead) + "ffffffff\r\n" + std::string(101, 'a')) ==
          Code::too_large);
}

TEST_CASE("http.response: heads, header lines and trailers are bounded") {
    const auto head_of = [](std::size_t size) {
        const std::size_t around = with_lines("Content-Length: 0\r\nx: \r\n").size();
        return with_lines("Content-Length: 0\r\nx: " + std::string(size - around, 'a') + "\r\n");
    };
    CHECK(parse(head_of(32768)));
    CHECK(failure(head_of(32769)) == Code::too_large);
    const auto lines = [](std::size_t count) {
        std::string out;
        for (std::size_t i = 0; i < count; ++i) {
            out += "x: 1\r\n";
        }
        return out;
    };
    CHECK(parse(with_lines("Content-Length: 0\r\n" + lines(127))));
    CHECK(failure(with_lines("Content-Length: 0\r\n" + lines(128))) == Code::too_large);
    CHECK(parse(std::string(kChunkedHead) + "0\r\n" + lines(128) + "\r\n"));
    CHECK(failure(std::string(kChunkedHead) + "0\r\n" + lines(129) + "\r\n") == Code::too_large);
}

TEST_CASE("http.response: the status line has its form") {
    for (const auto* line : {"HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 599 a b c",
                             "HTTP/1.0 200 OK", "HTTP/1.1 404 \xc3\xa4"}) {
        CAPTURE(line);
        CHECK(parse(std::string(line) + "\r\nContent-Length: 0\r\n\r\n"));
    }
    for (const auto* line :
         {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 2x0",
          "HTTP/1.1 -20", "HTTP/1.1 099 A", "HTTP/1.1 600 A", "HTTP/2 200 OK", "http/1.1 200 OK",
          "HTTP/1.1  200 OK", "HTTP/1.1 200OK", "HTTP/1.1 200 \x01", "SSH-2.0-x"}) {
        CHECK(failure(std::string(line) + "\r\nContent-Length: 0\r\n\r\n") == Code::malformed);
    }
}

TEST_CASE("http.response: interim responses are skipped, up to 8 of them") {
    const auto after = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            text += "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        }
        return text + std::string(kSized);
    };
    const auto response = parse(after(8));
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->header("link") == nullptr);
    CHECK(failure(after(9)) == Code::malformed);
    CHECK(failure("HTTP/1.1 101 Switching Protocols\r\n\r\n") == Code::malformed);
    CHECK(failure("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n") == Code::malformed);
}

TEST_CASE("http.response: the connection lasts as version and header say") {
    const auto keeps = [](std::string_view version, std::string_view line) {
        const auto response = parse(std::string(version) + " 200 OK\r\n" + std::string(line) +
                                    "Content-Length: 0\r\n\r\n");
        REQUIRE(response);
        return response->keep_alive;
    };
    CHECK(keeps("HTTP/1.1", ""));
    CHECK_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
    CHECK_FALSE(keeps("HTTP/1.0", ""));
    CHECK(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
}
