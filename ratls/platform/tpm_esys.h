// The real TPM: tpm2-tss, ESAPI.
#pragma once

#include <memory>
#include <string>

#include "ratls/platform/tpm.h"

namespace ratls {

/// Opens a TPM by its TCTI string, "device:/dev/tpmrm0" or "swtpm:host=127.0.0.1,port=2321", and
/// makes the AK in it. The string is required: without one, tpm2-tss looks around by itself and
/// may end at a simulator on loopback. The AK stays loaded until the object goes.
/// Failures: `usage` for an empty string, `unavailable` when there is no TPM, `io` when it refuses.
Result<std::unique_ptr<Tpm>> open_tpm(const std::string& tcti);

/// The same with an AK that is in the TPM already, at a persistent handle. `unavailable` when there
/// is none, `unsupported` when that key is no attestation key.
Result<std::unique_ptr<Tpm>> open_tpm_with_ak(const std::string& tcti,
                                              std::uint32_t persistent_handle);

}  // namespace ratls
