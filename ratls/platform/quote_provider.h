// Where the report of the TEE comes from.
#pragma once

#include <array>
#include <string>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

/// The kind says what REPORT_DATA or REPORTDATA of the report is.
///
/// | kind | report | its report data |
/// |---|---|---|
/// | `sev_guest` | ATTESTATION_REPORT | the caller's |
/// | `tdx_guest` | TDX quote | the caller's |
/// | `svsm` | ATTESTATION_REPORT | SHA-512 of the caller's and then `manifest` |
/// | `azure_snp` | ATTESTATION_REPORT | hash of the runtime data in `hcl`, which have the caller's
/// | | `azure_tdx` | TDX quote | the same |
struct TeeQuote {
    std::string kind = {};
    Bytes report = {};    ///< for TDX perhaps padded
    Bytes aux = {};       ///< SNP: certificate table as the host gave it; may be empty
    Bytes manifest = {};  ///< services of the SVSM
    Bytes hcl = {};       ///< report of Azure's paravisor
};

/// Makes TEE evidence. Calls block, as long as the firmware and the host take. Failures:
/// `unavailable` when this machine has no TEE or it stayed busy, `unsupported` when it is a TEE
/// that we do not know, `denied` without the permission, `malformed` or `too_large` when the answer
/// is none, `io` when it fails.
class QuoteProvider {
  public:
    virtual ~QuoteProvider() = default;

    virtual Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) = 0;
};

}  // namespace ratls
