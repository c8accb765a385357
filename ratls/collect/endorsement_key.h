// The EK of a TPM, and what its maker says about it.
#pragma once

#include "ratls/platform/tpm.h"

namespace ratls {

struct EndorsementKey {
    EkKind kind = EkKind::rsa;
    Bytes public_area;                ///< TPMT_PUBLIC
    std::vector<Bytes> certificates;  ///< DER, that of the EK first
};

/// The first EK, elliptic curves before RSA, whose key is the one that its certificate names. The
/// certificate is in the TPM, or first in `chain`; what else is in `chain` are the CAs above it.
/// Fails with `unavailable` if there is no certificate, `mismatch` if none is about an EK here.
Result<EndorsementKey> find_endorsement_key(Tpm& tpm, const std::vector<Bytes>& chain);

}  // namespace ratls
