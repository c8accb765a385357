// A secret that only one TPM can read, and only for one of its keys.
#pragma once

#include <string>

#include "ratls/base/secret.h"
#include "ratls/evidence/tpm/public_area.h"

namespace ratls::tpm {

/// What TPM2_MakeCredential gives.
struct Credential {
    Bytes id_object;         ///< TPM2B_ID_OBJECT
    Bytes encrypted_secret;  ///< TPM2B_ENCRYPTED_SECRET
};

/// The most that a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET take for the keys that we know:
/// two TPM2B_DIGEST of 64 bytes, and RSA with 4096 bits.
inline constexpr std::size_t kMaxIdObject = 2 + 2 + 64 + 2 + 64;
inline constexpr std::size_t kMaxEncryptedSecret = 2 + 512;

/// Why no credential can be made for a key with this public area; empty if one can: a restricted
/// decryption key that never left its TPM, and that protects with AES-128 or AES-256 in CFB mode.
/// That it is the EK of a TPM, only a certificate can say.
std::string ek_attribute_fault(const PublicArea& ek);

/// TPM2_MakeCredential in software. The TPM that holds `ek` gives the secret back only if it holds
/// a key with the name `ak_name` too (TPM2_ActivateCredential). The secret has at most as many
/// bytes as a digest of the EK's nameAlg. Fails if the EK has an `ek_attribute_fault`.
/// Source: TPM 2.0 Library, Part 1, 24 "Credential Protection", B.10.4 (RSA), C.6.4 (ECC).
Result<Credential> make_credential(const PublicArea& ek, ByteView ak_name, const Secret& secret);

}  // namespace ratls::tpm
