// A connection of bytes, real or pretended.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/platform/descriptor.h"

namespace ratls {

/// A connection with a deadline for everything on it. Calls block until then. Failures:
/// `unavailable` when the deadline is over or the other side is gone, `denied` without the
/// permission, `io` otherwise.
class Stream {
  public:
    virtual ~Stream() = default;

    /// All of it.
    virtual Status write(ByteView bytes) = 0;
    /// Fills `out`; an end before that is `unavailable`.
    virtual Status read(std::span<std::uint8_t> out) = 0;
};

/// A socket that is connected, or connecting without blocking.
class SocketStream : public Stream {
  public:
    SocketStream(Descriptor socket, std::chrono::milliseconds timeout);

    Status write(ByteView bytes) override;
    Status read(std::span<std::uint8_t> out) override;
    /// Until the connection stands, or has failed.
    Status connected();

  private:
    /// Until the socket is ready for this.
    Status ready(short events);

    Descriptor socket_;
    std::chrono::milliseconds deadline_;
};

/// Connects to a port of the host (CID 2) or of another machine below it. The timeout is for
/// everything, connecting included.
using ConnectVsock = std::function<Result<std::unique_ptr<Stream>>(
    std::uint32_t cid, std::uint32_t port, std::chrono::milliseconds timeout)>;

inline constexpr std::uint32_t kVsockHost = 2;

Result<std::unique_ptr<Stream>> connect_vsock(std::uint32_t cid, std::uint32_t port,
                                              std::chrono::milliseconds timeout);

}  // namespace ratls
