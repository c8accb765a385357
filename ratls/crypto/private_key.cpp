#include "ratls/crypto/private_key.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/x509_crt.h>

#include <cstring>

#include "ratls/codec/der.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/private_key_impl.h"
#include "ratls/crypto/random.h"

namespace ratls {
namespace {

std::unexpected<Error> mbedtls_failure(std::string where, int status) {
    char text[128] = "";
    mbedtls_strerror(status, text, sizeof text);
    return fail(Code::internal, std::move(where), text);
}

Result<PublicKey> public_of(const mbedtls_pk_context& pk) {
    std::array<std::uint8_t, 256> buffer{};
    const int size = mbedtls_pk_write_pubkey_der(&pk, buffer.data(), buffer.size());
    if (size <= 0) {
        return fail(Code::unsupported, "private key", "P-256 or P-384 wanted");
    }
    return PublicKey::from_spki(ByteView(buffer).last(static_cast<std::size_t>(size)));
}

Bytes encode_oid(std::string_view dotted) {
    mbedtls_asn1_buf oid{};
    if (mbedtls_oid_from_numeric_string(&oid, dotted.data(), dotted.size()) != 0) {
        return {};
    }
    Bytes out(oid.p, oid.p + oid.len);
    mbedtls_free(oid.p);
    return out;
}

std::string x509_time(UnixTime time) {  // "20250515212154"
    std::string out;
    for (const char c : format_rfc3339(time)) {
        if (c >= '0' && c <= '9') {
            out += c;
        }
    }
    return out;
}

/// Sets all fields of a certificate; gives the first status of mbedTLS that is not 0.
class CertificateBuilder {
  public:
    explicit CertificateBuilder(const PrivateKey& key) : key_(key) {
        mbedtls_x509write_crt_init(&crt_);
    }
    ~CertificateBuilder() { mbedtls_x509write_crt_free(&crt_); }
    CertificateBuilder(const CertificateBuilder&) = delete;
    CertificateBuilder& operator=(const CertificateBuilder&) = delete;

    Result<Bytes> build(const SelfSignedRequest& request) {
        mbedtls_x509write_crt_set_version(&crt_, MBEDTLS_X509_CRT_VERSION_3);
        mbedtls_x509write_crt_set_md_alg(&crt_, key_.public_key().kind() == KeyKind::p384
                                                    ? MBEDTLS_MD_SHA384
                                                    : MBEDTLS_MD_SHA256);
        mbedtls_x509write_crt_set_subject_key(&crt_, &key_.impl().pk);
        mbedtls_x509write_crt_set_issuer_key(&crt_, &key_.impl().pk);
        auto serial = random_array<16>();
        serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);
        const std::string name = "CN=" + escape(request.common_name);
        const std::string from = x509_time(request.not_before);
        const std::string to = x509_time(request.not_after);
        step(mbedtls_x509write_crt_set_serial_raw(&crt_, serial.data(), serial.size()));
        step(mbedtls_x509write_crt_set_subject_name(&crt_, name.c_str()));
        step(mbedtls_x509write_crt_set_issuer_name(&crt_, name.c_str()));
        step(mbedtls_x509write_crt_set_validity(&crt_, from.c_str(), to.c_str()));
        set_not_a_ca();
        step(mbedtls_x509write_crt_set_key_usage(&crt_, MBEDTLS_X509_KU_DIGITAL_SIGNATURE));
        set_extended_key_usage();
        set_names(request);
        if (!request.extension_oid.empty()) {
            const Bytes oid = encode_oid(request.extension_oid);
            step(mbedtls_x509write_crt_set_extension(
                &crt_, reinterpret_cast<const char*>(oid.data()), oid.size(), 0,
                request.extension_value.data(), request.extension_value.size()));
        }
        if (status_ != 0) {
            return mbedtls_failure("certificate", status_);
        }
        std::size_t room = 4096 + request.extension_value.size();
        for (const std::string& dns : request.dns_names) {
            room += dns.size() + 4;
        }
        Bytes buffer(room);
        const int size =
            mbedtls_x509write_crt_der(&crt_, buffer.data(), buffer.size(), mbedtls_random, nullptr);
        if (size <= 0) {
            return mbedtls_failure("certificate", size);
        }
        buffer.erase(buffer.begin(), buffer.end() - size);  // it is written at the end
        return buffer;
    }

