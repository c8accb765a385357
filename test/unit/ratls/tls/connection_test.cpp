#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>

#include "ratls/crypto/certificate.h"
#include "ratls/tls/exchange.h"
#include "test/unit/ratls/tls/loopback.h"

using namespace ratls;
using namespace ratls::test;

namespace {

ClientOptions anybody() {
    return {.server_name = "vm.test", .verifier = accept_anybody};
}

std::string read_text(TlsConnection& connection, std::size_t size) {
    std::string out;
    std::array<std::uint8_t, 7> buffer{};
    while (out.size() < size) {
        const auto got = connection.read(buffer, soon());
        REQUIRE(got);
        REQUIRE(*got > 0);
        out += as_text(ByteView(buffer).first(*got));
    }
    return out;
}

Sha256Digest spki_hash(const ServerIdentity& identity) {
    return sha256(Certificate::parse(identity.chain_der.front())->spki());
}

/// The error of connecting to a server that answers with these bytes, whatever it is asked.
Error against_bytes(std::string_view answer) {
    Listener listener(1, [&](Descriptor fd) {
        CHECK(wait_for(fd.get(), POLLIN, soon()) == true);
        ::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        std::array<char, 4096> unused{};
        while (::recv(fd.get(), unused.data(), unused.size(), 0) > 0) {
        }
        ::shutdown(fd.get(), SHUT_WR);
        CHECK(wait_for(fd.get(), POLLIN | POLLRDHUP, soon()) == true);
    });
    const auto client = connect_tls(listener.endpoint(), anybody(), soon());
    REQUIRE_FALSE(client);
    CHECK(client.error().where.starts_with(listener.endpoint().text()));
    return client.error();
}

}  // namespace

TEST_CASE("tls: bytes go both ways, in pieces of any size, and the end is seen") {
    Pair pair = connect_pair(make_identity(), anybody());
    REQUIRE(*pair.client);
    REQUIRE(*pair.server);
    TlsConnection& client = **pair.client;
    TlsConnection& server = **pair.server;
    CHECK(client.write(as_bytes("hello, server"), soon()));
    CHECK(read_text(server, 13) == "hello, server");
    CHECK(server.write(as_bytes("hello"), soon()));
    CHECK(read_text(client, 5) == "hello");
    client.close();
    std::array<std::uint8_t, 8> buffer{};
    CHECK(server.read(buffer, soon()).value() == 0);
}

TEST_CASE("tls: more than the socket holds is written while the other side reads") {
    Pair pair = connect_pair(make_identity(), anybody());
    REQUIRE(*pair.client);
    const Bytes sent(std::size_t{8} << 20, 0x41);
    std::jthread writer([&] {
        CHECK((*pair.server)->write(sent, soon()));
        (*pair.server)->close();
    });
    Bytes got;
    std::array<std::uint8_t, 16384> buffer{};
    for (;;) {
        const auto size = (*pair.client)->read(buffer, soon());
        REQUIRE(size);
        if (*size == 0) {
            break;
        }
        append(got, ByteView(buffer).first(*size));
    }
    CHECK(got == sent);
}

TEST_CASE("tls: both sides see the same protocol, leaf key and chain") {
    const auto identity = make_identity();
    Pair pair = connect_pair(identity, anybody());
    REQUIRE(*pair.client);
    REQUIRE(*pair.server);
    for (const TlsConnection* side : {&**pair.client, &**pair.server}) {
        CHECK(side->alpn() == "ratls-vm/1");
        CHECK(side->leaf_spki_sha256() == spki_hash(*identity));
        CHECK(side->server_chain() == identity->chain_der);
    }
}

TEST_CASE("tls: a P-384 identity serves too") {
    Pair pair = connect_pair(make_identity(0, KeyKind::p384), anybody());
    CHECK(*pair.client);
}

