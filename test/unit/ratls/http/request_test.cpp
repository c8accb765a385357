#include <doctest/doctest.h>

#include "ratls/http/parser.h"

using namespace ratls;
using namespace ratls::http;
using namespace std::string_literals;

namespace {

constexpr std::string_view kGood =
    "POST /v1/a%20b/c?from=17&name=x%3Dy HTTP/1.1\r\n"
    "Host: vm.example:5555\r\n"
    "Content-Length: 5\r\n"
    "X-Thing: \t a b \t\r\n"
    "\r\n";

std::string get(std::string_view target) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

std::string with_lines(std::string_view lines, std::string_view method = "GET") {
    return std::string(method) + " / HTTP/1.1\r\nHost: x\r\n" + std::string(lines) + "\r\n";
}

struct Refused {
    Code code;
    int status;
};

/// How a head is refused; fails the test if it is not.
Refused refused(std::string_view head) {
    CAPTURE(head);
    RequestParser parser(100);
    const auto fed = parser.feed(as_bytes(head));
    REQUIRE_FALSE(fed);
    CHECK(fed.error().where.starts_with("http.request"));
    CHECK_FALSE(fed.error().what.empty());
    CHECK_FALSE(parse_request_head(head));
    return {fed.error().code, parser.failure_status()};
}

void check_malformed(std::string_view head, int status = 400) {
    const Refused how = refused(head);
    CAPTURE(head);
    CHECK(how.code == Code::malformed);
    CHECK(how.status == status);
}

/// A request whose head has exactly this many bytes.
std::string head_of_size(std::size_t size) {
    const std::string around = with_lines("x-fill: \r\n");
    return with_lines("x-fill: " + std::string(size - around.size(), 'a') + "\r\n");
}

std::string with_header_count(std::size_t count) {
    std::string lines;
    for (std::size_t i = 1; i < count; ++i) {  // Host is the first one
        lines += "x-" + std::to_string(i) + ": 1\r\n";
    }
    return with_lines(lines);
}

}  // namespace

TEST_CASE("http.request: method, path, query and headers are taken apart") {
    const auto request = parse_request_head(kGood);
    REQUIRE(request);
    CHECK(request->method == Method::post);
    CHECK(request->target == "/v1/a%20b/c?from=17&name=x%3Dy");
    CHECK(request->path == "/v1/a b/c");
    REQUIRE(request->query.size() == 2);
    CHECK(*request->parameter("from") == "17");
    CHECK(*request->parameter("name") == "x=y");
    CHECK(request->parameter("From") == nullptr);
    REQUIRE(request->headers.size() == 3);
    CHECK(*request->header("host") == "vm.example:5555");
    CHECK(*request->header("x-thing") == "a b");
    CHECK(request->header("x-other") == nullptr);
    CHECK(request->keep_alive);
    CHECK(request->body.empty());
}

TEST_CASE("http.request: each method is known by its name, in capitals only") {
    for (const Method method :
         {Method::get, Method::head, Method::post, Method::put, Method::del}) {
        const auto request = parse_request_head(with_lines("", method_name(method)));
        REQUIRE(request);
        CHECK(request->method == method);
    }
    for (const auto* method : {"PATCH", "OPTIONS", "CONNECT", "TRACE", "get", "GETT"}) {
        const Refused how = refused(with_lines("", method));
        CHECK(how.code == Code::unsupported);
        CHECK(how.status == 501);
    }
    check_malformed(with_lines("", "G(T"));
    check_malformed(with_lines("", ""));
}

TEST_CASE("http.request: every truncation waits for more, and is an error as a whole head") {
    for (std::size_t n = 0; n < kGood.size(); ++n) {
        CAPTURE(n);
        RequestParser parser(100);
        const auto used = parser.feed(as_bytes(kGood.substr(0, n)));
        REQUIRE(used);
        CHECK(*used == n);
        CHECK_FALSE(parser.head_complete());
        CHECK(parser.started() == (n > 0));
        const auto whole = parse_request_head(kGood.substr(0, n));
        REQUIRE_FALSE(whole);
        CHECK(whole.error().code == Code::malformed);
    }
    CHECK_FALSE(parse_request_head(std::string(kGood) + "x"));
}

