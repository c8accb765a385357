#include "ratls/platform/tpm_esys.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "ratls/crypto/certificate.h"
#include "ratls/platform/recovering_tpm.h"
#include "test/fake/fake_tpm.h"
#include "test/support/tpm_proxy.h"
#include "test/unit/ratls/platform/tpm_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

std::unique_ptr<Tpm> opened(const Swtpm& swtpm) {
    auto tpm = open_tpm(swtpm.tcti());
    REQUIRE_MESSAGE(tpm, (tpm ? "" : tpm.error().text()));
    return *std::move(tpm);
}

constexpr std::uint32_t kCreatePrimary = 0x131;  // TPM_CC
constexpr std::uint32_t kQuote = 0x158;
constexpr std::uint32_t kPcrRead = 0x17e;

/// A TPM whose replies to one command are changed, `offset` bytes from the start.
struct LyingTpm {
    LyingTpm(std::uint32_t command, std::size_t offset, std::uint8_t change)
        : proxy(
              swtpm, [](std::uint32_t) {},
              [=](std::uint32_t code, Bytes& reply) {
                  if (code == command && offset < reply.size()) {
                      reply[offset] ^= change;
                  }
              }) {}

    Swtpm swtpm;
    TpmProxy proxy;
};

/// Makes an RSA key and leaves it in the TPM, as a platform does with its AK.
void persist_rsa_key(const Swtpm& swtpm, std::uint32_t handle, TPMA_OBJECT attributes) {
    TSS2_TCTI_CONTEXT* tcti = nullptr;
    REQUIRE(Tss2_TctiLdr_Initialize(swtpm.tcti().c_str(), &tcti) == TSS2_RC_SUCCESS);
    ESYS_CONTEXT* esys = nullptr;
    REQUIRE(Esys_Initialize(&esys, tcti, nullptr) == TSS2_RC_SUCCESS);
    TPM2B_PUBLIC wanted{};
    TPMT_PUBLIC& area = wanted.publicArea;
    area.type = TPM2_ALG_RSA;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = attributes;
    area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
    area.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    area.parameters.rsaDetail.keyBits = 2048;
    const TPM2B_SENSITIVE_CREATE no_secret{};
    const TPM2B_DATA no_data{};
    const TPML_PCR_SELECTION no_pcrs{};
    ESYS_TR key = ESYS_TR_NONE;
    CHECK(Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, &no_secret, &wanted, &no_data, &no_pcrs, &key, nullptr,
                             nullptr, nullptr, nullptr) == TSS2_RC_SUCCESS);
    ESYS_TR kept = ESYS_TR_NONE;
    CHECK(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                            ESYS_TR_NONE, handle, &kept) == TSS2_RC_SUCCESS);
    Esys_FlushContext(esys, key);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&tcti);
}

constexpr std::uint32_t kHandle = 0x81000003;
constexpr TPMA_OBJECT kRestrictedSigning =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;

const std::vector<tpm::PcrSelection> kSelection = {{HashAlg::sha256, 0x400}};

}  // namespace

TEST_CASE("platform.tpm: a TPM under ESAPI keeps the contract") {
    const Swtpm swtpm;
    const auto tpm = opened(swtpm);
    TpmUnderTest under_test{
        *tpm, [&](unsigned pcr, ByteView digest) { swtpm.extend(pcr, HashAlg::sha256, digest); }};
    check_tpm_contract(under_test);
}

TEST_CASE("platform.tpm: the pretended TPM keeps the contract") {
    FakeTpm tpm;
    TpmUnderTest under_test{
        tpm, [&](unsigned pcr, ByteView digest) { tpm.extend(pcr, HashAlg::sha256, digest); }};
    check_tpm_contract(under_test);
}

TEST_CASE("platform.tpm: the AK of a TPM is the same after a reboot, that of another is another") {
    Swtpm swtpm;
    const Bytes name = parsed_ak(*opened(swtpm)).name;
    CHECK(parsed_ak(*opened(swtpm)).name == name);
    swtpm.reboot();
    CHECK(parsed_ak(*opened(swtpm)).name == name);
    CHECK(parsed_ak(*opened(Swtpm())).name != name);
}

