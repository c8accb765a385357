#include "verify/appraise/dcap_policy.h"

#include <algorithm>
#include <array>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "verify/appraise/policy_reader.h"

namespace ratls::verify {
namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 7> kTdAttributes = {{
    {"debug", td_attribute::kDebug},
    {"lass", td_attribute::kLass},
    {"sept_ve_disable", td_attribute::kSeptVeDisable},
    {"migratable", td_attribute::kMigratable},
    {"pks", td_attribute::kPks},
    {"key_locker", td_attribute::kKeyLocker},
    {"perfmon", td_attribute::kPerfmon},
}};

std::vector<unsigned> read_attributes(JsonReader& reader, std::string_view key) {
    std::vector<unsigned> out;
    for (const std::string& wanted : reader.strings(key)) {
        bool known = false;
        for (const auto& [name, bit] : kTdAttributes) {
            if (name == wanted) {
                out.push_back(bit);
                known = true;
            }
        }
        if (!known) {
            reader.fail(key, "unknown attribute " + quoted(wanted));
        }
    }
    return out;
}

Json attribute_array(const std::vector<unsigned>& bits) {
    Json out(Json::Array{});
    for (const unsigned bit : bits) {
        out.push(td_attribute_name(bit));
    }
    return out;
}

/// Bits 0 to 63 that a rule on unknown bits may waive: none that has a rule of its own.
std::vector<std::int64_t> read_unknown_bits(JsonReader& reader, std::uint64_t known) {
    constexpr std::string_view kKey = "allow_attributes";
    std::vector<std::int64_t> bits = reader.integers(kKey, 0, 63);
    for (const std::int64_t bit : bits) {
        if (((known >> bit) & 1) != 0) {
            reader.fail(kKey,
                        "bit " + std::to_string(bit) + " is known: other members are about it");
        }
    }
    return bits;
}

void read_statuses(JsonReader& reader, IntelPolicy& out) {
    constexpr std::string_view kKey = "accepted_tcb_statuses";
    if (reader.member(kKey) == nullptr) {
        return;
    }
    out.accepted_tcb_statuses.clear();
    for (const std::string& name : reader.strings(kKey)) {
        const auto status = dcap::status_from_name(name);
        if (!status || *status == dcap::TcbStatus::revoked ||
            *status == dcap::TcbStatus::not_supported) {
            reader.fail(kKey, "a status of Intel's but Revoked and NotSupported wanted, " +
                                  quoted(name) + " found");
        }
        out.accepted_tcb_statuses.push_back(status.value_or(dcap::TcbStatus::up_to_date));
    }
    if (out.accepted_tcb_statuses.empty()) {
        reader.fail(kKey, "at least one status wanted");
    }
}

}  // namespace

std::string td_attribute_name(unsigned bit) {
    for (const auto& [name, known] : kTdAttributes) {
        if (known == bit) {
            return std::string(name);
        }
    }
    return "bit " + std::to_string(bit);
}

