// A TPM 2.0, as far as attestation needs it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ratls/base/result.h"
#include "ratls/base/secret.h"
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

/// The endorsement keys (EK) that a maker of TPMs certifies: RSA with 2048 bits and P-256 by the
/// templates L-1 and L-2, P-384 by H-3. Source: TCG EK Credential Profile 2.5, appendix B.
enum class EkKind : std::uint8_t { rsa, p256, p384 };

inline constexpr std::array kEkKinds = {EkKind::rsa, EkKind::p256, EkKind::p384};

struct EkCertificate {
    EkKind kind = EkKind::rsa;
    Bytes der = {};
};

/// ECC P-256 with ECDSA, or RSA with 2048 bits and RSASSA; both with SHA-256.
enum class AkType : std::uint8_t { ecc, rsa };

/// Which keys of a TPM to use. What has no handle is made by its template, which gives the same key
/// each time.
struct TpmKeys {
    AkType ak_type = AkType::ecc;  ///< without `ak_handle` and template
    /// NV index with the AK's template, a TPMT_PUBLIC, as Google's cloud leaves it there.
    std::optional<std::uint32_t> ak_template = {};
    std::optional<std::uint32_t> ak_handle = {};  ///< of a persistent AK
    std::optional<std::uint32_t> ek_handle = {};  ///< of a persistent EK
};

/// One TPM 2.0, real or simulated, with one attestation key (AK). Calls block; one thread at a
/// time. Failures: `usage` for arguments that no TPM can serve, `unsupported` when the TPM has no
/// such bank or PCR, `unavailable` when there is no TPM or PCRs kept changing, `denied` without the
/// permission, `io` when it fails, `malformed` when its reply is.
class Tpm {
  public:
    virtual ~Tpm() = default;

    /// Succeeds as long as the TPM answers and has the AK: after a failure this says whether it is
    /// worth going on, or time to open the TPM again.
    virtual Status check() = 0;
    /// The TPMT_PUBLIC of the AK. Unless it was opened with another: ECC P-256, ECDSA with SHA-256,
    /// restricted, primary key of the endorsement hierarchy, so the same after every start of the
    /// machine.
    virtual Result<Bytes> ak_public() = 0;
    /// The TPMT_PUBLIC of the EK of this kind. `unsupported` if it was opened with another one.
    virtual Result<Bytes> ek_public(EkKind kind) = 0;
    /// TPM2_ActivateCredential: the secret of a credential for this EK and the AK, given as
    /// TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. `mismatch` if it is no such credential.
    virtual Result<Secret> activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) = 0;
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

/// A certificate in an NV index, which may be larger than it. `malformed` if it is none.
Result<Bytes> nv_certificate(Tpm& tpm, std::uint32_t index);

/// The certificates that the maker left in NV indexes, one for each kind of EK at most. An index
/// with something else does not count, unless all that are there are so.
/// Source: TCG EK Credential Profile 2.5, section 2.2.1.
Result<std::vector<EkCertificate>> ek_certificates(Tpm& tpm);

/// What any TPM refuses: the rules of `quote` and `read_pcrs` about their arguments.
Status check_quote_arguments(ByteView qualifying_data,
                             std::span<const tpm::PcrSelection> selection);
Status check_pcr_indexes(std::span<const unsigned> indexes);
/// The same for NV indexes. `size` is that of the index.
Status check_nv_index(std::uint32_t index);
Status check_nv_size(std::size_t size);
Status check_nv_content(std::size_t size, ByteView content);
/// The content of a TPM2B that fills its bytes and is not larger than `most`.
Result<ByteView> check_sized(ByteView sized, std::size_t most, std::string_view what);

}  // namespace ratls