TEST_CASE("platform.tpm: a reboot shows in the reset count") {
    const Bytes question(32, 1);
    const auto reset_count = [&](Tpm& tpm) {
        return check_quote(tpm.quote(question, kSelection), parsed_ak(tpm), question).reset_count;
    };
    Swtpm swtpm;
    const std::uint32_t before = reset_count(*opened(swtpm));
    swtpm.reboot();
    CHECK(reset_count(*opened(swtpm)) == before + 1);
    FakeTpm fake;
    const std::uint32_t fake_before = reset_count(fake);
    fake.reboot();
    CHECK(reset_count(fake) == fake_before + 1);
}

TEST_CASE("platform.tpm: the AK leaves its place in the TPM when it is not needed any more") {
    const Swtpm swtpm;  // has three places, and no resource manager
    for (int i = 0; i < 5; ++i) {
        opened(swtpm);
    }
}

TEST_CASE("platform.tpm: an AK that is in the TPM already signs quotes, and stays there") {
    const Swtpm swtpm;
    persist_rsa_key(swtpm, kHandle, kRestrictedSigning);
    for (int i = 0; i < 5; ++i) {  // more often than the TPM has places
        const auto tpm = open_tpm(swtpm.tcti(), {.ak_handle = kHandle});
        REQUIRE_MESSAGE(tpm, (tpm ? "" : tpm.error().text()));
        const tpm::PublicArea ak = parsed_ak(**tpm);
        CHECK(ak.key.kind() == KeyKind::rsa);
        const auto quote = (*tpm)->quote(Bytes(32, 7), kSelection);
        REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
        const auto signature = tpm::parse_signature(quote->signature);
        REQUIRE(signature);
        CHECK(signature->scheme == tpm::kRsassa);
        CHECK(tpm::verify_signature(ak.key, *signature, quote->attest));
    }
}

TEST_CASE("platform.tpm: an AK may be RSA, made like the other") {
    const Swtpm swtpm;
    const auto tpm = open_tpm(swtpm.tcti(), {.ak_type = AkType::rsa});
    REQUIRE_MESSAGE(tpm, (tpm ? "" : tpm.error().text()));
    const tpm::PublicArea ak = parsed_ak(**tpm);
    CHECK(ak.key.kind() == KeyKind::rsa);
    CHECK(ak.key.bits() == 2048);
    CHECK(ak.attributes == 0x00050072);
    const auto quote = (*tpm)->quote(Bytes(32, 7), kSelection);
    REQUIRE(quote);
    const auto signature = tpm::parse_signature(quote->signature);
    REQUIRE(signature);
    CHECK(signature->scheme == tpm::kRsassa);
    CHECK(signature->hash == HashAlg::sha256);
    CHECK(tpm::verify_signature(ak.key, *signature, quote->attest));
    check_activation(**tpm, EkKind::p256);
    CHECK(parsed_ak(**open_tpm(swtpm.tcti(), {.ak_type = AkType::rsa})).name == ak.name);
}

TEST_CASE("platform.tpm: an AK may be made by the template that the platform left in the TPM") {
    constexpr std::uint32_t kIndex = 0x01c10003;
    const test::Swtpm swtpm;
    const auto plain = open_tpm(swtpm.tcti());
    REQUIRE(plain);
    const Bytes area = *(*plain)->ak_public();
    const TpmKeys keys{.ak_template = kIndex};
    CHECK(open_tpm(swtpm.tcti(), keys).error().code == Code::unavailable);
    // With a value in `unique` the same parameters make another key.
    REQUIRE((*plain)->define_nv(kIndex, area.size()));
    REQUIRE((*plain)->write_nv(kIndex, area));
    const auto made = open_tpm(swtpm.tcti(), keys);
    REQUIRE_MESSAGE(made, made.error().text());
    const Bytes other = *(*made)->ak_public();
    CHECK(other != area);
    CHECK(*(*open_tpm(swtpm.tcti(), keys))->ak_public() == other);
    CHECK((*made)->quote(Bytes(32, 1), std::array{tpm::PcrSelection{HashAlg::sha256, 0xff}}));

    Bytes damaged = area;
    damaged[0] ^= 0x40;  // the type
    REQUIRE((*plain)->write_nv(kIndex, damaged));
    CHECK(open_tpm(swtpm.tcti(), keys).error().code == Code::malformed);
}

