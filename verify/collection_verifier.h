// Verification and appraisal of one collection of evidence, wherever it came from.
#pragma once

#include "verify/verifier.h"

namespace ratls::verify {

/// Runs all rules on a collection and its claims and adds what it finds to `out`: findings, root,
/// TPM class, beacon freshness, claims, what was not checked. Leaves the outcome to the caller.
/// `fresh`: it was asked for by this verifier, and just now.
void verify_collection(const cert::Collection& collection, const cert::Claims& claims,
                       const CertificateInputs& inputs, bool fresh, VerificationResult& out);

/// The rules about the snapshot itself: present, signed, name, dates, sequence, dialect.
void appraise_snapshot(const CertificateInputs& inputs, VerificationResult& out);

}  // namespace ratls::verify
