#include "verify/appraise/dcap.h"

#include <algorithm>

#include "ratls/codec/hex.h"
#include "verify/appraise/bits.h"

namespace ratls::verify {
namespace {

/// One of a list that the policy gives; any if it gives none.
void check_listed(std::string_view rule, const std::vector<Bytes>& accepted, ByteView actual,
                  Findings& out) {
    out.check(rule, accepted.empty() || contains(accepted, actual),
              accepted.empty() ? "any" : "one of " + std::to_string(accepted.size()) + " values",
              hex(actual));
}

/// One of a list that the policy gives; zeros if it gives none.
void check_zero_or_listed(std::string_view rule, const std::vector<Bytes>& accepted,
                          ByteView actual, Findings& out) {
    out.check(rule, accepted.empty() ? all_zero(actual) : contains(accepted, actual),
              accepted.empty() ? "zeros" : "one of " + std::to_string(accepted.size()) + " values",
              hex(actual));
}

bool accepts(const IntelPolicy& policy, dcap::TcbStatus status) {
    return std::ranges::find(policy.accepted_tcb_statuses, status) !=
           policy.accepted_tcb_statuses.end();
}

void check_status(const TcbVerdict& tcb, const IntelPolicy& policy, UnixTime now, Findings& out) {
    constexpr std::int64_t kDay = 86400;
    std::string wanted;
    for (const dcap::TcbStatus status : policy.accepted_tcb_statuses) {
        wanted += (wanted.empty() ? "" : ", ") + std::string(dcap::status_name(status));
    }
    std::string actual(dcap::status_name(tcb.status));
    bool good = accepts(policy, tcb.status);
    if (!good && tcb.otherwise && tcb.out_of_date_since && policy.out_of_date_grace_days > 0) {
        const UnixTime end = *tcb.out_of_date_since + policy.out_of_date_grace_days * kDay;
        good = accepts(policy, *tcb.otherwise) && now < end;
        actual += " since " + format_rfc3339(*tcb.out_of_date_since) + ", grace until " +
                  format_rfc3339(end);
    }
    if (!tcb.behind.empty()) {
        actual += " (" + tcb.behind + ")";
    }
    out.check("dcap.tcb.status", good, wanted, actual);
}

/// The first eight bytes, little-endian.
std::uint64_t attribute_bits(ByteView bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = 8; i > 0; --i) {
        out = out << 8 | bytes[i - 1];
    }
    return out;
}

std::string names_of(std::uint64_t bits, const auto& name) {
    const std::string out = bits_text(bits, name);
    return out.empty() ? "none" : out;
}

/// Bits that are not defined today: each one is refused, or waived by its number.
void check_unknown(std::string_view rule, std::uint64_t unknown,
                   const std::vector<std::int64_t>& allowed, Findings& out) {
    const Verdict otherwise = (unknown & ~mask_of(allowed)) == 0 ? Verdict::waived : Verdict::fail;
    const auto number = [](unsigned bit) { return "bit " + std::to_string(bit); };
    out.add({std::string(rule), unknown == 0 ? Verdict::pass : otherwise,
             "no bit that this version does not know", names_of(unknown, number)});
}

void check_attributes(const dcap::TdReport& td, const TdxPolicy& policy, Findings& out) {
    const std::uint64_t bits = attribute_bits(td.td_attributes);
    const auto set = [&](unsigned bit) { return ((bits >> bit) & 1) != 0; };
    out.check_off("tdx.attributes.debug", set(td_attribute::kDebug), policy.allow_debug,
                  "allow_debug");
    out.check_off("tdx.attributes.migratable", set(td_attribute::kMigratable),
                  policy.allow_migratable, "allow_migratable");
    const std::uint64_t unknown = bits & ~td_attribute::kKnown;
    if (policy.allow_unknown_attributes) {
        out.check("tdx.attributes.unknown", true, "any (allow_unknown_attributes)",
                  names_of(unknown, td_attribute_name));
    } else {
        check_unknown("tdx.attributes.unknown", unknown, policy.allowed_attributes, out);
    }
    const std::uint64_t missing = mask_of(policy.required_attributes) & ~bits;
    out.check("tdx.attributes.required", missing == 0,
              names_of(mask_of(policy.required_attributes), td_attribute_name),
              "missing: " + names_of(missing, td_attribute_name));
    const std::uint64_t forbidden = mask_of(policy.forbidden_attributes) & bits;
    out.check("tdx.attributes.forbidden", forbidden == 0,
              "none of " + names_of(mask_of(policy.forbidden_attributes), td_attribute_name),
              names_of(forbidden, td_attribute_name));
}

Json enclave_claims(const dcap::EnclaveReport& report) {
    Json out(Json::Object{});
    out.set("cpusvn", hex(report.cpu_svn));
    out.set("miscselect", std::uint64_t{report.misc_select});
    out.set("isvextprodid", hex(report.isv_ext_prod_id));
    out.set("attributes", hex(report.attributes));
    out.set("mrenclave", hex(report.mr_enclave)).set("mrsigner", hex(report.mr_signer));
    out.set("configid", hex(report.config_id));
    out.set("isvprodid", int{report.isv_prod_id}).set("isvsvn", int{report.isv_svn});
    out.set("configsvn", int{report.config_svn});
    out.set("isvfamilyid", hex(report.isv_family_id));
    out.set("reportdata", hex(report.report_data));
    return out;
}

Json td_claims(const dcap::TdReport& td) {
    Json out(Json::Object{});
    out.set("tee_tcb_svn", hex(td.tee_tcb_svn));
    out.set("mrseam", hex(td.mr_seam)).set("mrsignerseam", hex(td.mr_signer_seam));
    out.set("seamattributes", hex(td.seam_attributes));
    out.set("tdattributes", hex(td.td_attributes)).set("xfam", hex(td.xfam));
    out.set("mrtd", hex(td.mr_td)).set("mrconfigid", hex(td.mr_config_id));
    out.set("mrowner", hex(td.mr_owner)).set("mrownerconfig", hex(td.mr_owner_config));
    for (std::size_t i = 0; i < td.rtmr.size(); ++i) {
        out.set("rtmr" + std::to_string(i), hex(td.rtmr[i]));
    }
    out.set("reportdata", hex(td.report_data));
    if (td.v15) {
        out.set("tee_tcb_svn_2", hex(td.v15->tee_tcb_svn_2));
        out.set("mrservicetd", hex(td.v15->mr_service_td));
    }
    return out;
}

}  // namespace

