// The server's side of a TLS connection.
#pragma once

#include <memory>
#include <vector>

#include "ratls/crypto/private_key.h"
#include "ratls/tls/connection.h"

namespace ratls {

/// What a server shows. Never changed once it is in use: renewing makes a new one for new
/// connections, and those that exist keep theirs.
struct ServerIdentity {
    PrivateKey key;
    std::vector<Bytes> chain_der;  ///< leaf first; at most 16371 bytes together
    /// Shown instead to clients that do not ask for `kAlpnRatls`; may be null.
    std::shared_ptr<const ServerIdentity> for_others;
};

/// A handshake on an accepted socket, step by step. Offers `kAlpnRatls` and `kAlpnHttp`; a client
/// that offers only others is refused, one that offers none is not.
class TlsAcceptor {
  public:
    static Result<TlsAcceptor> start(Descriptor socket,
                                     const std::shared_ptr<const ServerIdentity>& identity);
    TlsAcceptor(TlsAcceptor&&) noexcept;
    TlsAcceptor& operator=(TlsAcceptor&&) noexcept;
    ~TlsAcceptor();

    /// Goes as far as it can without waiting.
    Result<Progress> step();
    /// The connection, once `step` is done.
    TlsConnection take();
    int fd() const;

  private:
    explicit TlsAcceptor(std::unique_ptr<TlsConnection::Impl> impl);
    std::unique_ptr<TlsConnection::Impl> impl_;
};

/// The whole handshake.
Result<TlsConnection> accept_tls(Descriptor socket,
                                 const std::shared_ptr<const ServerIdentity>& identity,
                                 Deadline deadline);

}  // namespace ratls
