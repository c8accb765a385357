#include "ratls/codec/hex.h"
#include "verify/appraise/dcap.h"
#include "verify/raw.h"

namespace ratls::verify {

VerificationResult verify_raw_dcap(ByteView quote, dcap::Tee tee, const Context& context) {
    VerificationResult out;
    out.verified_at = context.now;
    const DcapCollateral collateral =
        prove_dcap_collateral(context.endorsements, context.user_roots, tee);
    const auto evidence = verify_dcap(quote, collateral, context.now, out.findings);
    if (const auto parsed = dcap::parse_quote(quote)) {
        out.claims.set(tee == dcap::Tee::tdx ? "tdx" : "sgx", dcap_claims(*parsed));
        if (context.nonce) {
            Bytes wanted = *context.nonce;
            wanted.resize(64, 0);
            out.findings.check("dcap.nonce", equal(wanted, parsed->report_data()), hex(wanted),
                               hex(parsed->report_data()));
        }
    }
    if (evidence) {
        out.root = (*evidence)->user_root ? "user" : "vendor";
        out.tcb = dcap_tcb_status((*evidence)->tcb);
        out.claims.set("pck", pck_claims((*evidence)->pck));
        appraise_intel_policy(*evidence, context.policy.intel, context.now, out.findings);
        if (tee == dcap::Tee::tdx) {
            appraise_tdx_policy(*evidence, context.policy.tdx, out.findings);
        } else {
            appraise_sgx_policy(*evidence, context.policy.sgx, out.findings);
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