TEST_CASE("http.request: a message may come byte by byte, and the next one begins where it ends") {
    const std::string two = std::string(kGood) + "hello" + get("/next");
    RequestParser parser(5);
    std::size_t at = 0;
    while (!parser.complete()) {
        const auto used = parser.feed(as_bytes(std::string_view(two).substr(at, 1)));
        REQUIRE(used);
        at += *used;
    }
    CHECK(at == kGood.size() + 5);
    CHECK(as_text(parser.take().body) == "hello");
    CHECK_FALSE(parser.started());
    const auto used = parser.feed(as_bytes(std::string_view(two).substr(at)));
    REQUIRE(used);
    CHECK(*used == two.size() - at);
    REQUIRE(parser.complete());
    CHECK(parser.take().path == "/next");
}

TEST_CASE("http.request: one call takes no more than the head, then no more than the body") {
    const std::string text = std::string(kGood) + "helloGET";
    RequestParser parser(100);
    CHECK(parser.feed(as_bytes(text)) == kGood.size());
    CHECK(parser.head_complete());
    CHECK_FALSE(parser.complete());
    CHECK(parser.feed(as_bytes(std::string_view(text).substr(kGood.size()))) == 5U);
    CHECK(parser.complete());
    CHECK(parser.feed(as_bytes("more")) == 0U);
}

TEST_CASE("http.request: the body limit holds on both sides, also when it is set by the route") {
    const std::string head = with_lines("content-length: 10\r\n", "PUT");
    RequestParser enough(10);
    CHECK(enough.feed(as_bytes(head)));
    RequestParser short_by_one(9);
    const auto fed = short_by_one.feed(as_bytes(head));
    REQUIRE_FALSE(fed);
    CHECK(fed.error().code == Code::too_large);
    CHECK(short_by_one.failure_status() == 413);
    CHECK_FALSE(short_by_one.feed(as_bytes("x")));  // it sticks

    RequestParser later(100);
    REQUIRE(later.feed(as_bytes(head)));
    CHECK(later.limit_body(10));
    CHECK_FALSE(later.limit_body(9));
    CHECK(later.failure_status() == 413);
    CHECK_FALSE(later.feed(as_bytes("0123456789")));
}

TEST_CASE("http.request: a head of 8192 bytes is taken, one of 8193 is not") {
    const std::string most = head_of_size(8192);
    REQUIRE(most.size() == 8192);
    CHECK(parse_request_head(most));
    const Refused how = refused(head_of_size(8193));
    CHECK(how.code == Code::too_large);
    CHECK(how.status == 431);
}

TEST_CASE("http.request: an endless line is refused as soon as the limit is passed") {
    RequestParser parser(0);
    CHECK(parser.feed(as_bytes(std::string(8192, 'a'))) == 8192U);
    CHECK_FALSE(parser.feed(as_bytes("a")));
}

TEST_CASE("http.request: 64 header lines are taken, 65 are not") {
    CHECK(parse_request_head(with_header_count(64)));
    const Refused how = refused(with_header_count(65));
    CHECK(how.code == Code::too_large);
    CHECK(how.status == 431);
}