TEST_CASE("tls: the exporter agrees on both sides, and differs by nonce and connection") {
    const auto identity = make_identity();
    Pair one = connect_pair(identity, anybody());
    Pair two = connect_pair(identity, anybody());
    REQUIRE(*one.client);
    REQUIRE(*two.client);
    const Bytes nonce(32, 1);
    const Bytes other(32, 2);
    const auto value = [](const Result<TlsConnection>& side, ByteView context) {
        return side->exporter(context).value();
    };
    const auto here = value(*one.client, nonce);
    CHECK(here == value(*one.server, nonce));
    CHECK(here == value(*one.client, nonce));
    CHECK(here != value(*one.client, other));
    CHECK(here != value(*one.client, {}));
    CHECK(value(*one.client, {}) == value(*one.server, {}));
    CHECK(here != value(*two.client, nonce));
    CHECK(value(*two.client, nonce) == value(*two.server, nonce));
}

TEST_CASE("tls: the verifier sees the chain as it was sent, once, before the handshake is over") {
    auto identity = make_identity();
    identity->chain_der.push_back(make_identity()->chain_der.front());
    int calls = 0;
    std::vector<Bytes> seen;
    ClientOptions options = anybody();
    options.verifier = [&](std::span<const Bytes> chain) -> Status {
        ++calls;
        seen.assign(chain.begin(), chain.end());
        return {};
    };
    Pair pair = connect_pair(identity, options);
    CHECK(*pair.client);
    CHECK(calls == 1);
    CHECK(seen == identity->chain_der);
}

TEST_CASE("tls: a chain whose certificates vouch for each other reaches the verifier once, too") {
    // Twice the same certificate: mbedTLS finds a path, or not; it is none of its business.
    auto identity = make_identity();
    identity->chain_der.push_back(identity->chain_der.front());
    int calls = 0;
    ClientOptions options = anybody();
    options.verifier = [&](std::span<const Bytes> chain) -> Status {
        ++calls;
        CHECK(chain.size() == 2);
        return {};
    };
    CHECK(*connect_pair(identity, options).client);
    CHECK(calls == 1);
}

TEST_CASE("tls: a rejected server gets no application byte, and the client the verifier's error") {
    ClientOptions options = anybody();
    options.verifier = [](std::span<const Bytes>) -> Status {
        return fail(Code::denied, "policy: chip", "a different chip wanted");
    };
    std::size_t received = 0;
    std::optional<Error> server_error;
    Listener listener(1, [&](Descriptor fd) {
        auto server = accept_tls(std::move(fd), make_identity(), soon());
        if (!server) {
            server_error = server.error();
            return;
        }
        std::array<std::uint8_t, 64> buffer{};
        received = server->read(buffer, soon()).value_or(0);
    });
    const auto client = connect_tls(listener.endpoint(), options, soon());
    listener.join();
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Code::denied);
    CHECK(client.error().where == "policy: chip");
    CHECK(client.error().what == "a different chip wanted");
    CHECK(server_error);
    CHECK(received == 0);
}

TEST_CASE("tls: without a verifier nothing is connected") {
    const auto client =
        connect_tls({.host = "127.0.0.1", .port = 1, .address = ""}, ClientOptions{}, soon());
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Code::usage);
}

TEST_CASE("tls: expired, not yet valid, for another name: that is for the verifier to say") {
    SelfSignedRequest request;
    request.common_name = "somebody else";
    request.not_before = 946684800;  // 2000-01-01
    request.not_after = request.not_before + 1;
    auto key = PrivateKey::generate(KeyKind::p256);
    REQUIRE(key);
    const Bytes certificate = write_self_signed(request, *key).value();
    const auto identity =
        std::make_shared<ServerIdentity>(ServerIdentity{*std::move(key), {certificate}, nullptr});
    CHECK(*connect_pair(identity, anybody()).client);
}

TEST_CASE("tls: a server that does not hold the key of its certificate is never connected") {
    auto identity = make_identity();
    identity->chain_der = make_identity()->chain_der;
    Pair pair = connect_pair(identity, anybody());
    CHECK_FALSE(*pair.client);
    REQUIRE_FALSE(*pair.server);
    CHECK((*pair.server).error().code == Code::usage);
}

TEST_CASE("tls: an identity without a certificate, or with garbage, is an error of the caller") {
    auto empty = make_identity();
    empty->chain_der.clear();
    CHECK((*connect_pair(empty, anybody()).server).error().code == Code::usage);
    auto garbage = make_identity();
    garbage->chain_der.push_back({1, 2, 3});
    CHECK((*connect_pair(garbage, anybody()).server).error().code == Code::usage);
}

