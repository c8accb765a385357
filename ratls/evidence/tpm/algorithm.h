// Numbers of the TPM 2.0 library that quotes, keys and signatures share.
#pragma once

#include <optional>

#include "ratls/base/reader.h"
#include "ratls/crypto/hash.h"

namespace ratls::tpm {

/// TPM_ALG_ID. Source: TCG Algorithm Registry 1.34, table 3.
enum Alg : std::uint16_t {
    kRsa = 0x0001,
    kSha1 = 0x0004,
    kAes = 0x0006,
    kSha256 = 0x000b,
    kSha384 = 0x000c,
    kSha512 = 0x000d,
    kNull = 0x0010,
    kRsassa = 0x0014,
    kRsaes = 0x0015,
    kRsapss = 0x0016,
    kEcdsa = 0x0018,
    kEcdaa = 0x001a,
    kEcc = 0x0023,
    kCfb = 0x0043,
};

std::optional<HashAlg> hash_from_id(std::uint16_t id);
std::uint16_t hash_id(HashAlg alg);

/// Reads a TPMI_ALG_HASH; fails on one that we do not know.
HashAlg read_hash(Reader& r, std::string_view field);

/// Some PCRs of one bank: bit i of the mask is PCR i.
struct PcrSelection {
    HashAlg bank = HashAlg::sha256;
    std::uint32_t mask = 0;

    friend bool operator==(const PcrSelection&, const PcrSelection&) = default;
};

inline constexpr unsigned kPcrCount = 24;  ///< PC Client Platform TPM Profile, section 4.6

}  // namespace ratls::tpm
