// Where the report of the TEE comes from.
#pragma once

#include <array>
#include <string>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

struct TeeQuote {
    std::string kind = {};  ///< the kernel's name of the provider: "sev_guest" or "tdx_guest"
    Bytes report = {};      ///< SNP: ATTESTATION_REPORT; TDX: quote, perhaps padded
    Bytes aux = {};         ///< SNP: certificate table as the host gave it; may be empty
};

/// Makes TEE evidence. Calls block, as long as the firmware and the host take. Failures:
/// `unavailable` when this machine has no TEE or it stayed busy, `unsupported` when it is a TEE
/// that we do not know, `denied` without the permission, `io` when it fails.
class QuoteProvider {
  public:
    virtual ~QuoteProvider() = default;

    virtual Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) = 0;
};

}  // namespace ratls