  private:
    void step(int status) { status_ = status_ != 0 ? status_ : status; }

    /// What has a meaning of its own in the text form of a name (RFC 4514, section 2.4).
    static std::string escape(std::string_view name) {
        std::string out;
        for (std::size_t i = 0; i < name.size(); ++i) {
            const bool edge = i == 0 || i + 1 == name.size();
            if (std::string_view(",+\"\\<>;=#").find(name[i]) != std::string_view::npos ||
                (name[i] == ' ' && edge)) {
                out += '\\';
            }
            out += name[i];
        }
        return out;
    }

    /// CA:FALSE, critical; mbedTLS's own setter makes it critical for a CA only.
    void set_not_a_ca() {
        const Bytes value = der::encode(der::kSequence, {});
        step(mbedtls_x509write_crt_set_extension(&crt_, MBEDTLS_OID_BASIC_CONSTRAINTS,
                                                 MBEDTLS_OID_SIZE(MBEDTLS_OID_BASIC_CONSTRAINTS), 1,
                                                 value.data(), value.size()));
    }

    void set_extended_key_usage() {
        static constexpr std::string_view kServerAuth = "\x2b\x06\x01\x05\x05\x07\x03\x01";
        static constexpr std::string_view kClientAuth = "\x2b\x06\x01\x05\x05\x07\x03\x02";
        mbedtls_asn1_sequence client{};
        mbedtls_asn1_sequence server{};
        const auto fill = [](mbedtls_asn1_sequence& item, std::string_view oid) {
            item.buf.tag = MBEDTLS_ASN1_OID;
            // Only read by the writer.
            item.buf.p = const_cast<std::uint8_t*>(as_bytes(oid).data());
            item.buf.len = oid.size();
        };
        fill(server, kServerAuth);
        fill(client, kClientAuth);
        server.next = &client;
        step(mbedtls_x509write_crt_set_ext_key_usage(&crt_, &server));
    }

    void set_names(const SelfSignedRequest& request) {
        Bytes names;
        for (const std::string& dns : request.dns_names) {
            append(names, der::encode(0x82, as_bytes(dns)));
        }
        for (const Bytes& ip : request.ip_addresses) {
            append(names, der::encode(0x87, ip));
        }
        if (names.empty()) {
            return;
        }
        const Bytes value = der::encode(der::kSequence, names);
        step(mbedtls_x509write_crt_set_extension(&crt_, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                                 MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                                 value.data(), value.size()));
    }

    const PrivateKey& key_;
    mbedtls_x509write_cert crt_;
    int status_ = 0;
};

}  // namespace

int mbedtls_random(void* /*unused*/, unsigned char* out, std::size_t size) {
    random_bytes({out, size});
    return 0;
}

PrivateKey::PrivateKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

