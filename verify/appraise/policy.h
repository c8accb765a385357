// The appraisal policy: which sound evidence is good enough. Strict by default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/crypto/hash.h"
#include "verify/appraise/dcap_policy.h"
#include "verify/appraise/snp_policy.h"

namespace ratls::verify {

/// What a policy says about TPM quotes.
struct TpmPolicy {
    bool provider_trusted = false;  ///< "provider_tpm": "trusted", a named waiver
    bool allow_sha1_bank = false;
    std::uint32_t required_pcrs = 0;  ///< bit i = PCR i, in any bank
    /// Machines whose AK certificate is good enough, as the provider names them.
    struct Instance {
        std::string project_id;
        std::string zone;         ///< any if empty
        std::string instance_id;  ///< decimal; any if empty
    };
    std::vector<Instance> instances;
    bool ek_activation_required = false;  ///< "ek_activation": "required"
    std::vector<Bytes> ek_keys;           ///< SHA-256 of the SubjectPublicKeyInfo; any if empty
};

struct ImaPolicy {
    bool allow_padded_sha1 = false;
};

struct FreshnessPolicy {
    int required = 3;              ///< of live targets, 0..3
    bool required_stated = false;  ///< by a policy file, so that nothing lowers it further
    int required_for_files = 0;    ///< 0..3; a certificate in a file has 1 at most
    std::int64_t max_beacon_age_s = 8 * 86400;
    bool persistent_key_waived =
        false;  ///< "persistent_key": "waived", for clients without exporter

    /// What the command line asks for: it replaces the default of live targets, and never goes
    /// below what the policy file states.
    void ask(int least);
};

struct Policy {
    std::string name = "default";
    bool tee_required = true;                   ///< "tee": "required" or "none"
    bool unsigned_snapshot_waived = false;      ///< "unsigned_snapshot": "waived"
    bool snapshot_sequence_waived = false;      ///< "snapshot_sequence": "waived"
    std::optional<std::uint64_t> min_sequence;  ///< of the snapshot, beside the caller's memory
    std::string snapshot_name;                  ///< any if empty
    std::vector<Bytes> owner_keys;              ///< claim 15: SHA-256 of the SPKI; any if empty
    std::vector<Bytes> agent_configurations;    ///< claim 16: SHA-256 of the file; any if empty
    SnpPolicy snp;
    IntelPolicy intel;
    TdxPolicy tdx;
    SgxPolicy sgx;
    TpmPolicy tpm;
    ImaPolicy ima;
    FreshnessPolicy freshness;
    std::vector<std::string> notes;  ///< what its text says to no effect, for people
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

}  // namespace ratls::verify
