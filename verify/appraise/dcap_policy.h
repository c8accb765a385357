// What a policy says about Intel platforms, trust domains and enclaves.
#pragma once

#include <optional>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/evidence/dcap/collateral.h"

namespace ratls::verify {

/// The platform below SGX and TDX. Field for field the member "intel" of docs/policy.md.
struct IntelPolicy {
    std::vector<dcap::TcbStatus> accepted_tcb_statuses = {dcap::TcbStatus::up_to_date};
    std::vector<std::string> denied_advisories;  ///< "INTEL-SA-00960"
    std::optional<UnixTime> min_tcb_date;
    std::uint64_t min_evaluation_number = 0;
    /// Days for which a platform that fell out of date is still taken as it was before.
    std::int64_t out_of_date_grace_days = 0;
    std::vector<Bytes> fmspcs;        ///< 6 bytes each; any if empty
    std::vector<Bytes> platform_ids;  ///< platform instance ids or PPIDs, 16 bytes; any if empty
};

/// Bits of TDATTRIBUTES. Source: Intel TDX Module ABI, TD_PARAMS, ATTRIBUTES.
namespace td_attribute {
inline constexpr unsigned kDebug = 0;
inline constexpr unsigned kLass = 27;
inline constexpr unsigned kSeptVeDisable = 28;
inline constexpr unsigned kMigratable = 29;
inline constexpr unsigned kPks = 30;
inline constexpr unsigned kKeyLocker = 31;
inline constexpr unsigned kPerfmon = 63;
/// What the module of today defines; another bit may mean anything.
inline constexpr std::uint64_t kKnown =
    std::uint64_t{1} << kDebug | std::uint64_t{1} << kLass | std::uint64_t{1} << kSeptVeDisable |
    std::uint64_t{1} << kMigratable | std::uint64_t{1} << kPks | std::uint64_t{1} << kKeyLocker |
    std::uint64_t{1} << kPerfmon;
}  // namespace td_attribute

/// The member "tdx".
struct TdxPolicy {
    bool allow_debug = false;
    bool allow_migratable = false;
    bool allow_unknown_attributes = false;         ///< all of them
    std::vector<std::int64_t> allowed_attributes;  ///< bits of TDATTRIBUTES without a name here
    std::vector<unsigned> required_attributes;     ///< bits of TDATTRIBUTES
    std::vector<unsigned> forbidden_attributes;    ///< besides debug and migratable
    std::vector<Bytes> xfam;                       ///< 8 bytes as in the report; any if empty
    std::vector<Bytes> mr_seam;                    ///< 48 bytes each; any if empty
    std::vector<Bytes> mr_signer_seam;             ///< 48 bytes each; Intel's (zeros) if empty
    std::vector<Bytes> service_tds;                ///< MRSERVICETD; none (zeros) if empty
    std::optional<Bytes> min_tee_tcb_svn;          ///< 16 components
};

/// Bits of ATTRIBUTES. Source: Intel SDM vol. 3D, 38.7.1.
namespace enclave_attribute {
inline constexpr unsigned kInit = 0;
inline constexpr unsigned kDebug = 1;
inline constexpr unsigned kMode64 = 2;
inline constexpr unsigned kProvisionKey = 4;
inline constexpr unsigned kEinitTokenKey = 5;
inline constexpr unsigned kCet = 6;
inline constexpr unsigned kKss = 7;
inline constexpr unsigned kAexNotify = 10;
inline constexpr std::uint64_t kKnown = 1U << kInit | 1U << kDebug | 1U << kMode64 |
                                        1U << kProvisionKey | 1U << kEinitTokenKey | 1U << kCet |
                                        1U << kKss | 1U << kAexNotify;
}  // namespace enclave_attribute

/// The member "sgx".
struct SgxPolicy {
    bool allow_debug = false;
    bool allow_provision_key = false;
    std::vector<std::int64_t>
        allowed_attributes;                  ///< bits 0 to 63 of ATTRIBUTES, not defined today
    std::vector<Bytes> mr_enclaves;          ///< 32 bytes each; any if empty
    std::vector<Bytes> mr_signers;           ///< 32 bytes each; any if empty
    std::vector<std::int64_t> isv_prod_ids;  ///< any if empty
    unsigned min_isv_svn = 0;
};

void read_intel_policy(const Json& json, IntelPolicy& out, JsonReader& parent);
void read_tdx_policy(const Json& json, TdxPolicy& out, JsonReader& parent);
void read_sgx_policy(const Json& json, SgxPolicy& out, JsonReader& parent);
Json intel_policy_json(const IntelPolicy& policy);
Json tdx_policy_json(const TdxPolicy& policy);
Json sgx_policy_json(const SgxPolicy& policy);

/// "sept_ve_disable", ...; "bit 5" for one without a name.
std::string td_attribute_name(unsigned bit);

}  // namespace ratls::verify
