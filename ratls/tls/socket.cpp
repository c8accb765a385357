#include "ratls/tls/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>
#include <vector>

#include "ratls/base/text.h"

namespace ratls {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::string errno_text(int number) {
    return std::generic_category().message(number);
}

std::string address_text(const std::string& host, const std::string& port) {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<AddressList> resolve(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (status != 0) {
        return fail(Code::unavailable, "resolve", quoted(host) + ": " + gai_strerror(status));
    }
    return AddressList(found, &freeaddrinfo);
}

Result<Descriptor> open_socket(const addrinfo& address) {
    Descriptor fd(socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                         address.ai_protocol));
    if (fd.get() < 0) {
        return fail(Code::io, "socket", errno_text(errno));
    }
    return fd;
}

void send_without_delay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // only speed is lost without it
}

Result<Descriptor> connect_one(const addrinfo& address, Deadline deadline) {
    RATLS_TRY(Descriptor fd, open_socket(address));
    if (connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
        if (errno != EINPROGRESS) {
            return fail(Code::unavailable, "", errno_text(errno));
        }
        RATLS_TRY(const bool ready, wait_for(fd.get(), POLLOUT, deadline));
        if (!ready) {
            return fail(Code::unavailable, "", "no answer within the deadline");
        }
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
        if (error != 0) {
            return fail(Code::unavailable, "", errno_text(error));
        }
    }
    send_without_delay(fd.get());
    return fd;
}

std::string number_text(const in_addr& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET, &address, text.data(), text.size());
}

/// IPv4 where it came through a socket of IPv6: ::ffff:192.0.2.1.
std::string number_text(const in6_addr& address) {
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        in_addr v4{};
        std::copy_n(std::begin(address.s6_addr) + 12, 4, reinterpret_cast<std::uint8_t*>(&v4));
        return number_text(v4);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET6, &address, text.data(), text.size());
}

}  // namespace

std::string Endpoint::text() const {
    return address_text(host, std::to_string(port));
}

bool is_ip_literal(const std::string& host) {
    in6_addr unused{};
    return inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

Result<bool> wait_for(int fd, short events, Deadline deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd item{fd, events, 0};
        const int timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
        const int ready = poll(&item, 1, timeout);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 && left.count() <= INT_MAX) {
            return false;
        }
        if (ready < 0 && errno != EINTR) {
            return fail(Code::io, "poll", errno_text(errno));
        }
    }
}

Result<Descriptor> connect_tcp(const Endpoint& endpoint, Deadline deadline) {
    const bool numeric = !endpoint.address.empty();
    auto addresses = resolve(numeric ? endpoint.address : endpoint.host, endpoint.port,
                             numeric ? AI_NUMERICHOST : 0);
    if (!addresses) {
        return std::unexpected(std::move(addresses).error().in(endpoint.text()));
    }
    int count = 0;
    for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) {
        ++count;
    }
    Error last{Code::unavailable, "", "no address"};
    for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) {
        const auto now = std::chrono::steady_clock::now();
        auto fd = connect_one(*a, now + (std::max(deadline, now) - now) / count--);
        if (fd) {
            return fd;
        }
        last = std::move(fd).error();
    }
    return std::unexpected(std::move(last).in(endpoint.text()));
}

Result<Descriptor> listen_tcp(const std::string& address, std::uint16_t port, int backlog) {
    const std::string where = address_text(address, std::to_string(port));
    auto addresses = resolve(address, port, AI_NUMERICHOST | AI_PASSIVE);
    if (!addresses) {
        return fail(Code::usage, where, "a numeric address wanted");
    }
    const addrinfo& first = **addresses;
    RATLS_TRY(Descriptor fd, open_socket(first));
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // restart without waiting
    if (bind(fd.get(), first.ai_addr, first.ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0) {
        return fail(Code::io, where, errno_text(errno));
    }
    return fd;
}

Result<Descriptor> accept_tcp(int listener) {
    Descriptor fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() >= 0) {
        send_without_delay(fd.get());
        return fd;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return fail(Code::io, "accept", errno_text(errno));
    }
    return Descriptor();  // nobody there, or somebody who left again
}

Result<std::uint16_t> local_port(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return fail(Code::io, "getsockname", errno_text(errno));
    }
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                     : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Peer peer_of(int fd) {
    sockaddr_storage any{};
    socklen_t size = sizeof any;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&any), &size) != 0) {
        return {};
    }
    Peer out;
    std::uint16_t port = 0;
    if (any.ss_family == AF_INET) {
        const auto& v4 = *reinterpret_cast<const sockaddr_in*>(&any);
        port = ntohs(v4.sin_port);
        out.address = number_text(v4.sin_addr);
        out.network = out.address;
    } else if (any.ss_family == AF_INET6) {
        const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(&any);
        port = ntohs(v6.sin6_port);
        out.address = number_text(v6.sin6_addr);
        in6_addr first_half = v6.sin6_addr;
        std::fill(std::begin(first_half.s6_addr) + 8, std::end(first_half.s6_addr),
                  std::uint8_t{0});
        out.network =
            IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? out.address : number_text(first_half) + "/64";
    }
    out.text = address_text(out.address, std::to_string(port));
    return out;
}

Result<std::string> normal_address(const std::string& address) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        return number_text(v4);
    }
    if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
        return number_text(v6);
    }
    return fail(Code::usage, quoted(address), "a numeric address wanted");
}

}  // namespace ratls
