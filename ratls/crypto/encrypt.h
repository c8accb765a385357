// Encryption to somebody's public key, as credentials for a TPM need it.
#pragma once

#include "ratls/base/secret.h"
#include "ratls/crypto/public_key.h"

namespace ratls {

/// RSAES-OAEP; MGF1 with the same hash. Source: RFC 8017, section 7.1.1.
Result<Bytes> rsa_oaep_encrypt(const PublicKey& key, HashAlg alg, ByteView label,
                               const Secret& message);

/// One Diffie-Hellman agreement with a new key of our own, which is gone afterwards.
struct EphemeralAgreement {
    Bytes x, y;     ///< our public point, `coordinate_size` bytes each
    Secret shared;  ///< x of the shared point, as many bytes
};

/// Source: NIST SP 800-56A Rev. 3, 5.7.1.2 and 6.2.2.2: C(1e, 1s, ECC CDH).
Result<EphemeralAgreement> agree_with(const PublicKey& peer);

/// AES in CFB mode with 128 bits of feedback and an IV of zeros, so for one message per key only.
/// The key has 16 or 32 bytes. Source: NIST SP 800-38A, section 6.3.
Bytes aes_cfb_encrypt_once(const Secret& key, ByteView message);

}  // namespace ratls
