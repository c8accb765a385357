// One TLS 1.3 connection over a socket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ratls/crypto/hash.h"
#include "ratls/tls/socket.h"

namespace ratls {

/// The protocol inside is HTTP/1.1 with both. Source: the profile, section 1.
inline constexpr std::string_view kAlpnRatls = "ratls-vm/1";
inline constexpr std::string_view kAlpnHttp = "http/1.1";

/// What a step that does not wait came to.
struct Progress {
    short wait = 0;         ///< 0: done; else wait for these poll events and repeat the step
    std::size_t bytes = 0;  ///< read or written; 0 when done reading: the peer ended in order
};

/// A TLS 1.3 connection after its handshake: no resumption, no early data, no pre-shared keys. One
/// thread at a time. After a failure only `close` and the destructor make sense.
class TlsConnection {
  public:
    TlsConnection(TlsConnection&&) noexcept;
    TlsConnection& operator=(TlsConnection&&) noexcept;
    /// Closes the socket, without telling the peer: see `close`.
    ~TlsConnection();

    /// At least one byte, or 0 if the peer closed the connection in an orderly way (close_notify).
    /// An end without that, which anybody on the way can cause, is an error.
    Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline);
    /// All bytes, or an error.
    Status write(ByteView bytes, Deadline deadline);

    /// The same without waiting. A write that has to wait must be repeated with the same bytes.
    Result<Progress> try_read(std::span<std::uint8_t> into);
    Result<Progress> try_write(ByteView bytes);

    /// TLS-Exporter("EXPORTER-ratls-vm", context = nonce, 32). Source: RFC 8446, section 7.5; the
    /// profile, section 1.
    Result<std::array<std::uint8_t, 32>> exporter(ByteView nonce) const;
    /// SHA-256 of the SubjectPublicKeyInfo of the server's leaf on this connection, on both sides.
    const Sha256Digest& leaf_spki_sha256() const;
    /// The server's chain as sent on this connection, leaf first.
    const std::vector<Bytes>& server_chain() const;
    /// What was agreed on; empty if the client offered nothing.
    const std::string& alpn() const;

    /// Decrypted bytes are waiting: `read` gives them without the socket becoming ready.
    bool has_buffered() const;
    int fd() const;
    /// Tells the peer that nothing more comes, as far as that is possible without waiting.
    void end_writing();
    /// `end_writing`, and closes.
    void close();

    struct Impl;
    explicit TlsConnection(std::unique_ptr<Impl> impl);

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace ratls
