// The real TPM: tpm2-tss, ESAPI.
#pragma once

#include <memory>
#include <string>

#include "ratls/platform/tpm.h"

namespace ratls {

/// Opens a TPM by its TCTI string, "device:/dev/tpmrm0" or "swtpm:host=127.0.0.1,port=2321", and
/// makes the AK in it, or takes the one that is there. The string is required: without one,
/// tpm2-tss looks around by itself and may end at a simulator on loopback. The AK stays loaded
/// until the object goes, and so does the EK once it was asked for.
/// Failures: `usage` for an empty string, `unavailable` when there is no TPM or nothing at the AK's
/// handle, `unsupported` when the key there is no AK, `io` when it refuses. The EK's handle is
/// looked at when it is needed, with the same failures.
Result<std::unique_ptr<Tpm>> open_tpm(const std::string& tcti, const TpmKeys& keys = {});

}  // namespace ratls