TEST_CASE("platform.tpm: the EK of a TPM with a maker is the one that its certificate names") {
    const TpmMaker maker;
    const Swtpm swtpm(maker);
    const auto check_key = [&](Tpm& tpm, EkKind kind) {
        const auto certificates = ek_certificates(tpm);
        REQUIRE_MESSAGE(certificates, (certificates ? "" : certificates.error().text()));
        REQUIRE(certificates->size() == 2);
        const auto found = std::ranges::find(*certificates, kind, &EkCertificate::kind);
        REQUIRE(found != certificates->end());
        const auto certificate = Certificate::parse(found->der);
        REQUIRE(certificate);
        CHECK(certificate->public_key().spki() == parsed_ek(tpm, kind).key.spki());
        check_activation(tpm, kind);
    };
    SUBCASE("made by its template") {
        const auto tpm = opened(swtpm);
        check_key(*tpm, EkKind::rsa);
        check_key(*tpm, EkKind::p384);
    }
    SUBCASE("persistent, more often than the TPM has places") {
        for (int i = 0; i < 4; ++i) {
            const auto rsa = open_tpm(swtpm.tcti(), {.ek_handle = TpmMaker::kRsaEk});
            REQUIRE(rsa);
            check_key(**rsa, EkKind::rsa);
            CHECK(code_of((*rsa)->ek_public(EkKind::p384)) == Code::unsupported);
        }
        const auto p384 = open_tpm(swtpm.tcti(), {.ek_handle = TpmMaker::kP384Ek});
        REQUIRE(p384);
        check_key(**p384, EkKind::p384);
    }
    SUBCASE("and no other TPM of the same maker takes its credentials") {
        const Swtpm other(maker);
        const auto tpm = opened(swtpm);
        const auto made = tpm::make_credential(parsed_ek(*tpm, EkKind::rsa), parsed_ak(*tpm).name,
                                               Secret(Bytes(32, 1)));
        REQUIRE(made);
        const auto stranger = opened(other);
        CHECK(code_of(stranger->activate(EkKind::rsa, made->id_object, made->encrypted_secret)) ==
              Code::mismatch);
        check_activation(*stranger, EkKind::rsa);  // it goes on
    }
}

TEST_CASE("platform.tpm: what is no EK, or not there, is not used as one") {
    const Swtpm swtpm;
    const auto none = open_tpm(swtpm.tcti(), {.ek_handle = kHandle});
    REQUIRE(none);  // it is looked for when it is needed
    CHECK(code_of((*none)->ek_public(EkKind::rsa)) == Code::unavailable);
    persist_rsa_key(swtpm, kHandle, kRestrictedSigning);
    CHECK(code_of((*none)->ek_public(EkKind::rsa)) == Code::unsupported);
    CHECK(code_of((*none)->activate(EkKind::rsa, Bytes{}, Bytes{})) == Code::unsupported);
}

TEST_CASE("platform.tpm: what is no AK, or not there, is not used as one") {
    const Swtpm swtpm;
    CHECK(code_of(open_tpm(swtpm.tcti(), {.ak_handle = kHandle})) == Code::unavailable);
    CHECK(code_of(open_tpm("", {.ak_handle = kHandle})) == Code::usage);
    persist_rsa_key(swtpm, kHandle, kRestrictedSigning & ~TPMA_OBJECT_RESTRICTED);
    CHECK(code_of(open_tpm(swtpm.tcti(), {.ak_handle = kHandle})) == Code::unsupported);
}

TEST_CASE("platform.tpm: an NV index that says it is too large is not read") {
    // Reply: header 10, TPM2B_NV_PUBLIC size 2, index 4, nameAlg 2, attributes 4, policy 2 and 0,
    // then dataSize. The name does not fit any more, so ESAPI may see it first.
    constexpr std::uint32_t kNvReadPublic = 0x169;
    const LyingTpm lying(kNvReadPublic, 24, 0x80);
    const auto tpm = open_tpm(lying.proxy.tcti());
    REQUIRE(tpm);
    REQUIRE((*tpm)->define_nv(0x01400001, 64));
    CHECK_FALSE((*tpm)->read_nv(0x01400001));
    FakeTpm fake;
    fake.put_nv(0x01400001, Bytes(kMaxNvSize + 1));
    CHECK(code_of(fake.read_nv(0x01400001)) == Code::too_large);
}

