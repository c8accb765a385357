#include "verify/appraise/snp_policy.h"

#include <algorithm>
#include <array>

#include "ratls/codec/hex.h"
#include "verify/appraise/policy_reader.h"

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

/// Members that are a bool, by name: one table to read and to write them.
constexpr std::array<std::pair<std::string_view, bool SnpPolicy::*>, 12> kSwitches = {{
    {"allow_debug", &SnpPolicy::allow_debug},
    {"allow_migration_agent", &SnpPolicy::allow_migration_agent},
    {"allow_smt", &SnpPolicy::allow_smt},
    {"allow_cxl", &SnpPolicy::allow_cxl},
    {"allow_masked_chip_id", &SnpPolicy::allow_masked_chip_id},
    {"allow_provisional_firmware", &SnpPolicy::allow_provisional_firmware},
    {"require_single_socket", &SnpPolicy::require_single_socket},
    {"require_mem_aes_256_xts", &SnpPolicy::require_mem_aes_256_xts},
    {"require_rapl_dis", &SnpPolicy::require_rapl_dis},
    {"require_ciphertext_hiding", &SnpPolicy::require_ciphertext_hiding},
    {"require_page_swap_disable", &SnpPolicy::require_page_swap_disable},
    {"require_author_key", &SnpPolicy::require_author_key},
}};

std::uint8_t read_level(JsonReader& reader, std::string_view key) {
    return static_cast<std::uint8_t>(reader.integer(key, 0, 0, 255));
}

void read_tcbs(JsonReader& parent, std::string_view key, std::map<snp::Line, snp::Tcb>& out) {
    parent.object(key, [&](JsonReader& lines) {
        for (const snp::Line line : snp::kAllLines) {
            lines.object(lower(snp::line_name(line)), [&](JsonReader& reader) {
                snp::Tcb tcb;
                if (line == snp::Line::turin) {
                    tcb.fmc = read_level(reader, "fmc");
                }
                tcb.bootloader = read_level(reader, "bl");
                tcb.tee = read_level(reader, "tee");
                tcb.snp = read_level(reader, "snp");
                tcb.microcode = read_level(reader, "ucode");
                out[line] = tcb;
            });
        }
    });
}

/// A list of names that may not be empty, since it would accept nothing; `parse` knows the names.
template <typename T, typename Parse>
void read_names(JsonReader& reader, std::string_view key, std::string_view wanted, Parse parse,
                std::vector<T>& out) {
    const Json* member = reader.member(key);
    if (member == nullptr) {
        return;
    }
    out.clear();
    for (const std::string& name : reader.strings(key)) {
        if (const std::optional<T> value = parse(name)) {
            out.push_back(*value);
        } else {
            reader.fail(key, std::string(wanted) + " wanted, " + quoted(name) + " found");
        }
    }
    if (out.empty()) {
        reader.fail(key, "an empty list accepts nothing: " + std::string(wanted) + " wanted");
    }
}

std::optional<snp::SigningKey> signing_key_from_name(std::string_view name) {
    for (const snp::SigningKey key : {snp::SigningKey::vcek, snp::SigningKey::vlek}) {
        if (lower(snp::signing_key_name(key)) == name) {
            return key;
        }
    }
    return std::nullopt;
}

std::vector<unsigned> read_platform(JsonReader& reader, std::string_view key) {
    std::vector<unsigned> out;
    for (const std::string& name : reader.strings(key)) {
        if (const auto bit = platform_bit_from_name(name)) {
            out.push_back(*bit);
        } else {
            reader.fail(key, "unknown feature " + quoted(name));
        }
    }
    return out;
}

void read_min_crl_date(JsonReader& reader, std::optional<UnixTime>& out) {
    constexpr std::string_view kKey = "min_crl_date";
    const Json* member = reader.member(kKey);
    if (member == nullptr || member->is_null()) {
        return;
    }
    const auto time = parse_rfc3339(reader.string(kKey, {}));
    if (!time) {
        reader.fail(kKey, time.error().what);
    }
    out = time.value_or(0);
}

template <typename T>
Json list_json(const std::vector<T>& values, auto name) {
    Json out(Json::Array{});
    for (const T& value : values) {
        out.push(name(value));
    }
    return out;
}

