#include "ratls/crypto/public_key.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/rsa.h>

#include <bit>

#include "ratls/codec/der.h"

namespace ratls {
namespace {

constexpr std::array<std::uint8_t, 7> kOidEcPublicKey = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<std::uint8_t, 8> kOidP256 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> kOidP384 = {0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::array<std::uint8_t, 9> kOidRsa = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                 0x0d, 0x01, 0x01, 0x01};
constexpr std::size_t kMinRsaBits = 2048;
constexpr std::size_t kMaxRsaBits = 4096;

std::unexpected<Error> bad_key(std::string what) {
    return fail(Code::malformed, "public key", std::move(what));
}

std::unexpected<Error> bad_signature() {
    return fail(Code::untrusted, "signature", "does not verify under the key");
}

ByteView strip_zeros(ByteView number) {
    while (!number.empty() && number[0] == 0) {
        number = number.subspan(1);
    }
    return number;
}

mbedtls_md_type_t md_type(HashAlg alg) {
    switch (alg) {
        case HashAlg::sha1:
            return MBEDTLS_MD_SHA1;
        case HashAlg::sha256:
            return MBEDTLS_MD_SHA256;
        case HashAlg::sha384:
            return MBEDTLS_MD_SHA384;
        case HashAlg::sha512:
            return MBEDTLS_MD_SHA512;
    }
    return MBEDTLS_MD_NONE;
}

struct Mpi {
    Mpi() { mbedtls_mpi_init(&value); }
    ~Mpi() { mbedtls_mpi_free(&value); }
    Mpi(const Mpi&) = delete;
    Mpi& operator=(const Mpi&) = delete;
    mbedtls_mpi value;
};

}  // namespace

struct PublicKey::Impl {
    Impl() {
        mbedtls_ecp_group_init(&group);
        mbedtls_ecp_point_init(&point);
        mbedtls_rsa_init(&rsa);
    }
    ~Impl() {
        mbedtls_ecp_group_free(&group);
        mbedtls_ecp_point_free(&point);
        mbedtls_rsa_free(&rsa);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    KeyKind kind = KeyKind::rsa;
    unsigned bits = 0;
    Bytes spki;
    Sha256Digest spki_sha256{};
    // mbedTLS takes them by non-const pointer also where it only reads; it locks what it changes.
    mutable mbedtls_ecp_group group;
    mutable mbedtls_ecp_point point;
    mutable mbedtls_rsa_context rsa;
};

std::string_view key_kind_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return "RSA";
        case KeyKind::p256:
            return "P-256";
        case KeyKind::p384:
            return "P-384";
    }
    return "";
}

std::size_t coordinate_size(KeyKind kind) {
    return kind == KeyKind::p256 ? 32 : 48;
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
    der::Parser outer(der, "public key");
    der::Parser info = outer.sequence("SubjectPublicKeyInfo");
    der::Parser algorithm = info.sequence("algorithm");
    const ByteView oid = algorithm.element(der::kOid, "algorithm");
    const bool is_rsa = equal(oid, kOidRsa);
    ByteView curve;
    if (is_rsa) {
        if (!algorithm.element(der::kNull, "parameters").empty()) {
            algorithm.fail("parameters", "an empty NULL wanted");
        }
    } else if (equal(oid, kOidEcPublicKey)) {
        curve = algorithm.element(der::kOid, "namedCurve");
    } else if (algorithm.ok()) {
        return fail(Code::unsupported, "public key", "neither RSA nor a named elliptic curve");
    }
    ByteView bits = info.element(der::kBitString, "subjectPublicKey");
    info.absorb(algorithm);
    outer.absorb(info);
    RATLS_CHECK(outer.finish());
    if (bits.empty() || bits[0] != 0) {
        return bad_key("a bit string of whole bytes wanted");
    }
    bits = bits.subspan(1);
    if (is_rsa) {
        der::Parser key_outer(bits, "public key");
        der::Parser key = key_outer.sequence("RSAPublicKey");
        const ByteView modulus = key.element(der::kInteger, "modulus");
        const std::uint64_t exponent = key.uint("publicExponent");
        key_outer.absorb(key);
        RATLS_CHECK(key_outer.finish());
        if (modulus.size() < 2 || (modulus[0] & 0x80) != 0 ||
            (modulus[0] == 0 && (modulus[1] & 0x80) == 0)) {
            return bad_key("a positive modulus in its shortest form wanted");
        }
        return from_rsa(modulus, exponent);
    }
    KeyKind kind = KeyKind::p256;
    if (equal(curve, kOidP384)) {
        kind = KeyKind::p384;
    } else if (!equal(curve, kOidP256)) {
        return fail(Code::unsupported, "public key", "a curve other than P-256 and P-384");
    }
    const std::size_t size = coordinate_size(kind);
    if (bits.size() != 1 + 2 * size || bits[0] != 4) {
        return bad_key("an uncompressed point wanted");
    }
    return from_point(kind, bits.subspan(1, size), bits.subspan(1 + size, size));
}

