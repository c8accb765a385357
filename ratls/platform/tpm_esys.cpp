#include "ratls/platform/tpm_esys.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <bit>
#include <cstdlib>

#include "ratls/base/text.h"
#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/signature.h"
#include "ratls/platform/esys_keys.h"

namespace ratls {
namespace {

constexpr unsigned kReadAttempts = 5;
constexpr unsigned kPcrsPerRead = 8;  // the most that TPM2_PCR_Read gives at once: TPML_DIGEST

static_assert(kMaxQualifyingData <= sizeof(TPM2B_DATA::buffer));

struct CloseTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const { Tss2_TctiLdr_Finalize(&tcti); }
};
using Tcti = std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti>;

struct CloseEsys {
    void operator()(ESYS_CONTEXT* esys) const { Esys_Finalize(&esys); }
};
using Esys = std::unique_ptr<ESYS_CONTEXT, CloseEsys>;

void select(TPMS_PCR_SELECTION& out, HashAlg bank, std::uint32_t mask) {
    out.hash = tpm::hash_id(bank);
    out.sizeofSelect = 3;
    for (std::size_t i = 0; i < 3; ++i) {
        out.pcrSelect[i] = static_cast<BYTE>(mask >> (8 * i));
    }
}

/// The mask of a selection that the TPM sent, or nothing if it is not of this bank.
std::optional<std::uint32_t> selected(const TPML_PCR_SELECTION& list, HashAlg bank) {
    if (list.count != 1 || list.pcrSelections[0].hash != tpm::hash_id(bank) ||
        list.pcrSelections[0].sizeofSelect > sizeof list.pcrSelections[0].pcrSelect) {
        return std::nullopt;
    }
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < list.pcrSelections[0].sizeofSelect; ++i) {
        mask |= std::uint32_t{list.pcrSelections[0].pcrSelect[i]} << (8 * i);
    }
    return mask;
}

std::unexpected<Error> missing_bank(std::string_view call, HashAlg bank) {
    return fail(
        Code::unsupported, "tpm: " + std::string(call),
        "this TPM has no " + std::string(hash_name(bank)) + " bank, or not all of its PCRs");
}

/// tpm2-tss writes to standard error by itself; what it has to say is in our errors, too.
void quiet_unless_asked() {
    static const int once = ::setenv("TSS2_LOG", "all+NONE", 0);
    static_cast<void>(once);
}

using PcrValues = std::array<Digest, tpm::kPcrCount>;

class TpmEsys : public Tpm {
  public:
    TpmEsys(Tcti tcti, Esys esys, EsysKey ak, const TpmKeys& keys)
        : tcti_(std::move(tcti)), esys_(std::move(esys)), ak_(std::move(ak)), keys_(keys) {}

    Status check() override;
    Result<Bytes> ak_public() override { return ak_.public_area; }
    Result<Bytes> ek_public(EkKind kind) override {
        RATLS_CHECK(load_ek(kind));
        return ek_->public_area;
    }
    Result<Secret> activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) override {
        RATLS_CHECK(load_ek(kind));
        return esys_activate(esys_.get(), ak_, *ek_, id_object, encrypted_secret);
    }

    Result<SignedQuote> quote(ByteView qualifying_data,
                              std::span<const tpm::PcrSelection> selection) override;
    Result<std::vector<Digest>> read_pcrs(HashAlg bank, std::span<const unsigned> indexes) override;
    Result<Bytes> read_nv(std::uint32_t index) override { return esys_read_nv(esys_.get(), index); }
    Status write_nv(std::uint32_t index, ByteView content) override {
        return esys_write_nv(esys_.get(), index, content);
    }
    Status define_nv(std::uint32_t index, std::size_t size) override {
        return esys_define_nv(esys_.get(), index, size);
    }

  private:
    /// Some of the PCRs in `mask`: adds their values and gives their mask. Notes the update
    /// counter.
    Result<std::uint32_t> read_some(HashAlg bank, std::uint32_t mask, PcrValues& values,
                                    std::uint32_t& counter);
    /// False if a PCR changed while they were read.
    Result<bool> read_all(HashAlg bank, std::uint32_t mask, PcrValues& values);

    /// One EK at a time: to make an RSA key takes a TPM seconds.
    Status load_ek(EkKind kind) {
        if (!ek_ || ek_kind_ != kind) {
            ek_.reset();
            RATLS_TRY(EsysKey key, esys_ek(esys_.get(), keys_, kind));
            ek_.emplace(std::move(key));
            ek_kind_ = kind;
        }
        return {};
    }

    Tcti tcti_;  // destroyed last
    Esys esys_;
    EsysKey ak_;
    TpmKeys keys_;
    std::optional<EsysKey> ek_;
    EkKind ek_kind_ = EkKind::rsa;  ///< of `ek_`
};

