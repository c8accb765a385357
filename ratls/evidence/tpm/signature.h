// Signatures that a TPM makes.
#pragma once

#include "ratls/crypto/public_key.h"
#include "ratls/evidence/tpm/algorithm.h"

namespace ratls::tpm {

/// A TPMT_SIGNATURE of RSASSA, RSAPSS or ECDSA; views into the input.
struct Signature {
    std::uint16_t scheme = kNull;
    HashAlg hash = HashAlg::sha256;
    ByteView first;   ///< RSA: the signature; ECDSA: r
    ByteView second;  ///< ECDSA: s
};

/// Parses a TPMT_SIGNATURE. Source: TPM 2.0 Library, Part 2, 11.3.4. Big-endian.
Result<Signature> parse_signature(ByteView in);

/// Verifies over a message. SHA-1 is refused; a PSS salt may have any length, as old TPMs use the
/// longest that fits.
Status verify_signature(const PublicKey& key, const Signature& signature, ByteView message);

}  // namespace ratls::tpm
