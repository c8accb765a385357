#include "agent/server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>

#include "ratls/codec/base64.h"
#include "ratls/codec/json.h"
#include "ratls/crypto/certificate.h"
#include "ratls/http/parser.h"
#include "ratls/tls/exchange.h"
#include "test/unit/ratls/tls/loopback.h"

using namespace ratls;
using namespace ratls::agent;
using namespace ratls::test;

namespace {

/// Says what it was asked; "/big" is 8 MiB, "/broken" cannot be written, "/nonce" is the exporter.
http::Response answer(const http::Request& request, const ConnectionInfo& info) {
    if (request.path == "/big") {
        return http::make_response(200, "text/plain", Bytes(std::size_t{8} << 20, 'b'));
    }
    if (request.path == "/broken") {
        http::Response response;
        response.headers = {{"x", "a\r\nb"}};
        return response;
    }
    if (request.path == "/nonce") {
        const auto value = info.exporter(request.body).value();
        return http::make_response(200, "application/octet-stream", to_bytes(value));
    }
    if (request.path == "/nothing") {
        http::Response response;
        response.status = 204;
        response.body = {1, 2, 3};
        return response;
    }
    const std::string text = std::string(http::method_name(request.method)) + " " + request.path +
                             " " + std::string(as_text(request.body)) + " " + info.alpn + " " +
                             std::to_string(info.request_index);
    return http::make_response(200, "text/plain", to_bytes(as_bytes(text)));
}

ServerOptions quick() {
    ServerOptions options;
    options.limits.handshake = 300ms;
    options.limits.header = 300ms;
    options.limits.body = 300ms;
    options.limits.idle = 300ms;
    options.limits.response = 300ms;
    options.limits.drain = 300ms;
    return options;
}

/// A server that runs until this goes away.
class Running {
  public:
    explicit Running(ServerOptions options = {}, Handler handler = answer)
        : identity_(make_identity()),
          server_(std::move(options), [this] { return identity(); }, std::move(handler)) {
        REQUIRE(server_.listen());
        thread_ = std::jthread([this] { server_.run(); });
    }
    ~Running() { server_.stop(); }

    std::shared_ptr<const ServerIdentity> identity() {
        const std::lock_guard lock(mutex_);
        return identity_;
    }
    void set_identity(std::shared_ptr<const ServerIdentity> identity) {
        const std::lock_guard lock(mutex_);
        identity_ = std::move(identity);
    }

    Endpoint endpoint() const {
        return {.host = "127.0.0.1", .port = server_.port(), .address = ""};
    }
    TlsConnection connect() const {
        auto client =
            connect_tls(endpoint(), {.server_name = "", .verifier = accept_anybody}, soon());
        REQUIRE_MESSAGE(client, client.error().text());
        return *std::move(client);
    }
    Server& server() { return server_; }
    void join() { thread_.join(); }

  private:
    std::mutex mutex_;
    std::shared_ptr<const ServerIdentity> identity_;
    Server server_;
    std::jthread thread_;
};

http::Request request(http::Method method, std::string target, std::string_view body = {}) {
    http::Request out;
    out.method = method;
    out.target = std::move(target);
    out.headers = {{"host", "vm.test"}};
    out.body = to_bytes(as_bytes(body));
    return out;
}

http::Response ask(TlsConnection& connection, const http::Request& request) {
    auto response = exchange(connection, request, std::size_t{16} << 20, soon());
    REQUIRE_MESSAGE(response, response.error().text());
    return *std::move(response);
}

std::string text_of(const http::Response& response) {
    return std::string(as_text(response.body));
}

std::string error_of(const http::Response& response) {
    const auto body = parse_json(as_text(response.body));
    REQUIRE(body);
    return *body->find("error")->if_string();
}

/// Sends these bytes and reads until the server ends the connection.
std::string converse(TlsConnection& connection, std::string_view bytes) {
    CHECK(connection.write(as_bytes(bytes), soon()));
    std::string out;
    std::array<std::uint8_t, 4096> buffer{};
    for (;;) {
        const auto got = connection.read(buffer, soon());
        REQUIRE_MESSAGE(got, got.error().text());
        if (*got == 0) {
            return out;
        }
        out += as_text(ByteView(buffer).first(*got));
    }
}

/// How long until the server ends the connection; it may not take longer than `soon`.
std::chrono::milliseconds time_to_end(TlsConnection& connection) {
    const auto start = std::chrono::steady_clock::now();
    std::array<std::uint8_t, 4096> buffer{};
    for (;;) {
        const auto got = connection.read(buffer, soon());
        if (!got || *got == 0) {
            return std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - start);
        }
    }
}

