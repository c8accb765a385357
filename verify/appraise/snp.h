// Rules for verified SEV-SNP reports.
#pragma once

#include "verify/appraise/policy.h"
#include "verify/appraise/snapshot.h"
#include "verify/formats/snp.h"

namespace ratls::verify {

/// The policy on the report's fields. Nothing here compares with reference values.
void appraise_snp_policy(const Verified<SnpEvidence>& evidence, const SnpPolicy& policy,
                         Findings& out);

/// The reference values. Gives the measurement's entry if it is one of them.
const MeasurementReference* appraise_snp_reference(const Verified<SnpEvidence>& evidence,
                                                   const SnpReference& reference, Findings& out);

/// All fields by the specification's names, in snake_case.
Json snp_claims(const snp::Report& report);

}  // namespace ratls::verify
