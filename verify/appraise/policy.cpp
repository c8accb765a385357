#include "verify/appraise/policy.h"

#include <algorithm>
#include <array>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 7> kPlatformBits = {{
    {"smt", snp::platform_bit::kSmt},
    {"tsme", snp::platform_bit::kTsme},
    {"ecc", snp::platform_bit::kEcc},
    {"rapl_disabled", snp::platform_bit::kRaplDisabled},
    {"ciphertext_hiding", snp::platform_bit::kCiphertextHiding},
    {"alias_check_complete", snp::platform_bit::kAliasCheckComplete},
    {"tio", snp::platform_bit::kTio},
}};

/// A word out of two; the second one is the weaker and never the default.
bool read_choice(JsonReader& reader, std::string_view key, std::string_view strict,
                 std::string_view weak) {
    const std::string word = reader.string(key, std::string(strict));
    if (word != strict && word != weak) {
        reader.fail(key,
                    quoted(strict) + " or " + quoted(weak) + " wanted, " + quoted(word) + " found");
    }
    return word == weak;
}

std::uint8_t read_level(JsonReader& reader, std::string_view key) {
    return static_cast<std::uint8_t>(reader.integer(key, 0, 0, 255));
}

void read_min_tcb(const Json& json, const std::string& where, SnpPolicy& out, JsonReader& parent) {
    JsonReader lines(json, where);
    for (const snp::Line line : snp::kAllLines) {
        const std::string key = lower(snp::line_name(line));
        const Json* member = lines.member(key);
        if (member == nullptr) {
            continue;
        }
        JsonReader reader(*member, where + ": " + key);
        snp::Tcb tcb;
        if (line == snp::Line::turin) {
            tcb.fmc = read_level(reader, "fmc");
        }
        tcb.bootloader = read_level(reader, "bl");
        tcb.tee = read_level(reader, "tee");
        tcb.snp = read_level(reader, "snp");
        tcb.microcode = read_level(reader, "ucode");
        if (auto status = reader.finish(); !status) {
            parent.fail(std::move(status).error());
        }
        out.min_tcb[line] = tcb;
    }
    if (auto status = lines.finish(); !status) {
        parent.fail(std::move(status).error());
    }
}

void read_snp(const Json& json, SnpPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: snp");
    out.allow_debug = reader.boolean("allow_debug", out.allow_debug);
    out.allow_migration_agent = reader.boolean("allow_migration_agent", out.allow_migration_agent);
    out.allow_smt = reader.boolean("allow_smt", out.allow_smt);
    out.allow_masked_chip_id = reader.boolean("allow_masked_chip_id", out.allow_masked_chip_id);
    out.allow_provisional_firmware =
        reader.boolean("allow_provisional_firmware", out.allow_provisional_firmware);
    out.revocation_waived = read_choice(reader, "revocation", "required", "waived");
    if (json.find("vmpl") != nullptr) {
        out.vmpl = reader.integers("vmpl", 0, 3);
        if (out.vmpl.empty()) {
            reader.fail("vmpl", "at least one level wanted");
        }
    }
    if (json.find("products") != nullptr) {
        out.products.clear();
        for (const std::string& name : reader.strings("products")) {
            const auto line = snp::line_from_name(name);
            if (!line) {
                reader.fail("products", "Milan, Genoa or Turin wanted, " + quoted(name) + " found");
            }
            out.products.push_back(line.value_or(snp::Line::milan));
        }
        if (out.products.empty()) {
            reader.fail("products", "at least one product wanted");
        }
    }
    if (const Json* min_tcb = reader.member("min_tcb")) {
        read_min_tcb(*min_tcb, "policy: snp: min_tcb", out, reader);
    }
    out.min_abi_major = static_cast<unsigned>(reader.integer("min_abi_major", 0, 0, 255));
    out.min_abi_minor = static_cast<unsigned>(reader.integer("min_abi_minor", 0, 0, 255));
    for (const std::string& name : reader.strings("required_platform")) {
        const auto bit = platform_bit_from_name(name);
        if (!bit) {
            reader.fail("required_platform", "unknown feature " + quoted(name));
        }
        out.required_platform_bits.push_back(bit.value_or(0));
    }
    out.chip_ids = reader.hex_list("chip_ids", 64);
    if (auto status = reader.finish(); !status) {
        parent.fail(std::move(status).error());
    }
}

