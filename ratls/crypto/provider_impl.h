// What a provider of cryptography does for hash.cpp and public_key.cpp, which check all that can be
// checked without it. Implemented in mbedtls/ and in libcrypto/; one of them is built.
#pragma once

#include <memory>
#include <span>

#include "ratls/crypto/hash.h"
#include "ratls/crypto/public_key.h"

namespace ratls::provider {

/// A hash in progress: nothing beside these bytes, so that a copy of them continues on its own.
using HashState = std::span<std::byte, kHashStateSize>;

void hash_start(HashAlg alg, HashState state);
void hash_update(HashAlg alg, HashState state, ByteView bytes);
/// `out` has the size of the digest.
void hash_finish(HashAlg alg, HashState state, std::span<std::uint8_t> out);

/// A key that is ready to verify. Calls may come from several threads.
class EcKey {
  public:
    virtual ~EcKey() = default;
    /// ECDSA. `r` and `s` begin with no zero, are not empty and not longer than a coordinate;
    /// whether they are below n is checked here.
    virtual bool verify(const Digest& digest, ByteView r, ByteView s) const = 0;
};

class RsaKey {
  public:
    virtual ~RsaKey() = default;
    /// `signature` is as long as the modulus.
    virtual bool verify_pkcs1(HashAlg alg, const Digest& digest, ByteView signature) const = 0;
    /// The same; MGF1 uses the same hash, and a `salt_size` below 0 stands for any.
    virtual bool verify_pss(HashAlg alg, const Digest& digest, int salt_size,
                            ByteView signature) const = 0;
};

/// `point` is uncompressed, 04 x y. Nothing if it is not on the curve.
std::unique_ptr<const EcKey> make_ec_key(KeyKind curve, ByteView point);
/// Numbers without zeros in front, in the bounds of `PublicKey`. Nothing if they are no RSA key.
std::unique_ptr<const RsaKey> make_rsa_key(ByteView modulus, ByteView exponent);

}  // namespace ratls::provider
