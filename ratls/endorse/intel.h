// Endorsements of Intel TDX and SGX ("collateral"), from the Provisioning Certification Service
// (PCS) or a caching service (PCCS) with the same paths.
#pragma once

#include <array>
#include <optional>

#include "ratls/endorse/plan.h"
#include "ratls/evidence/dcap/quote.h"

namespace ratls::endorse {

using dcap::Tee;
enum class PckCa : std::uint8_t { platform, processor };

std::optional<Tee> tee_from_name(std::string_view name);       ///< "tdx", "sgx"
std::optional<PckCa> pck_ca_from_name(std::string_view name);  ///< "platform", "processor"

/// What the PCS must be told.
struct IntelKey {
    Tee tee = Tee::tdx;
    PckCa ca = PckCa::platform;           ///< which CA issued the PCK certificate
    std::array<std::uint8_t, 6> fmspc{};  ///< kind of platform, as in the PCK certificate
};

Result<std::array<std::uint8_t, 6>> fmspc_from_hex(std::string_view text);

/// TCB info, QE identity, both revocation lists, and the issuers' certificates. Without a server:
/// all from Intel.
/// Source: Intel SGX and TDX Provisioning Certification Service API, version 4.
Result<Plan> intel_plan(const IntelKey& key, const std::optional<std::string>& server);

}  // namespace ratls::endorse
