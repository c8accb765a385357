#include "verify/appraise/snp.h"

#include <algorithm>
#include <charconv>

#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

std::string hex_number(std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

bool contains(const std::vector<Bytes>& values, ByteView wanted) {
    return std::ranges::any_of(values, [&](const Bytes& value) { return equal(value, wanted); });
}

/// A feature that the policy may allow although it is off by default.
void check_bit(std::string_view rule, bool set, bool allowed, std::string_view allow_name,
               Findings& out) {
    out.check(rule, !set || allowed, allowed ? "any (" + std::string(allow_name) + ")" : "off",
              set ? "on" : "off");
}

std::string platform_text(const snp::Report& report, const std::vector<unsigned>& bits) {
    std::string missing;
    for (const unsigned bit : bits) {
        if (!report.platform_bit(bit)) {
            missing += (missing.empty() ? "" : ", ") + std::string(platform_bit_name(bit));
        }
    }
    return missing;
}

}  // namespace

void appraise_snp_policy(const Verified<SnpEvidence>& evidence, const SnpPolicy& policy,
                         Findings& out) {
    const snp::Report& report = evidence->report;
    const snp::Line line = evidence->vek.line;
    check_bit("snp.policy.debug", report.policy_bit(snp::policy_bit::kDebug), policy.allow_debug,
              "allow_debug", out);
    check_bit("snp.policy.migration_agent", report.policy_bit(snp::policy_bit::kMigrateMa),
              policy.allow_migration_agent, "allow_migration_agent", out);
    check_bit("snp.policy.smt", report.policy_bit(snp::policy_bit::kSmt), policy.allow_smt,
              "allow_smt", out);
    const bool abi =
        report.abi_major() > policy.min_abi_major ||
        (report.abi_major() == policy.min_abi_major && report.abi_minor() >= policy.min_abi_minor);
    out.check("snp.policy.abi", abi,
              "at least " + std::to_string(policy.min_abi_major) + "." +
                  std::to_string(policy.min_abi_minor),
              std::to_string(report.abi_major()) + "." + std::to_string(report.abi_minor()));
    out.check("snp.vmpl", std::ranges::find(policy.vmpl, report.vmpl) != policy.vmpl.end(),
              "a level of the policy's list", std::to_string(report.vmpl));
    const bool masked = all_zero(report.chip_id);
    out.check("snp.chip_id.masked", !masked || policy.allow_masked_chip_id,
              policy.allow_masked_chip_id ? "any (allow_masked_chip_id)" : "a chip id",
              masked ? "masked" : "given");
    if (!policy.chip_ids.empty()) {
        out.check("snp.chip_id", contains(policy.chip_ids, report.chip_id),
                  "one of " + std::to_string(policy.chip_ids.size()) + " pinned chips",
                  hex(report.chip_id));
    }
    const auto minimum = policy.min_tcb.find(line);
    if (minimum != policy.min_tcb.end()) {
        // The committed version is what the platform cannot fall back behind.
        const bool enough = snp::at_least(evidence->reported, minimum->second) &&
                            snp::at_least(evidence->committed, minimum->second);
        out.check("snp.tcb.minimum", enough, "at least " + snp::tcb_text(minimum->second),
                  "reported " + snp::tcb_text(evidence->reported) + "; committed " +
                      snp::tcb_text(evidence->committed));
    }
    const bool provisional = !(evidence->committed == evidence->current) ||
                             report.committed.text() != report.current.text();
    out.check("snp.tcb.provisional", !provisional || policy.allow_provisional_firmware,
              policy.allow_provisional_firmware ? "any (allow_provisional_firmware)"
                                                : "committed equal to current",
              provisional ? "current firmware is not committed" : "committed");
    out.check("snp.products", std::ranges::find(policy.products, line) != policy.products.end(),
              "a product of the policy's list", std::string(snp::line_name(line)));
    const std::string missing = platform_text(report, policy.required_platform_bits);
    out.check("snp.platform", missing.empty(), "the required platform features",
              missing.empty() ? "all on" : "off: " + missing);
}

const MeasurementReference* appraise_snp_reference(const Verified<SnpEvidence>& evidence,
                                                   const SnpReference& reference, Findings& out) {
    const snp::Report& report = evidence->report;
    const auto found = std::ranges::find_if(
        reference.measurements,
        [&](const MeasurementReference& entry) { return equal(entry.value, report.measurement); });
    const bool known = found != reference.measurements.end();
    out.check("snp.measurement", known,
              "one of " + std::to_string(reference.measurements.size()) + " reference values",
              hex(report.measurement));
    if (!reference.host_data.empty()) {
        out.check("snp.host_data", contains(reference.host_data, report.host_data),
                  "a reference value", hex(report.host_data));
    }
    if (!reference.id_key_digests.empty()) {
        out.check("snp.id_key", contains(reference.id_key_digests, report.id_key_digest),
                  "a reference value", hex(report.id_key_digest));
    }
    out.check("snp.guest_svn", report.guest_svn >= reference.min_guest_svn,
              "at least " + std::to_string(reference.min_guest_svn),
              std::to_string(report.guest_svn));
    return known ? &*found : nullptr;
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
