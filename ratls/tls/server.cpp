#include "ratls/tls/server.h"

#include "ratls/crypto/private_key_impl.h"
#include "ratls/tls/connection_impl.h"

namespace ratls {
namespace {

/// Called when the ClientHello has been read, so that ALPN is known. Source: the profile,
/// section 1.
int choose_certificate(mbedtls_ssl_context* ssl) {
    auto& impl = *static_cast<TlsConnection::Impl*>(mbedtls_ssl_get_user_data_p(ssl));
    const char* alpn = mbedtls_ssl_get_alpn_protocol(ssl);
    const bool native = alpn != nullptr && alpn == kAlpnRatls;
    ServedChain& chain = native || !impl.for_others.identity ? impl.native : impl.for_others;
    impl.remember_server(chain.crt);
    return mbedtls_ssl_set_hs_own_cert(ssl, &chain.crt, &chain.identity->key.impl().pk);
}

}  // namespace

TlsAcceptor::TlsAcceptor(std::unique_ptr<TlsConnection::Impl> impl) : impl_(std::move(impl)) {}
TlsAcceptor::TlsAcceptor(TlsAcceptor&&) noexcept = default;
TlsAcceptor& TlsAcceptor::operator=(TlsAcceptor&&) noexcept = default;
TlsAcceptor::~TlsAcceptor() = default;

Result<TlsAcceptor> TlsAcceptor::start(Descriptor socket,
                                       const std::shared_ptr<const ServerIdentity>& identity) {
    auto impl = std::make_unique<TlsConnection::Impl>();
    RATLS_CHECK(impl->native.load(identity));
    if (identity->for_others) {
        RATLS_CHECK(impl->for_others.load(identity->for_others));
    }
    RATLS_CHECK(impl->prepare(TlsConnection::Impl::Role::server, std::move(socket),
                              {std::string(kAlpnRatls), std::string(kAlpnHttp)}));
    mbedtls_ssl_conf_authmode(&impl->config, MBEDTLS_SSL_VERIFY_NONE);  // clients show none
    mbedtls_ssl_set_user_data_p(&impl->ssl, impl.get());
    mbedtls_ssl_conf_cert_cb(&impl->config, choose_certificate);
    return TlsAcceptor(std::move(impl));
}

Result<Progress> TlsAcceptor::step() {
    return impl_->step();
}

TlsConnection TlsAcceptor::take() {
    return TlsConnection(std::move(impl_));
}

int TlsAcceptor::fd() const {
    return impl_->socket.get();
}

Result<TlsConnection> accept_tls(Descriptor socket,
                                 const std::shared_ptr<const ServerIdentity>& identity,
                                 Deadline deadline) {
    RATLS_TRY(TlsAcceptor acceptor, TlsAcceptor::start(std::move(socket), identity));
    RATLS_TRY(const Progress done, drive(acceptor.fd(), deadline, [&] { return acceptor.step(); }));
    static_cast<void>(done);
    return acceptor.take();
}

}  // namespace ratls