Result<PublicKey> PublicKey::from_point(KeyKind kind, ByteView x, ByteView y) {
    if (kind == KeyKind::rsa) {
        return bad_key("an elliptic curve wanted");
    }
    const std::size_t size = coordinate_size(kind);
    x = strip_zeros(x);
    y = strip_zeros(y);
    if (x.size() > size || y.size() > size) {
        return bad_key("a coordinate is too long");
    }
    Bytes point(1 + 2 * size);
    point[0] = 4;
    std::ranges::copy(x, point.begin() + static_cast<std::ptrdiff_t>(1 + size - x.size()));
    std::ranges::copy(y, point.begin() + static_cast<std::ptrdiff_t>(1 + 2 * size - y.size()));
    auto impl = std::make_shared<Impl>();
    if (mbedtls_ecp_group_load(&impl->group, kind == KeyKind::p256
                                                 ? MBEDTLS_ECP_DP_SECP256R1
                                                 : MBEDTLS_ECP_DP_SECP384R1) != 0 ||
        mbedtls_ecp_point_read_binary(&impl->group, &impl->point, point.data(), point.size()) !=
            0 ||
        mbedtls_ecp_check_pubkey(&impl->group, &impl->point) != 0) {
        return bad_key("the point is not on its curve");
    }
    impl->kind = kind;
    impl->bits = kind == KeyKind::p256 ? 256 : 384;
    const ByteView curve = kind == KeyKind::p256 ? ByteView(kOidP256) : ByteView(kOidP384);
    Bytes algorithm = der::encode(der::kOid, kOidEcPublicKey);
    append(algorithm, der::encode(der::kOid, curve));
    Bytes info = der::encode(der::kSequence, algorithm);
    point.insert(point.begin(), 0);
    append(info, der::encode(der::kBitString, point));
    impl->spki = der::encode(der::kSequence, info);
    impl->spki_sha256 = sha256(impl->spki);
    return PublicKey(std::move(impl));
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, std::uint64_t exponent) {
    modulus = strip_zeros(modulus);
    const std::size_t bits =
        modulus.empty()
            ? 0
            : modulus.size() * 8 - static_cast<std::size_t>(std::countl_zero(modulus[0]));
    if (bits < kMinRsaBits || bits > kMaxRsaBits) {
        return fail(Code::unsupported, "public key",
                    "RSA of 2048 to 4096 bits wanted, " + std::to_string(bits) + " found");
    }
    if ((modulus.back() & 1) == 0 || exponent < 3 || (exponent & 1) == 0 || exponent >> 32 != 0) {
        return bad_key("an odd modulus and an odd exponent from 3 to 2^32-1 wanted");
    }
    Bytes exponent_bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
        const auto byte = static_cast<std::uint8_t>(exponent >> shift);
        if (byte != 0 || !exponent_bytes.empty()) {
            exponent_bytes.push_back(byte);
        }
    }
    auto impl = std::make_shared<Impl>();
    if (mbedtls_rsa_import_raw(&impl->rsa, modulus.data(), modulus.size(), nullptr, 0, nullptr, 0,
                               nullptr, 0, exponent_bytes.data(), exponent_bytes.size()) != 0 ||
        mbedtls_rsa_complete(&impl->rsa) != 0 || mbedtls_rsa_check_pubkey(&impl->rsa) != 0) {
        return bad_key("not an RSA key");
    }
    impl->kind = KeyKind::rsa;
    impl->bits = static_cast<unsigned>(bits);
    const auto integer = [](Bytes number) {
        if ((number[0] & 0x80) != 0) {
            number.insert(number.begin(), 0);
        }
        return der::encode(der::kInteger, number);
    };
    Bytes numbers = integer(to_bytes(modulus));
    append(numbers, integer(exponent_bytes));
    Bytes key = der::encode(der::kSequence, numbers);
    key.insert(key.begin(), 0);
    Bytes algorithm = der::encode(der::kOid, kOidRsa);
    append(algorithm, der::encode(der::kNull, {}));
    Bytes info = der::encode(der::kSequence, algorithm);
    append(info, der::encode(der::kBitString, key));
    impl->spki = der::encode(der::kSequence, info);
    impl->spki_sha256 = sha256(impl->spki);
    return PublicKey(std::move(impl));
}