/// Asks for more than the connection takes, and reads nothing.
void keep_busy(TlsConnection& client) {
    CHECK(client.write(as_bytes("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"), soon()));
    CHECK(wait_for(client.fd(), POLLIN, soon()).value());
}

/// A connection to 127.0.0.1 from another address of this machine.
Descriptor connect_from(const char* source, std::uint16_t port) {
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(inet_pton(AF_INET, source, &address.sin_addr) == 1);
    REQUIRE(::bind(fd.get(), any, sizeof address) == 0);
    REQUIRE(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr) == 1);
    address.sin_port = htons(port);
    REQUIRE(::connect(fd.get(), any, sizeof address) == 0);
    return fd;
}

/// The log of a server.
class Lines {
  public:
    std::function<void(std::string_view)> take() {
        return [this](std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
        };
    }
    std::vector<std::string> all() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace

TEST_CASE("agent.server: requests are answered one after the other on one connection") {
    Running running;
    TlsConnection client = running.connect();
    for (int i = 0; i < 3; ++i) {
        const auto response = ask(client, request(http::Method::get, "/a%20b?x=1"));
        CHECK(response.status == 200);
        CHECK(response.keep_alive);
        CHECK(text_of(response) == "GET /a b  ratls-vm/1 " + std::to_string(i));
    }
    CHECK(text_of(ask(client, request(http::Method::post, "/c", "body"))) ==
          "POST /c body ratls-vm/1 3");
}

TEST_CASE("agent.server: HEAD has the length of GET and no body, 204 has neither") {
    Running running;
    TlsConnection client = running.connect();
    const auto head = ask(client, request(http::Method::head, "/x"));
    CHECK(head.body.empty());
    CHECK(*head.header("content-length") == std::to_string(sizeof "HEAD /x  ratls-vm/1 0" - 1));
    const auto nothing = ask(client, request(http::Method::get, "/nothing"));
    CHECK(nothing.status == 204);
    CHECK(nothing.header("content-length") == nullptr);
    CHECK(text_of(ask(client, request(http::Method::get, "/x"))) == "GET /x  ratls-vm/1 2");
}

TEST_CASE("agent.server: pipelined requests are answered in order") {
    Running running;
    TlsConnection client = running.connect();
    const std::string answers = converse(
        client,
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 1\r\n\r\nbGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::size_t one = answers.find("GET /1  ratls-vm/1 0");
    const std::size_t two = answers.find("POST /2 b ratls-vm/1 1");
    const std::size_t three = answers.find("GET /3  ratls-vm/1 2");
    CHECK(one < two);
    CHECK(two < three);
    CHECK(three != std::string::npos);
    CHECK(answers.find("connection: close") != std::string::npos);
}

TEST_CASE("agent.server: the handler's exporter is that of the client's connection") {
    Running running;
    TlsConnection client = running.connect();
    const std::string nonce(32, 'n');
    const auto response = ask(client, request(http::Method::post, "/nonce", nonce));
    CHECK(response.body == to_bytes(client.exporter(as_bytes(nonce)).value()));
}

TEST_CASE("agent.server: malformed requests get their status, a reason in JSON, and the end") {
    Running running;
    const auto status_of = [&](std::string_view bytes) {
        TlsConnection client = running.connect();
        const std::string answer = converse(client, bytes);
        http::ResponseParser parser(http::Method::get, 1000);
        REQUIRE(parser.feed(as_bytes(answer)));
        REQUIRE(parser.complete());
        const http::Response response = parser.take();
        CHECK_FALSE(response.keep_alive);
        CHECK(error_of(response).starts_with("http.request"));
        return response.status;
    };
    CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\n") == 400);
    CHECK(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") == 411);
    CHECK(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n") == 413);
    CHECK(status_of("GET /" + std::string(8192, 'a')) == 431);
    CHECK(status_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
    CHECK(status_of("GET / HTTP/1.0\r\nHost: x\r\n\r\n") == 505);
}

TEST_CASE("agent.server: a client that is refused while it sends still gets to read why") {
    Running running;
    TlsConnection client = running.connect();
    const std::string answer =
        converse(client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" +
                             std::string(500000, 'a'));
    CHECK(answer.starts_with("HTTP/1.1 413 "));
}

TEST_CASE("agent.server: the body limit is that of the route") {
    ServerOptions options;
    options.body_limit = [](const http::Request& head) {
        return head.path == "/large" ? std::size_t{200000} : std::size_t{2};
    };
    Running running(options);
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::put, "/large", std::string(200000, 'a'))).status ==
          200);
    CHECK(ask(client, request(http::Method::put, "/small", "ab")).status == 200);
    CHECK(ask(client, request(http::Method::put, "/small", "abc")).status == 413);
}

TEST_CASE("agent.server: a client that asks first is told to continue") {
    Running running;
    TlsConnection client = running.connect();
    CHECK(client.write(as_bytes("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                "Content-Length: 2\r\nConnection: close\r\n\r\n"),
                       soon()));
    std::array<std::uint8_t, 100> buffer{};
    const auto got = client.read(buffer, soon());
    REQUIRE(got);
    CHECK(as_text(ByteView(buffer).first(*got)) == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(converse(client, "ab").find("PUT /x ab") != std::string::npos);
}

TEST_CASE("agent.server: a response that cannot be written becomes a 500") {
    Running running;
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/broken")).status == 500);
    CHECK(ask(client, request(http::Method::get, "/x")).status == 200);
}

TEST_CASE("agent.server: large responses arrive whole") {
    Running running;
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/big")).body == Bytes(std::size_t{8} << 20, 'b'));
}

TEST_CASE("agent.server: a new identity serves new connections") {
    Running running;
    TlsConnection old = running.connect();
    const auto fresh = make_identity();
    running.set_identity(fresh);
    TlsConnection client = running.connect();
    CHECK(client.server_chain() == fresh->chain_der);
    CHECK(ask(client, request(http::Method::get, "/x")).status == 200);
    CHECK(old.server_chain() != fresh->chain_der);
    CHECK(ask(old, request(http::Method::get, "/x")).status == 200);
    running.set_identity(nullptr);
    CHECK_FALSE(
        connect_tls(running.endpoint(), {.server_name = "", .verifier = accept_anybody}, soon()));
}

TEST_CASE("agent.server: clients that stall are cut off at each deadline, wherever they stall") {
    Running running(quick());
    const auto ends_soon = [](TlsConnection& connection) {
        const auto time = time_to_end(connection);
        CHECK(time > 100ms);
        CHECK(time < 10s);
    };
    SUBCASE("before the handshake") {
        const auto fd = connect_tcp(running.endpoint(), soon());
        REQUIRE(fd);
        CHECK(wait_for(fd->get(), POLLIN | POLLRDHUP, soon()).value());
    }
    SUBCASE("in the handshake, sending a byte now and then") {
        const auto fd = connect_tcp(running.endpoint(), soon());
        REQUIRE(fd);
        constexpr std::string_view kHello("\x16\x03\x01\x02\x00\x01\x00\x01", 8);
        bool ended = false;
        for (std::size_t i = 0; i < 200 && !ended; ++i) {
            ::send(fd->get(), kHello.data() + std::min<std::size_t>(i, 7), 1, MSG_NOSIGNAL);
            ended = wait_for(fd->get(), POLLIN | POLLRDHUP, deadline_in(50ms)).value();
        }
        CHECK(ended);
    }
    SUBCASE("before the first request") {
        TlsConnection client = running.connect();
        ends_soon(client);
    }
    SUBCASE("between requests") {
        TlsConnection client = running.connect();
        ask(client, request(http::Method::get, "/x"));
        ends_soon(client);
    }
    SUBCASE("in the head, sending a byte now and then") {
        TlsConnection client = running.connect();
        CHECK(client.write(as_bytes("GET / HTTP/1.1\r\nX: "), soon()));
        std::array<std::uint8_t, 4096> buffer{};
        std::string answer;
        for (int i = 0; i < 200 && answer.empty(); ++i) {
            const bool sent = client.write(as_bytes("a"), soon()).has_value();
            const auto got = client.read(buffer, deadline_in(50ms));
            answer = as_text(ByteView(buffer).first(got.value_or(0)));
            CHECK((sent || !answer.empty()));
        }
        CHECK(answer.starts_with("HTTP/1.1 408 "));
    }
    SUBCASE("in the body") {
        TlsConnection client = running.connect();
        CHECK(converse(client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
                  .starts_with("HTTP/1.1 408 "));
    }
    SUBCASE("reading a large response") {
        TlsConnection client = running.connect();
        CHECK(client.write(as_bytes("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"), soon()));
        // The server breaks off without a word; what fitted into the socket is still there.
        const auto start = std::chrono::steady_clock::now();
        CHECK(wait_for(client.fd(), POLLRDHUP, soon()).value());
        CHECK(std::chrono::steady_clock::now() - start > 100ms);
        CHECK_FALSE(exchange(client, request(http::Method::get, "/x"), 100, soon()));
    }
}

TEST_CASE("agent.server: stalled clients hold no worker: others are served meanwhile") {
    ServerOptions options;
    options.workers = 1;
    Running running(options);
    std::vector<Descriptor> silent;
    std::vector<TlsConnection> stalled;
    for (int i = 0; i < 10; ++i) {
        silent.push_back(connect_tcp(running.endpoint(), soon()).value());
        ::send(silent.back().get(), "\x16\x03", 2, MSG_NOSIGNAL);
        stalled.push_back(running.connect());
        CHECK(stalled.back().write(
            as_bytes("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"), soon()));
        stalled.push_back(running.connect());
        CHECK(stalled.back().write(as_bytes("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"), soon()));
    }
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/x")).status == 200);
}

TEST_CASE("agent.server: handshakes that stall half way use up nothing that others need") {
    Bytes hello(4096);
    Listener recorder(1, [&](const Descriptor& fd) {
        CHECK(wait_for(fd.get(), POLLIN, soon()).value());
        hello.resize(static_cast<std::size_t>(::recv(fd.get(), hello.data(), hello.size(), 0)));
    });
    CHECK_FALSE(
        connect_tls(recorder.endpoint(), {.server_name = "", .verifier = accept_anybody}, soon()));
    recorder.join();
    Running running;
    std::vector<Descriptor> stalled;
    for (int i = 0; i < 100; ++i) {
        stalled.push_back(connect_tcp(running.endpoint(), soon()).value());
        const Descriptor& fd = stalled.back();
        CHECK(::send(fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL) > 0);
        CHECK(wait_for(fd.get(), POLLIN, soon()).value());  // the server's side of the handshake
        std::uint8_t first = 0;
        CHECK(::recv(fd.get(), &first, 1, MSG_PEEK) == 1);
        CHECK(first == 22);  // a handshake record, no alert
    }
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/x")).status == 200);
}

TEST_CASE("agent.server: a full server answers 503, and serves again when there is room") {
    Lines lines;
    ServerOptions options;
    options.limits.max_connections = 2;
    options.limits.stalled = 60s;
    options.log = lines.take();
    Running running(options);
    std::optional<TlsConnection> one = running.connect();
    TlsConnection two = running.connect();
    keep_busy(*one);
    keep_busy(two);
    TlsConnection three = running.connect();
    const auto refused = ask(three, request(http::Method::get, "/x"));
    CHECK(refused.status == 503);
    CHECK_FALSE(refused.keep_alive);
    CHECK(error_of(refused) == "too many connections");
    REQUIRE(lines.all().size() == 1);
    CHECK(lines.all().front().starts_with("503 to 127.0.0.1:"));
    CHECK(lines.all().front().ends_with(": too many connections"));

    one->close();
    one.reset();
    int status = 503;
    for (int i = 0; i < 500 && status == 503; ++i) {  // the server has yet to notice
        TlsConnection next = running.connect();
        status = ask(next, request(http::Method::get, "/x")).status;
    }
    CHECK(status == 200);
}

TEST_CASE("agent.server: of a full server the connection that is idle longest goes") {
    ServerOptions options;
    options.limits.max_connections = 3;
    Running running(options);
    TlsConnection one = running.connect();
    TlsConnection two = running.connect();
    TlsConnection three = running.connect();
    for (TlsConnection* used : {&three, &one, &two, &one}) {
        CHECK(ask(*used, request(http::Method::get, "/x")).status == 200);
    }
    TlsConnection four = running.connect();
    CHECK(ask(four, request(http::Method::get, "/x")).status == 200);
    CHECK(time_to_end(three) < 10s);
    CHECK(ask(one, request(http::Method::get, "/x")).status == 200);
    CHECK(ask(two, request(http::Method::get, "/x")).status == 200);
}

TEST_CASE("agent.server: of a network with all its places the one that is idle longest goes") {
    ServerOptions options;
    options.limits.max_of_network = 2;
    Running running(options);
    TlsConnection one = running.connect();
    TlsConnection two = running.connect();
    ask(one, request(http::Method::get, "/x"));
    ask(two, request(http::Method::get, "/x"));
    const Descriptor other = connect_from("127.0.0.2", running.endpoint().port);
    TlsConnection three = running.connect();
    CHECK(ask(three, request(http::Method::get, "/x")).status == 200);
    CHECK(time_to_end(one) < 10s);
    CHECK(ask(two, request(http::Method::get, "/x")).status == 200);
    CHECK_FALSE(wait_for(other.get(), POLLIN | POLLRDHUP, deadline_in(0ms)).value());
}

TEST_CASE("agent.server: a network that is busy at all its places is told 503, others are served") {
    ServerOptions options;
    options.limits.max_of_network = 2;
    options.limits.stalled = 60s;
    const auto get = [](const Running& running, const char* from) {
        return run_program("curl", {"-k", "-sS", "--noproxy", "*", "--max-time", "20", "-o",
                                    "/dev/null", "-w", "%{http_code}", "--interface", from,
                                    "https://" + running.endpoint().text() + "/x"})
            .output;
    };
    SUBCASE("without proxies") {
        Running running(options);
        TlsConnection one = running.connect();
        TlsConnection two = running.connect();
        keep_busy(one);
        keep_busy(two);
        CHECK(get(running, "127.0.0.1") == "503");
        CHECK(get(running, "127.0.0.2") == "200");
    }
    SUBCASE("a proxy has more clients than one") {
        options.proxies = {"127.0.0.1"};
        Running running(options);
        TlsConnection one = running.connect();
        TlsConnection two = running.connect();
        keep_busy(one);
        keep_busy(two);
        CHECK(get(running, "127.0.0.1") == "200");
    }
    SUBCASE("who takes nothing for long makes room") {
        options.limits.stalled = 200ms;
        Running running(options);
        TlsConnection one = running.connect();
        TlsConnection two = running.connect();
        keep_busy(one);
        keep_busy(two);
        std::string status = "503";
        for (int i = 0; i < 500 && status == "503"; ++i) {
            status = get(running, "127.0.0.1");
        }
        CHECK(status == "200");
    }
}

TEST_CASE("agent.server: a crowd that is refused does not keep others from their 503") {
    ServerOptions options;
    options.limits.max_of_network = 1;
    options.limits.stalled = 60s;
    Running running(options);
    TlsConnection busy = running.connect();
    keep_busy(busy);
    std::vector<Descriptor> silent;
    for (int i = 0; i < 100; ++i) {
        silent.push_back(connect_tcp(running.endpoint(), soon()).value());
    }
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/x")).status == 503);
}

TEST_CASE("agent.server: a stream is sent record by record, and held by nobody") {
    constexpr std::uint64_t kSize = (std::uint64_t{8} << 20) + 5;
    std::atomic<std::size_t> largest = 0;
    Running running({}, [&](const http::Request&, const ConnectionInfo&) {
        const auto read = [&largest](std::uint64_t offset,
                                     std::span<std::uint8_t> into) -> Result<std::size_t> {
            largest = std::max<std::size_t>(largest, into.size());
            const std::size_t size = std::min<std::size_t>(into.size(), 10'007);
            for (std::size_t i = 0; i < size; ++i) {
                into[i] = static_cast<std::uint8_t>((offset + i) % 251);
            }
            return size;
        };
        return http::make_response("text/plain", ByteStream{kSize, read});
    });
    TlsConnection client = running.connect();
    for (int times = 0; times < 2; ++times) {
        const Bytes body = ask(client, request(http::Method::get, "/x")).body;
        REQUIRE(body.size() == kSize);
        bool same = true;
        for (std::size_t i = 0; i < body.size(); ++i) {
            same = same && body[i] == i % 251;
        }
        CHECK(same);
    }
    CHECK(largest == 16384);
}

TEST_CASE("agent.server: a stream whose bytes go breaks the connection off") {
    Running running({}, [&](const http::Request& request, const ConnectionInfo&) {
        const bool fails = request.path == "/fails";
        const auto read = [fails](std::uint64_t offset,
                                  std::span<std::uint8_t> into) -> Result<std::size_t> {
            if (offset > 100'000 && fails) {
                return fail(Code::unavailable, "log", "gone");
            }
            return offset > 100'000 ? 0 : into.size();
        };
        return http::make_response("text/plain", ByteStream{200'000, read});
    });
    for (const char* path : {"/fails", "/ends"}) {
        TlsConnection client = running.connect();
        CHECK_FALSE(exchange(client, request(http::Method::get, path), 1'000'000, soon()));
    }
}

TEST_CASE("agent.server: what the responses of all clients hold in memory is bounded") {
    Lines lines;
    ServerOptions options;
    options.limits.max_held = std::size_t{20} << 20;
    options.log = lines.take();
    Running running(options);
    std::optional<TlsConnection> one = running.connect();
    TlsConnection two = running.connect();
    keep_busy(*one);
    keep_busy(two);
    TlsConnection three = running.connect();
    const auto refused = ask(three, request(http::Method::get, "/big"));
    CHECK(refused.status == 503);
    CHECK(refused.keep_alive);
    CHECK(error_of(refused) == "too many responses are under way");
    CHECK(ask(three, request(http::Method::get, "/x")).status == 200);
    REQUIRE(lines.all().size() == 1);
    CHECK(lines.all().front().ends_with(", GET \"/big\": too many responses are under way"));
    one->close();
    int status = 503;
    for (int i = 0; i < 500 && status == 503; ++i) {  // the server has yet to notice
        status = ask(three, request(http::Method::get, "/big")).status;
    }
    CHECK(status == 200);
}

TEST_CASE("agent.server: connections that say nothing make room after their deadline") {
    ServerOptions options = quick();
    options.limits.max_connections = 2;
    Running running(options);
    const auto one = connect_tcp(running.endpoint(), soon());
    const auto two = connect_tcp(running.endpoint(), soon());
    REQUIRE(one);
    REQUIRE(two);
    CHECK(wait_for(one->get(), POLLRDHUP, soon()).value());
    CHECK(wait_for(two->get(), POLLRDHUP, soon()).value());
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/x")).status == 200);
}

TEST_CASE("agent.server: a connection ends after its last request") {
    ServerOptions options;
    options.limits.max_requests = 2;
    Running running(options);
    TlsConnection client = running.connect();
    CHECK(ask(client, request(http::Method::get, "/x")).keep_alive);
    CHECK_FALSE(ask(client, request(http::Method::get, "/x")).keep_alive);
    CHECK(time_to_end(client) < 10s);
}

TEST_CASE("agent.server: a connection does not outlive its time, however busy it is") {
    ServerOptions options;
    options.limits.lifetime = 300ms;
    options.limits.max_requests = 1000000;
    Running running(options);
    TlsConnection client = running.connect();
    const auto start = std::chrono::steady_clock::now();
    bool open = true;
    while (open && std::chrono::steady_clock::now() - start < 10s) {
        const auto response = exchange(client, request(http::Method::get, "/x"), 1000, soon());
        open = response && response->keep_alive;
    }
    CHECK_FALSE(open);
    CHECK(std::chrono::steady_clock::now() - start > 100ms);
}

TEST_CASE("agent.server: stop finishes the response under way and drops who is idle") {
    std::atomic<bool> entered = false;
    std::atomic<bool> go_on = false;
    ServerOptions options;
    options.limits.drain = 20000ms;
    Running running(options, [&](const http::Request&, const ConnectionInfo&) {
        entered = true;
        entered.notify_all();
        go_on.wait(false);
        return http::Response{};
    });
    TlsConnection idle = running.connect();
    TlsConnection busy = running.connect();
    std::optional<http::Response> response;
    std::jthread client([&] { response = ask(busy, request(http::Method::get, "/x")); });
    entered.wait(false);
    running.server().stop();
    CHECK(time_to_end(idle) < 10s);
    CHECK_FALSE(connect_tcp(running.endpoint(), soon()));
    go_on = true;
    go_on.notify_all();
    client.join();
    running.join();
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK_FALSE(response->keep_alive);
}

TEST_CASE("agent.server: stop does not wait for clients that stall") {
    ServerOptions options;
    options.limits.drain = 200ms;
    Running running(options);
    TlsConnection client = running.connect();
    CHECK(client.write(as_bytes("GET / HT"), soon()));
    TlsConnection reader = running.connect();
    CHECK(reader.write(as_bytes("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"), soon()));
    CHECK(wait_for(reader.fd(), POLLIN, soon()).value());
    const auto start = std::chrono::steady_clock::now();
    running.server().stop();
    running.join();
    CHECK(std::chrono::steady_clock::now() - start < 4s);
}

TEST_CASE("agent.server: stop does not wait for a handler that does not return") {
    std::atomic<bool> entered = false;
    std::atomic<bool> go_on = false;
    ServerOptions options;
    options.limits.drain = 300ms;
    const auto identity = make_identity();
    Server server(
        options, [&] { return identity; },
        [&](const http::Request&, const ConnectionInfo&) {
            entered = true;
            entered.notify_all();
            go_on.wait(false);
            return http::Response{};
        });
    REQUIRE(server.listen());
    std::atomic<bool> ended = true;
    std::jthread serving([&] { ended = server.run(); });
    auto client = connect_tls({.host = "127.0.0.1", .port = server.port(), .address = ""},
                              {.server_name = "", .verifier = accept_anybody}, soon());
    REQUIRE(client);
    CHECK(client->write(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), soon()));
    entered.wait(false);
    const auto start = std::chrono::steady_clock::now();
    server.stop();
    serving.join();
    CHECK_FALSE(ended);
    CHECK(std::chrono::steady_clock::now() - start < 4s);
    go_on = true;
    go_on.notify_all();
}

TEST_CASE("agent.server: stop before run ends it at once; a taken port is an error") {
    Server server({}, [] { return nullptr; }, answer);
    REQUIRE(server.listen());
    ServerOptions same;
    same.port = server.port();
    Server second(same, [] { return nullptr; }, answer);
    const auto status = second.listen();
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::io);
    server.stop();
    server.run();

    ServerOptions named;
    named.address = "localhost";
    Server third(named, [] { return nullptr; }, answer);
    CHECK(third.listen().error().code == Code::usage);
}

TEST_CASE("agent.server: many clients at once are all served") {
    Running running;
    std::atomic<int> served = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 24; ++i) {
        clients.emplace_back([&] {
            TlsConnection client = running.connect();
            for (int k = 0; k < 5; ++k) {
                served += ask(client, request(http::Method::get, "/x")).status == 200 ? 1 : 0;
            }
        });
    }
    clients.clear();
    CHECK(served == 24 * 5);
}

TEST_CASE("agent.server: curl accepts the pinned key and no other") {
    Running running;
    const auto curl = [&](ByteView pin) {
        return run_program(
            "curl", {"-k", "-sS", "--noproxy", "*", "--max-time", "20", "--pinnedpubkey",
                     "sha256//" + base64(pin), "https://" + running.endpoint().text() + "/x"});
    };
    const auto leaf = Certificate::parse(running.identity()->chain_der.front());
    REQUIRE(leaf);
    const Sha256Digest pin = sha256(leaf->spki());
    const auto right = curl(pin);
    CAPTURE(right.output);
    CHECK(right.exit_status == 0);
    CHECK(right.output == "GET /x  http/1.1 0");
    Sha256Digest other = pin;
    other[0] ^= 1;
    CHECK(curl(other).exit_status == 90);
}
