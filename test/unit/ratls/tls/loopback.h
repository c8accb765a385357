// What the tests of connections share: identities, a listening socket, programs to talk to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ratls/tls/client.h"
#include "ratls/tls/server.h"

namespace ratls::test {

using namespace std::chrono_literals;

/// Long enough for a loaded machine; nothing waits for it to pass.
inline Deadline soon() {
    return deadline_in(20s);
}

/// A fresh P-256 key and a self-signed certificate for "vm.test", made larger by this many bytes.
std::shared_ptr<ServerIdentity> make_identity(std::size_t padding = 0,
                                              KeyKind kind = KeyKind::p256);

/// The same key and chain again, since keys cannot be copied.
std::shared_ptr<ServerIdentity> again(const ServerIdentity& identity);

inline Status accept_anybody(std::span<const Bytes>) {
    return {};
}

/// Listens on a port of 127.0.0.1 and serves one connection after the other in a thread of its own.
class Listener {
  public:
    using Serve = std::function<void(Descriptor)>;
    Listener(int connections, Serve serve);

    Endpoint endpoint() const { return {.host = "127.0.0.1", .port = port_, .address = ""}; }
    /// Waits until all connections have been served.
    void join() { thread_.join(); }

  private:
    Descriptor fd_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

/// Both ends of one connection, after the handshake.
struct Pair {
    std::optional<Result<TlsConnection>> client;
    std::optional<Result<TlsConnection>> server;
};
Pair connect_pair(std::shared_ptr<const ServerIdentity> identity, const ClientOptions& options);

/// Runs a program of /usr/bin until it ends; both outputs together.
struct Ended {
    int exit_status = -1;
    std::string output;
};
Ended run_program(const std::string& name, std::vector<std::string> arguments,
                  std::string_view input = {});

}  // namespace ratls::test
