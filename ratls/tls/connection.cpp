#include "ratls/tls/connection.h"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <poll.h>
#include <psa/crypto.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "ratls/crypto/private_key_impl.h"
#include "ratls/tls/connection_impl.h"

namespace ratls {
namespace {

constexpr std::string_view kExporterLabel = "EXPORTER-ratls-vm";

int io_status(int would_block) {
    switch (errno) {
        case EAGAIN:
        case EINTR:
            return would_block;
        default:
            return MBEDTLS_ERR_NET_CONN_RESET;
    }
}

int send_to_socket(void* context, const unsigned char* bytes, std::size_t size) {
    const ssize_t sent =
        ::send(static_cast<const Descriptor*>(context)->get(), bytes, size, MSG_NOSIGNAL);
    return sent >= 0 ? static_cast<int>(sent) : io_status(MBEDTLS_ERR_SSL_WANT_WRITE);
}

int receive_from_socket(void* context, unsigned char* bytes, std::size_t size) {
    const ssize_t got = ::recv(static_cast<const Descriptor*>(context)->get(), bytes, size, 0);
    return got >= 0 ? static_cast<int>(got) : io_status(MBEDTLS_ERR_SSL_WANT_READ);
}

/// Once per process, before any thread gets further: TLS 1.3 of mbedTLS computes with PSA, and its
/// list of cipher suites is made by the first who asks, without a lock.
Status start_crypto() {
    static const psa_status_t status = [] {
        mbedtls_ssl_list_ciphersuites();
        return psa_crypto_init();
    }();
    if (status != PSA_SUCCESS) {
        return fail(Code::internal, "tls", "the cryptography does not start");
    }
    return {};
}

/// What mbedTLS says, in our terms. `doing`: "handshake", "read", "write".
Error tls_error(std::string_view doing, int status) {
    const std::string where = "tls: " + std::string(doing);
    switch (status) {
        case MBEDTLS_ERR_SSL_CONN_EOF:
        case MBEDTLS_ERR_NET_CONN_RESET:
            return {Code::unavailable, where, "the peer broke the connection off"};
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            return {Code::unsupported, where,
                    "the peer refused with an alert (it may not take TLS 1.3, the name or the "
                    "protocol asked for)"};
        case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
            return {Code::unsupported, where, "the peer does not take TLS 1.3 as we speak it"};
        case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
            return {Code::unsupported, where, "no protocol (ALPN) in common"};
        case MBEDTLS_ERR_SSL_INVALID_RECORD:
            return {Code::malformed, where, "what the peer speaks is not TLS 1.3"};
        case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
            return {Code::internal, where, "mbedTLS failed"};
        default: {
            char text[160] = "";
            mbedtls_strerror(status, text, sizeof text);
            return {Code::malformed, where, text};
        }
    }
}

/// Waiting is progress; everything else that is negative is an error.
Result<Progress> progress_of(std::string_view doing, int status) {
    if (status == MBEDTLS_ERR_SSL_WANT_READ) {
        return Progress{.wait = POLLIN};
    }
    if (status == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return Progress{.wait = POLLOUT};
    }
    if (status < 0) {
        return std::unexpected(tls_error(doing, status));
    }
    return Progress{.bytes = static_cast<std::size_t>(status)};
}

}  // namespace

Status ServedChain::load(const std::shared_ptr<const ServerIdentity>& from) {
    for (const Bytes& der : from->chain_der) {
        if (mbedtls_x509_crt_parse_der_nocopy(&crt, der.data(), der.size()) != 0) {
            return fail(Code::usage, "tls: identity", "a certificate cannot be read");
        }
    }
    identity = from;
    if (from->chain_der.empty()) {
        return fail(Code::usage, "tls: identity", "a certificate wanted");
    }
    RATLS_TRY(const PublicKey shown, PublicKey::from_spki(ByteView(crt.pk_raw.p, crt.pk_raw.len)));
    if (shown.spki_sha256() != from->key.public_key().spki_sha256()) {
        return fail(Code::usage, "tls: identity", "the key is not that of the first certificate");
    }
    return {};
}

TlsConnection::Impl::Impl() {
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&no_authorities);
}

TlsConnection::Impl::~Impl() {
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crt_free(&no_authorities);
}

