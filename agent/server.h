// A small HTTPS server that stays within its bounds whatever its clients do.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ratls/http/message.h"
#include "ratls/tls/server.h"

namespace ratls::agent {

struct ServerLimits {
    std::size_t max_connections = 256;
    std::size_t max_of_network = 64;  ///< connections of one IPv4 address or IPv6 /64; 0: any
    /// Bytes of responses in memory, all clients together; a response beyond is answered 503. Those
    /// that fit into a TLS record do not count.
    std::size_t max_held = std::size_t{16} << 20;
    std::size_t max_requests = 1000;  ///< on one connection
    std::size_t max_body = std::size_t{64} << 10;
    std::chrono::milliseconds handshake{5000};  ///< from accepting to the last byte
    std::chrono::milliseconds header{5000};     ///< from the first byte of a request to its last
    std::chrono::milliseconds body{30000};      ///< from the end of the head to the end of the body
    std::chrono::milliseconds idle{15000};      ///< without a byte, before a request
    std::chrono::milliseconds response{60000};  ///< for the client to take the response
    std::chrono::milliseconds lifetime{600000};  ///< of a connection; no new request after that
    /// Without progress, within a request or response, before it may go for others.
    std::chrono::milliseconds stalled{5000};
    std::chrono::milliseconds drain{5000};  ///< after `stop`, until `run` returns
};

struct ServerOptions {
    std::string address = "127.0.0.1";  ///< numeric
    std::uint16_t port = 0;             ///< 0: the system chooses
    unsigned workers = 4;               ///< threads that compute and call the handler
    ServerLimits limits;
    std::vector<std::string> proxies;  ///< as Peer::address: `max_of_network` is not for them
    /// Called by several threads at once with a line for each response of 500 and above; may be
    /// empty.
    std::function<void(std::string_view line)> log;
    /// The longest body of a request with this head, instead of `limits.max_body`; may be empty.
    std::function<std::size_t(const http::Request& head)> body_limit;
};

/// What a handler may know of the connection; valid during its call.
struct ConnectionInfo {
    std::function<Result<std::array<std::uint8_t, 32>>(ByteView nonce)> exporter;
    Sha256Digest leaf_sha256{};  ///< of the certificate that was shown, DER
    std::string alpn;
    std::string peer;               ///< address and port
    std::string network;            ///< Peer::network
    std::size_t request_index = 0;  ///< on this connection
};

/// The identity for the next handshake; null closes the connection. Called by several threads.
using IdentitySource = std::function<std::shared_ptr<const ServerIdentity>()>;
/// Called by several threads at once; does not throw. For HEAD it may answer as for GET: the body
/// is left out.
using Handler = std::function<http::Response(const http::Request&, const ConnectionInfo&)>;

/// One thread waits for all connections, a fixed number of workers serves those that are ready. No
/// worker ever waits for a client, so a client that stalls holds its connection only, and that no
/// longer than the limits allow. Handlers should not wait long. Where all places are taken, or all
/// of a network, the connection that is idle longest goes; where none is, the new one is told 503.
class Server {
  public:
    Server(ServerOptions options, IdentitySource identity, Handler handler);
    /// `run` must have returned.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Status listen();
    /// The port after `listen`.
    std::uint16_t port() const;
    /// Serves until `stop`; responses under way are finished, within `limits.drain`. False: a
    /// handler did not return in this time, so that the destructor has to wait for it.
    bool run();
    /// From any thread or signal handler, also before `run`.
    void stop() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ratls::agent