TEST_CASE("platform.tpm: no TCTI string is wrong use, one without a TPM behind it is unavailable") {
    CHECK(code_of(open_tpm("")) == Code::usage);
    CHECK(code_of(open_tpm("swtpm:host=127.0.0.1,port=1")) == Code::unavailable);
    CHECK(code_of(open_tpm("device:/no/such/device")) == Code::unavailable);
    CHECK(code_of(open_tpm("nonsense")) == Code::unavailable);
}

TEST_CASE("platform.tpm: a bank that the TPM has not is unsupported") {
    FakeTpm tpm;
    CHECK(code_of(tpm.read_pcrs(HashAlg::sha512, std::vector<unsigned>{0})) == Code::unsupported);
    CHECK(code_of(tpm.quote({}, std::vector<tpm::PcrSelection>{{HashAlg::sha512, 1}})) ==
          Code::unsupported);
}

TEST_CASE("platform.tpm: the pretended TPM can say what no AK should") {
    FakeTpm tpm;
    tpm.attributes = 0x00040072;  // not restricted
    CHECK_FALSE(tpm::ak_attribute_fault(parsed_ak(tpm)).empty());
    tpm.set_pcr(10, HashAlg::sha256, Bytes(32, 0xab));
    CHECK(values_of(tpm, HashAlg::sha256, {10})[0].value == Bytes(32, 0xab));
}

TEST_CASE("platform.tpm: PCRs that change while they are read are read again") {
    const Swtpm swtpm;
    int reads = 0;
    int disturbances = 0;
    const TpmProxy proxy(
        swtpm,
        [&](std::uint32_t code) {
            // The second read of a round: its values are of another moment than those of the first.
            if (code == kPcrRead && ++reads % 2 == 0 && disturbances > 0) {
                --disturbances;
                swtpm.extend(1, HashAlg::sha256, Bytes(32, 1));
            }
        },
        [](std::uint32_t, Bytes&) {});
    const auto tpm = open_tpm(proxy.tcti());
    REQUIRE(tpm);
    std::vector<unsigned> ten(10);  // more than one TPM2_PCR_Read gives
    for (unsigned i = 0; i < ten.size(); ++i) {
        ten[i] = i;
    }
    SUBCASE("undisturbed, two reads are enough") {
        CHECK((*tpm)->read_pcrs(HashAlg::sha256, ten));
        CHECK(reads == 2);
    }
    SUBCASE("four disturbances are survived, and the values are those after the last") {
        disturbances = 4;
        const auto values = (*tpm)->read_pcrs(HashAlg::sha256, ten);
        REQUIRE(values);
        CHECK(reads == 10);
        CHECK((*values)[1] == (*(*tpm)->read_pcrs(HashAlg::sha256, std::vector<unsigned>{1}))[0]);
    }
    SUBCASE("five are too many") {
        disturbances = 5;
        CHECK(code_of((*tpm)->read_pcrs(HashAlg::sha256, ten)) == Code::unavailable);
    }
}

TEST_CASE("platform.tpm: a key that is not the one that its name says is refused") {
    // Reply: header 10, handle 4, parameter size 4, TPM2B_PUBLIC size 2, type 2, nameAlg 2, then
    // the attributes.
    const LyingTpm lying(kCreatePrimary, 25, 0x01);  // restricted
    CHECK_FALSE(open_tpm(lying.proxy.tcti()));
}

TEST_CASE("platform.tpm: a quote that does not answer the question is refused") {
    // Reply: header 10, parameter size 4, TPM2B_ATTEST size 2, then TPMS_ATTEST, whose extraData
    // begins at 44 and whose bitmap, with 32 bytes of extraData, at 108.
    constexpr std::size_t kAttest = 16;
    const auto quote_code = [](std::size_t offset) {
        const LyingTpm lying(kQuote, kAttest + offset, 0x04);
        const auto tpm = open_tpm(lying.proxy.tcti());
        REQUIRE(tpm);
        return code_of(
            (*tpm)->quote(Bytes(32, 1), std::vector<tpm::PcrSelection>{{HashAlg::sha256, 0x401}}));
    };
    CHECK(quote_code(0) == Code::malformed);          // magic
    CHECK(quote_code(44) == Code::malformed);         // extraData
    CHECK(quote_code(44 + 31) == Code::malformed);    // its last byte
    CHECK(quote_code(108 + 1) == Code::unsupported);  // PCR 10, as if the TPM had none
}

