// What root in a guest makes with the TPM and the TEE of its own VM: a certificate that holds
// together, with a TPM quote that says less than it should.
// odd_quote HOW CERTIFICATE KEY OUT, in the environment of the pretended programs. HOW is
//   sound         as the agent does it: what the others are compared with
//   pcr16         PCR 16, which anybody may reset and extend, in the place of PCR 10
//   sha1          the SHA-1 bank only
//   unrestricted  by a key that signs any bytes, so also a quote that no TPM made
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <memory>

#include "ratls/codec/pem.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/evidence/tpm/public_area.h"
#include "test/demo/pretended_platform.h"

namespace {

using namespace ratls;

constexpr const char* kTcti = "device:/dev/tpmrm0";
constexpr const char* kImaLog = "/sys/kernel/security/ima/binary_runtime_measurements";
constexpr std::uint32_t kPcrs = 0xffff;  // 0 to 15, as the profile wants them
constexpr std::uint32_t kPcrs16For10 = (kPcrs & ~(1U << 10)) | (1U << 16);

Status check(const char* call, TSS2_RC rc) {
    return rc == TSS2_RC_SUCCESS ? Status() : fail(Code::io, call, Tss2_RC_Decode(rc));
}

template <typename T>
using Owned = std::unique_ptr<T, decltype([](void* memory) { Esys_Free(memory); })>;

/// The TPM with a key of the agent's kind, restricted or not.
class OddTpm {
  public:
    OddTpm() = default;
    OddTpm(const OddTpm&) = delete;
    OddTpm& operator=(const OddTpm&) = delete;
    ~OddTpm() {
        if (key_ != ESYS_TR_NONE) {
            Esys_FlushContext(esys_, key_);
        }
        Esys_Finalize(&esys_);
        Tss2_TctiLdr_Finalize(&tcti_);
    }

    Status open() {
        RATLS_CHECK(check("Tss2_TctiLdr_Initialize", Tss2_TctiLdr_Initialize(kTcti, &tcti_)));
        return check("Esys_Initialize", Esys_Initialize(&esys_, tcti_, nullptr));
    }

    /// The TPMT_PUBLIC of the new key.
    Result<Bytes> make_key(bool restricted) {
        TPM2B_PUBLIC wanted{};
        TPMT_PUBLIC& area = wanted.publicArea;
        area.type = TPM2_ALG_ECC;
        area.nameAlg = TPM2_ALG_SHA256;
        area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                TPMA_OBJECT_SIGN_ENCRYPT |
                                (restricted ? TPMA_OBJECT_RESTRICTED : 0U);
        TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
        ecc.symmetric.algorithm = TPM2_ALG_NULL;
        ecc.scheme.scheme = TPM2_ALG_ECDSA;
        ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
        ecc.curveID = TPM2_ECC_NIST_P256;
        ecc.kdf.scheme = TPM2_ALG_NULL;
        const TPM2B_SENSITIVE_CREATE no_secret{};
        const TPM2B_DATA no_data{};
        const TPML_PCR_SELECTION no_pcrs{};
        TPM2B_PUBLIC* out = nullptr;
        RATLS_CHECK(
            check("Esys_CreatePrimary",
                  Esys_CreatePrimary(esys_, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &no_secret, &wanted, &no_data, &no_pcrs, &key_,
                                     &out, nullptr, nullptr, nullptr)));
        const Owned<TPM2B_PUBLIC> made(out);
        return marshalled(&Tss2_MU_TPMT_PUBLIC_Marshal, made->publicArea);
    }

    /// Gives PCR 16 the value that PCR 10 has after these entries.
    Status replay_into_pcr16(ByteView log) {
        RATLS_CHECK(check("Esys_PCR_Reset", Esys_PCR_Reset(esys_, ESYS_TR_PCR16, ESYS_TR_PASSWORD,
                                                           ESYS_TR_NONE, ESYS_TR_NONE)));
        ima::LogReader reader(log);
        ima::Entry entry;
        Hasher hasher(HashAlg::sha256);
        while (reader.next(entry)) {
            const Digest digest = ima::template_hash(entry, hasher);
            TPML_DIGEST_VALUES values{};
            values.count = 1;
            values.digests[0].hashAlg = TPM2_ALG_SHA256;
            std::ranges::copy(digest.view(), values.digests[0].digest.sha256);
            RATLS_CHECK(
                check("Esys_PCR_Extend", Esys_PCR_Extend(esys_, ESYS_TR_PCR16, ESYS_TR_PASSWORD,
                                                         ESYS_TR_NONE, ESYS_TR_NONE, &values)));
        }
        return reader.status();
    }

