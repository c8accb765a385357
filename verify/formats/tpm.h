// Verification of TPM quotes.
#pragma once

#include <optional>

#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/public_area.h"
#include "ratls/evidence/tpm/signature.h"
#include "verify/finding.h"
#include "verify/verified.h"

namespace ratls::verify {

/// A quote with the values that it proves.
struct TpmEvidence {
    tpm::Quote quote;
    HashAlg digest_alg = HashAlg::sha256;  ///< hash of the signing scheme, so of pcrDigest
    std::vector<tpm::PcrValue> pcrs;       ///< those that were claimed and hash to pcrDigest
    Bytes ak_name;                         ///< empty if only a bare public key was given

    const Bytes* pcr(HashAlg bank, unsigned index) const;
};

struct TpmInputs {
    ByteView attest;     ///< TPMS_ATTEST
    ByteView signature;  ///< TPMT_SIGNATURE, or a bare RSA signature, or one of ECDSA in DER
    ByteView ak;         ///< TPMT_PUBLIC, TPM2B_PUBLIC, or a PEM or DER SubjectPublicKeyInfo
    /// What extraData must be, exactly; not checked if absent.
    std::optional<Bytes> nonce;
    /// The values as the prover claims them. The selection must be exactly theirs. If absent, the
    /// caller must prove values otherwise (by logs).
    std::optional<std::vector<tpm::PcrValue>> pcrs;
};

/// Form, AK attributes, signature, extraData, selection, PCR digest. Gives the evidence only if all
/// of it holds. `not_checked` gets what could not be looked at.
std::optional<Verified<TpmEvidence>> verify_tpm_quote(const TpmInputs& inputs, Findings& out,
                                                      std::vector<std::string>& not_checked);

/// "sha256:0,1,7", for messages.
std::string selection_text(const std::vector<tpm::PcrSelection>& selection);

}  // namespace ratls::verify
