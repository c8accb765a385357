// Appraisal of Intel platforms, trust domains and enclaves.
#pragma once

#include "verify/appraise/dcap_policy.h"
#include "verify/appraise/snapshot.h"
#include "verify/formats/dcap.h"
#include "verify/result.h"

namespace ratls::verify {

/// What the TCB is worth: the rules dcap.tcb.* and which platforms are wanted.
void appraise_intel_policy(const Verified<DcapEvidence>& evidence, const IntelPolicy& policy,
                           UnixTime now, Findings& out);

/// The trust domain of a TDX quote.
void appraise_tdx_policy(const Verified<DcapEvidence>& evidence, const TdxPolicy& policy,
                         Findings& out);

/// The enclave of an SGX quote.
void appraise_sgx_policy(const Verified<DcapEvidence>& evidence, const SgxPolicy& policy,
                         Findings& out);

/// What reference values a trust domain was found equal to.
struct TdxMatch {
    const MeasurementReference* measurement = nullptr;  ///< null if MRTD is none of them
    bool boot = false;  ///< RTMR 0, 1 and 2 have reference values and are equal to them
};

TdxMatch appraise_tdx_reference(const Verified<DcapEvidence>& evidence,
                                const TdxReference& reference, Findings& out);

/// Member "tcb" of a result.
TcbStatus dcap_tcb_status(const TcbVerdict& verdict);

/// Every field by the specification's name: header, report, QE report.
Json dcap_claims(const dcap::Quote& quote);
/// Every field of the PCK certificate's extension.
Json pck_claims(const dcap::Pck& pck);

}  // namespace ratls::verify
