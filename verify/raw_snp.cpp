#include "ratls/codec/hex.h"
#include "verify/raw.h"

namespace ratls::verify {

VerificationResult verify_raw_snp(ByteView report, const Context& context) {
    VerificationResult out;
    out.verified_at = context.now;
    const auto evidence =
        verify_snp(report, {context.endorsements, context.user_roots, context.now}, out.findings);
    if (const auto parsed = snp::parse_report(report)) {
        out.claims.set("snp", snp_claims(*parsed));
        if (context.nonce) {
            Bytes wanted = *context.nonce;
            wanted.resize(64, 0);
            out.findings.check("snp.nonce", equal(wanted, parsed->report_data), hex(wanted),
                               hex(parsed->report_data));
        }
    }
    if (evidence) {
        out.root = (*evidence)->user_root ? "user" : "vendor";
        appraise_snp_policy(*evidence, context.policy.snp, out.findings);
        if (!(*evidence)->revocation_checked) {
            out.not_checked.emplace_back("revocation");
        }
    }
    out.not_checked.emplace_back("key binding");
    out.not_checked.emplace_back("reference values");
    if (!context.nonce) {
        out.not_checked.emplace_back("report data (no nonce was given)");
    }
    out.outcome = conclude(out.findings, false);
    return out;
}

}  // namespace ratls::verify
