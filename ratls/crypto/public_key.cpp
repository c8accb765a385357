#include "ratls/crypto/public_key.h"

#include <bit>

#include "ratls/codec/der.h"
#include "ratls/crypto/provider_impl.h"

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

std::size_t modulus_size(unsigned bits) {
    return (bits + 7) / 8;
}

/// The size of an RSA key in bits, from a modulus without zeros in front.
Result<unsigned> check_rsa(ByteView modulus, std::uint64_t exponent) {
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
    return static_cast<unsigned>(bits);
}

/// A number that is not 0, without zeros in front.
Bytes big_endian(std::uint64_t number) {
    Bytes out;
    for (int shift = 56; shift >= 0; shift -= 8) {
        const auto byte = static_cast<std::uint8_t>(number >> shift);
        if (byte != 0 || !out.empty()) {
            out.push_back(byte);
        }
    }
    return out;
}

/// SubjectPublicKeyInfo out of the contents of its two parts.
Bytes write_spki(ByteView algorithm, ByteView bits) {
    Bytes info = der::encode(der::kSequence, algorithm);
    append(info, der::encode(der::kBitString, bits));
    return der::encode(der::kSequence, info);
}

}  // namespace

struct PublicKey::Impl {
    KeyKind kind = KeyKind::rsa;
    unsigned bits = 0;
    Bytes spki;
    Sha256Digest spki_sha256{};
    std::unique_ptr<const provider::EcKey> ec;  // one of the two
    std::unique_ptr<const provider::RsaKey> rsa;
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
        const ByteView number = strip_zeros(modulus);
        RATLS_TRY(const unsigned size, check_rsa(number, exponent));
        return make_rsa(number, exponent, size, to_bytes(der));
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
    return make_ec(kind, bits, to_bytes(der));
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
    // A bit string of whole bytes, which is an uncompressed point.
    Bytes bits(2 + 2 * size);
    bits[1] = 4;
    std::ranges::copy(x, bits.begin() + static_cast<std::ptrdiff_t>(2 + size - x.size()));
    std::ranges::copy(y, bits.begin() + static_cast<std::ptrdiff_t>(2 + 2 * size - y.size()));
    const ByteView curve = kind == KeyKind::p256 ? ByteView(kOidP256) : ByteView(kOidP384);
    Bytes algorithm = der::encode(der::kOid, kOidEcPublicKey);
    append(algorithm, der::encode(der::kOid, curve));
    return make_ec(kind, ByteView(bits).subspan(1), write_spki(algorithm, bits));
}

/// `spki` has been checked, or written here: it is in the one form that DER allows.
Result<PublicKey> PublicKey::make_ec(KeyKind kind, ByteView point, Bytes spki) {
    auto impl = std::make_shared<Impl>();
    impl->ec = provider::make_ec_key(kind, point);
    if (!impl->ec) {
        return bad_key("the point is not on its curve");
    }
    impl->kind = kind;
    impl->bits = kind == KeyKind::p256 ? 256 : 384;
    impl->spki = std::move(spki);
    impl->spki_sha256 = sha256(impl->spki);
    return PublicKey(std::move(impl));
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, std::uint64_t exponent) {
    modulus = strip_zeros(modulus);
    RATLS_TRY(const unsigned size, check_rsa(modulus, exponent));
    Bytes numbers = der::encode_uint(modulus);
    append(numbers, der::encode_uint(big_endian(exponent)));
    Bytes bits = der::encode(der::kSequence, numbers);
    bits.insert(bits.begin(), 0);
    Bytes algorithm = der::encode(der::kOid, kOidRsa);
    append(algorithm, der::encode(der::kNull, {}));
    return make_rsa(modulus, exponent, size, write_spki(algorithm, bits));
}

/// The numbers have been checked; `spki` as in `make_ec`.
Result<PublicKey> PublicKey::make_rsa(ByteView modulus, std::uint64_t exponent, unsigned bits,
                                      Bytes spki) {
    auto impl = std::make_shared<Impl>();
    impl->rsa = provider::make_rsa_key(modulus, big_endian(exponent));
    if (!impl->rsa) {
        return bad_key("not an RSA key");
    }
    impl->kind = KeyKind::rsa;
    impl->bits = bits;
    impl->spki = std::move(spki);
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
    return verify_ecdsa_digest(hash(alg, message), r, s);
}

Status PublicKey::verify_ecdsa_digest(const Digest& digest, ByteView r, ByteView s) const {
    if (kind() == KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "ECDSA by an RSA key");
    }
    r = strip_zeros(r);
    s = strip_zeros(s);
    const std::size_t size = coordinate_size(kind());
    if (r.empty() || s.empty() || r.size() > size || s.size() > size ||
        !impl_->ec->verify(digest, r, s)) {
        return bad_signature();
    }
    return {};
}

Status PublicKey::verify_rsa_pkcs1(HashAlg alg, ByteView message, ByteView signature) const {
    return verify_rsa_pkcs1_digest(alg, hash(alg, message), signature);
}

Status PublicKey::verify_rsa_pkcs1_digest(HashAlg alg, const Digest& digest,
                                          ByteView signature) const {
    if (kind() != KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "RSA by an elliptic curve key");
    }
    if (digest.size() != digest_size(alg) || signature.size() != modulus_size(bits()) ||
        !impl_->rsa->verify_pkcs1(alg, digest, signature)) {
        return bad_signature();
    }
    return {};
}

Status PublicKey::verify_rsa_pss(HashAlg alg, int salt_size, ByteView message,
                                 ByteView signature) const {
    if (kind() != KeyKind::rsa) {
        return fail(Code::mismatch, "signature", "RSA by an elliptic curve key");
    }
    if (signature.size() != modulus_size(bits()) ||
        !impl_->rsa->verify_pss(alg, hash(alg, message), salt_size, signature)) {
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
