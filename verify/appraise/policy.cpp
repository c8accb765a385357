#include "verify/appraise/policy.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "verify/appraise/policy_reader.h"
#include "verify/appraise/snapshot.h"

namespace ratls::verify {
namespace {

TpmPolicy::Instance read_instance(JsonReader& reader) {
    TpmPolicy::Instance out;
    out.project_id = reader.required_string("project_id");
    out.zone = reader.string("zone", "");
    out.instance_id = reader.string("instance_id", "");
    if (out.project_id.empty()) {
        reader.fail("project_id", "a project wanted");
    }
    return out;
}

void read_tpm(const Json& json, TpmPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: tpm");
    out.provider_trusted = read_choice(reader, "provider_tpm", "untrusted", "trusted");
    out.allow_sha1_bank = reader.boolean("allow_sha1_bank", out.allow_sha1_bank);
    out.required_pcrs = 0;
    for (const std::int64_t index : reader.integers("required_pcrs", 0, 23)) {
        out.required_pcrs |= 1U << index;
    }
    reader.each("instances", 10'000,
                [&](JsonReader& item) { out.instances.push_back(read_instance(item)); });
    // The other way round than `read_choice`: here the default is the weaker one.
    const std::string activation = reader.string("ek_activation", "none");
    out.ek_activation_required = activation == "required";
    if (!out.ek_activation_required && activation != "none") {
        reader.fail("ek_activation",
                    "\"none\" or \"required\" wanted, " + quoted(activation) + " found");
    }
    out.ek_keys = reader.hex_list("ek_keys", 32);
    if (!out.ek_keys.empty() && !out.ek_activation_required) {
        reader.fail("ek_keys", "they count only with \"ek_activation\": \"required\"");
    }
    parent.absorb(reader);
}

void read_ima(const Json& json, ImaPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: ima");
    out.allow_padded_sha1 = reader.boolean("allow_padded_sha1", out.allow_padded_sha1);
    parent.absorb(reader);
}

/// What is said of the snapshot beside its signature.
void read_snapshot_members(JsonReader& reader, Policy& out) {
    out.snapshot_sequence_waived = read_choice(reader, "snapshot_sequence", "required", "waived");
    if (reader.member("min_sequence") != nullptr) {
        out.min_sequence =
            static_cast<std::uint64_t>(reader.integer("min_sequence", 1, 1, kMaxSequence));
    }
    if (reader.member("snapshot_name") != nullptr) {
        out.snapshot_name = reader.string("snapshot_name", "");
        if (out.snapshot_name.empty() || out.snapshot_name.size() > kMaxSnapshotName) {
            reader.fail("snapshot_name", "1 to 128 bytes wanted");
        }
    }
}

void read_freshness(const Json& json, Policy& policy, JsonReader& parent) {
    JsonReader reader(json, "policy: freshness");
    FreshnessPolicy& out = policy.freshness;
    if (reader.member("required") != nullptr) {
        const int stated = static_cast<int>(reader.integer("required", 0, 0, 3));
        out.required_for_files = std::min(stated, 1);
        out.required_stated = stated > 0;
        if (stated > 0) {
            out.required = stated;
        } else {
            policy.notes.emplace_back(
                "freshness: required: 0 counts as not stated: live targets need 3, or what "
                "--require-fresh says");
        }
    }
    out.required_for_files =
        static_cast<int>(reader.integer("required_for_files", out.required_for_files, 0, 3));
    out.max_beacon_age_s =
        reader.integer("max_beacon_age_s", out.max_beacon_age_s, 60, 366 * std::int64_t{86400});
    out.persistent_key_waived = read_choice(reader, "persistent_key", "needs_3", "waived");
    parent.absorb(reader);
}

}  // namespace

void FreshnessPolicy::ask(int least) {
    required = required_stated ? std::max(required, least) : least;
    required_for_files = std::max(required_for_files, least);
}

Result<Policy> parse_policy(std::string_view text) {
    auto json = parse_json(text, {.max_bytes = 1 << 20, .max_depth = 8});
    if (!json) {
        return std::unexpected(std::move(json).error().in("policy"));
    }
    JsonReader reader(*json, "policy");
    Policy out;
    if (reader.integer("ratls_policy", 0, 0, 1000) != 1) {
        reader.fail("ratls_policy", "1 wanted");
    }
    out.name = reader.string("name", "unnamed");
    out.tee_required = !read_choice(reader, "tee", "required", "none");
    out.unsigned_snapshot_waived = read_choice(reader, "unsigned_snapshot", "refused", "waived");
    read_snapshot_members(reader, out);
    out.owner_keys = reader.hex_list("owner_keys", 32);
    out.agent_configurations = reader.hex_list("agent_configurations", 32);
    if (const Json* member = reader.member("snp")) {
        read_snp_policy(*member, out.snp, reader);
    }
    if (const Json* member = reader.member("intel")) {
        read_intel_policy(*member, out.intel, reader);
    }
    if (const Json* member = reader.member("tdx")) {
        read_tdx_policy(*member, out.tdx, reader);
    }
    if (const Json* member = reader.member("sgx")) {
        read_sgx_policy(*member, out.sgx, reader);
    }
    if (const Json* member = reader.member("tpm")) {
        read_tpm(*member, out.tpm, reader);
    }
    if (const Json* member = reader.member("ima")) {
        read_ima(*member, out.ima, reader);
    }
    if (const Json* member = reader.member("freshness")) {
        read_freshness(*member, out, reader);
    }
    RATLS_CHECK(reader.finish());
    return out;
}

Json policy_json(const Policy& policy) {
    constexpr int kDefaultFreshness = FreshnessPolicy{}.required;
    Json out(Json::Object{});
    out.set("ratls_policy", 1).set("name", policy.name);
    out.set("tee", policy.tee_required ? "required" : "none");
    out.set("unsigned_snapshot", policy.unsigned_snapshot_waived ? "waived" : "refused");
    out.set("snapshot_sequence", policy.snapshot_sequence_waived ? "waived" : "required");
    if (policy.min_sequence) {
        out.set("min_sequence", *policy.min_sequence);
    }
    if (!policy.snapshot_name.empty()) {
        out.set("snapshot_name", policy.snapshot_name);
    }
    out.set("owner_keys", hex_array(policy.owner_keys));
    out.set("agent_configurations", hex_array(policy.agent_configurations));
    out.set("snp", snp_policy_json(policy.snp));
    out.set("intel", intel_policy_json(policy.intel));
    out.set("tdx", tdx_policy_json(policy.tdx)).set("sgx", sgx_policy_json(policy.sgx));
    Json required(Json::Array{});
    for (unsigned index = 0; index < 24; ++index) {
        if (((policy.tpm.required_pcrs >> index) & 1) != 0) {
            required.push(index);
        }
    }
    Json tpm(Json::Object{});
    tpm.set("provider_tpm", policy.tpm.provider_trusted ? "trusted" : "untrusted");
    tpm.set("allow_sha1_bank", policy.tpm.allow_sha1_bank);
    tpm.set("required_pcrs", std::move(required));
    Json instances(Json::Array{});
    for (const TpmPolicy::Instance& instance : policy.tpm.instances) {
        Json item(Json::Object{});
        item.set("project_id", instance.project_id).set("zone", instance.zone);
        instances.push(std::move(item.set("instance_id", instance.instance_id)));
    }
    tpm.set("instances", std::move(instances));
    tpm.set("ek_activation", policy.tpm.ek_activation_required ? "required" : "none");
    tpm.set("ek_keys", hex_array(policy.tpm.ek_keys));
    out.set("tpm", std::move(tpm));
    out.set("ima", Json(Json::Object{}).set("allow_padded_sha1", policy.ima.allow_padded_sha1));
    Json freshness(Json::Object{});
    if (policy.freshness.required_stated || policy.freshness.required != kDefaultFreshness) {
        freshness.set("required", policy.freshness.required);
    }
    freshness.set("required_for_files", policy.freshness.required_for_files);
    freshness.set("max_beacon_age_s", policy.freshness.max_beacon_age_s);
    freshness.set("persistent_key", policy.freshness.persistent_key_waived ? "waived" : "needs_3");
    out.set("freshness", std::move(freshness));
    return out;
}

Sha256Digest policy_digest(const Policy& policy) {
    return sha256(as_bytes(policy_json(policy).canonical()));
}

Result<Policy> named_policy(std::string_view name) {
    Policy policy;
    if (name == "default") {
        return policy;
    }
    if (name == "no-crl") {
        policy.name = "no-crl";
        policy.snp.revocation_waived = true;
        return policy;
    }
    if (name == "aws-snp") {
        // VLEK reports: no chip id of their own, VMPL 1 where AWS's firmware runs at VMPL 0.
        policy.name = "aws-snp";
        policy.snp.vmpl = {0, 1};
        policy.snp.allow_masked_chip_id = true;
        policy.snp.signing_keys = {snp::SigningKey::vlek};
        return policy;
    }
    std::string known;
    for (const std::string& candidate : policy_names()) {
        known += (known.empty() ? "" : ", ") + candidate;
    }
    return fail(Code::usage, "policy", "no policy named " + quoted(name) + "; known: " + known);
}

std::vector<std::string> policy_names() {
    return {"default", "no-crl", "aws-snp"};
}

}  // namespace ratls::verify