TEST_CASE("tls: certificates of 15 KiB work, and the largest that fits the protocol's message") {
    const std::size_t around = make_identity(15000)->chain_der.front().size() - 15000;
    for (const std::size_t size : {15360UL, 16300UL}) {
        CAPTURE(size);
        const auto identity = make_identity(size - around);
        CHECK(identity->chain_der.front().size() > size - 16);
        Pair pair = connect_pair(identity, anybody());
        REQUIRE(*pair.client);
        CHECK((*pair.client)->server_chain() == identity->chain_der);
    }
    CHECK_FALSE(*connect_pair(make_identity(16500), anybody()).client);
}

TEST_CASE("tls: a new identity is for new connections, and old ones go on with theirs") {
    const auto before = make_identity();
    const auto after = make_identity();
    Pair old = connect_pair(before, anybody());
    Pair fresh = connect_pair(after, anybody());
    REQUIRE(*old.client);
    REQUIRE(*fresh.client);
    CHECK((*old.client)->leaf_spki_sha256() == spki_hash(*before));
    CHECK((*fresh.client)->leaf_spki_sha256() == spki_hash(*after));
    CHECK((*old.client)->write(as_bytes("x"), soon()));
    CHECK(read_text(**old.server, 1) == "x");
}

TEST_CASE("tls: who asks for ratls-vm/1 gets the native certificate, others the public one") {
    auto native = make_identity();
    const auto outer = make_identity();
    native->for_others = outer;
    const auto leaf_for = [&](std::vector<std::string> alpn) {
        ClientOptions options = anybody();
        options.alpn = std::move(alpn);
        Pair pair = connect_pair(native, options);
        REQUIRE(*pair.client);
        REQUIRE(*pair.server);
        CHECK((*pair.client)->leaf_spki_sha256() == (*pair.server)->leaf_spki_sha256());
        CHECK((*pair.client)->alpn() == (*pair.server)->alpn());
        return (*pair.client)->leaf_spki_sha256();
    };
    CHECK(leaf_for({"ratls-vm/1"}) == spki_hash(*native));
    CHECK(leaf_for({"http/1.1", "ratls-vm/1"}) == spki_hash(*native));
    CHECK(leaf_for({"h2", "http/1.1"}) == spki_hash(*outer));
    CHECK(leaf_for({}) == spki_hash(*outer));
}

TEST_CASE("tls: without a protocol in common there is no connection") {
    ClientOptions options = anybody();
    options.alpn = {"h2"};
    Pair pair = connect_pair(make_identity(), options);
    REQUIRE_FALSE(*pair.client);
    CHECK((*pair.client).error().code == Code::unsupported);
    REQUIRE_FALSE(*pair.server);
    CHECK((*pair.server).error().code == Code::unsupported);
}

TEST_CASE("tls: a connection that ends without notice is an error, not an end") {
    Pair pair = connect_pair(make_identity(), anybody());
    REQUIRE(*pair.client);
    ::shutdown((*pair.server)->fd(), SHUT_RDWR);
    std::array<std::uint8_t, 8> buffer{};
    const auto got = (*pair.client)->read(buffer, soon());
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::unavailable);
}

TEST_CASE("tls: reading and writing give up at their deadline") {
    Pair pair = connect_pair(make_identity(), anybody());
    REQUIRE(*pair.client);
    std::array<std::uint8_t, 8> buffer{};
    const auto start = std::chrono::steady_clock::now();
    const auto got = (*pair.client)->read(buffer, deadline_in(100ms));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::unavailable);
    const auto written = (*pair.client)->write(Bytes(std::size_t{64} << 20), deadline_in(100ms));
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Code::unavailable);
    CHECK(std::chrono::steady_clock::now() - start < 10s);
}

TEST_CASE("tls: nothing listening, and a peer that says nothing, are out of reach") {
    std::uint16_t closed_port = 0;
    {
        Listener gone(0, [](Descriptor) {});
        closed_port = gone.endpoint().port;
    }
    const auto refused =
        connect_tls({.host = "127.0.0.1", .port = closed_port, .address = ""}, anybody(), soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().where == "127.0.0.1:" + std::to_string(closed_port));
    CHECK(refused.error().what == "Connection refused");

    Listener silent(1, [](Descriptor fd) { CHECK(wait_for(fd.get(), POLLRDHUP, soon()) == true); });
    const auto late = connect_tls(silent.endpoint(), anybody(), deadline_in(200ms));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Code::unavailable);
    CHECK(late.error().where.starts_with(silent.endpoint().text()));
}