Status TpmEsys::check() {
    TPM2B_PUBLIC* area_out = nullptr;
    const TSS2_RC rc = Esys_ReadPublic(esys_.get(), ak_.handle.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &area_out, nullptr, nullptr);
    const EsysPtr<TPM2B_PUBLIC> area(area_out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_ReadPublic", rc);
    }
    RATLS_TRY(const Bytes found, esys_marshal(area->publicArea, &Tss2_MU_TPMT_PUBLIC_Marshal));
    if (found != ak_.public_area) {
        return fail(Code::mismatch, "tpm: TPM2_ReadPublic", "another key at the AK's handle");
    }
    return {};
}

Result<SignedQuote> TpmEsys::quote(ByteView qualifying_data,
                                   std::span<const tpm::PcrSelection> selection) {
    RATLS_CHECK(check_quote_arguments(qualifying_data, selection));
    TPM2B_DATA data{};
    data.size = static_cast<UINT16>(qualifying_data.size());
    std::ranges::copy(qualifying_data, std::begin(data.buffer));
    TPML_PCR_SELECTION pcrs{};
    for (const tpm::PcrSelection& one : selection) {
        select(pcrs.pcrSelections[pcrs.count++], one.bank, one.mask);
    }
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;  // the one of the key

    TPM2B_ATTEST* attest_out = nullptr;
    TPMT_SIGNATURE* signature_out = nullptr;
    const TSS2_RC rc = Esys_Quote(esys_.get(), ak_.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &data, &scheme, &pcrs, &attest_out, &signature_out);
    const EsysPtr<TPM2B_ATTEST> attest(attest_out);
    const EsysPtr<TPMT_SIGNATURE> signature(signature_out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_Quote", rc);
    }
    if (attest->size > sizeof attest->attestationData) {
        return fail(Code::malformed, "tpm: TPM2_Quote", "an attest that is too long");
    }
    SignedQuote out;
    out.attest = to_bytes(ByteView(attest->attestationData, attest->size));
    RATLS_TRY(out.signature, esys_marshal(*signature, &Tss2_MU_TPMT_SIGNATURE_Marshal));

    RATLS_TRY(const tpm::Quote parsed, tpm::parse_quote(out.attest));
    RATLS_TRY(const tpm::Signature parsed_signature, tpm::parse_signature(out.signature));
    if (!equal(parsed.extra_data, qualifying_data) ||
        parsed_signature.scheme != ak_.parsed.scheme) {
        return fail(Code::malformed, "tpm: TPM2_Quote", "a quote that was not asked for");
    }
    for (const tpm::PcrSelection& one : selection) {  // it clears the bits of what it has not
        if (std::ranges::find(parsed.pcrs, one) == parsed.pcrs.end()) {
            return missing_bank("TPM2_Quote", one.bank);
        }
    }
    if (parsed.pcrs.size() != selection.size()) {
        return fail(Code::malformed, "tpm: TPM2_Quote", "PCRs that were not asked for");
    }
    return out;
}

