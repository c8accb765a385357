// Rules for verified SEV-SNP reports.
#pragma once

#include "verify/appraise/policy.h"
#include "verify/appraise/snapshot.h"
#include "verify/formats/snp.h"

namespace ratls::verify {

/// The policy on the report's fields. Nothing here compares with reference values.
void appraise_snp_policy(const Verified<SnpEvidence>& evidence, const SnpPolicy& policy,
                         Findings& out);

/// What a report equals among the references.
struct SnpMatch {
    const MeasurementReference* measurement = nullptr;  ///< null if none
    bool paravisor = false;  ///< by a measurement with this tag, or by its id key
};

/// Compares measurement, host data, keys and ids with the reference values. `of_paravisor`: the
/// certificate says that the report is a paravisor's, whose id key may stand for its measurement.
SnpMatch appraise_snp_reference(const Verified<SnpEvidence>& evidence,
                                const SnpReference& reference, bool of_paravisor, Findings& out);

/// All fields by the specification's names, in snake_case.
Json snp_claims(const snp::Report& report);

}  // namespace ratls::verify
