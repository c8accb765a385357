#include <poll.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>  // needs sys/socket.h

#include <algorithm>
#include <cerrno>

#include "ratls/platform/clock.h"
#include "ratls/platform/stream.h"
#include "ratls/platform/system_failure.h"

namespace ratls {
namespace {

constexpr const char* kWhere = "socket";

}  // namespace

SocketStream::SocketStream(Descriptor socket, std::chrono::milliseconds timeout)
    : socket_(std::move(socket)), deadline_(LinuxClock().monotonic() + timeout) {}

Status SocketStream::ready(short events) {
    for (;;) {
        const auto left = (deadline_ - LinuxClock().monotonic()).count();
        if (left <= 0) {
            return fail(Code::unavailable, kWhere, "no answer in time");
        }
        pollfd event{socket_.get(), events, 0};
        const int found = ::poll(&event, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (found > 0) {
            return {};  // an error shows in the call that follows
        }
        if (found < 0 && errno != EINTR) {
            return system_failure(kWhere, errno);
        }
    }
}

Status SocketStream::connected() {
    RATLS_CHECK(ready(POLLOUT));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        return system_failure(kWhere, error);
    }
    return {};
}

Status SocketStream::write(ByteView bytes) {
    while (!bytes.empty()) {
        RATLS_CHECK(ready(POLLOUT));
        const ssize_t done =
            ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(done));
        } else if (errno != EINTR && errno != EAGAIN) {
            return system_failure(kWhere, errno);
        }
    }
    return {};
}

Status SocketStream::read(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        RATLS_CHECK(ready(POLLIN));
        const ssize_t got = ::recv(socket_.get(), out.data(), out.size(), MSG_DONTWAIT);
        if (got == 0) {
            return fail(Code::unavailable, kWhere,
                        "the other side ended, " + std::to_string(out.size()) + " bytes missing");
        }
        if (got > 0) {
            out = out.subspan(static_cast<std::size_t>(got));
        } else if (errno != EINTR && errno != EAGAIN) {
            return system_failure(kWhere, errno);
        }
    }
    return {};
}

Result<std::unique_ptr<Stream>> connect_vsock(std::uint32_t cid, std::uint32_t port,
                                              std::chrono::milliseconds timeout) {
    const auto place = [&] { return "vsock " + std::to_string(cid) + ":" + std::to_string(port); };
    Descriptor socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) {
        return system_failure(place(), errno);
    }
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = cid;
    address.svm_port = port;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
        return system_failure(place(), errno);
    }
    auto stream = std::make_unique<SocketStream>(std::move(socket), timeout);
    if (Status connected = stream->connected(); !connected) {
        return std::unexpected(std::move(connected).error().in(place()));
    }
    return stream;
}

}  // namespace ratls
