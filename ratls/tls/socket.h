// Sockets as resources, and waiting for them with a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "ratls/base/result.h"
#include "ratls/platform/descriptor.h"

namespace ratls {

/// When to give up, on the clock that nobody sets.
using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadline_in(std::chrono::milliseconds duration) {
    return std::chrono::steady_clock::now() + duration;
}

/// Where a server is.
struct Endpoint {
    std::string host;  ///< a name, or an address without brackets
    std::uint16_t port = 443;
    std::string address;  ///< connect here instead of resolving `host` (`--resolve`); may be empty

    /// "host:port", with brackets around an IPv6 address.
    std::string text() const;
};

/// True for an IPv4 or IPv6 address in text, which is never sent as SNI (RFC 6066, section 3).
bool is_ip_literal(const std::string& host);

/// Waits until the socket is ready for `events` (POLLIN, POLLOUT); false when the deadline passed.
Result<bool> wait_for(int fd, short events, Deadline deadline);

/// A connected TCP socket, non-blocking, close-on-exec. Tries each address of the host in turn and
/// shares the time among them. Resolving takes as long as the system's resolver lets it.
/// Fails with `Code::unavailable` and the endpoint in `where`.
Result<Descriptor> connect_tcp(const Endpoint& endpoint, Deadline deadline);

/// A listening TCP socket on a numeric address; port 0 lets the system choose.
Result<Descriptor> listen_tcp(const std::string& address, std::uint16_t port, int backlog);

/// The next waiting connection, non-blocking, close-on-exec; a negative one if there is none (any
/// more). Fails if the system is short of something.
Result<Descriptor> accept_tcp(int listener);

/// The port that a socket is bound to.
Result<std::uint16_t> local_port(int fd);

/// The other side of a connection; empty if unknown.
struct Peer {
    std::string text;     ///< address and port
    std::string address;  ///< numeric; IPv4 also where it came as IPv6
    /// What one owner is likely to have whole: the IPv4 address, or the first 64 bits of the IPv6
    /// address, as "2001:db8::/64".
    std::string network;
};
Peer peer_of(int fd);

/// An address in the form of `Peer::address`; `usage` for what is none.
Result<std::string> normal_address(const std::string& address);

}  // namespace ratls
