// Verification of AMD SEV-SNP reports.
#pragma once

#include <optional>

#include "ratls/evidence/snp/vek.h"
#include "verify/formats/endorsement_proof.h"
#include "verify/verified.h"

namespace ratls::verify {

/// A revocation list that was signed by the root and was valid at the time.
struct VerifiedCrl {
    Sha256Digest sha256{};
    UnixTime this_update = 0;
};

/// A report with what its verification found out.
struct SnpEvidence {
    snp::Report report;
    snp::Vek vek;
    snp::Tcb reported, current, committed, launch;
    bool user_root = false;  ///< the chain ends at a root given by the caller
    bool revocation_checked = false;
    /// The revocation lists that hold, each of them good for a beacon.
    std::vector<VerifiedCrl> crls;
    /// Documents that were given and are not of this platform, for people.
    std::vector<std::string> skipped;
};

/// Form, product, chain to a pinned root, dates, revocation, key extensions against the report, and
/// the signature over the raw bytes. Gives the evidence only if all of it holds.
/// Source: AMD 56860 rev. 1.58; AMD 57230; the order of docs/architecture.md.
std::optional<Verified<SnpEvidence>> verify_snp(ByteView report, const EndorsementProof& proof,
                                                UnixTime now, Findings& out);

}  // namespace ratls::verify
