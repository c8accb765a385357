// Against the TLS of somebody else: the openssl program, as client and as server.
#include <doctest/doctest.h>

#include <fstream>

#include "ratls/codec/pem.h"
#include "ratls/tls/exchange.h"
#include "test/support/child.h"
#include "test/support/temp_dir.h"
#include "test/unit/ratls/tls/loopback.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// Answers one request and closes.
void serve_one(Descriptor fd) {
    auto server = accept_tls(std::move(fd), make_identity(), soon());
    if (!server) {
        return;
    }
    std::array<std::uint8_t, 1024> buffer{};
    if (server->read(buffer, soon()).value_or(0) > 0) {
        CHECK(server->write(as_bytes("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
                            soon()));
    }
    server->close();
}

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: vm.test\r\n\r\n";

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

Ended s_client(const Listener& listener, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"s_client", "-connect", listener.endpoint().text(),
                                          "-ign_eof"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("openssl", std::move(arguments), kRequest);
}

/// `openssl s_server -www` with a fresh identity.
class OpensslServer {
  public:
    explicit OpensslServer(const std::vector<std::string>& more) {
        const auto identity = make_identity();
        const Secret key = identity->key.pem().value();
        std::ofstream(folder_ / "key") << as_text(key.reveal());
        std::ofstream(folder_ / "cert") << pem("CERTIFICATE", identity->chain_der.front());
        std::vector<std::string> argv = {"openssl", "s_server",      "-4",   "-accept",
                                         "0",       "-www",          "-key", folder_ / "key",
                                         "-cert",   folder_ / "cert"};
        argv.insert(argv.end(), more.begin(), more.end());
        child_ = Child(argv, folder_ / "log");
        REQUIRE(wait_until([this] {
            std::ifstream log(folder_ / "log");
            std::string line;
            while (std::getline(log, line) && !line.starts_with("ACCEPT ")) {
            }
            const std::size_t colon = line.rfind(':');
            port_ = line.starts_with("ACCEPT ") && colon != std::string::npos && !log.eof()
                        ? static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)))
                        : 0;
            return port_ != 0;
        }));
    }

    Endpoint endpoint() const {
        return {.host = "localhost", .port = port_, .address = "127.0.0.1"};
    }

  private:
    TempDir folder_;
    Child child_;
    std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("tls.openssl: s_client sees TLS 1.3, our protocol, the certificate and no ticket") {
    Listener listener(1, serve_one);
    const auto [status, output] = s_client(listener, {"-alpn", "ratls-vm/1", "-tls1_3"});
    CAPTURE(output);
    CHECK(status == 0);
    CHECK(contains(output, "TLSv1.3"));
    CHECK(contains(output, "ALPN protocol: ratls-vm/1"));
    CHECK(contains(output, "subject=CN = vm.test"));
    CHECK(contains(output, "HTTP/1.1 204 No Content"));
    CHECK_FALSE(contains(output, "Session Ticket"));
    CHECK(contains(output, "Early data was not sent"));
}

TEST_CASE("tls.openssl: TLS 1.2 and protocols that we do not speak are refused") {
    Listener listener(2, serve_one);
    const auto old = s_client(listener, {"-tls1_2"});
    CHECK(old.exit_status != 0);
    CHECK(contains(old.output, "alert protocol version"));
    const auto other = s_client(listener, {"-alpn", "h2"});
    CHECK(other.exit_status != 0);
    CHECK(contains(other.output, "alert no application protocol"));
}

TEST_CASE("tls.openssl: a client whose first key share is of another group is asked again") {
    Listener listener(1, serve_one);
    const auto client = s_client(listener, {"-alpn", "ratls-vm/1", "-groups", "P-521:P-384"});
    CHECK(client.exit_status == 0);
    CHECK(contains(client.output, "HTTP/1.1 204 No Content"));
}

TEST_CASE("tls.openssl: our client talks to s_server, tickets or not") {
    for (const std::string tickets : {"0", "2"}) {
        CAPTURE(tickets);
        OpensslServer server({"-tls1_3", "-num_tickets", tickets});
        ClientOptions options{.server_name = "localhost", .verifier = accept_anybody};
        options.alpn = {"http/1.1"};
        auto client = connect_tls(server.endpoint(), options, soon());
        REQUIRE_MESSAGE(client, client.error().text());
        http::Request get;
        get.headers = {{"host", "localhost"}};
        const auto response = exchange(*client, get, std::size_t{1} << 20, soon());
        REQUIRE_MESSAGE(response, response.error().text());
        CHECK(response->status == 200);
        CHECK(contains(std::string(as_text(response->body)), "TLSv1.3"));
    }
}

TEST_CASE("tls.openssl: a server that speaks TLS 1.2 only is unsupported, and the text says so") {
    OpensslServer server({"-tls1_2"});
    ClientOptions options{.server_name = "localhost", .verifier = accept_anybody};
    const auto client = connect_tls(server.endpoint(), options, soon());
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Code::unsupported);
    CHECK(contains(client.error().what, "TLS 1.3"));
}

TEST_CASE("tls.openssl: a server that ignores our protocol is refused when we want it") {
    OpensslServer server({"-tls1_3"});
    ClientOptions options{.server_name = "localhost", .verifier = accept_anybody};
    const auto client = connect_tls(server.endpoint(), options, soon());
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Code::unsupported);
    CHECK(contains(client.error().what, "ratls-vm/1"));
}