Status TlsConnection::Impl::prepare(Role role, Descriptor fd,
                                    const std::vector<std::string>& names) {
    RATLS_CHECK(start_crypto());
    socket = std::move(fd);
    alpn_names = names;
    for (const std::string& name : alpn_names) {
        alpn_list.push_back(name.c_str());
    }
    alpn_list.push_back(nullptr);
    const int endpoint = role == Role::client ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER;
    int status = mbedtls_ssl_config_defaults(&config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&config, mbedtls_random, nullptr);
    mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
    if (status == 0 && !alpn_names.empty()) {
        status = mbedtls_ssl_conf_alpn_protocols(&config, alpn_list.data());
    }
    if (status == 0) {
        status = mbedtls_ssl_setup(&ssl, &config);
    }
    if (status != 0) {
        return fail(Code::internal, "tls: set up", tls_error("set up", status).what);
    }
    mbedtls_ssl_set_bio(&ssl, &socket, send_to_socket, receive_from_socket, nullptr);
    return {};
}

Result<Progress> TlsConnection::Impl::step() {
    RATLS_TRY(const Progress progress, progress_of("handshake", mbedtls_ssl_handshake(&ssl)));
    if (progress.wait != 0) {
        return progress;
    }
    if (mbedtls_ssl_get_version_number(&ssl) != MBEDTLS_SSL_VERSION_TLS1_3) {
        return fail(Code::unsupported, "tls: handshake", "another version than TLS 1.3");
    }
    const char* chosen = mbedtls_ssl_get_alpn_protocol(&ssl);
    alpn = chosen != nullptr ? chosen : "";
    return progress;
}

void TlsConnection::Impl::remember_server(const mbedtls_x509_crt& leaf) {
    server_chain.clear();
    for (const mbedtls_x509_crt* crt = &leaf; crt != nullptr; crt = crt->next) {
        server_chain.emplace_back(crt->raw.p, crt->raw.p + crt->raw.len);
    }
    leaf_spki = sha256(ByteView(leaf.pk_raw.p, leaf.pk_raw.len));
}

TlsConnection::TlsConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsConnection::TlsConnection(TlsConnection&&) noexcept = default;
TlsConnection& TlsConnection::operator=(TlsConnection&&) noexcept = default;
TlsConnection::~TlsConnection() = default;

Result<Progress> TlsConnection::try_read(std::span<std::uint8_t> into) {
    if (into.empty()) {
        return fail(Code::usage, "tls: read", "room for a byte wanted");
    }
    const int status = mbedtls_ssl_read(&impl_->ssl, into.data(), into.size());
    if (status == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return Progress{};
    }
    // mbedTLS gives 0 only where the socket ended without a close_notify.
    return progress_of("read", status != 0 ? status : MBEDTLS_ERR_SSL_CONN_EOF);
}

Result<Progress> TlsConnection::try_write(ByteView bytes) {
    return progress_of("write", mbedtls_ssl_write(&impl_->ssl, bytes.data(), bytes.size()));
}

Result<std::size_t> TlsConnection::read(std::span<std::uint8_t> into, Deadline deadline) {
    RATLS_TRY(const Progress progress, drive(fd(), deadline, [&] { return try_read(into); }));
    return progress.bytes;
}

Status TlsConnection::write(ByteView bytes, Deadline deadline) {
    while (!bytes.empty()) {
        RATLS_TRY(const Progress progress, drive(fd(), deadline, [&] { return try_write(bytes); }));
        bytes = bytes.subspan(progress.bytes);
    }
    return {};
}

Result<std::array<std::uint8_t, 32>> TlsConnection::exporter(ByteView nonce) const {
    std::array<std::uint8_t, 32> out{};
    const int status = mbedtls_ssl_export_keying_material(
        &impl_->ssl, out.data(), out.size(), kExporterLabel.data(), kExporterLabel.size(),
        nonce.data(), nonce.size(), 1);
    if (status != 0) {
        return std::unexpected(tls_error("exporter", status));
    }
    return out;
}

const Sha256Digest& TlsConnection::leaf_spki_sha256() const {
    return impl_->leaf_spki;
}

const std::vector<Bytes>& TlsConnection::server_chain() const {
    return impl_->server_chain;
}

const std::string& TlsConnection::alpn() const {
    return impl_->alpn;
}

bool TlsConnection::has_buffered() const {
    return mbedtls_ssl_check_pending(&impl_->ssl) != 0;
}

int TlsConnection::fd() const {
    return impl_->socket.get();
}

void TlsConnection::end_writing() {
    if (impl_->socket.get() >= 0) {
        mbedtls_ssl_close_notify(&impl_->ssl);  // one attempt: the socket does not block
        ::shutdown(impl_->socket.get(), SHUT_WR);
    }
}

void TlsConnection::close() {
    end_writing();
    impl_->socket.reset();
}

}  // namespace ratls
