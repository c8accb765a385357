#include "verify/appraise/dcap.h"
#include "verify/raw.h"
#include "verify/tee_verifier.h"

namespace ratls::verify {

std::optional<Verified<DcapEvidence>> judge_dcap(ByteView quote, dcap::Tee tee,
                                                 const EndorsementProof& proof,
                                                 const Context& context, VerificationResult& out) {
    const DcapCollateral collateral = prove_dcap_collateral(proof, tee);
    auto evidence = verify_dcap(quote, collateral, context.now, out.findings, context.proven);
    if (const auto parsed = dcap::parse_quote(quote)) {
        out.claims.set(tee == dcap::Tee::tdx ? "tdx" : "sgx", dcap_claims(*parsed));
    }
    if (!evidence) {
        return std::nullopt;
    }
    out.root = (*evidence)->user_root ? kRootOfUser : kRootOfVendor;
    out.skip((*evidence)->skipped);
    out.tcb = dcap_tcb_status((*evidence)->tcb);
    out.claims.set("pck", pck_claims((*evidence)->pck));
    appraise_intel_policy(*evidence, context.policy.intel, context.now, out.findings);
    if (tee == dcap::Tee::tdx) {
        appraise_tdx_policy(*evidence, context.policy.tdx, out.findings);
    } else {
        appraise_sgx_policy(*evidence, context.policy.sgx, out.findings);
    }
    return evidence;
}

VerificationResult verify_raw_dcap(ByteView quote, dcap::Tee tee, const std::optional<Bytes>& ccel,
                                   const Context& context) {
    VerificationResult out;
    out.verified_at = context.now;
    const EndorsementProof proof(context.endorsements, context.user_roots, context.proven);
    judge_endorsements(proof, out);
    const auto evidence = judge_dcap(quote, tee, proof, context, out);
    if (ccel && evidence && tee == dcap::Tee::tdx) {
        check_ccel(*ccel, *(*evidence)->quote.td, out.findings);
    } else if (tee == dcap::Tee::tdx) {
        out.not_checked.emplace_back("boot (no CC event log that replays to the RTMRs)");
    }
    const auto parsed = dcap::parse_quote(quote);
    conclude_raw(parsed ? ByteView(parsed->report_data()) : ByteView(), "dcap.nonce", context, out);
    return out;
}

}  // namespace ratls::verify
