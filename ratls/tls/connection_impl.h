// The mbedTLS side of TlsConnection, for ratls/tls only.
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <optional>

#include "ratls/tls/client.h"
#include "ratls/tls/connection.h"
#include "ratls/tls/server.h"

namespace ratls {

/// A parsed chain together with what was parsed.
struct ServedChain {
    ServedChain() { mbedtls_x509_crt_init(&crt); }
    ~ServedChain() { mbedtls_x509_crt_free(&crt); }
    ServedChain(const ServedChain&) = delete;
    ServedChain& operator=(const ServedChain&) = delete;

    Status load(const std::shared_ptr<const ServerIdentity>& from);

    std::shared_ptr<const ServerIdentity> identity;  // crt points into its bytes
    mbedtls_x509_crt crt;
};

/// Everything of one connection; nothing of it is shared with another one but the identity, which
/// nobody changes. It stays where it is: mbedTLS keeps pointers into it.
struct TlsConnection::Impl {
    enum class Role : std::uint8_t { client, server };

    Impl();
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Configures what both roles have in common; no data moves yet.
    Status prepare(Role role, Descriptor fd, const std::vector<std::string>& alpn);
    /// A part of the handshake, as far as it goes without waiting.
    Result<Progress> step();
    void remember_server(const mbedtls_x509_crt& leaf);

    Descriptor socket;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    std::vector<std::string> alpn_names;
    std::vector<const char*> alpn_list;  // ends with null, as mbedTLS wants it
    std::string alpn;
    std::vector<Bytes> server_chain;
    Sha256Digest leaf_spki{};

    // server
    ServedChain native;
    ServedChain for_others;

    // client
    PeerVerifier verifier;
    mbedtls_x509_crt no_authorities;  // never filled
    int verifier_calls = 0;
    std::optional<Error> rejection;
};

/// Repeats a step until it is done or the deadline passed.
template <typename Step>
Result<Progress> drive(int fd, Deadline deadline, Step step) {
    for (;;) {
        RATLS_TRY(const Progress progress, step());
        if (progress.wait == 0) {
            return progress;
        }
        RATLS_TRY(const bool ready, wait_for(fd, progress.wait, deadline));
        if (!ready) {
            return fail(Code::unavailable, "tls", "no answer within the deadline");
        }
    }
}

}  // namespace ratls
