// PCK certificates: who the platform is and which security versions it runs.
#pragma once

#include <array>
#include <optional>

#include "ratls/crypto/certificate.h"

namespace ratls::dcap {

/// What the SGX extension of a PCK certificate says.
struct Pck {
    std::array<std::uint8_t, 16> ppid{};
    std::array<std::uint8_t, 16> components{};  ///< SGX TCB component SVNs 1 to 16
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 16> cpu_svn{};
    std::array<std::uint8_t, 2> pce_id{};
    std::array<std::uint8_t, 6> fmspc{};
    unsigned sgx_type = 0;  ///< 0 standard, 1 scalable, 2 scalable with integrity
    /// Certificates of the Platform CA have these.
    std::optional<std::array<std::uint8_t, 16>> platform_instance_id;
    std::optional<bool> dynamic_platform, cached_keys, smt_enabled;
};

/// "Intel SGX PCK Certificate"
bool is_pck(const Certificate& certificate);

/// Reads the extension 1.2.840.113741.1.13.1. Refused: a field twice, missing or unknown, numbers
/// that do not fit. Source: Intel SGX PCK Certificate and CRL Profile Specification, 1.3.5.
Result<Pck> parse_pck(const Certificate& certificate);

}  // namespace ratls::dcap
