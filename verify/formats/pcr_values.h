// PCR values in files.
#pragma once

#include <vector>

#include "ratls/base/result.h"
#include "ratls/evidence/tpm/attest.h"

namespace ratls::verify {

/// PCR values in a file of at most 256 KiB: what `tpm2_pcrread` prints, alone or within what
/// `tpm2_quote` prints; what `tpm2_quote --pcr FILE` writes; JSON bank -> index -> hex; or a JSON
/// list of 24 SHA-256 values. Source: tpm2-tools 5.4, lib/pcr.c, pcr_fwrite_serialized.
Result<std::vector<tpm::PcrValue>> parse_pcr_values(ByteView file);

}  // namespace ratls::verify
