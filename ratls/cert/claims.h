// What a VM says about itself, hashed into the TEE report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/base/time.h"
#include "ratls/crypto/hash.h"

namespace ratls::cert {

using Nonce = std::array<std::uint8_t, 32>;

inline constexpr std::size_t kMaxClaimsBytes = 8192;
inline constexpr unsigned kMaxFreshness = 3;
inline constexpr unsigned kKeyMadeAtBoot = 0;    ///< key_origin: made at this boot, held in memory
inline constexpr unsigned kKeyPersistent = 1;    ///< key_origin: outlives a boot
inline constexpr std::size_t kAkNameBytes = 34;  ///< TPM_ALG_SHA256 (000b), SHA-256 of TPMT_PUBLIC

/// Claim 4: how far the guest itself had read its IMA log, before it asked for the TEE report.
struct ImaClaim {
    std::uint64_t entries = 0;  ///< n: entries counted from the start of the log
    Sha256Digest log_sha256{};  ///< over the raw bytes of these entries
    Sha256Digest pcr10{};       ///< PCR 10 of the SHA-256 bank, replayed over these entries
    friend bool operator==(const ImaClaim&, const ImaClaim&) = default;
};

/// A document with a date that its maker signed. Evidence that contains its hash is younger.
enum class BeaconKind : std::uint8_t { pck_crl = 1, amd_crl = 2, tcb_info = 3 };

std::string_view beacon_kind_name(BeaconKind kind);

struct Beacon {
    BeaconKind kind = BeaconKind::pck_crl;
    Sha256Digest sha256{};  ///< of the document, which label 6 carries
    friend bool operator==(const Beacon&, const Beacon&) = default;
};

/// The claims-buffer, by field; the numbers are those of docs/certificate.md. Nobody should believe
/// it before a verified TEE report contains its hash.
struct Claims {
    std::optional<Nonce> nonce = {};
    Sha256Digest pubkey_sha256{};                      ///< of the DER SubjectPublicKeyInfo
    UnixTime not_before = 0;                           ///< 2
    UnixTime not_after = 0;                            ///< 2
    std::optional<Bytes> ak_name = {};                 ///< 3, kAkNameBytes
    std::optional<ImaClaim> ima = {};                  ///< 4
    std::optional<Sha256Digest> eventlog_sha256 = {};  ///< 5
    UnixTime issued_at = 0;                            ///< 6, by the guest's clock
    std::optional<Beacon> beacon = {};                 ///< 7
    std::optional<Sha256Digest> binder = {};           ///< 8, only together with a nonce
    std::vector<Sha256Digest> other_spki = {};         ///< 9, at most 16
    std::vector<std::string> service_names = {};       ///< 10, at most 64
    std::optional<Sha256Digest> snapshot_sha256 = {};  ///< 11, a hint: never selects a snapshot
    std::vector<std::string> acme_accounts = {};       ///< 12, URLs, at most 16
    unsigned max_fresh = 0;                            ///< 13, 0 to kMaxFreshness
    unsigned key_origin = kKeyMadeAtBoot;              ///< 14
    std::optional<Sha256Digest> owner_spki = {};       ///< 15
    std::optional<Sha256Digest> agent_config = {};     ///< 16
    std::vector<Sha256Digest> gpu_certificates = {};   ///< 17, at most 16
    friend bool operator==(const Claims&, const Claims&) = default;
};

/// The claims-buffer for these claims. `parse_claims` is the check that they are within their
/// ranges.
Bytes encode_claims(const Claims& claims);

/// Parses a claims-buffer. Refused: another version than 1, a missing or unknown key, an unknown
/// claim below 64 (from 64 on they are ignored), values out of range, empty lists, CBOR that is not
/// deterministic. Form only: nothing is compared with a certificate or a report.
/// Source: docs/certificate.md, "Claims".
Result<Claims> parse_claims(ByteView claims_buffer);

}  // namespace ratls::cert