KeyKind PublicKey::kind() const {
    return impl_->kind;
}
unsigned PublicKey::bits() const {
    return impl_->bits;
}
const Bytes& PublicKey::spki() const {
    return impl_->spki;
}
const Sha256Digest& PublicKey::spki_sha256() const {
    return impl_->spki_sha256;
}

Status PublicKey::verify_ecdsa(HashAlg alg, ByteView message, ByteView r, ByteView s) const {
    if (kind() == KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "ECDSA by an RSA key");
    }
    r = strip_zeros(r);
    s = strip_zeros(s);
    const std::size_t size = coordinate_size(kind());
    Mpi r_number;
    Mpi s_number;
    if (r.size() > size || s.size() > size ||
        mbedtls_mpi_read_binary(&r_number.value, r.data(), r.size()) != 0 ||
        mbedtls_mpi_read_binary(&s_number.value, s.data(), s.size()) != 0) {
        return bad_signature();
    }
    const Digest digest = hash(alg, message);
    if (mbedtls_ecdsa_verify(&impl_->group, digest.view().data(), digest.size(), &impl_->point,
                             &r_number.value, &s_number.value) != 0) {
        return bad_signature();
    }
    return {};
}

Status PublicKey::verify_rsa_pkcs1(HashAlg alg, ByteView message, ByteView signature) const {
    if (kind() != KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "RSA by an elliptic curve key");
    }
    const Digest digest = hash(alg, message);
    if (signature.size() != mbedtls_rsa_get_len(&impl_->rsa) ||
        mbedtls_rsa_rsassa_pkcs1_v15_verify(&impl_->rsa, md_type(alg),
                                            static_cast<unsigned>(digest.size()),
                                            digest.view().data(), signature.data()) != 0) {
        return bad_signature();
    }
    return {};
}

Status PublicKey::verify_rsa_pss(HashAlg alg, int salt_size, ByteView message,
                                 ByteView signature) const {
    if (kind() != KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "RSA by an elliptic curve key");
    }
    const Digest digest = hash(alg, message);
    if (signature.size() != mbedtls_rsa_get_len(&impl_->rsa)) {
        return bad_signature();
    }
    if (mbedtls_rsa_rsassa_pss_verify_ext(
            &impl_->rsa, md_type(alg), static_cast<unsigned>(digest.size()), digest.view().data(),
            md_type(alg), salt_size < 0 ? MBEDTLS_RSA_SALT_LEN_ANY : salt_size,
            signature.data()) != 0) {
        return bad_signature();
    }
    return {};
}

Result<EcdsaSignature> parse_ecdsa_der(ByteView der) {
    der::Parser outer(der, "signature");
    der::Parser sequence = outer.sequence("Ecdsa-Sig-Value");
    EcdsaSignature out;
    out.r = sequence.element(der::kInteger, "r");
    out.s = sequence.element(der::kInteger, "s");
    outer.absorb(sequence);
    RATLS_CHECK(outer.finish());
    for (const ByteView number : {out.r, out.s}) {
        if (number.empty() || (number[0] & 0x80) != 0 ||
            (number.size() > 1 && number[0] == 0 && (number[1] & 0x80) == 0)) {
            return fail(Code::malformed, "signature", "positive integers in shortest form wanted");
        }
    }
    return out;
}

}  // namespace ratls
