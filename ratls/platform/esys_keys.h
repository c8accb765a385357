// The keys of a TPM under ESAPI: attestation and endorsement. For TpmEsys only.
#pragma once

#include "ratls/evidence/tpm/public_area.h"
#include "ratls/platform/esys.h"
#include "ratls/platform/tpm.h"

namespace ratls {

/// A key that is loaded, or persistent, with its parsed public area.
struct EsysKey {
    EsysHandle handle;
    Bytes public_area;  ///< TPMT_PUBLIC
    tpm::PublicArea parsed;
};

/// The AK and the EK of these options. As in `open_tpm`.
Result<EsysKey> esys_ak(ESYS_CONTEXT* esys, const TpmKeys& keys);
Result<EsysKey> esys_ek(ESYS_CONTEXT* esys, const TpmKeys& keys, EkKind kind);

/// As in Tpm.
Result<Secret> esys_activate(ESYS_CONTEXT* esys, const EsysKey& ak, const EsysKey& ek,
                             ByteView id_object, ByteView encrypted_secret);

}  // namespace ratls
