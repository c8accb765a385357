// The structure that a TPM signs when it quotes PCRs.
#pragma once

#include <vector>

#include "ratls/evidence/tpm/algorithm.h"

namespace ratls::tpm {

struct Quote {
    Bytes qualified_signer;           ///< qualified name of the AK, not its name
    Bytes extra_data;                 ///< what the caller of TPM2_Quote chose, at most 64 bytes
    std::uint64_t clock_ms = 0;       ///< milliseconds powered on since TPM2_Clear
    std::uint32_t reset_count = 0;    ///< TPM resets (reboots) since TPM2_Clear
    std::uint32_t restart_count = 0;  ///< TPM restarts or resumes since the last reset
    bool safe = false;                ///< false: the clock may have gone back
    std::uint64_t firmware_version = 0;
    std::vector<PcrSelection> pcrs;  ///< no bank twice; a mask may be 0
    Bytes pcr_digest;
};

/// Parses the TPMS_ATTEST that a TPM signs when it quotes PCRs. Form only: the signature is
/// `verify_quote`'s business, the values are the appraisal's.
/// Source: TPM 2.0 Library, Part 2, 10.12.12 TPMS_ATTEST, 10.12.1 TPMS_QUOTE_INFO. Big-endian.
Result<Quote> parse_quote(ByteView in);

/// PCR values of several banks, as somebody claims them.
struct PcrValue {
    HashAlg bank = HashAlg::sha256;
    unsigned index = 0;
    Bytes value;
};

/// The digest that a TPM makes over these PCRs: in the order of the selection list, ascending
/// inside a bank. `alg` is the hash of the signing scheme, not of the bank. Fails if a selected
/// value is not there, is there twice, or has the wrong size.
/// Source: TPM 2.0 Library, Part 3, TPM2_Quote; Part 1, 11.4.7.
Result<Digest> pcr_digest(const std::vector<PcrSelection>& selection,
                          const std::vector<PcrValue>& values, HashAlg alg);

}  // namespace ratls::tpm