void read_tpm(const Json& json, TpmPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: tpm");
    out.provider_trusted = read_choice(reader, "provider_tpm", "untrusted", "trusted");
    out.allow_sha1_bank = reader.boolean("allow_sha1_bank", out.allow_sha1_bank);
    out.required_pcrs = 0;
    for (const std::int64_t index : reader.integers("required_pcrs", 0, 23)) {
        out.required_pcrs |= 1U << index;
    }
    if (auto status = reader.finish(); !status) {
        parent.fail(std::move(status).error());
    }
}

void read_ima(const Json& json, ImaPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: ima");
    out.allow_padded_sha1 = reader.boolean("allow_padded_sha1", out.allow_padded_sha1);
    if (auto status = reader.finish(); !status) {
        parent.fail(std::move(status).error());
    }
}

void read_freshness(const Json& json, FreshnessPolicy& out, JsonReader& parent) {
    JsonReader reader(json, "policy: freshness");
    out.required = static_cast<int>(reader.integer("required", out.required, 0, 3));
    out.max_beacon_age_s =
        reader.integer("max_beacon_age_s", out.max_beacon_age_s, 60, 366 * std::int64_t{86400});
    out.persistent_key_waived = read_choice(reader, "persistent_key", "needs_3", "waived");
    if (auto status = reader.finish(); !status) {
        parent.fail(std::move(status).error());
    }
}

Json tcb_json(const snp::Tcb& tcb) {
    Json out(Json::Object{});
    if (tcb.fmc) {
        out.set("fmc", int{*tcb.fmc});
    }
    out.set("bl", int{tcb.bootloader}).set("tee", int{tcb.tee});
    out.set("snp", int{tcb.snp}).set("ucode", int{tcb.microcode});
    return out;
}

Json snp_json(const SnpPolicy& snp) {
    Json out(Json::Object{});
    out.set("allow_debug", snp.allow_debug);
    out.set("allow_migration_agent", snp.allow_migration_agent);
    out.set("allow_smt", snp.allow_smt);
    out.set("allow_masked_chip_id", snp.allow_masked_chip_id);
    out.set("allow_provisional_firmware", snp.allow_provisional_firmware);
    out.set("revocation", snp.revocation_waived ? "waived" : "required");
    Json vmpl(Json::Array{});
    for (const std::int64_t level : snp.vmpl) {
        vmpl.push(level);
    }
    out.set("vmpl", std::move(vmpl));
    Json products(Json::Array{});
    for (const snp::Line line : snp.products) {
        products.push(snp::line_name(line));
    }
    out.set("products", std::move(products));
    Json min_tcb(Json::Object{});
    for (const auto& [line, tcb] : snp.min_tcb) {
        min_tcb.set(lower(snp::line_name(line)), tcb_json(tcb));
    }
    out.set("min_tcb", std::move(min_tcb));
    out.set("min_abi_major", snp.min_abi_major).set("min_abi_minor", snp.min_abi_minor);
    Json platform(Json::Array{});
    for (const unsigned bit : snp.required_platform_bits) {
        platform.push(platform_bit_name(bit));
    }
    out.set("required_platform", std::move(platform));
    Json chips(Json::Array{});
    for (const Bytes& chip : snp.chip_ids) {
        chips.push(hex(chip));
    }
    out.set("chip_ids", std::move(chips));
    return out;
}

}  // namespace

std::optional<unsigned> platform_bit_from_name(std::string_view name) {
    for (const auto& [known, bit] : kPlatformBits) {
        if (known == name) {
            return bit;
        }
    }
    return std::nullopt;
}

std::string_view platform_bit_name(unsigned bit) {
    for (const auto& [known, number] : kPlatformBits) {
        if (number == bit) {
            return known;
        }
    }
    return "unknown";
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
    if (const Json* member = reader.member("snp")) {
        read_snp(*member, out.snp, reader);
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
        read_freshness(*member, out.freshness, reader);
    }
    RATLS_CHECK(reader.finish());
    return out;
}

Json policy_json(const Policy& policy) {
    Json out(Json::Object{});
    out.set("ratls_policy", 1).set("name", policy.name);
    out.set("tee", policy.tee_required ? "required" : "none");
    out.set("unsigned_snapshot", policy.unsigned_snapshot_waived ? "waived" : "refused");
    out.set("snp", snp_json(policy.snp));
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
    out.set("tpm", std::move(tpm));
    out.set("ima", Json(Json::Object{}).set("allow_padded_sha1", policy.ima.allow_padded_sha1));
    Json freshness(Json::Object{});
    freshness.set("required", policy.freshness.required);
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