void read_intel_policy(const Json& json, IntelPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: intel");
    read_statuses(reader, out);
    out.denied_advisories = reader.strings("denied_advisories");
    if (const Json* date_text = reader.member("min_tcb_date");
        date_text != nullptr && !date_text->is_null()) {
        const auto date = parse_rfc3339(reader.required_string("min_tcb_date"));
        if (!date) {
            reader.fail("min_tcb_date", date.error().what);
        }
        out.min_tcb_date = date.value_or(0);
    }
    out.min_evaluation_number =
        static_cast<std::uint64_t>(reader.integer("min_evaluation_number", 0, 0, 1'000'000'000));
    out.out_of_date_grace_days = reader.integer("out_of_date_grace_days", 0, 0, 366);
    out.fmspcs = reader.hex_list("fmspcs", 6);
    out.platform_ids = reader.hex_list("platform_ids", 16);
    parent.absorb(reader);
}

void read_tdx_policy(const Json& json, TdxPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: tdx");
    out.allow_debug = reader.boolean("allow_debug", out.allow_debug);
    out.allow_migratable = reader.boolean("allow_migratable", out.allow_migratable);
    out.allow_unknown_attributes =
        reader.boolean("allow_unknown_attributes", out.allow_unknown_attributes);
    out.allowed_attributes = read_unknown_bits(reader, td_attribute::kKnown);
    out.required_attributes = read_attributes(reader, "required_attributes");
    out.forbidden_attributes = read_attributes(reader, "forbidden_attributes");
    for (const unsigned bit : out.forbidden_attributes) {
        if (std::ranges::find(out.required_attributes, bit) != out.required_attributes.end()) {
            reader.fail("forbidden_attributes", td_attribute_name(bit) + " is required too");
        }
    }
    out.xfam = reader.hex_list("xfam", 8);
    out.mr_seam = reader.hex_list("mr_seam", 48);
    out.mr_signer_seam = reader.hex_list("mr_signer_seam", 48);
    out.service_tds = reader.hex_list("service_tds", 48);
    if (const Json* svn = reader.member("min_tee_tcb_svn"); svn != nullptr && !svn->is_null()) {
        out.min_tee_tcb_svn = reader.hex_bytes("min_tee_tcb_svn", 16);
    }
    parent.absorb(reader);
}

void read_sgx_policy(const Json& json, SgxPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: sgx");
    out.allow_debug = reader.boolean("allow_debug", out.allow_debug);
    out.allow_provision_key = reader.boolean("allow_provision_key", out.allow_provision_key);
    out.allowed_attributes = read_unknown_bits(reader, enclave_attribute::kKnown);
    out.mr_enclaves = reader.hex_list("mr_enclaves", 32);
    out.mr_signers = reader.hex_list("mr_signers", 32);
    out.isv_prod_ids = reader.integers("isv_prod_ids", 0, 65535);
    out.min_isv_svn = static_cast<unsigned>(reader.integer("min_isv_svn", 0, 0, 65535));
    parent.absorb(reader);
}

Json intel_policy_json(const IntelPolicy& policy) {
    Json statuses(Json::Array{});
    for (const dcap::TcbStatus status : policy.accepted_tcb_statuses) {
        statuses.push(dcap::status_name(status));
    }
    Json out(Json::Object{});
    out.set("accepted_tcb_statuses", std::move(statuses));
    out.set("denied_advisories", text_array(policy.denied_advisories));
    out.set("min_tcb_date",
            policy.min_tcb_date ? Json(format_rfc3339(*policy.min_tcb_date)) : Json());
    out.set("min_evaluation_number", policy.min_evaluation_number);
    out.set("out_of_date_grace_days", policy.out_of_date_grace_days);
    out.set("fmspcs", hex_array(policy.fmspcs));
    out.set("platform_ids", hex_array(policy.platform_ids));
    return out;
}

Json tdx_policy_json(const TdxPolicy& policy) {
    Json out(Json::Object{});
    out.set("allow_debug", policy.allow_debug);
    out.set("allow_migratable", policy.allow_migratable);
    out.set("allow_unknown_attributes", policy.allow_unknown_attributes);
    out.set("allow_attributes", integer_array(policy.allowed_attributes));
    out.set("required_attributes", attribute_array(policy.required_attributes));
    out.set("forbidden_attributes", attribute_array(policy.forbidden_attributes));
    out.set("xfam", hex_array(policy.xfam));
    out.set("mr_seam", hex_array(policy.mr_seam));
    out.set("mr_signer_seam", hex_array(policy.mr_signer_seam));
    out.set("service_tds", hex_array(policy.service_tds));
    out.set("min_tee_tcb_svn",
            policy.min_tee_tcb_svn ? Json(hex(*policy.min_tee_tcb_svn)) : Json());
    return out;
}

Json sgx_policy_json(const SgxPolicy& policy) {
    Json out(Json::Object{});
    out.set("allow_debug", policy.allow_debug);
    out.set("allow_provision_key", policy.allow_provision_key);
    out.set("allow_attributes", integer_array(policy.allowed_attributes));
    out.set("mr_enclaves", hex_array(policy.mr_enclaves));
    out.set("mr_signers", hex_array(policy.mr_signers));
    out.set("isv_prod_ids", integer_array(policy.isv_prod_ids));
    out.set("min_isv_svn", policy.min_isv_svn);
    return out;
}

}  // namespace ratls::verify