Result<PrivateKey> PrivateKey::generate(KeyKind kind) {
    if (kind == KeyKind::rsa) {
        return fail(Code::usage, "private key", "P-256 or P-384 wanted");
    }
    auto impl = std::make_unique<Impl>();
    int status = mbedtls_pk_setup(&impl->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (status == 0) {
        status = mbedtls_ecp_gen_key(
            kind == KeyKind::p256 ? MBEDTLS_ECP_DP_SECP256R1 : MBEDTLS_ECP_DP_SECP384R1,
            mbedtls_pk_ec(impl->pk), mbedtls_random, nullptr);
    }
    if (status != 0) {
        return mbedtls_failure("private key", status);
    }
    RATLS_TRY(impl->public_key, public_of(impl->pk));
    return PrivateKey(std::move(impl));
}

Result<PrivateKey> PrivateKey::parse(ByteView file) {
    auto impl = std::make_unique<Impl>();
    Secret text(file.size() + 1);  // mbedTLS wants PEM with its final NUL
    std::ranges::copy(file, text.writable().begin());
    const std::size_t size = looks_like_pem(file) ? file.size() + 1 : file.size();
    if (mbedtls_pk_parse_key(&impl->pk, text.reveal().data(), size, nullptr, 0, mbedtls_random,
                             nullptr) != 0) {
        return fail(Code::malformed, "private key", "no key in SEC1 or PKCS#8 form, PEM or DER");
    }
    if (mbedtls_pk_can_do(&impl->pk, MBEDTLS_PK_ECKEY) == 0) {
        return fail(Code::unsupported, "private key", "P-256 or P-384 wanted");
    }
    RATLS_TRY(impl->public_key, public_of(impl->pk));
    return PrivateKey(std::move(impl));
}

const PublicKey& PrivateKey::public_key() const {
    return *impl_->public_key;
}

Result<Secret> PrivateKey::pem() const {
    Secret buffer(1024);
    const int status =
        mbedtls_pk_write_key_pem(&impl_->pk, buffer.writable().data(), buffer.writable().size());
    if (status != 0) {
        return mbedtls_failure("private key", status);
    }
    const std::size_t size = std::strlen(as_text(buffer.reveal()).data());
    Secret out(size);
    std::ranges::copy(buffer.reveal().first(size), out.writable().begin());
    return out;
}

Result<Bytes> PrivateKey::sign_ecdsa(HashAlg alg, ByteView message) const {
    if (alg == HashAlg::sha1) {
        return fail(Code::usage, "private key", "nothing is signed over SHA-1");
    }
    const Digest digest = hash(alg, message);
    std::array<std::uint8_t, 160> signature{};
    std::size_t size = 0;
    const mbedtls_md_type_t md = alg == HashAlg::sha384   ? MBEDTLS_MD_SHA384
                                 : alg == HashAlg::sha512 ? MBEDTLS_MD_SHA512
                                                          : MBEDTLS_MD_SHA256;
    const int status =
        mbedtls_pk_sign(&impl_->pk, md, digest.view().data(), digest.size(), signature.data(),
                        signature.size(), &size, mbedtls_random, nullptr);
    if (status != 0) {
        return mbedtls_failure("private key", status);
    }
    RATLS_TRY(const EcdsaSignature parts, parse_ecdsa_der(ByteView(signature).first(size)));
    const std::size_t width = coordinate_size(public_key().kind());
    Bytes out(2 * width);
    const auto place = [&](ByteView number, std::size_t end) {
        while (number.size() > width) {
            number = number.subspan(1);  // the zero that keeps a DER integer positive
        }
        std::ranges::copy(number, out.begin() + static_cast<std::ptrdiff_t>(end - number.size()));
    };
    place(parts.r, width);
    place(parts.s, 2 * width);
    return out;
}

Result<Bytes> write_self_signed(const SelfSignedRequest& request, const PrivateKey& key) {
    constexpr UnixTime kLastTime = 253402300799;  // 9999-12-31T23:59:59Z
    const auto refuse = [](const char* field, const char* what) {
        return fail(Code::usage, std::string("certificate: ") + field, what);
    };
    const std::string& name = request.common_name;
    if (name.empty() || name.size() > 64 || name.find('\0') != std::string::npos) {
        return refuse("common name", "1 to 64 characters wanted");
    }
    if (request.not_before < 0 || request.not_after < request.not_before ||
        request.not_after > kLastTime) {
        return refuse("validity", "a time from 1970 to 9999 and a later one wanted");
    }
    for (const Bytes& address : request.ip_addresses) {
        if (address.size() != 4 && address.size() != 16) {
            return refuse("address", "4 or 16 bytes wanted");
        }
    }
    if (!request.extension_oid.empty() && encode_oid(request.extension_oid).empty()) {
        return refuse("extension", "a dotted object identifier wanted");
    }
    return CertificateBuilder(key).build(request);
}

}  // namespace ratls
