// The public part of a TPM key.
#pragma once

#include <optional>

#include "ratls/crypto/public_key.h"
#include "ratls/evidence/tpm/algorithm.h"

namespace ratls::tpm {

/// TPMA_OBJECT bits. Source: TPM 2.0 Library, Part 2, 8.3.2.
namespace attribute {
inline constexpr std::uint32_t kFixedTpm = 1U << 1;
inline constexpr std::uint32_t kFixedParent = 1U << 4;
inline constexpr std::uint32_t kSensitiveDataOrigin = 1U << 5;
inline constexpr std::uint32_t kUserWithAuth = 1U << 6;
inline constexpr std::uint32_t kEncryptedDuplication = 1U << 11;
inline constexpr std::uint32_t kRestricted = 1U << 16;
inline constexpr std::uint32_t kDecrypt = 1U << 17;
inline constexpr std::uint32_t kSign = 1U << 18;
}  // namespace attribute

/// TPMT_SYM_DEF_OBJECT: what a storage key protects its children with. Numbers 0 for NULL.
struct Symmetric {
    std::uint16_t algorithm = kNull;
    std::uint16_t key_bits = 0;
    std::uint16_t mode = 0;
};

/// A TPMT_PUBLIC of an RSA or elliptic curve key.
struct PublicArea {
    HashAlg name_alg = HashAlg::sha256;
    std::uint32_t attributes = 0;
    Symmetric symmetric = {};
    std::uint16_t scheme = kNull;        ///< TPM_ALG_ID of the signing scheme
    std::optional<HashAlg> scheme_hash;  ///< none for scheme NULL
    PublicKey key;
    Bytes name;  ///< nameAlg || H(TPMT_PUBLIC)
};

/// Parses a TPMT_PUBLIC. Form only: the attributes are `check_ak_attributes`' business.
/// Source: TPM 2.0 Library, Part 2, 12.2.4 TPMT_PUBLIC. Big-endian.
Result<PublicArea> parse_public_area(ByteView in);

/// The TPMT_PUBLIC inside a TPM2B_PUBLIC, or the input if it has no such frame.
ByteView strip_tpm2b(ByteView in);

/// Why a key with this public area is no attestation key; empty if it is one: restricted signing
/// key that never left its TPM, not for decryption, with a scheme of SHA-256 or better.
/// A public area proves nothing by itself: who vouches for it is another question.
std::string ak_attribute_fault(const PublicArea& area);

}  // namespace ratls::tpm
