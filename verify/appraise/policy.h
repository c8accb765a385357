// The appraisal policy: which sound evidence is good enough. Strict by default.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/crypto/hash.h"
#include "ratls/evidence/snp/report.h"
#include "verify/appraise/dcap_policy.h"

namespace ratls::verify {

/// What a policy says about SEV-SNP reports. Field for field the member "snp" of docs/policy.md.
struct SnpPolicy {
    bool allow_debug = false;
    bool allow_migration_agent = false;
    bool allow_smt = true;
    bool allow_masked_chip_id = false;
    bool allow_provisional_firmware = false;
    bool revocation_waived = false;  ///< "revocation": "waived"
    std::vector<std::int64_t> vmpl = {0};
    std::vector<snp::Line> products = {snp::Line::milan, snp::Line::genoa, snp::Line::turin};
    std::map<snp::Line, snp::Tcb> min_tcb;
    unsigned min_abi_major = 0;
    unsigned min_abi_minor = 0;
    std::vector<unsigned> required_platform_bits;  ///< positions in PLATFORM_INFO
    std::vector<Bytes> chip_ids;                   ///< any if empty
};

/// What a policy says about TPM quotes.
struct TpmPolicy {
    bool provider_trusted = false;  ///< "provider_tpm": "trusted", a named waiver
    bool allow_sha1_bank = false;
    std::uint32_t required_pcrs = 0;  ///< bit i = PCR i, in any bank
};

struct ImaPolicy {
    bool allow_padded_sha1 = false;
};

struct FreshnessPolicy {
    int required = 0;  ///< 0..3
    std::int64_t max_beacon_age_s = 8 * 86400;
    bool persistent_key_waived =
        false;  ///< "persistent_key": "waived", for clients without exporter
};

struct Policy {
    std::string name = "default";
    bool tee_required = true;               ///< "tee": "required" or "none"
    bool unsigned_snapshot_waived = false;  ///< "unsigned_snapshot": "waived"
    SnpPolicy snp;
    IntelPolicy intel;
    TdxPolicy tdx;
    SgxPolicy sgx;
    TpmPolicy tpm;
    ImaPolicy ima;
    FreshnessPolicy freshness;
};

/// A policy text: JSON with strict keys, `{"ratls_policy": 1, ...}`. What is absent has its
/// default.
Result<Policy> parse_policy(std::string_view text);

/// One of the policies that come with the program; fails with the list of names.
Result<Policy> named_policy(std::string_view name);
std::vector<std::string> policy_names();

/// The whole policy, every member written out; `parse_policy` reads it back equal.
Json policy_json(const Policy& policy);

/// SHA-256 of the canonical form: what remembered results are keyed by.
Sha256Digest policy_digest(const Policy& policy);

/// PLATFORM_INFO bits by the names that policies use: "ecc", "alias_check_complete", ...
std::optional<unsigned> platform_bit_from_name(std::string_view name);
std::string_view platform_bit_name(unsigned bit);

}  // namespace ratls::verify