void appraise_intel_policy(const Verified<DcapEvidence>& evidence, const IntelPolicy& policy,
                           UnixTime now, Findings& out) {
    const TcbVerdict& tcb = evidence->tcb;
    check_status(tcb, policy, now, out);
    std::string denied;
    for (const std::string& advisory : tcb.advisories) {
        if (std::ranges::find(policy.denied_advisories, advisory) !=
            policy.denied_advisories.end()) {
            denied += (denied.empty() ? "" : ", ") + advisory;
        }
    }
    out.check("dcap.tcb.advisories", denied.empty(),
              std::to_string(policy.denied_advisories.size()) + " denied",
              denied.empty() ? "none of them applies" : denied);
    out.check("dcap.tcb.date", !policy.min_tcb_date || tcb.date >= *policy.min_tcb_date,
              policy.min_tcb_date ? "at least " + format_rfc3339(*policy.min_tcb_date) : "any",
              format_rfc3339(tcb.date));
    out.check("dcap.tcb.evaluation", evidence->evaluation_number >= policy.min_evaluation_number,
              "at least " + std::to_string(policy.min_evaluation_number),
              std::to_string(evidence->evaluation_number));
    check_listed("dcap.fmspc", policy.fmspcs, evidence->pck.fmspc, out);
    const auto& instance = evidence->pck.platform_instance_id;
    const bool known = policy.platform_ids.empty() ||
                       contains(policy.platform_ids, evidence->pck.ppid) ||
                       (instance && contains(policy.platform_ids, *instance));
    out.check("dcap.platform_id", known,
              policy.platform_ids.empty()
                  ? "any"
                  : "one of " + std::to_string(policy.platform_ids.size()) + " pinned platforms",
              hex(evidence->pck.ppid) + (instance ? ", instance " + hex(*instance) : ""));
}

void appraise_tdx_policy(const Verified<DcapEvidence>& evidence, const TdxPolicy& policy,
                         Findings& out) {
    const dcap::TdReport& td = *evidence->quote.td;
    check_attributes(td, policy, out);
    check_listed("tdx.xfam", policy.xfam, td.xfam, out);
    check_listed("tdx.mrseam", policy.mr_seam, td.mr_seam, out);
    check_zero_or_listed("tdx.mrsignerseam", policy.mr_signer_seam, td.mr_signer_seam, out);
    const std::array<std::uint8_t, 48> none{};
    check_zero_or_listed("tdx.mrservicetd", policy.service_tds,
                         td.v15 ? td.v15->mr_service_td : none, out);
    bool enough = true;
    for (std::size_t i = 0; policy.min_tee_tcb_svn && i < td.tee_tcb_svn.size(); ++i) {
        enough &= td.tee_tcb_svn[i] >= (*policy.min_tee_tcb_svn)[i];
    }
    out.check("tdx.tee_tcb_svn", enough,
              policy.min_tee_tcb_svn ? "each at least " + hex(*policy.min_tee_tcb_svn) : "any",
              hex(td.tee_tcb_svn));
}

