// Verification of evidence outside of a certificate.
#pragma once

#include "verify/appraise/ima_state.h"
#include "verify/appraise/snp.h"
#include "verify/formats/dcap.h"
#include "verify/formats/tpm.h"
#include "verify/result.h"

namespace ratls::verify {

/// What every verification is given beside the evidence. Everything that a verdict rests on comes
/// in here: nothing is read, fetched or remembered.
struct Context {
    const Policy& policy;
    const Endorsements& endorsements;
    const std::vector<UserRoot>& user_roots;
    UnixTime now = 0;
    /// A raw nonce of 1 to 64 bytes: equal to extraData, or to REPORT_DATA zero-padded to 64.
    std::optional<Bytes> nonce;
    /// What was verified about certificates before; none: nothing was.
    ProvenSignatures* proven = nullptr;
    /// What was verified of IMA logs before; none: nothing was.
    ImaMemory* ima = nullptr;
};

/// One SEV-SNP report, for itself: no key binding, no reference values.
VerificationResult verify_raw_snp(ByteView report, const Context& context);

/// One SGX or TDX quote, for itself; a CC event log must replay to the RTMRs of a TDX quote.
VerificationResult verify_raw_dcap(ByteView quote, dcap::Tee tee, const std::optional<Bytes>& ccel,
                                   const Context& context);

struct RawTpm {
    Bytes attest;
    Bytes signature;
    Bytes ak;
    std::optional<std::vector<tpm::PcrValue>> pcrs;
    std::vector<Bytes> logs;  ///< IMA logs and boot logs; the content decides
};

/// What the policy says about a raw quote: bank, clock, required PCRs.
void appraise_raw_quote(const TpmEvidence& evidence, const TpmPolicy& policy, Findings& out);

/// One TPM quote with the logs that it proves.
VerificationResult verify_raw_tpm(const RawTpm& evidence, const Context& context);

/// A report of Azure's paravisor with what belongs to it.
struct RawHcl {
    Bytes report;
    struct Quote {
        Bytes attest;
        Bytes signature;
        std::optional<std::vector<tpm::PcrValue>> pcrs;
    };
    std::optional<Quote> quote;     ///< by the AK that the report names
    std::optional<Bytes> td_quote;  ///< what signs the TDREPORT of a trust domain
};

/// The hardware's word for the paravisor's runtime data, and its AK's for the TPM.
VerificationResult verify_raw_hcl(const RawHcl& evidence, const Context& context);

/// The rules about endorsements as such, whatever the evidence needs of them.
void judge_endorsements(const EndorsementProof& proof, VerificationResult& out);

/// Verification and policy of a report or quote, as part of something larger.
std::optional<Verified<SnpEvidence>> judge_snp(ByteView report, const EndorsementProof& proof,
                                               const Context& context, VerificationResult& out);
std::optional<Verified<DcapEvidence>> judge_dcap(ByteView quote, dcap::Tee tee,
                                                 const EndorsementProof& proof,
                                                 const Context& context, VerificationResult& out);

/// The end of a raw verification: nonce, what was not checked, outcome. `report_data` is empty if
/// the evidence did not parse.
void conclude_raw(ByteView report_data, std::string_view nonce_rule, const Context& context,
                  VerificationResult& out);

}  // namespace ratls::verify
