// The AMD SEV-SNP attestation report.
#pragma once

#include <compare>

#include "ratls/evidence/snp/tcb.h"

namespace ratls::snp {

inline constexpr std::size_t kReportSize = 0x4a0;  ///< 1184 bytes, every version
inline constexpr std::size_t kSignedSize = 0x2a0;  ///< the bytes that the signature covers

enum class SigningKey : std::uint8_t { vcek = 0, vlek = 1 };

std::string_view signing_key_name(SigningKey key);

/// Firmware version as "major.minor.build".
struct FirmwareVersion {
    std::uint8_t major = 0;
    std::uint8_t minor = 0;
    std::uint8_t build = 0;
    std::string text() const;

    friend auto operator<=>(const FirmwareVersion&, const FirmwareVersion&) = default;
};

/// Bits of the guest policy. Source: AMD 56860 rev. 1.58, table "Guest Policy".
namespace policy_bit {
inline constexpr unsigned kSmt = 16;
inline constexpr unsigned kReservedOne = 17;
inline constexpr unsigned kMigrateMa = 18;
inline constexpr unsigned kDebug = 19;
inline constexpr unsigned kSingleSocket = 20;
inline constexpr unsigned kCxlAllow = 21;
inline constexpr unsigned kMemAes256Xts = 22;
inline constexpr unsigned kRaplDisable = 23;
inline constexpr unsigned kCiphertextHiding = 24;
inline constexpr unsigned kPageSwapDisable = 25;
inline constexpr unsigned kFirstUnknown = 26;  ///< no specification known here defines it
}  // namespace policy_bit

/// Bits of PLATFORM_INFO. Source: AMD 56860 rev. 1.58, table "ATTESTATION_REPORT".
namespace platform_bit {
inline constexpr unsigned kSmt = 0;
inline constexpr unsigned kTsme = 1;
inline constexpr unsigned kEcc = 2;
inline constexpr unsigned kRaplDisabled = 3;
inline constexpr unsigned kCiphertextHiding = 4;
inline constexpr unsigned kAliasCheckComplete = 5;
inline constexpr unsigned kTio = 7;
/// Bit 6 is reserved in the specification, yet set in the reports of Turin processors.
inline constexpr unsigned kFirstUnknown = 8;
}  // namespace platform_bit

/// ATTESTATION_REPORT, by field. Nobody should believe it before its signature is verified.
struct Report {
    std::uint32_t version = 0;
    std::uint32_t guest_svn = 0;
    std::uint64_t policy = 0;
    std::array<std::uint8_t, 16> family_id{};
    std::array<std::uint8_t, 16> image_id{};
    std::uint32_t vmpl = 0;
    RawTcb current_tcb{};
    std::uint64_t platform_info = 0;
    bool author_key_en = false;
    bool mask_chip_key = false;
    SigningKey signing_key = SigningKey::vcek;
    std::array<std::uint8_t, 64> report_data{};
    std::array<std::uint8_t, 48> measurement{};
    std::array<std::uint8_t, 32> host_data{};
    std::array<std::uint8_t, 48> id_key_digest{};
    std::array<std::uint8_t, 48> author_key_digest{};
    std::array<std::uint8_t, 32> report_id{};
    std::array<std::uint8_t, 32> report_id_ma{};
    RawTcb reported_tcb{};
    std::uint8_t cpuid_fam_id = 0;  ///< 0 in version 2
    std::uint8_t cpuid_mod_id = 0;
    std::uint8_t cpuid_step = 0;
    std::array<std::uint8_t, 64> chip_id{};
    RawTcb committed_tcb{};
    FirmwareVersion current;
    FirmwareVersion committed;
    RawTcb launch_tcb{};
    std::uint64_t launch_mit_vector = 0;                   ///< version 5, else 0
    std::uint64_t current_mit_vector = 0;                  ///< version 5, else 0
    std::array<std::uint8_t, kSignedSize> signed_bytes{};  ///< as received
    std::array<std::uint8_t, 48> signature_r{};            ///< big-endian
    std::array<std::uint8_t, 48> signature_s{};            ///< big-endian

    bool policy_bit(unsigned bit) const { return ((policy >> bit) & 1) != 0; }
    bool platform_bit(unsigned bit) const { return ((platform_info >> bit) & 1) != 0; }
    unsigned abi_minor() const { return static_cast<unsigned>(policy & 0xff); }
    unsigned abi_major() const { return static_cast<unsigned>((policy >> 8) & 0xff); }
};

/// Parses an ATTESTATION_REPORT of version 2 to 5. Form only: size, versions, and every reserved
/// byte and bit of KEY_INFO zero, since what we do not understand we do not believe. Bits of POLICY
/// and PLATFORM_INFO that AMD may define later are the appraisal's business, as all values are.
/// Source: AMD 56860 rev. 1.58, ATTESTATION_REPORT. Integers are little-endian.
Result<Report> parse_report(ByteView in);

}  // namespace ratls::snp