void appraise_sgx_policy(const Verified<DcapEvidence>& evidence, const SgxPolicy& policy,
                         Findings& out) {
    const dcap::EnclaveReport& report = *evidence->quote.enclave;
    const std::uint64_t bits = attribute_bits(report.attributes);
    const auto set = [&](unsigned bit) { return ((bits >> bit) & 1) != 0; };
    check_unknown("sgx.attributes.unknown", bits & ~enclave_attribute::kKnown,
                  policy.allowed_attributes, out);
    out.check_off("sgx.attributes.debug", set(enclave_attribute::kDebug), policy.allow_debug,
                  "allow_debug");
    out.check_off("sgx.attributes.provision_key", set(enclave_attribute::kProvisionKey),
                  policy.allow_provision_key, "allow_provision_key");
    check_listed("sgx.mrenclave", policy.mr_enclaves, report.mr_enclave, out);
    check_listed("sgx.mrsigner", policy.mr_signers, report.mr_signer, out);
    const auto& products = policy.isv_prod_ids;
    out.check("sgx.isvprodid",
              products.empty() ||
                  std::ranges::find(products, std::int64_t{report.isv_prod_id}) != products.end(),
              products.empty() ? "any" : "one of " + std::to_string(products.size()) + " values",
              std::to_string(report.isv_prod_id));
    out.check("sgx.isvsvn", report.isv_svn >= policy.min_isv_svn,
              "at least " + std::to_string(policy.min_isv_svn), std::to_string(report.isv_svn));
}

TdxMatch appraise_tdx_reference(const Verified<DcapEvidence>& evidence,
                                const TdxReference& reference, Findings& out) {
    const dcap::TdReport& td = *evidence->quote.td;
    TdxMatch match;
    for (const MeasurementReference& entry : reference.measurements) {
        if (match.measurement == nullptr && equal(entry.value, td.mr_td)) {
            match.measurement = &entry;
        }
    }
    out.check("tdx.mrtd", match.measurement != nullptr,
              "one of " + std::to_string(reference.measurements.size()) + " reference values",
              hex(td.mr_td));
    std::string wrong;
    for (const auto& [index, values] : reference.rtmrs) {
        if (!contains(values, td.rtmr[index])) {
            wrong += (wrong.empty() ? "RTMR" : ", RTMR") + std::to_string(index) + " is " +
                     hex(td.rtmr[index]);
        }
    }
    out.check("tdx.rtmrs", wrong.empty(),
              "the snapshot's values of " + std::to_string(reference.rtmrs.size()) + " registers",
              wrong.empty() ? "all equal" : wrong);
    match.boot = wrong.empty();
    for (const unsigned index : {0U, 1U, 2U}) {
        match.boot &= reference.rtmrs.contains(index);
    }
    check_listed("tdx.mrconfigid", reference.mr_config_id, td.mr_config_id, out);
    check_listed("tdx.mrowner", reference.mr_owner, td.mr_owner, out);
    check_listed("tdx.mrownerconfig", reference.mr_owner_config, td.mr_owner_config, out);
    return match;
}

TcbStatus dcap_tcb_status(const TcbVerdict& verdict) {
    return {std::string(dcap::status_name(verdict.status)), verdict.advisories,
            format_rfc3339(verdict.date)};
}

Json dcap_claims(const dcap::Quote& quote) {
    Json out(Json::Object{});
    out.set("version", int{quote.version}).set("tee_type", dcap::tee_name(quote.tee));
    out.set("qe_svn", int{quote.qe_svn}).set("pce_svn", int{quote.pce_svn});
    out.set("user_data", hex(quote.user_data));
    const Json body = quote.td ? td_claims(*quote.td) : enclave_claims(*quote.enclave);
    for (const auto& [name, value] : *body.if_object()) {
        out.set(name, value);
    }
    out.set("attestation_key", hex(quote.attestation_key));
    out.set("qe_report", enclave_claims(quote.qe_report));
    out.set("qe_auth_data", hex(quote.qe_auth_data));
    out.set("certification_data_type", static_cast<int>(quote.certification));
    return out;
}

Json pck_claims(const dcap::Pck& pck) {
    Json out(Json::Object{});
    out.set("ppid", hex(pck.ppid));
    out.set("sgx_tcb_components", hex(pck.components));
    out.set("pcesvn", int{pck.pce_svn}).set("cpusvn", hex(pck.cpu_svn));
    out.set("pceid", hex(pck.pce_id)).set("fmspc", hex(pck.fmspc));
    out.set("sgx_type", pck.sgx_type);
    if (pck.platform_instance_id) {
        out.set("platform_instance_id", hex(*pck.platform_instance_id));
    }
    if (pck.dynamic_platform && pck.cached_keys && pck.smt_enabled) {
        out.set("dynamic_platform", *pck.dynamic_platform).set("cached_keys", *pck.cached_keys);
        out.set("smt_enabled", *pck.smt_enabled);
    }
    return out;
}

}  // namespace ratls::verify