TEST_CASE("tls: the name is shown and sent while another address is connected to") {
    Listener listener(1, [](Descriptor fd) {
        auto server = accept_tls(std::move(fd), make_identity(), soon());
        CHECK(server);
    });
    Endpoint endpoint = listener.endpoint();
    endpoint.address = "127.0.0.1";
    endpoint.host = "vm.invalid";
    CHECK(connect_tls(endpoint, anybody(), soon()));
    endpoint.address = "";
    const auto unknown = connect_tls(endpoint, anybody(), soon());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Code::unavailable);
    CHECK(unknown.error().where.starts_with("vm.invalid:"));
    endpoint.address = "vm.invalid";  // an address is never resolved
    CHECK_FALSE(connect_tls(endpoint, anybody(), soon()));
}

TEST_CASE("tls: endpoints in text, and what an address is") {
    CHECK(Endpoint{.host = "vm", .port = 5555, .address = ""}.text() == "vm:5555");
    CHECK(Endpoint{.host = "::1", .port = 443, .address = ""}.text() == "[::1]:443");
    for (const auto* host : {"127.0.0.1", "::1", "2001:db8::1"}) {
        CHECK(is_ip_literal(host));
    }
    for (const auto* host : {"vm", "127.0.0.1.example", "[::1]", "", "1"}) {
        CHECK_FALSE(is_ip_literal(host));
    }
}

TEST_CASE("tls: a peer that does not speak TLS is malformed, one that hangs up is out of reach") {
    CHECK(against_bytes("HTTP/1.1 400 Bad Request\r\n\r\n").code == Code::malformed);
    CHECK(against_bytes("SSH-2.0-OpenSSH_9.2\r\n").code == Code::malformed);
    CHECK(against_bytes("").code == Code::unavailable);
}

TEST_CASE("tls: an alert for the version, as older servers send it, is named for what it is") {
    constexpr std::string_view kProtocolVersion("\x15\x03\x03\x00\x02\x02\x46", 7);
    const Error error = against_bytes(kProtocolVersion);
    CHECK(error.code == Code::unsupported);
    CHECK(error.what.find("TLS 1.3") != std::string::npos);
}

TEST_CASE("tls: a server sees the end of clients that speak something else, and of silent ones") {
    std::optional<Error> error;
    {
        Listener listener(1, [&](Descriptor fd) {
            error = accept_tls(std::move(fd), make_identity(), soon()).error();
        });
        const auto fd = connect_tcp(listener.endpoint(), soon());
        REQUIRE(fd);
        ::send(fd->get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
        listener.join();
        REQUIRE(error);
        CHECK(error->code == Code::malformed);
    }
    Listener listener(1, [&](Descriptor fd) {
        error = accept_tls(std::move(fd), make_identity(), deadline_in(100ms)).error();
    });
    const auto fd = connect_tcp(listener.endpoint(), soon());
    REQUIRE(fd);
    listener.join();
    REQUIRE(error);
    CHECK(error->code == Code::unavailable);
}

TEST_CASE("tls: many handshakes may wait for their peers at the same time") {
    const auto identity = make_identity();
    constexpr int kClients = 8;
    std::vector<Descriptor> accepted;
    Listener listener(kClients, [&](Descriptor fd) { accepted.push_back(std::move(fd)); });
    std::vector<std::jthread> clients;
    std::atomic<int> connected = 0;
    for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&] {
            const auto client = connect_tls(listener.endpoint(), anybody(), soon());
            connected += client ? 1 : 0;
        });
    }
    listener.join();  // all clients are now waiting for their server, key share in hand
    std::vector<std::jthread> servers;
    for (Descriptor& fd : accepted) {
        servers.emplace_back([&] { CHECK(accept_tls(std::move(fd), identity, soon())); });
    }
    clients.clear();
    servers.clear();
    CHECK(connected == kClients);
}

