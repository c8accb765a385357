#include "ratls/codec/hex.h"
#include "verify/raw.h"

namespace ratls::verify {

std::optional<Verified<SnpEvidence>> judge_snp(ByteView report, const EndorsementProof& proof,
                                               const Context& context, VerificationResult& out) {
    auto evidence = verify_snp(report, proof, context.now, out.findings);
    if (const auto parsed = snp::parse_report(report)) {
        out.claims.set("snp", snp_claims(*parsed));
    }
    if (!evidence) {
        return std::nullopt;
    }
    out.root = (*evidence)->user_root ? kRootOfUser : kRootOfVendor;
    out.skip((*evidence)->skipped);
    appraise_snp_policy(*evidence, context.policy.snp, out.findings);
    if (!(*evidence)->revocation_checked) {
        out.not_checked.emplace_back("revocation");
    }
    return evidence;
}

void judge_endorsements(const EndorsementProof& proof, VerificationResult& out) {
    proof.report(out.findings);
    std::vector<std::string> skipped;
    for (const std::string& name : proof.endorsements().skipped()) {
        skipped.push_back(describe({name}, "no endorsement"));
    }
    out.skip(skipped);
}

void conclude_raw(ByteView report_data, std::string_view nonce_rule, const Context& context,
                  VerificationResult& out) {
    if (context.nonce && !report_data.empty()) {
        Bytes wanted = *context.nonce;
        wanted.resize(64, 0);
        out.findings.check(nonce_rule, equal(wanted, report_data), hex(wanted), hex(report_data));
    }
    out.not_checked.emplace_back("freshness");
    out.not_checked.emplace_back("key binding");
    out.not_checked.emplace_back("reference values");
    if (!context.nonce) {
        out.not_checked.emplace_back("report data (no nonce was given)");
    }
    out.outcome = conclude(out.findings, false);
}

VerificationResult verify_raw_snp(ByteView report, const Context& context) {
    VerificationResult out;
    out.verified_at = context.now;
    const EndorsementProof proof(context.endorsements, context.user_roots, context.proven);
    judge_endorsements(proof, out);
    judge_snp(report, proof, context, out);
    const auto parsed = snp::parse_report(report);
    conclude_raw(parsed ? ByteView(parsed->report_data) : ByteView(), "snp.nonce", context, out);
    return out;
}

}  // namespace ratls::verify
