#include <stdlib.h>

#include <atomic>
#include <mutex>

#include "ratls/codec/pem.h"
#include "ratls/crypto/private_key.h"
#include "test/fake/fake_http_client.h"
#include "test/support/child.h"
#include "test/support/http_server.h"
#include "test/support/temp_dir.h"
#include "test/unit/ratls/platform/http_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// What the contract asks for, and what only a real server can do.
std::string respond(const std::string& request) {
    const std::string line = request.substr(0, request.find(" HTTP/1.1\r\n"));
    const std::string path = line.substr(line.find(' ') + 1);
    if (path == "/hello") {
        return answer("200 OK", "Content-Type:  text/plain \r\n", "hello");
    }
    if (path == "/missing") {
        return answer("404 Not Found", "", "nothing");
    }
    if (path == "/moved") {
        return answer("302 Found", "Location: /hello\r\n", "");
    }
    if (path == "/echo") {
        return answer("200 OK", "", request.substr(request.find("\r\n\r\n") + 4));
    }
    if (path == "/big") {
        const std::string big = answer("200 OK", "", std::string(1000, 'b'));
        return line.starts_with("HEAD ") ? big.substr(0, big.size() - 1000) : big;
    }
    if (path == "/request") {
        return answer("200 OK", "", request);
    }
    if (path == "/zeros") {  // without a length: until the end
        return "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, '\0');
    }
    if (path == "/cut") {
        return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all";
    }
    if (path == "/interim") {
        return "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n" + answer("200 OK", "", "late");
    }
    if (path == "/headers") {
        return answer(
            "200 OK",
            "X: " + std::string(60'000, 'x') + "\r\nY: " + std::string(6000, 'y') + "\r\n", "");
    }
    if (path == "/nonsense") {
        return "I am no HTTP server\r\n\r\n";
    }
    return {};  // "/silence"
}

/// openssl s_server, as an independent TLS server, with a certificate for these names.
class TlsServer {
  public:
    TlsServer() {
        auto key = PrivateKey::generate(KeyKind::p256);
        REQUIRE(key);
        const auto certificate = write_self_signed({.common_name = "server.example",
                                                    .dns_names = {"server.example"},
                                                    .ip_addresses = {},
                                                    .not_before = 1'600'000'000,
                                                    .not_after = 2'500'000'000,
                                                    .extension_oid = {},
                                                    .extension_value = {}},
                                                   *key);
        REQUIRE(certificate);
        const auto key_pem = key->pem();
        REQUIRE(key_pem);
        LinuxFiles files;
        REQUIRE(files.replace(folder_ / "key.pem", key_pem->reveal(), 0600));
        REQUIRE(files.replace(ca_file(), as_bytes(pem("CERTIFICATE", *certificate)), 0644));
        REQUIRE(wait_until([this] {
            if (!process_.running()) {  // the first time, or somebody took the port
                port_ = free_port();
                process_ = Child({"openssl", "s_server", "-quiet", "-www", "-accept",
                                  "127.0.0.1:" + std::to_string(port_), "-cert", ca_file(), "-key",
                                  folder_ / "key.pem"},
                                 folder_ / "log");
            }
            return Descriptor(connect_to(port_)).get() >= 0;
        }));
    }

    std::string ca_file() const { return folder_ / "certificate.pem"; }
    FetchRequest request(const std::string& name) const {
        return {.url = "https://" + name + ":" + std::to_string(port_) + "/",
                .resolve = {name + ":" + std::to_string(port_) + ":127.0.0.1"}};
    }

  private:
    TempDir folder_;
    unsigned port_ = 0;
    Child process_;
};

}  // namespace

TEST_CASE("platform.http: the client on libcurl keeps the contract") {
    const HttpServer server(respond);
    CurlHttpClient client;
    check_http_contract(client, server.url());
}

TEST_CASE("platform.http: the pretended client keeps the contract") {
    const std::string url = "https://server.example";
    FakeHttpClient client;
    client.serve(url + "/hello", {.status = 200,
                                  .headers = {{"content-type", "text/plain"}},
                                  .body = to_bytes(as_bytes("hello"))});
    client.serve(url + "/missing",
                 {.status = 404, .headers = {}, .body = to_bytes(as_bytes("nothing"))});
    client.serve(url + "/moved", {.status = 302, .headers = {{"location", "/hello"}}, .body = {}});
    client.serve(url + "/big", {.status = 200, .headers = {}, .body = Bytes(1000, 'b')});
    client.serve(url + "/echo", [](const FetchRequest& request) {
        return FetchResponse{.status = 200, .headers = {}, .body = request.body};
    });
    check_http_contract(client, url);
}

TEST_CASE("platform.http: the request is the one that was asked for") {
    const HttpServer server(respond);
    CurlHttpClient client;
    const std::string got = body_of(client.fetch(
        {.url = server.url() + "/request", .headers = {{"Metadata", "true"}, {"X-Empty", ""}}}));
    CHECK(got.starts_with("GET /request HTTP/1.1\r\n"));
    CHECK(got.find("\r\nMetadata: true\r\n") != std::string::npos);
    CHECK(got.find("\r\nX-Empty:") != std::string::npos);
    CHECK(got.find("Accept-Encoding") == std::string::npos);

    const std::string post = body_of(client.fetch({.method = "POST",
                                                   .url = server.url() + "/request",
                                                   .headers = {{"Content-Type", "application/x"}},
                                                   .body = {'b'}}));
    CHECK(post.starts_with("POST /request HTTP/1.1\r\n"));
    CHECK(post.find("\r\nContent-Type: application/x\r\n") != std::string::npos);
    CHECK(post.find("form-urlencoded") == std::string::npos);
    CHECK(post.find("Expect:") == std::string::npos);
}

TEST_CASE("platform.http: a server that does not answer is unavailable when the time is over") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(code_of(client.fetch({.url = server.url() + "/silence",
                                .timeout = std::chrono::milliseconds(200)})) == Code::unavailable);
}