TEST_CASE("tls.exchange: several requests on one connection, and what a server adds is refused") {
    Listener listener(1, [](Descriptor fd) {
        auto server = accept_tls(std::move(fd), make_identity(), soon());
        REQUIRE(server);
        const auto answer = [&](std::string_view expected, std::string_view response) {
            CHECK(read_text(*server, expected.size()) == expected);
            CHECK(server->write(as_bytes(response), soon()));
        };
        answer("GET /a HTTP/1.1\r\nhost: vm\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst");
        answer("POST /b HTTP/1.1\r\nhost: vm\r\ncontent-length: 2\r\n\r\nhi",
               "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
        answer("GET /a HTTP/1.1\r\nhost: vm\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthirdand more");
    });
    auto client = connect_tls(listener.endpoint(), anybody(), soon());
    REQUIRE(client);
    http::Request get;
    get.target = "/a";
    get.headers = {{"host", "vm"}};
    http::Request post;
    post.method = http::Method::post;
    post.target = "/b";
    post.headers = get.headers;
    post.body = {'h', 'i'};
    const auto first = exchange(*client, get, 100, soon());
    REQUIRE(first);
    CHECK(as_text(first->body) == "first");
    CHECK(first->keep_alive);
    const auto second = exchange(*client, post, 100, soon());
    REQUIRE(second);
    CHECK(second->status == 404);
    CHECK(as_text(second->body) == "no");
    const auto third = exchange(*client, get, 100, soon());
    REQUIRE_FALSE(third);
    CHECK(third.error().code == Code::malformed);
}

TEST_CASE("tls.exchange: a body that lasts until the end needs an orderly end") {
    for (const bool orderly : {true, false}) {
        CAPTURE(orderly);
        Listener listener(1, [&](Descriptor fd) {
            auto server = accept_tls(std::move(fd), make_identity(), soon());
            REQUIRE(server);
            read_text(*server, 27);
            CHECK(server->write(as_bytes("HTTP/1.1 200 OK\r\n\r\nall of it"), soon()));
            if (orderly) {
                server->close();
            } else {
                ::shutdown(server->fd(), SHUT_RDWR);
            }
        });
        auto client = connect_tls(listener.endpoint(), anybody(), soon());
        REQUIRE(client);
        http::Request get;
        get.target = "/a";
        get.headers = {{"host", "vm"}};
        const auto response = exchange(*client, get, 100, soon());
        CHECK(response.has_value() == orderly);
    }
}

TEST_CASE("tls: a peer has an address and a network") {
    const auto peer_on = [](const std::string& address) -> Result<Peer> {
        RATLS_TRY(const Descriptor listener, listen_tcp(address, 0, 1));
        RATLS_TRY(const std::uint16_t port, local_port(listener.get()));
        RATLS_TRY(const Descriptor client,
                  connect_tcp({.host = address, .port = port, .address = ""}, soon()));
        CHECK(wait_for(listener.get(), POLLIN, soon()).value());
        RATLS_TRY(const Descriptor accepted, accept_tcp(listener.get()));
        return peer_of(accepted.get());
    };
    const auto v4 = peer_on("127.0.0.1");
    REQUIRE(v4);
    CHECK(v4->address == "127.0.0.1");
    CHECK(v4->network == "127.0.0.1");
    CHECK(v4->text.starts_with("127.0.0.1:"));
    const auto mapped = peer_on("::ffff:127.0.0.1");
    const auto v6 = peer_on("::1");
    if (mapped && v6) {  // a machine may have no IPv6
        CHECK(mapped->address == "127.0.0.1");
        CHECK(mapped->network == "127.0.0.1");
        CHECK(v6->address == "::1");
        CHECK(v6->network == "::/64");
        CHECK(v6->text.starts_with("[::1]:"));
    }
    CHECK(peer_of(-1).text.empty());
}

TEST_CASE("tls: an address has one form") {
    CHECK(normal_address("192.0.2.1") == "192.0.2.1");
    CHECK(normal_address("2001:DB8:0:0::1") == "2001:db8::1");
    CHECK(normal_address("::ffff:192.0.2.1") == "192.0.2.1");
    for (const char* wrong : {"", "vm.example", "192.0.2.0/24", "192.0.2.1 ", "fe80::1%lo"}) {
        CAPTURE(wrong);
        const auto refused = normal_address(wrong);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().what == "a numeric address wanted");
    }
}
