#include "verify/appraise/snp.h"

#include <algorithm>
#include <charconv>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "verify/appraise/bits.h"

namespace ratls::verify {
namespace {

std::string hex_number(std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

template <typename T>
bool lists(const std::vector<T>& values, const auto& wanted) {
    return std::ranges::find(values, wanted) != values.end();
}

/// A protection that the policy may require.
void check_required(std::string_view rule, bool set, bool required, Findings& out) {
    out.check(rule, set || !required, required ? "on" : "any", set ? "on" : "off");
}

/// What a firmware to come may define, nobody here can weigh.
void check_unknown_bits(const snp::Report& report, const SnpPolicy& policy, Findings& out) {
    const std::uint64_t of_policy = report.policy >> snp::policy_bit::kFirstUnknown
                                                         << snp::policy_bit::kFirstUnknown;
    const std::uint64_t of_platform =
        report.platform_info >> snp::platform_bit::kFirstUnknown
                                    << snp::platform_bit::kFirstUnknown;
    const bool allowed = (of_policy & ~mask_of(policy.allowed_policy_bits)) == 0 &&
                         (of_platform & ~mask_of(policy.allowed_platform_bits)) == 0;
    std::string found =
        bits_text(of_policy, [](unsigned bit) { return "POLICY bit " + std::to_string(bit); });
    const std::string platform = bits_text(
        of_platform, [](unsigned bit) { return "PLATFORM_INFO bit " + std::to_string(bit); });
    found += (found.empty() || platform.empty() ? "" : ", ") + platform;
    const Verdict otherwise = allowed ? Verdict::waived : Verdict::fail;
    out.add({"snp.unknown_bits", found.empty() ? Verdict::pass : otherwise,
             "no bit that this version does not know", found.empty() ? "none" : found});
}

/// Those of the features whose state is `on`, by name.
std::string platform_text(const snp::Report& report, const std::vector<unsigned>& bits, bool on) {
    std::string found;
    for (const unsigned bit : bits) {
        if (report.platform_bit(bit) == on) {
            found += (found.empty() ? "" : ", ") + std::string(platform_bit_name(bit));
        }
    }
    return found;
}

/// The guest policy: what the owner of the guest demanded of firmware and host at launch.
void check_guest_policy(const snp::Report& report, const SnpPolicy& policy, Findings& out) {
    namespace bit = snp::policy_bit;
    out.check_off("snp.policy.debug", report.policy_bit(bit::kDebug), policy.allow_debug,
                  "allow_debug");
    out.check_off("snp.policy.migration_agent", report.policy_bit(bit::kMigrateMa),
                  policy.allow_migration_agent, "allow_migration_agent");
    out.check_off("snp.policy.smt", report.policy_bit(bit::kSmt), policy.allow_smt, "allow_smt");
    out.check_off("snp.policy.cxl", report.policy_bit(bit::kCxlAllow), policy.allow_cxl,
                  "allow_cxl");
    check_required("snp.policy.single_socket", report.policy_bit(bit::kSingleSocket),
                   policy.require_single_socket, out);
    check_required("snp.policy.mem_aes_256_xts", report.policy_bit(bit::kMemAes256Xts),
                   policy.require_mem_aes_256_xts, out);
    check_required("snp.policy.rapl_dis", report.policy_bit(bit::kRaplDisable),
                   policy.require_rapl_dis, out);
    check_required("snp.policy.ciphertext_hiding", report.policy_bit(bit::kCiphertextHiding),
                   policy.require_ciphertext_hiding, out);
    check_required("snp.policy.page_swap_disable", report.policy_bit(bit::kPageSwapDisable),
                   policy.require_page_swap_disable, out);
    const bool abi =
        report.abi_major() > policy.min_abi_major ||
        (report.abi_major() == policy.min_abi_major && report.abi_minor() >= policy.min_abi_minor);
    out.check("snp.policy.abi", abi,
              "at least " + std::to_string(policy.min_abi_major) + "." +
                  std::to_string(policy.min_abi_minor),
              std::to_string(report.abi_major()) + "." + std::to_string(report.abi_minor()));
}

/// Who signed, which chip and which running guest it is.
void check_identity(const SnpEvidence& evidence, const SnpPolicy& policy, Findings& out) {
    const snp::Report& report = evidence.report;
    out.check("snp.report_version", report.version >= policy.min_report_version,
              "at least " + std::to_string(policy.min_report_version),
              std::to_string(report.version));
    out.check("snp.vmpl", lists(policy.vmpl, report.vmpl), "a level of the policy's list",
              std::to_string(report.vmpl));
    out.check("snp.signing_key", lists(policy.signing_keys, report.signing_key),
              "a kind of the policy's list",
              std::string(snp::signing_key_name(report.signing_key)));
    if (!policy.csp_ids.empty()) {
        // A VCEK names no provider, so it is never one of the list.
        const bool named = evidence.vek.kind == snp::SigningKey::vlek;
        out.check("snp.csp_id", named && lists(policy.csp_ids, evidence.vek.csp_id),
                  "a provider of the policy's list",
                  named ? quoted(evidence.vek.csp_id) : "none (VCEK)");
    }
    const bool masked = all_zero(report.chip_id);
    out.check("snp.chip_id.masked", !masked || policy.allow_masked_chip_id,
              policy.allow_masked_chip_id ? "any (allow_masked_chip_id)" : "a chip id",
              masked ? "masked" : "given");
    if (!policy.chip_ids.empty()) {
        out.check("snp.chip_id", !masked && contains(policy.chip_ids, report.chip_id),
                  "one of " + std::to_string(policy.chip_ids.size()) + " pinned chips",
                  hex(report.chip_id));
    }
    if (!policy.report_ids.empty()) {
        out.check("snp.report_id", contains(policy.report_ids, report.report_id),
                  "one of " + std::to_string(policy.report_ids.size()) + " pinned guests",
                  hex(report.report_id));
    }
    const bool no_agent =
        std::ranges::all_of(report.report_id_ma, [](std::uint8_t byte) { return byte == 0xff; });
    out.check("snp.report_id_ma", no_agent || policy.allow_migration_agent,
              policy.allow_migration_agent ? "any (allow_migration_agent)" : "none (all ff)",
              no_agent ? "none (all ff)" : hex(report.report_id_ma));
    check_required("snp.author_key.present", report.author_key_en, policy.require_author_key, out);
}

/// A minimum per product line, of one or two TCB versions of the report.
void check_minimum(std::string_view rule, const std::map<snp::Line, snp::Tcb>& minimums,
                   snp::Line line, const std::vector<snp::Tcb>& found, std::string actual,
                   Findings& out) {
    const auto minimum = minimums.find(line);
    if (minimum == minimums.end()) {
        return;
    }
    const bool enough = std::ranges::all_of(
        found, [&](const snp::Tcb& tcb) { return snp::at_least(tcb, minimum->second); });
    out.check(rule, enough, "at least " + snp::tcb_text(minimum->second), std::move(actual));
}

void check_firmware(const SnpEvidence& evidence, const SnpPolicy& policy, Findings& out) {
    const snp::Report& report = evidence.report;
    const snp::Line line = evidence.vek.line;
    // The committed version is what the platform cannot fall back behind.
    check_minimum("snp.tcb.minimum", policy.min_tcb, line, {evidence.reported, evidence.committed},
                  "reported " + snp::tcb_text(evidence.reported) + "; committed " +
                      snp::tcb_text(evidence.committed),
                  out);
    check_minimum("snp.tcb.launch_minimum", policy.min_launch_tcb, line, {evidence.launch},
                  "launch " + snp::tcb_text(evidence.launch), out);
    const bool provisional =
        !(evidence.committed == evidence.current) || report.committed != report.current;
    out.check("snp.tcb.provisional", !provisional || policy.allow_provisional_firmware,
              policy.allow_provisional_firmware ? "any (allow_provisional_firmware)"
                                                : "committed equal to current",
              provisional ? "current firmware is not committed" : "committed");
    out.check("snp.firmware.minimum", report.committed >= policy.min_firmware,
              "at least " + policy.min_firmware.text(), "committed " + report.committed.text());
}

void check_platform(const SnpEvidence& evidence, const SnpPolicy& policy, Findings& out) {
    const snp::Report& report = evidence.report;
    out.check("snp.products", lists(policy.products, evidence.vek.line),
              "a product of the policy's list", std::string(snp::line_name(evidence.vek.line)));
    const std::string off = platform_text(report, policy.required_platform_bits, false);
    out.check("snp.platform", off.empty(), "the required platform features",
              off.empty() ? "all on" : "off: " + off);
    const std::string on = platform_text(report, policy.forbidden_platform_bits, true);
    out.check("snp.platform.forbidden", on.empty(), "no forbidden platform feature",
              on.empty() ? "all off" : "on: " + on);
    // Reports before version 5 have no vectors: theirs are parsed as zero, so nothing is set.
    const auto mitigations = [&](std::string_view rule, std::uint64_t vector,
                                 const std::vector<std::int64_t>& required) {
        const std::string missing = bits_text(mask_of(required) & ~vector,
                                              [](unsigned bit) { return std::to_string(bit); });
        out.check(rule, missing.empty(), "the required mitigations",
                  missing.empty() ? "all set" : "not set: " + missing);
    };
    mitigations("snp.mitigations.launch", report.launch_mit_vector,
                policy.required_launch_mitigations);
    mitigations("snp.mitigations.current", report.current_mit_vector,
                policy.required_current_mitigations);
}

/// An older list may not know yet of a key that was revoked. No list is older than any.
void check_list_date(const SnpEvidence& evidence, const SnpPolicy& policy, Findings& out) {
    if (!policy.min_crl_date) {
        return;
    }
    const auto newest = std::ranges::max_element(evidence.crls, {}, &VerifiedCrl::this_update);
    const bool given = newest != evidence.crls.end();
    out.check("snp.crl.minimum_date", given && newest->this_update >= *policy.min_crl_date,
              "a list of " + format_rfc3339(*policy.min_crl_date) + " or later",
              given ? "issued " + format_rfc3339(newest->this_update) : "none given");
}

}  // namespace

void appraise_snp_policy(const Verified<SnpEvidence>& evidence, const SnpPolicy& policy,
                         Findings& out) {
    check_unknown_bits(evidence->report, policy, out);
    check_guest_policy(evidence->report, policy, out);
    check_identity(*evidence, policy, out);
    check_firmware(*evidence, policy, out);
    check_platform(*evidence, policy, out);
    check_list_date(*evidence, policy, out);
}

SnpMatch appraise_snp_reference(const Verified<SnpEvidence>& evidence,
                                const SnpReference& reference, bool of_paravisor, Findings& out) {
    const snp::Report& report = evidence->report;
    SnpMatch match;
    const auto found = std::ranges::find_if(
        reference.measurements,
        [&](const MeasurementReference& entry) { return equal(entry.value, report.measurement); });
    if (found != reference.measurements.end()) {
        match = {&*found, found->tag == kParavisorTag};
    }
    const bool by_key = of_paravisor && !all_zero(report.id_key_digest) &&
                        contains(reference.paravisor_id_key_digests, report.id_key_digest);
    match.paravisor = match.paravisor || by_key;
    out.check("snp.measurement", match.measurement != nullptr || by_key,
              "one of " + std::to_string(reference.measurements.size()) + " reference values" +
                  (of_paravisor ? ", or the id key of a paravisor" : ""),
              hex(report.measurement) + (match.measurement == nullptr && by_key
                                             ? ", of the id key " + hex(report.id_key_digest)
                                             : ""));
    if (!reference.host_data.empty()) {
        out.check("snp.host_data", contains(reference.host_data, report.host_data),
                  "a reference value", hex(report.host_data));
    }
    if (!reference.id_key_digests.empty()) {
        out.check("snp.id_key", contains(reference.id_key_digests, report.id_key_digest),
                  "a reference value", hex(report.id_key_digest));
    }
    if (!reference.author_key_digests.empty()) {
        // Without AUTHOR_KEY_EN the digest means nothing.
        const bool author = report.author_key_en &&
                            contains(reference.author_key_digests, report.author_key_digest);
        out.check("snp.author_key", author, "a reference value",
                  report.author_key_en ? hex(report.author_key_digest) : "no author key");
    }
    if (!reference.family_ids.empty()) {
        out.check("snp.family_id", contains(reference.family_ids, report.family_id),
                  "a reference value", hex(report.family_id));
    }
    if (!reference.image_ids.empty()) {
        out.check("snp.image_id", contains(reference.image_ids, report.image_id),
                  "a reference value", hex(report.image_id));
    }
    out.check("snp.guest_svn", report.guest_svn >= reference.min_guest_svn,
              "at least " + std::to_string(reference.min_guest_svn),
              std::to_string(report.guest_svn));
    return match;
}

Json snp_claims(const snp::Report& report) {
    Json out(Json::Object{});
    out.set("version", std::uint64_t{report.version});
    out.set("guest_svn", std::uint64_t{report.guest_svn});
    out.set("policy", hex_number(report.policy));
    out.set("family_id", hex(report.family_id)).set("image_id", hex(report.image_id));
    out.set("vmpl", std::uint64_t{report.vmpl});
    out.set("signature_algo", 1);
    out.set("current_tcb", hex(report.current_tcb));
    out.set("platform_info", hex_number(report.platform_info));
    out.set("author_key_en", report.author_key_en ? 1 : 0);
    out.set("mask_chip_key", report.mask_chip_key ? 1 : 0);
    out.set("signing_key", snp::signing_key_name(report.signing_key));
    out.set("report_data", hex(report.report_data));
    out.set("measurement", hex(report.measurement));
    out.set("host_data", hex(report.host_data));
    out.set("id_key_digest", hex(report.id_key_digest));
    out.set("author_key_digest", hex(report.author_key_digest));
    out.set("report_id", hex(report.report_id)).set("report_id_ma", hex(report.report_id_ma));
    out.set("reported_tcb", hex(report.reported_tcb));
    out.set("cpuid_fam_id", int{report.cpuid_fam_id});
    out.set("cpuid_mod_id", int{report.cpuid_mod_id});
    out.set("cpuid_step", int{report.cpuid_step});
    Json fms(Json::Array{});
    fms.push(int{report.cpuid_fam_id}).push(int{report.cpuid_mod_id}).push(int{report.cpuid_step});
    out.set("fms", std::move(fms));
    out.set("chip_id", hex(report.chip_id));
    out.set("committed_tcb", hex(report.committed_tcb));
    out.set("current_version", report.current.text());
    out.set("committed_version", report.committed.text());
    out.set("launch_tcb", hex(report.launch_tcb));
    out.set("launch_mit_vector", report.launch_mit_vector);
    out.set("current_mit_vector", report.current_mit_vector);
    return out;
}

}  // namespace ratls::verify
