// What the maker of a TPM says about its endorsement key.
#pragma once

#include <optional>

#include "ratls/evidence/tpm/public_area.h"
#include "verify/endorsements.h"
#include "verify/finding.h"
#include "verify/verified.h"

namespace ratls::verify {

/// An EK that a maker certifies: only its TPM can open what is encrypted to it.
struct EndorsementKey {
    tpm::PublicArea area;
    Certificate certificate;
};

/// Rule tpm.ek_chain, about the answer of the route `ek`: a chain from a root of kind tpm that the
/// caller gave to a certificate for endorsement keys, about exactly this key, which is a restricted
/// decryption key of its TPM; all valid now.
/// Source: TCG EK Credential Profile 2.5, section 3.2; RFC 5280.
std::optional<Verified<EndorsementKey>> verify_ek_certificate(
    ByteView answer, const std::vector<UserRoot>& user_roots, UnixTime now, Findings& out);

}  // namespace ratls::verify
