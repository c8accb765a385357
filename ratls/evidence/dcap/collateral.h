// TCB information and QE identity: what Intel says about the versions of a platform.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ratls/base/time.h"
#include "ratls/evidence/dcap/quote.h"

namespace ratls::dcap {

/// Words of Intel for the state of a TCB. `not_supported`: no level fits.
enum class TcbStatus : std::uint8_t {
    up_to_date,
    sw_hardening_needed,
    configuration_needed,
    configuration_and_sw_hardening_needed,
    out_of_date,
    out_of_date_configuration_needed,
    td_relaunch_advised,
    td_relaunch_advised_configuration_needed,
    revoked,
    not_supported,
};

/// "UpToDate", "SWHardeningNeeded", ...
std::string_view status_name(TcbStatus status);
std::optional<TcbStatus> status_from_name(std::string_view name);

/// What is said about a level.
struct LevelFacts {
    TcbStatus status = TcbStatus::not_supported;
    UnixTime date = 0;  ///< tcbDate
    std::vector<std::string> advisories;
};

/// One TCB level of a platform.
struct TcbLevel {
    std::array<std::uint8_t, 16> sgx{};  ///< component SVNs
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 16> tdx{};  ///< zeros for SGX
    LevelFacts facts;
};

/// One level of an enclave or a TDX module.
struct IsvLevel {
    std::uint16_t isv_svn = 0;
    LevelFacts facts;
};

/// Who signs the TDX module, and with which attributes.
struct ModuleIdentity {
    unsigned version = 0;  ///< of "TDX_01"; 0 for the member tdxModule
    std::array<std::uint8_t, 48> mr_signer{};
    std::array<std::uint8_t, 8> attributes{};
    std::array<std::uint8_t, 8> attributes_mask{};
    std::vector<IsvLevel> levels;  ///< highest first; none for the member tdxModule
};

/// What both kinds of documents have.
struct SignedDocument {
    Bytes signed_bytes;  ///< the exact bytes that the signature covers
    std::array<std::uint8_t, 64> signature{};
    UnixTime issue_date = 0;
    UnixTime next_update = 0;
    std::uint64_t evaluation_number = 0;  ///< tcbEvaluationDataNumber
};

struct TcbInfo : SignedDocument {
    Tee tee = Tee::sgx;
    std::array<std::uint8_t, 6> fmspc{};
    std::array<std::uint8_t, 2> pce_id{};
    std::optional<ModuleIdentity> module;  ///< always for TDX
    std::vector<ModuleIdentity> modules;
    std::vector<TcbLevel> levels;  ///< highest first
};

struct QeIdentity : SignedDocument {
    Tee tee = Tee::sgx;
    std::uint32_t misc_select = 0;
    std::uint32_t misc_select_mask = 0;
    std::array<std::uint8_t, 16> attributes{};
    std::array<std::uint8_t, 16> attributes_mask{};
    std::array<std::uint8_t, 32> mr_signer{};
    std::uint16_t isv_prod_id = 0;
    std::vector<IsvLevel> levels;  ///< highest first
};

inline constexpr std::size_t kMaxCollateralJson = std::size_t{1} << 20;

/// A response body of the provisioning certification service: {"tcbInfo": {...}, "signature": hex}.
/// Version 3 only. Form only: signature and dates are the verifier's business. A member that we do
/// not know is refused, since it may hold a condition that we would skip.
/// Source: Intel PCS API version 4, "Get TDX TCB Info", "Get SGX TCB Info".
Result<TcbInfo> parse_tcb_info(std::string_view text);

/// {"enclaveIdentity": {...}, "signature": hex}, version 2, of QE or TD_QE.
/// Source: Intel PCS API version 4, "Get SGX QE Identity", "Get TDX QE Identity".
Result<QeIdentity> parse_qe_identity(std::string_view text);

/// Which of the two a text seems to be, by its first member.
bool looks_like_tcb_info(ByteView text);
bool looks_like_qe_identity(ByteView text);

}  // namespace ratls::dcap