TEST_CASE("http.request: what two readers could frame differently is refused") {
    const auto length = [](std::string_view value) {
        return with_lines("Content-Length: " + std::string(value) + "\r\n", "POST");
    };
    CHECK(parse_request_head(length("0")));
    CHECK(parse_request_head(length("999999999999999999")));
    for (const auto* value : {"", "-1", "+1", "0x10", "00", "05", "1 2", "5, 5", "5,5", "1e3", "a",
                              "1000000000000000000", "18446744073709551616"}) {
        check_malformed(length(value));
    }
    check_malformed(with_lines("Content-Length: 5\r\nContent-Length: 5\r\n", "POST"));
    check_malformed(with_lines("Content-Length: 5\r\ncontent-length: 6\r\n", "POST"));
    check_malformed(with_lines("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "POST"));
    check_malformed(with_lines("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "POST"));
    check_malformed(with_lines("Content-Length: 5\r\n", "GET"));
    check_malformed(with_lines("Content-Length: 5\r\n", "HEAD"));
    CHECK(parse_request_head(with_lines("Content-Length: 0\r\n", "GET")));
}

TEST_CASE("http.request: transfer codings are refused, and the status says what is wanted") {
    CHECK(refused(with_lines("Transfer-Encoding: chunked\r\n", "POST")).status == 411);
    for (const auto* value : {"gzip, chunked", "chunked, chunked", "xchunked", "identity", ""}) {
        const Refused how = refused(with_lines("Transfer-Encoding: "s + value + "\r\n", "POST"));
        CHECK(how.code == Code::unsupported);
        CHECK(how.status == 501);
    }
    CHECK(
        refused(with_lines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "POST"))
            .status == 501);
}

TEST_CASE("http.request: line ends are CRLF, lines are not folded, and NUL is refused at once") {
    for (const std::string& head :
         {"GET / HTTP/1.1\nHost: x\n\n"s, "GET / HTTP/1.1\r\nHost: x\n\r\n"s,
          "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"s, "GET / HTTP/1.1\rHost: x\r\n\r\n"s,
          "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, "\0"s, "\n"s,
          "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"s,
          "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc: d\r\n\r\n"s,
          "GET / HTTP/1.1\r\n Host: x\r\n\r\n"s, "\r\n\r\n"s, "\r\nGET / HTTP/1.1\r\n\r\n"s}) {
        check_malformed(head);
    }
    RequestParser parser(0);
    const auto early = parser.feed(as_bytes("GET / HTTP/1.1\n"));
    REQUIRE_FALSE(early);
    CHECK(early.error().what.find("bare LF") != std::string::npos);
}

TEST_CASE("http.request: header names are tokens that end at the colon") {
    for (const auto* line : {"A : b", " A: b", "A B: c", "A(: b", ": b", "A", "A\x01: b",
                             "A: b\x01", "A: \x7f", "\xc3\xa4: b"}) {
        check_malformed(with_lines(std::string(line) + "\r\n"));
    }
    for (const auto* line :
         {"A:b", "A:", "A: \t ", "A: \xc3\xa4", "!#$%&'*+-.^_`|~: b", "A: b\tc"}) {
        CAPTURE(line);
        CHECK(parse_request_head(with_lines(std::string(line) + "\r\n")));
    }
}

TEST_CASE("http.request: Host stands there exactly once") {
    check_malformed("GET / HTTP/1.1\r\n\r\n");
    check_malformed("GET / HTTP/1.1\r\nX: y\r\n\r\n");
    check_malformed(with_lines("Host: x\r\n"));
    check_malformed(with_lines("HOST: y\r\n"));
    for (const auto* host : {"", "a/b", "a b", "a@b", "a?b", "[::1", "]", "a\xc3\xa4"}) {
        check_malformed("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n");
    }
    for (const auto* host : {"a", "127.0.0.1:5555", "[::1]", "[2001:db8::1]:443"}) {
        CAPTURE(host);
        CHECK(parse_request_head("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"));
    }
}

TEST_CASE("http.request: the version is 1.1") {
    for (const auto* version : {"HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9"}) {
        const Refused how = refused("GET / "s + version + "\r\nHost: x\r\n\r\n");
        CHECK(how.code == Code::unsupported);
        CHECK(how.status == 505);
    }
    for (const auto* version : {"http/1.1", "HTTP/1.1 ", "HTTP/1.10", "HTTP/11", "HTTPS/1.1", ""}) {
        check_malformed("GET / "s + version + "\r\nHost: x\r\n\r\n");
    }
    check_malformed("GET /\r\nHost: x\r\n\r\n");
    check_malformed("GET  / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_malformed("GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n");
}

TEST_CASE("http.request: the target is in origin-form, decoded once, without ways around a route") {
    for (const auto* target :
         {"*",           "http://x/",   "x",         "",        "/a#b",    "/a\"b",   "/a<b",
          "/a\\b",       "/a^b",        "/\xc3\xa4", "/a|b",    "/%",      "/%2",     "/%zz",
          "/%4",         "/a%",         "/%00",      "/%0d%0a", "/%7f",    "/%ff",    "/%c3",
          "/%2f",        "/a%2Fb",      "/a%5cb",    "/.",      "/..",     "/a/../b", "/a/./b",
          "/%2e",        "/a/%2e%2E/b", "/.%2e",     "/?a=%0a", "/?a=%ff", "/?=1",    "/?a=1&a=2",
          "/?a=1&%61=2", "/?a=1&&b=2",  "/?&"}) {
        check_malformed(get(target));
    }
    const auto path_of = [](std::string_view target) {
        const auto request = parse_request_head(get(target));
        return request ? request->path : "refused";
    };
    CHECK(path_of("/") == "/");
    CHECK(path_of("/a/") == "/a/");
    CHECK(path_of("/a//b") == "/a//b");
    CHECK(path_of("/...") == "/...");
    CHECK(path_of("/.well-known/ratls-vm/ima") == "/.well-known/ratls-vm/ima");
    CHECK(path_of("/%41%c3%a4") == "/A\xc3\xa4");
    CHECK(path_of("/%2541") == "/%41");
    CHECK(path_of("/a+b?c+d=e+f") == "/a+b");
    CHECK(path_of("/a?") == "/a");
}

TEST_CASE(
    "http.request: a query has at most 16 parameters; a value may be absent or hold anything") {
    const auto query_of = [](int count) {
        std::string target = "/?p0";
        for (int i = 1; i < count; ++i) {
            target += "&p" + std::to_string(i) + "=?/=" + std::to_string(i);
        }
        return parse_request_head(get(target));
    };
    const auto most = query_of(16);
    REQUIRE(most);
    CHECK(most->parameter("p0")->empty());
    CHECK(*most->parameter("p15") == "?/=15");
    const auto more = query_of(17);
    REQUIRE_FALSE(more);
    CHECK(more.error().code == Code::too_large);
}

TEST_CASE("http.request: Connection and Expect are understood") {
    const auto keeps = [](std::string_view lines) {
        return parse_request_head(with_lines(lines))->keep_alive;
    };
    CHECK(keeps("Connection: keep-alive\r\n"));
    CHECK(keeps("Connection: closed\r\n"));
    CHECK_FALSE(keeps("Connection: close\r\n"));
    CHECK_FALSE(keeps("Connection: Upgrade , CLOSE\r\n"));
    CHECK_FALSE(keeps("Connection: keep-alive\r\nConnection: close\r\n"));

    RequestParser parser(100);
    REQUIRE(
        parser.feed(as_bytes(with_lines("Expect: 100-Continue\r\nContent-Length: 1\r\n", "POST"))));
    CHECK(parser.expects_continue());
    RequestParser without_body(100);
    REQUIRE(without_body.feed(as_bytes(with_lines("Expect: 100-continue\r\n", "POST"))));
    CHECK_FALSE(without_body.expects_continue());
    CHECK(refused(with_lines("Expect: the-unexpected\r\n", "POST")).status == 417);
}

TEST_CASE("http.query: numbers are decimal, without sign or padding, below 2^63") {
    const auto from = [](std::string_view text) {
        const auto request = parse_request_head(get("/?from=" + std::string(text)));
        REQUIRE(request);
        return query_unsigned(*request, "from", 7);
    };
    CHECK(from("0") == 0U);
    CHECK(from("9223372036854775807") == 9223372036854775807U);
    for (const auto* text : {"", "-1", "+1", "01", "00", "1.", "0x1", "1%20", "%201", "a",
                             "9223372036854775808", "18446744073709551616"}) {
        CAPTURE(text);
        const auto value = from(text);
        REQUIRE_FALSE(value);
        CHECK(value.error().code == Code::malformed);
        CHECK(value.error().where == "query: from");
    }
    CHECK(query_unsigned(*parse_request_head(get("/")), "from", 7) == 7U);
}

TEST_CASE("http.query: unknown parameters are named") {
    const auto request = parse_request_head(get("/?from=1&to=2"));
    REQUIRE(request);
    CHECK(only_parameters(*request, {"from", "to", "other"}));
    const auto status = only_parameters(*request, {"from"});
    REQUIRE_FALSE(status);
    CHECK(status.error().what == "unknown parameter \"to\"");
}
