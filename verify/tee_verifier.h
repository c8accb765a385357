// The TEE's part of a collection: whose word everything else in it rests on.
#pragma once

#include "verify/verifier.h"

namespace ratls::verify {

struct TeeOutcome {
    /// The evidence verifies, and its report data bind the claims, or in class hcl the AK.
    bool verified = false;
    /// The hardware measured kernel, initrd and command line, and they equal reference values.
    bool boot_measured = false;
    /// The paravisor is a reference value, and it names the AK.
    bool paravisor = false;
    bool hcl = false;                  ///< label 8 is there: the binding is the inverted one
    std::optional<dcap::TdReport> td;  ///< verified: what a CC event log must replay to
};

/// Labels 2, 6 and 8, and the beacon. `snapshot` is null if nothing is to be compared.
TeeOutcome verify_tee(const cert::Collection& collection, const cert::Claims& claims,
                      const CertificateInputs& inputs, const Snapshot* snapshot,
                      VerificationResult& out);

/// A CC event log against the RTMRs of a verified report.
void check_ccel(ByteView log, const dcap::TdReport& td, Findings& out);

}  // namespace ratls::verify