    Result<SignedQuote> quote(ByteView qualifying_data, std::uint16_t bank, std::uint32_t pcrs) {
        TPM2B_DATA data{};
        data.size = static_cast<UINT16>(qualifying_data.size());
        std::ranges::copy(qualifying_data, std::begin(data.buffer));
        TPML_PCR_SELECTION selection{};
        selection.count = 1;
        selection.pcrSelections[0].hash = bank;
        selection.pcrSelections[0].sizeofSelect = 3;
        for (unsigned i = 0; i < 3; ++i) {
            selection.pcrSelections[0].pcrSelect[i] = static_cast<BYTE>(pcrs >> (8 * i));
        }
        const TPMT_SIG_SCHEME of_the_key{.scheme = TPM2_ALG_NULL, .details = {}};
        TPM2B_ATTEST* attest_out = nullptr;
        TPMT_SIGNATURE* signature_out = nullptr;
        RATLS_CHECK(check("Esys_Quote",
                          Esys_Quote(esys_, key_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &data, &of_the_key, &selection, &attest_out, &signature_out)));
        const Owned<TPM2B_ATTEST> attest(attest_out);
        const Owned<TPMT_SIGNATURE> signature(signature_out);
        SignedQuote out;
        out.attest = to_bytes(ByteView(attest->attestationData, attest->size));
        RATLS_TRY(out.signature, marshalled(&Tss2_MU_TPMT_SIGNATURE_Marshal, *signature));
        return out;
    }

  private:
    template <typename T>
    static Result<Bytes> marshalled(TSS2_RC (*function)(const T*, std::uint8_t[], std::size_t,
                                                        std::size_t*),
                                    const T& value) {
        Bytes out(sizeof(T) + 64);
        std::size_t size = 0;
        RATLS_CHECK(check("marshalling", function(&value, out.data(), out.size(), &size)));
        out.resize(size);
        return out;
    }

    TSS2_TCTI_CONTEXT* tcti_ = nullptr;
    ESYS_CONTEXT* esys_ = nullptr;
    ESYS_TR key_ = ESYS_TR_NONE;
};

Status make(std::string_view how, char** argv) {
    test::PretendedPlatform machine;
    const VmPlatform platform = machine.platform();
    Files& files = platform.files;
    RATLS_TRY(const Bytes file, files.read(argv[2], 1 << 20));
    RATLS_TRY(const auto certificates, parse_certificates(file));
    RATLS_TRY(cert::NativeCertificate native, cert::parse_native(certificates.front()));
    RATLS_TRY(const Bytes key_file, files.read(argv[3], 1 << 20));
    RATLS_TRY(const PrivateKey key, PrivateKey::parse(key_file));

    OddTpm tpm;
    RATLS_CHECK(tpm.open());
    cert::Collection collection = native.collection;
    RATLS_TRY(collection.tpm->ak_public, tpm.make_key(how != "unrestricted"));
    RATLS_TRY(const tpm::PublicArea area, tpm::parse_public_area(collection.tpm->ak_public));
    native.claims.ak_name = area.name;
    collection.claims_buffer = cert::encode_claims(native.claims);
    TsmQuoteProvider tee(platform.tsm_files);
    RATLS_TRY(const TeeQuote report, tee.quote(cert::report_data(collection.claims_buffer)));
    collection.tee = cert::Tee{cert::TeeType::sev_snp, report.report};

    if (how == "pcr16") {
        RATLS_TRY(const Bytes log, files.read(kImaLog, ima::kMaxLogBytes));
        RATLS_CHECK(tpm.replay_into_pcr16(log));
    }
    RATLS_TRY(SignedQuote quote,
              tpm.quote(cert::qualifying_data(collection.claims_buffer, collection.tee->evidence),
                        how == "sha1" ? TPM2_ALG_SHA1 : TPM2_ALG_SHA256,
                        how == "pcr16" ? kPcrs16For10 : kPcrs));
    collection.tpm->attest = std::move(quote.attest);
    collection.tpm->signature = std::move(quote.signature);
    RATLS_TRY(const Bytes out, cert::issue({.dns_names = native.certificate.dns_names(),
                                            .ip_addresses = native.certificate.ip_addresses(),
                                            .not_before = native.certificate.not_before(),
                                            .not_after = native.certificate.not_after(),
                                            .collection = std::move(collection)},
                                           key));
    return files.replace(argv[4], as_bytes(pem("CERTIFICATE", out)), 0644);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view how = argc == 5 ? argv[1] : "";
    if (how != "sound" && how != "pcr16" && how != "sha1" && how != "unrestricted") {
        std::cerr << "usage: odd_quote sound|pcr16|sha1|unrestricted CERTIFICATE KEY OUT\n";
        return 1;
    }
    try {
        if (const auto status = make(how, argv); !status) {
            std::cerr << "error: " << status.error().text() << "\n";
            return 2;
        }
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 5;
    }
    return 0;
}
