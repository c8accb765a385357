// The client's side of a TLS connection: nothing is sent to a peer that the verifier did not
// accept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ratls/tls/connection.h"

namespace ratls {

/// Judges the chain as the peer sent it, leaf first. It runs inside the handshake, and what it
/// fails with is what `connect_tls` fails with.
using PeerVerifier = std::function<Status(std::span<const Bytes> chain_der)>;

struct ClientOptions {
    std::string server_name;  ///< SNI; not sent if empty or an address
    std::vector<std::string> alpn = {std::string(kAlpnRatls)};
    PeerVerifier verifier;  ///< the only gate: no certificate authority is trusted otherwise
};

/// Connects and shakes hands. `verifier` is called exactly once; without its yes there is no
/// connection. That the peer holds the leaf's key is checked by TLS, as is that the leaf's key
/// usage allows a server.
///
/// Fails with the verifier's error, with `Code::unavailable` if the endpoint does not answer or
/// breaks off, `Code::unsupported` if it does not take TLS 1.3 or none of the ALPN names, and
/// `Code::malformed` if what it speaks is not TLS.
Result<TlsConnection> connect_tls(const Endpoint& endpoint, const ClientOptions& options,
                                  Deadline deadline);

}  // namespace ratls