TEST_CASE("platform.tpm: a quote without the bank that was asked for names the bank") {
    const LyingTpm lying(kQuote, 16 + 108, 0x01);  // the bitmap, as above
    const auto tpm = open_tpm(lying.proxy.tcti());
    REQUIRE(tpm);
    const auto quote =
        (*tpm)->quote(Bytes(32, 1), std::vector<tpm::PcrSelection>{{HashAlg::sha256, 1}});
    REQUIRE_FALSE(quote);
    CHECK(quote.error().text() ==
          "tpm: TPM2_Quote: this TPM has no sha256 bank, or not all of its PCRs");
}

TEST_CASE("platform.tpm: a bank that a real TPM has not is unsupported") {
    // Reply: header 10, update counter 4, selection count 4, bank 2, size 1, bitmap 3. With the
    // bitmap cleared it is the reply of a TPM without this bank, but for the digests.
    const LyingTpm lying(kPcrRead, 21, 0x01);
    const auto tpm = open_tpm(lying.proxy.tcti());
    REQUIRE(tpm);
    CHECK(code_of((*tpm)->read_pcrs(HashAlg::sha256, std::vector<unsigned>{0})) ==
          Code::unsupported);
}

TEST_CASE("platform.tpm: PCRs that were not asked for are refused") {
    const LyingTpm lying(kPcrRead, 21, 0x03);  // PCR 1 in place of PCR 0
    const auto tpm = open_tpm(lying.proxy.tcti());
    REQUIRE(tpm);
    CHECK(code_of((*tpm)->read_pcrs(HashAlg::sha256, std::vector<unsigned>{0})) == Code::malformed);
}

TEST_CASE("platform.tpm: a TPM that goes away is a failure, not an end") {
    auto swtpm = std::make_unique<Swtpm>();
    const auto tpm = opened(*swtpm);
    swtpm.reset();
    CHECK_FALSE(tpm->quote(Bytes(32, 1), kSelection));
    CHECK_FALSE(tpm->read_pcrs(HashAlg::sha256, std::vector<unsigned>{0}));
}

TEST_CASE("platform.tpm: a TPM that was reset is opened again, and signs with the same AK") {
    Swtpm swtpm;
    int opened_times = 0;
    const auto tpm = RecoveringTpm::start([&] {
        ++opened_times;
        return open_tpm(swtpm.tcti());
    });
    REQUIRE(tpm);
    const Bytes question(32, 1);
    const Bytes name = parsed_ak(**tpm).name;
    const auto before =
        check_quote((*tpm)->quote(question, kSelection), parsed_ak(**tpm), question);
    CHECK(opened_times == 1);
    swtpm.reboot();
    const auto after = check_quote((*tpm)->quote(question, kSelection), parsed_ak(**tpm), question);
    CHECK(after.reset_count == before.reset_count + 1);
    CHECK(opened_times == 2);
    CHECK((*tpm)->check());
    CHECK(parsed_ak(**tpm).name == name);
    // What a TPM that is there refuses is no reason to open it again.
    CHECK_FALSE((*tpm)->read_nv(0x01c0ffff));
    CHECK_FALSE((*tpm)->quote(Bytes(65), kSelection));
    CHECK(opened_times == 2);
}

TEST_CASE(
    "platform.tpm: while a TPM is gone each call fails, and another TPM is not taken for it") {
    auto swtpm = std::make_unique<Swtpm>();
    const Swtpm other;
    std::string tcti = swtpm->tcti();
    const auto tpm = RecoveringTpm::start([&] { return open_tpm(tcti); });
    REQUIRE(tpm);
    swtpm.reset();
    for (int times = 0; times < 2; ++times) {
        const auto gone = (*tpm)->quote(Bytes(32, 1), kSelection);
        REQUIRE_FALSE(gone);
        CHECK(gone.error().code == Code::unavailable);
    }
    tcti = other.tcti();
    const auto refused = (*tpm)->quote(Bytes(32, 1), kSelection);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::mismatch);
    CHECK(refused.error().text() == "tpm: it has another AK than before; start again with it");
}
