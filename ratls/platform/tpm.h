// A TPM 2.0, as far as attestation needs it.
#pragma once

#include <span>
#include <vector>

#include "ratls/base/result.h"
#include "ratls/evidence/tpm/algorithm.h"

namespace ratls {

/// What TPM2_Quote gives; nobody should believe it before it is parsed and verified.
struct SignedQuote {
    Bytes attest = {};     ///< TPMS_ATTEST
    Bytes signature = {};  ///< TPMT_SIGNATURE
};

/// Source: TPM 2.0 Library, Part 3, TPM2_Quote: qualifyingData is a TPM2B_DATA, sized for TPMT_HA.
inline constexpr std::size_t kMaxQualifyingData = 64;

/// What an NV index may hold here.
inline constexpr std::size_t kMaxNvSize = 16 * 1024;

/// One TPM 2.0, real or simulated, with one attestation key (AK). Calls block; one thread at a
/// time. Failures: `usage` for arguments that no TPM can serve, `unsupported` when the TPM has no
/// such bank or PCR, `unavailable` when there is no TPM or PCRs kept changing, `denied` without the
/// permission, `io` when it fails, `malformed` when its reply is.
class Tpm {
  public:
    virtual ~Tpm() = default;

    /// The TPMT_PUBLIC of the AK. Unless it was opened with another: ECC P-256, ECDSA with SHA-256,
    /// restricted, primary key of the endorsement hierarchy, so the same after every start of the
    /// machine.
    virtual Result<Bytes> ak_public() = 0;
    /// Signs the PCRs of this selection, which is not empty and names no bank twice, together with
    /// at most `kMaxQualifyingData` bytes of the caller's.
    virtual Result<SignedQuote> quote(ByteView qualifying_data,
                                      std::span<const tpm::PcrSelection> selection) = 0;
    /// The values of these PCRs (0 to 23, in this order), all of one moment.
    virtual Result<std::vector<Digest>> read_pcrs(HashAlg bank,
                                                  std::span<const unsigned> indexes) = 0;

    /// The whole content of an NV index, as the owner, whose password is empty. `unavailable` when
    /// there is none or nothing was written to it, `too_large` beyond `kMaxNvSize`.
    virtual Result<Bytes> read_nv(std::uint32_t index) = 0;
    /// Writes all of an NV index, as the owner. `unavailable` when there is none, `mismatch` when
    /// it has another size.
    virtual Status write_nv(std::uint32_t index, ByteView content) = 0;
    /// Makes an NV index that the owner, and whoever asks with an empty password, may read and
    /// write. `io` when it is there already.
    virtual Status define_nv(std::uint32_t index, std::size_t size) = 0;
};

/// What any TPM refuses: the rules of `quote` and `read_pcrs` about their arguments.
Status check_quote_arguments(ByteView qualifying_data,
                             std::span<const tpm::PcrSelection> selection);
Status check_pcr_indexes(std::span<const unsigned> indexes);
/// The same for NV indexes. `size` is that of the index.
Status check_nv_index(std::uint32_t index);
Status check_nv_size(std::size_t size);
Status check_nv_content(std::size_t size, ByteView content);

}  // namespace ratls