Json tcbs_json(const std::map<snp::Line, snp::Tcb>& tcbs) {
    Json out(Json::Object{});
    for (const auto& [line, tcb] : tcbs) {
        Json levels(Json::Object{});
        if (tcb.fmc) {
            levels.set("fmc", int{*tcb.fmc});
        }
        levels.set("bl", int{tcb.bootloader}).set("tee", int{tcb.tee});
        levels.set("snp", int{tcb.snp}).set("ucode", int{tcb.microcode});
        out.set(lower(snp::line_name(line)), std::move(levels));
    }
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

void read_snp_policy(const Json& json, SnpPolicy& out, JsonReader& parent) {
    JsonReader reader(json, parent, "snp");
    for (const auto& [name, member] : kSwitches) {
        out.*member = reader.boolean(name, out.*member);
    }
    out.revocation_waived = read_choice(reader, "revocation", "required", "waived");
    read_min_crl_date(reader, out.min_crl_date);
    out.min_report_version =
        static_cast<unsigned>(reader.integer("min_report_version", out.min_report_version, 2, 5));
    if (json.find("vmpl") != nullptr) {
        out.vmpl = reader.integers("vmpl", 0, 3);
        if (out.vmpl.empty()) {
            reader.fail("vmpl", "at least one level wanted");
        }
    }
    read_names(reader, "products", "Milan, Genoa or Turin", snp::line_from_name, out.products);
    read_names(reader, "signing_keys", "vcek or vlek", signing_key_from_name, out.signing_keys);
    out.csp_ids = reader.strings("csp_ids");
    if (std::ranges::find(out.csp_ids, "") != out.csp_ids.end()) {
        reader.fail("csp_ids", "an empty id");
    }
    read_tcbs(reader, "min_tcb", out.min_tcb);
    read_tcbs(reader, "min_launch_tcb", out.min_launch_tcb);
    reader.object("min_firmware", [&](JsonReader& version) {
        out.min_firmware.major = read_level(version, "major");
        out.min_firmware.minor = read_level(version, "minor");
        out.min_firmware.build = read_level(version, "build");
    });
    out.min_abi_major = read_level(reader, "min_abi_major");
    out.min_abi_minor = read_level(reader, "min_abi_minor");
    out.required_platform_bits = read_platform(reader, "required_platform");
    out.forbidden_platform_bits = read_platform(reader, "forbidden_platform");
    for (const unsigned bit : out.forbidden_platform_bits) {
        if (std::ranges::find(out.required_platform_bits, bit) !=
            out.required_platform_bits.end()) {
            reader.fail("forbidden_platform",
                        quoted(platform_bit_name(bit)) + " is required as well");
        }
    }
    out.allowed_policy_bits =
        reader.integers("allow_policy_bits", snp::policy_bit::kFirstUnknown, 63);
    out.allowed_platform_bits =
        reader.integers("allow_platform_bits", snp::platform_bit::kFirstUnknown, 63);
    out.required_launch_mitigations = reader.integers("required_launch_mitigations", 0, 63);
    out.required_current_mitigations = reader.integers("required_current_mitigations", 0, 63);
    out.chip_ids = reader.hex_list("chip_ids", 64);
    out.report_ids = reader.hex_list("report_ids", 32);
    parent.absorb(reader);
}

Json snp_policy_json(const SnpPolicy& policy) {
    Json out(Json::Object{});
    for (const auto& [name, member] : kSwitches) {
        out.set(name, policy.*member);
    }
    out.set("revocation", policy.revocation_waived ? "waived" : "required");
    out.set("min_crl_date",
            policy.min_crl_date ? Json(format_rfc3339(*policy.min_crl_date)) : Json());
    out.set("min_report_version", policy.min_report_version);
    out.set("vmpl", integer_array(policy.vmpl));
    out.set("products", list_json(policy.products, snp::line_name));
    out.set("signing_keys", list_json(policy.signing_keys, [](snp::SigningKey key) {
                return lower(snp::signing_key_name(key));
            }));
    out.set("csp_ids", text_array(policy.csp_ids));
    out.set("min_tcb", tcbs_json(policy.min_tcb));
    out.set("min_launch_tcb", tcbs_json(policy.min_launch_tcb));
    Json firmware(Json::Object{});
    firmware.set("major", int{policy.min_firmware.major});
    firmware.set("minor", int{policy.min_firmware.minor});
    firmware.set("build", int{policy.min_firmware.build});
    out.set("min_firmware", std::move(firmware));
    out.set("min_abi_major", policy.min_abi_major).set("min_abi_minor", policy.min_abi_minor);
    out.set("required_platform", list_json(policy.required_platform_bits, platform_bit_name));
    out.set("forbidden_platform", list_json(policy.forbidden_platform_bits, platform_bit_name));
    out.set("allow_policy_bits", integer_array(policy.allowed_policy_bits));
    out.set("allow_platform_bits", integer_array(policy.allowed_platform_bits));
    out.set("required_launch_mitigations", integer_array(policy.required_launch_mitigations));
    out.set("required_current_mitigations", integer_array(policy.required_current_mitigations));
    out.set("chip_ids", hex_array(policy.chip_ids));
    out.set("report_ids", hex_array(policy.report_ids));
    return out;
}

}  // namespace ratls::verify
