#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "verify/appraise/dcap.h"
#include "verify/formats/hcl.h"
#include "verify/raw.h"

namespace ratls::verify {
namespace {

class RawHclVerifier {
  public:
    RawHclVerifier(const RawHcl& raw, const Context& context) : raw_(raw), context_(context) {}

    VerificationResult run() {
        out_.verified_at = context_.now;
        out_.tpm = {"none", false, false,
                    "the paravisor names the AK, and no reference value of it was compared"};
        judge_endorsements(proof_, out_);
        const auto report = verify_hcl_binding(raw_.report, out_.findings);
        if (report) {
            out_.claims.set("hcl", hcl_claims(*report));
            check_hardware(*report);
            check_tpm(*report);
            check_nonce(*report);
        }
        out_.not_checked.emplace_back("key binding");
        out_.not_checked.emplace_back("reference values");
        out_.outcome = conclude(out_.findings, false);
        return std::move(out_);
    }

  private:
    void check_hardware(const hcl::Report& report) {
        if (report.type == hcl::ReportType::snp) {
            judge_snp(report.hardware_report, proof_, context_, out_);
            if (raw_.td_quote) {
                out_.findings.fail("hcl.binding", "no TDX quote beside an SNP report", "one given");
            }
            return;
        }
        out_.findings.check("hcl.td_quote", raw_.td_quote.has_value(),
                            "a quote of this trust domain (--td-quote)",
                            raw_.td_quote ? "given" : "none given");
        if (!raw_.td_quote) {
            return;
        }
        judge_dcap(*raw_.td_quote, dcap::Tee::tdx, proof_, context_, out_);
        const auto quote = dcap::parse_quote(*raw_.td_quote);
        out_.findings.check(
            "hcl.binding", quote && equal(quote->report_data(), report.report_data()),
            hex(report.report_data()), quote ? hex(quote->report_data()) : quote.error().text());
    }

    void check_tpm(const hcl::Report& report) {
        if (!raw_.quote) {
            out_.not_checked.emplace_back("TPM quote (none was given)");
            return;
        }
        const auto evidence =
            verify_tpm_quote({raw_.quote->attest, raw_.quote->signature, report.runtime.ak.spki(),
                              context_.nonce, raw_.quote->pcrs},
                             out_.findings, out_.not_checked);
        if (!raw_.quote->pcrs) {
            out_.not_checked.emplace_back("PCR values (none were given)");
        }
        if (evidence) {
            appraise_raw_quote(**evidence, context_.policy.tpm, out_.findings);
        }
    }

    /// Without a TPM quote the nonce is what the guest had the paravisor put into the JSON.
    void check_nonce(const hcl::Report& report) {
        if (!context_.nonce) {
            out_.not_checked.emplace_back("nonce (none was given)");
        } else if (!raw_.quote) {
            Bytes wanted = *context_.nonce;
            wanted.resize(64, 0);
            const auto& user_data = report.runtime.user_data;
            out_.findings.check("hcl.nonce", user_data && equal(*user_data, wanted), hex(wanted),
                                user_data ? hex(*user_data) : "no user-data");
        }
    }

    const RawHcl& raw_;
    const Context& context_;
    const EndorsementProof proof_{context_.endorsements, context_.user_roots, context_.proven};
    VerificationResult out_;
};

}  // namespace

VerificationResult verify_raw_hcl(const RawHcl& evidence, const Context& context) {
    return RawHclVerifier(evidence, context).run();
}

}  // namespace ratls::verify
