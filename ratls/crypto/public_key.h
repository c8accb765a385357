// Public keys and the signatures that we accept from them.
#pragma once

#include <memory>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/crypto/hash.h"

namespace ratls {

enum class KeyKind : std::uint8_t { rsa, p256, p384 };

std::string_view key_kind_name(KeyKind kind);

/// Bytes of a coordinate or scalar: 32 or 48.
std::size_t coordinate_size(KeyKind kind);

/// A public key whose form has been checked: a point on its curve, or an RSA key of 2048 to 4096
/// bits with an odd exponent from 3 to 2^32-1. Copies share the key; all members may be called from
/// several threads.
class PublicKey {
  public:
    /// From a DER SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 5480 named curves).
    static Result<PublicKey> from_spki(ByteView der);
    /// From affine coordinates, big-endian, at most `coordinate_size` bytes each.
    static Result<PublicKey> from_point(KeyKind kind, ByteView x, ByteView y);
    /// From modulus and exponent, big-endian.
    static Result<PublicKey> from_rsa(ByteView modulus, std::uint64_t exponent);

    KeyKind kind() const;
    unsigned bits() const;
    /// The DER SubjectPublicKeyInfo, in the form that this library writes.
    const Bytes& spki() const;
    /// SHA-256 of the SubjectPublicKeyInfo: what pins and roots are compared by.
    const Sha256Digest& spki_sha256() const;

    /// ECDSA with r and s as big-endian integers of any length, both from 1 to n-1.
    /// Source: FIPS 186-5, section 6.4.2. `_digest`, here and below: the message is hashed already.
    Status verify_ecdsa(HashAlg alg, ByteView message, ByteView r, ByteView s) const;
    Status verify_ecdsa_digest(const Digest& digest, ByteView r, ByteView s) const;
    /// RSASSA-PKCS1-v1_5. Source: RFC 8017, section 8.2.2.
    Status verify_rsa_pkcs1(HashAlg alg, ByteView message, ByteView signature) const;
    /// The digest must be one of this function: its size is an error else.
    Status verify_rsa_pkcs1_digest(HashAlg alg, const Digest& digest, ByteView signature) const;
    /// RSASSA-PSS, MGF1 with the same hash. `salt_size` < 0 takes a salt of any length, as
    /// old TPMs use the longest that fits. Source: RFC 8017, section 8.1.2.
    Status verify_rsa_pss(HashAlg alg, int salt_size, ByteView message, ByteView signature) const;

    struct Impl;

  private:
    static Result<PublicKey> make_ec(KeyKind kind, ByteView point, Bytes spki);
    static Result<PublicKey> make_rsa(ByteView modulus, std::uint64_t exponent, unsigned bits,
                                      Bytes spki);
    explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<const Impl> impl_;
};

/// r and s of a DER Ecdsa-Sig-Value; views into the input. Source: RFC 3279, section 2.2.3.
struct EcdsaSignature {
    ByteView r;
    ByteView s;
};
Result<EcdsaSignature> parse_ecdsa_der(ByteView der);

}  // namespace ratls