Result<std::uint32_t> TpmEsys::read_some(HashAlg bank, std::uint32_t mask, PcrValues& values,
                                         std::uint32_t& counter) {
    TPML_PCR_SELECTION in{};
    in.count = 1;
    select(in.pcrSelections[0], bank, mask);
    TPML_PCR_SELECTION* selection_out = nullptr;
    TPML_DIGEST* digests_out = nullptr;
    const TSS2_RC rc = Esys_PCR_Read(esys_.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in,
                                     &counter, &selection_out, &digests_out);
    const EsysPtr<TPML_PCR_SELECTION> selection(selection_out);
    const EsysPtr<TPML_DIGEST> digests(digests_out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_PCR_Read", rc);
    }
    const std::uint32_t given = selected(*selection, bank).value_or(0);
    if (given == 0) {
        return missing_bank("TPM2_PCR_Read", bank);
    }
    if ((given & ~mask) != 0 || digests->count != static_cast<unsigned>(std::popcount(given)) ||
        digests->count > kPcrsPerRead) {
        return fail(Code::malformed, "tpm: TPM2_PCR_Read", "PCRs that were not asked for");
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (((given >> i) & 1) == 0) {
            continue;
        }
        const TPM2B_DIGEST& digest = digests->digests[next++];
        if (digest.size != digest_size(bank)) {
            return fail(Code::malformed, "tpm: TPM2_PCR_Read", "a value of another size");
        }
        values[i] = Digest(ByteView(digest.buffer, digest.size));
    }
    return given;
}

Result<bool> TpmEsys::read_all(HashAlg bank, std::uint32_t mask, PcrValues& values) {
    std::optional<std::uint32_t> first_counter;
    while (mask != 0) {
        std::uint32_t counter = 0;
        RATLS_TRY(const std::uint32_t given, read_some(bank, mask, values, counter));
        if (first_counter.value_or(counter) != counter) {
            return false;
        }
        first_counter = counter;
        mask &= ~given;
    }
    return true;
}

Result<std::vector<Digest>> TpmEsys::read_pcrs(HashAlg bank, std::span<const unsigned> indexes) {
    RATLS_CHECK(check_pcr_indexes(indexes));
    std::uint32_t mask = 0;
    for (const unsigned index : indexes) {
        mask |= std::uint32_t{1} << index;
    }
    PcrValues values;
    for (unsigned i = 0; i < kReadAttempts; ++i) {
        RATLS_TRY(const bool of_one_moment, read_all(bank, mask, values));
        if (of_one_moment) {
            std::vector<Digest> out;
            for (const unsigned index : indexes) {
                out.push_back(values[index]);
            }
            return out;
        }
    }
    return fail(Code::unavailable, "tpm: TPM2_PCR_Read", "PCRs kept changing");
}

}  // namespace

Result<std::unique_ptr<Tpm>> open_tpm(const std::string& tcti, const TpmKeys& keys) {
    if (tcti.empty()) {
        return fail(Code::usage, "tpm", "a TCTI string wanted, as device:/dev/tpmrm0");
    }
    quiet_unless_asked();
    TSS2_TCTI_CONTEXT* tcti_out = nullptr;
    if (const TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti.c_str(), &tcti_out);
        rc != TSS2_RC_SUCCESS) {
        return fail(Code::unavailable, "tpm: " + quoted(tcti), Tss2_RC_Decode(rc));
    }
    Tcti transport(tcti_out);
    ESYS_CONTEXT* esys_out = nullptr;
    if (const TSS2_RC rc = Esys_Initialize(&esys_out, transport.get(), nullptr);
        rc != TSS2_RC_SUCCESS) {
        return esys_failure("Esys_Initialize", rc);
    }
    Esys esys(esys_out);
    RATLS_TRY(EsysKey ak, esys_ak(esys.get(), keys));
    return std::make_unique<TpmEsys>(std::move(transport), std::move(esys), std::move(ak), keys);
}

}  // namespace ratls
