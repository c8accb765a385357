// What a policy says about SEV-SNP reports.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratls/base/time.h"
#include "ratls/codec/json.h"
#include "ratls/evidence/snp/report.h"

namespace ratls::verify {

/// Field for field the member "snp" of docs/policy.md. Bits are their positions.
struct SnpPolicy {
    bool allow_debug = false;
    bool allow_migration_agent = false;
    bool allow_smt = true;
    bool allow_cxl = false;
    bool allow_masked_chip_id = false;
    bool allow_provisional_firmware = false;
    bool require_single_socket = false;
    bool require_mem_aes_256_xts = false;
    bool require_rapl_dis = false;
    bool require_ciphertext_hiding = false;
    bool require_page_swap_disable = false;
    bool require_author_key = false;
    bool revocation_waived = false;        ///< "revocation": "waived"
    std::optional<UnixTime> min_crl_date;  ///< of the newest list; none: any, and no list needed
    unsigned min_report_version = 2;
    std::vector<std::int64_t> vmpl = {0};
    std::vector<snp::Line> products = {snp::Line::milan, snp::Line::genoa, snp::Line::turin};
    std::vector<snp::SigningKey> signing_keys = {snp::SigningKey::vcek, snp::SigningKey::vlek};
    std::vector<std::string> csp_ids;       ///< any if empty
    std::map<snp::Line, snp::Tcb> min_tcb;  ///< reported and committed
    std::map<snp::Line, snp::Tcb> min_launch_tcb;
    snp::FirmwareVersion min_firmware;  ///< committed
    unsigned min_abi_major = 0;
    unsigned min_abi_minor = 0;
    std::vector<unsigned> required_platform_bits;           ///< in PLATFORM_INFO
    std::vector<unsigned> forbidden_platform_bits;          ///< in PLATFORM_INFO
    std::vector<std::int64_t> allowed_policy_bits;          ///< from policy_bit::kFirstUnknown on
    std::vector<std::int64_t> allowed_platform_bits;        ///< from platform_bit::kFirstUnknown on
    std::vector<std::int64_t> required_launch_mitigations;  ///< in LAUNCH_MIT_VECTOR
    std::vector<std::int64_t> required_current_mitigations;  ///< in CURRENT_MIT_VECTOR
    std::vector<Bytes> chip_ids;                             ///< any if empty
    std::vector<Bytes> report_ids;                           ///< any if empty
};

/// The member "snp" of a policy, strictly; what is absent keeps its value in `out`.
void read_snp_policy(const Json& json, SnpPolicy& out, JsonReader& parent);

/// Every member written out.
Json snp_policy_json(const SnpPolicy& policy);

/// PLATFORM_INFO bits by the names that policies use: "ecc", "alias_check_complete", ...
std::optional<unsigned> platform_bit_from_name(std::string_view name);
std::string_view platform_bit_name(unsigned bit);

}  // namespace ratls::verify