TEST_CASE("platform.http: a body without a length has the same limit") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(body_of(client.fetch({.url = server.url() + "/zeros", .max_bytes = 5000})).size() ==
          5000);
    CHECK(code_of(client.fetch({.url = server.url() + "/zeros", .max_bytes = 4999})) ==
          Code::too_large);
}

TEST_CASE("platform.http: headers have a limit too") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(code_of(client.fetch({.url = server.url() + "/headers"})) == Code::too_large);
}

TEST_CASE("platform.http: headers of an interim response do not count") {
    const HttpServer server(respond);
    CurlHttpClient client;
    const auto response = client.fetch({.url = server.url() + "/interim"});
    CHECK(body_of(response) == "late");
    CHECK(response->status == 200);
    CHECK(response->header("x-early") == nullptr);
}

TEST_CASE("platform.http: a body that ends early is not given") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(code_of(client.fetch({.url = server.url() + "/cut"})) == Code::unavailable);
}

TEST_CASE("platform.http: an answer that is not HTTP is malformed") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(code_of(client.fetch({.url = server.url() + "/nonsense"})) == Code::malformed);
}

TEST_CASE("platform.http: a user name in the URL is wrong use") {
    const HttpServer server(respond);
    CurlHttpClient client;
    CHECK(code_of(client.fetch({.url = "http://me:secret@127.0.0.1:" +
                                       std::to_string(server.port()) + "/hello"})) == Code::usage);
}

TEST_CASE("platform.http: a proxy is used if it is named, never because of the environment") {
    std::atomic<int> asked = 0;
    const HttpServer proxy([&](const std::string&) {
        ++asked;
        return answer("200 OK", "", "proxy");
    });
    const HttpServer server(respond);
    CurlHttpClient client;
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        REQUIRE(::setenv(name, proxy.url().c_str(), 1) == 0);
    }
    CHECK(body_of(client.fetch({.url = server.url() + "/hello"})) == "hello");
    CHECK(asked == 0);
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        REQUIRE(::unsetenv(name) == 0);
    }
    REQUIRE(::setenv("no_proxy", "*", 1) == 0);
    CHECK(body_of(client.fetch({.url = server.url() + "/hello", .proxy = proxy.url()})) == "proxy");
    REQUIRE(::unsetenv("no_proxy") == 0);
}

TEST_CASE("platform.http: a certificate that nobody vouches for is untrusted") {
    const TlsServer server;
    CurlHttpClient client;
    FetchRequest request = server.request("server.example");
    CHECK(code_of(client.fetch(request)) == Code::untrusted);

    SUBCASE("a CA file vouches for it, and for its names only") {
        request.ca_file = server.ca_file();
        CHECK(client.fetch(request));
        FetchRequest other = server.request("other.example");
        other.ca_file = server.ca_file();
        CHECK(code_of(client.fetch(other)) == Code::untrusted);
    }
    SUBCASE("bytes that prove themselves may come from it") {
        request.insecure_untrusted_bytes = true;
        const auto response = client.fetch(request);
        REQUIRE(response);
        CHECK(response->status == 200);
        FetchRequest other = server.request("other.example");
        other.insecure_untrusted_bytes = true;
        CHECK(client.fetch(other));
    }
    SUBCASE("a CA file that is not there is wrong use") {
        request.ca_file = "/no/such/file";
        CHECK(code_of(client.fetch(request)) == Code::usage);
    }
}
