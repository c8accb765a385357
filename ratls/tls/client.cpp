#include "ratls/tls/client.h"

#include <algorithm>

#include "ratls/tls/connection_impl.h"

namespace ratls {
namespace {

/// mbedTLS calls this for each certificate of the path that it found, the leaf last, after checks
/// of its own whose outcome stands in `flags`. Those do not count: the verifier decides on the
/// chain as it was sent, and whatever it says replaces the flags of every certificate.
int judge(void* context, mbedtls_x509_crt* crt, int depth, std::uint32_t* flags) {
    auto& impl = *static_cast<TlsConnection::Impl*>(context);
    if (depth != 0) {
        *flags = 0;
        return 0;
    }
    ++impl.verifier_calls;
    impl.remember_server(*crt);
    Status verdict = impl.verifier(impl.server_chain);
    if (!verdict) {
        impl.rejection = std::move(verdict).error();
        return MBEDTLS_ERR_X509_FATAL_ERROR;
    }
    *flags = 0;
    return 0;
}

}  // namespace

Result<TlsConnection> connect_tls(const Endpoint& endpoint, const ClientOptions& options,
                                  Deadline deadline) {
    if (!options.verifier) {
        return fail(Code::usage, endpoint.text(), "a verifier wanted");
    }
    RATLS_TRY(Descriptor socket, connect_tcp(endpoint, deadline));
    auto impl = std::make_unique<TlsConnection::Impl>();
    impl->verifier = options.verifier;
    RATLS_CHECK(impl->prepare(TlsConnection::Impl::Role::client, std::move(socket), options.alpn));
    // With "required" and an empty list of authorities, mbedTLS by itself accepts nobody.
    mbedtls_ssl_conf_authmode(&impl->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&impl->config, &impl->no_authorities, nullptr);
    mbedtls_ssl_conf_verify(&impl->config, judge, impl.get());
    const bool send_name = !options.server_name.empty() && !is_ip_literal(options.server_name);
    const int status =
        mbedtls_ssl_set_hostname(&impl->ssl, send_name ? options.server_name.c_str() : nullptr);
    if (status != 0) {
        return fail(Code::usage, endpoint.text(), "the server name is too long");
    }
    const auto shaken = drive(impl->socket.get(), deadline, [&] { return impl->step(); });
    if (impl->rejection) {
        return std::unexpected(*std::move(impl->rejection));
    }
    if (!shaken) {
        return std::unexpected(Error(shaken.error()).in(endpoint.text()));
    }
    if (impl->verifier_calls != 1) {
        return fail(Code::untrusted, endpoint.text(), "the peer was not verified");
    }
    // Without a word about it, the protocol inside is HTTP/1.1.
    if (impl->alpn.empty() && !options.alpn.empty() &&
        std::ranges::find(options.alpn, kAlpnHttp) == options.alpn.end()) {
        return fail(Code::unsupported, endpoint.text(),
                    "the peer does not speak " + options.alpn.front());
    }
    return TlsConnection(std::move(impl));
}

}  // namespace ratls
