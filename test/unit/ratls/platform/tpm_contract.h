// What any Tpm does. It is new; `extend` is TPM2_PCR_Extend of its SHA-256 bank, `reopen` gives
// the same TPM as another program would open it.
#pragma once

#include <functional>

#include "ratls/base/writer.h"
#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/credential.h"
#include "ratls/evidence/tpm/public_area.h"
#include "ratls/evidence/tpm/signature.h"
#include "ratls/platform/tpm.h"
#include "test/unit/ratls/platform/files_contract.h"

namespace ratls::test {

struct TpmUnderTest {
    Tpm& tpm;
    std::function<void(unsigned pcr, ByteView digest)> extend;
};

inline tpm::PublicArea parsed_ak(Tpm& tpm) {
    const auto bytes = tpm.ak_public();
    REQUIRE(bytes);
    auto area = tpm::parse_public_area(*bytes);
    REQUIRE(area);
    return *area;
}

inline tpm::PublicArea parsed_ek(Tpm& tpm, EkKind kind) {
    const auto bytes = tpm.ek_public(kind);
    REQUIRE_MESSAGE(bytes, (bytes ? "" : bytes.error().text()));
    auto area = tpm::parse_public_area(*bytes);
    REQUIRE(area);
    return *area;
}

/// A credential for the AK, to this EK: the secret comes back, and nothing else does.
inline void check_activation(Tpm& tpm, EkKind kind) {
    const tpm::PublicArea ek = parsed_ek(tpm, kind);
    const Bytes name = parsed_ak(tpm).name;
    const Bytes secret(32, 0x77);
    const auto made = tpm::make_credential(ek, name, Secret(Bytes(secret)));
    REQUIRE(made);
    for (int i = 0; i < 3; ++i) {
        const auto got = tpm.activate(kind, made->id_object, made->encrypted_secret);
        REQUIRE_MESSAGE(got, (got ? "" : got.error().text()));
        CHECK(equal(got->reveal(), secret));
    }
    const auto refused = [&](ByteView id_object, ByteView encrypted_secret) {
        CHECK(code_of(tpm.activate(kind, id_object, encrypted_secret)) == Code::mismatch);
    };
    Bytes other_name = name;
    other_name.back() ^= 1;
    const auto other = tpm::make_credential(ek, other_name, Secret(Bytes(secret)));
    REQUIRE(other);
    refused(other->id_object, other->encrypted_secret);
    refused(made->id_object, other->encrypted_secret);
    refused({}, {});
    refused(made->id_object, {});
    refused(ByteView(made->id_object).first(made->id_object.size() - 1), made->encrypted_secret);
    Bytes longer = made->id_object;
    longer.push_back(0);
    refused(longer, made->encrypted_secret);
    refused(made->id_object, Bytes{0, 1, 0});
    const Bytes huge = Writer().u16_be(60'000).zeros(60'000).take();
    refused(huge, made->encrypted_secret);
    refused(made->id_object, huge);
    CHECK(tpm.activate(kind, made->id_object, made->encrypted_secret));
}

/// Signature, question and PCR digest hold.
inline tpm::Quote check_quote(const Result<SignedQuote>& quote, const tpm::PublicArea& ak,
                              const Bytes& question) {
    REQUIRE(quote);
    const auto signature = tpm::parse_signature(quote->signature);
    REQUIRE(signature);
    CHECK(signature->scheme == tpm::kEcdsa);
    CHECK(signature->hash == HashAlg::sha256);
    CHECK(tpm::verify_signature(ak.key, *signature, quote->attest));
    auto parsed = tpm::parse_quote(quote->attest);
    REQUIRE(parsed);
    CHECK(parsed->extra_data == question);
    CHECK(parsed->safe);
    return *parsed;
}

inline std::vector<tpm::PcrValue> values_of(Tpm& tpm, HashAlg bank,
                                            const std::vector<unsigned>& indexes) {
    const auto digests = tpm.read_pcrs(bank, indexes);
    REQUIRE(digests);
    REQUIRE(digests->size() == indexes.size());
    std::vector<tpm::PcrValue> out;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        out.push_back({bank, indexes[i], to_bytes((*digests)[i].view())});
    }
    return out;
}

inline void check_tpm_contract(TpmUnderTest& under_test) {
    Tpm& tpm = under_test.tpm;
    const tpm::PublicArea ak = parsed_ak(tpm);
    const Bytes question(32, 0x11);
    const std::vector<tpm::PcrSelection> first_sixteen = {{HashAlg::sha256, 0xffff}};
    std::vector<unsigned> all(24);
    for (unsigned i = 0; i < all.size(); ++i) {
        all[i] = i;
    }

    SUBCASE("the AK is a restricted P-256 signing key, the same each time it is asked for") {
        CHECK(ak.key.kind() == KeyKind::p256);
        CHECK(ak.attributes == 0x00050072);
        CHECK(ak.scheme == tpm::kEcdsa);
        CHECK(ak.scheme_hash == HashAlg::sha256);
        CHECK(ak.name_alg == HashAlg::sha256);
        CHECK(tpm::ak_attribute_fault(ak).empty());
        CHECK(parsed_ak(tpm).name == ak.name);
    }
    SUBCASE("a quote covers the question, the selection and the values, under the AK") {
        under_test.extend(10, Bytes(32, 0x5a));
        const tpm::Quote quote = check_quote(tpm.quote(question, first_sixteen), ak, question);
        CHECK(quote.pcrs == first_sixteen);
        std::vector<unsigned> indexes(all.begin(), all.begin() + 16);
        const auto digest =
            tpm::pcr_digest(quote.pcrs, values_of(tpm, HashAlg::sha256, indexes), HashAlg::sha256);
        REQUIRE(digest);
        CHECK(equal(digest->view(), quote.pcr_digest));
    }
    SUBCASE("a quote over two banks has both, in the order asked for") {
        const std::vector<tpm::PcrSelection> both = {{HashAlg::sha256, 0x800401},
                                                     {HashAlg::sha1, 0x000007}};
        const tpm::Quote quote = check_quote(tpm.quote(question, both), ak, question);
        CHECK(quote.pcrs == both);
        auto values = values_of(tpm, HashAlg::sha256, {0, 10, 23});
        const auto more = values_of(tpm, HashAlg::sha1, {0, 1, 2});
        values.insert(values.end(), more.begin(), more.end());
        const auto digest = tpm::pcr_digest(quote.pcrs, values, HashAlg::sha256);
        REQUIRE(digest);
        CHECK(equal(digest->view(), quote.pcr_digest));
    }
    SUBCASE("a signature is over its own quote only") {
        const auto one = tpm.quote(question, first_sixteen);
        const auto other = tpm.quote(Bytes(32, 0x22), first_sixteen);
        REQUIRE(one);
        REQUIRE(other);
        const auto signature = tpm::parse_signature(other->signature);
        REQUIRE(signature);
        CHECK_FALSE(tpm::verify_signature(ak.key, *signature, one->attest));
    }
    SUBCASE("the qualified name is that of a primary key of the endorsement hierarchy") {
        const tpm::Quote quote = check_quote(tpm.quote(question, first_sixteen), ak, question);
        const Bytes handle = {0x40, 0x00, 0x00, 0x0b};
        Bytes expected = {0x00, 0x0b};
        append(expected, sha256({handle, ak.name}));
        CHECK(quote.qualified_signer == expected);
    }
    SUBCASE("the question may have 0 to 64 bytes") {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{64}}) {
            check_quote(tpm.quote(Bytes(size, 7), first_sixteen), ak, Bytes(size, 7));
        }
        CHECK(code_of(tpm.quote(Bytes(65, 7), first_sixteen)) == Code::usage);
    }
    SUBCASE("a selection without PCRs, beyond PCR 23 or with a bank twice is wrong use") {
        using Selection = std::vector<tpm::PcrSelection>;
        for (const Selection& selection :
             {Selection{}, Selection{{HashAlg::sha256, 0}}, Selection{{HashAlg::sha256, 1U << 24}},
              Selection{{HashAlg::sha256, 1}, {HashAlg::sha256, 2}}}) {
            CHECK(code_of(tpm.quote(question, selection)) == Code::usage);
        }
    }
    SUBCASE("all 24 PCRs are read, and have the values of power on") {
        const auto values = tpm.read_pcrs(HashAlg::sha256, all);
        REQUIRE(values);
        for (unsigned i = 0; i < all.size(); ++i) {
            CAPTURE(i);
            const Bytes expected(32, i >= 17 && i <= 22 ? 0xff : 0);
            CHECK(equal((*values)[i].view(), expected));
        }
    }
    SUBCASE("values come in the order asked for, twice if asked twice") {
        under_test.extend(3, Bytes(32, 0x33));
        const std::vector<unsigned> wild = {17, 3, 0, 3};
        const auto values = tpm.read_pcrs(HashAlg::sha256, wild);
        REQUIRE(values);
        CHECK(equal((*values)[0].view(), Bytes(32, 0xff)));
        CHECK((*values)[1] == (*values)[3]);
        CHECK(equal((*values)[2].view(), Bytes(32)));
        // Extend: H(old || digest).
        CHECK(equal((*values)[1].view(), sha256({Bytes(32), Bytes(32, 0x33)})));
    }
    SUBCASE("each bank has digests of its size") {
        for (const HashAlg bank : {HashAlg::sha1, HashAlg::sha256, HashAlg::sha384}) {
            CHECK(values_of(tpm, bank, {7})[0].value == Bytes(digest_size(bank)));
        }
    }
    SUBCASE("an NV index has what was written last, all of it") {
        for (const std::size_t size : {1U, 64U, 1500U, 2048U}) {
            CAPTURE(size);
            const auto index = static_cast<std::uint32_t>(0x01400100 + size);
            CHECK(code_of(tpm.read_nv(index)) == Code::unavailable);
            CHECK(code_of(tpm.write_nv(index, Bytes(size))) == Code::unavailable);
            const Status defined = tpm.define_nv(index, size);
            REQUIRE_MESSAGE(defined, (defined ? "" : defined.error().text()));
            CHECK(code_of(tpm.define_nv(index, size)) == Code::io);
            CHECK(code_of(tpm.read_nv(index)) == Code::unavailable);
            Bytes content(size);
            for (std::size_t i = 0; i < size; ++i) {
                content[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
            }
            REQUIRE(tpm.write_nv(index, content));
            CHECK(tpm.read_nv(index) == content);
            REQUIRE(tpm.write_nv(index, Bytes(size, 0xaa)));
            CHECK(tpm.read_nv(index) == Bytes(size, 0xaa));
            CHECK(code_of(tpm.write_nv(index, Bytes(size + 1))) == Code::mismatch);
            CHECK(code_of(tpm.write_nv(index, Bytes(size - 1))) == Code::mismatch);
        }
    }
    SUBCASE("what is no NV index, or has no size, is wrong use") {
        for (const std::uint32_t handle : {0U, 0x81000003U, 0x02000000U, 0xffffffffU}) {
            CHECK(code_of(tpm.read_nv(handle)) == Code::usage);
            CHECK(code_of(tpm.write_nv(handle, Bytes(1))) == Code::usage);
            CHECK(code_of(tpm.define_nv(handle, 1)) == Code::usage);
        }
        CHECK(code_of(tpm.define_nv(0x01400100, 0)) == Code::usage);
        CHECK(code_of(tpm.define_nv(0x01400100, kMaxNvSize + 1)) == Code::usage);
    }
    SUBCASE("each EK is a restricted decryption key, the same each time it is asked for") {
        constexpr std::array kKeyKinds = {KeyKind::rsa, KeyKind::p256, KeyKind::p384};
        for (std::size_t i = 0; i < kEkKinds.size(); ++i) {
            const tpm::PublicArea ek = parsed_ek(tpm, kEkKinds[i]);
            CHECK(ek.key.kind() == kKeyKinds[i]);
            CHECK(ek.name_alg == (i == 2 ? HashAlg::sha384 : HashAlg::sha256));
            CHECK(tpm::ek_attribute_fault(ek).empty());
            CHECK(parsed_ek(tpm, kEkKinds[i]).name == ek.name);
        }
    }
    SUBCASE("a credential for EK and AK gives its secret, in any order of EKs") {
        check_activation(tpm, EkKind::rsa);
        check_activation(tpm, EkKind::p256);
        check_activation(tpm, EkKind::p384);
        check_activation(tpm, EkKind::p256);
        check_quote(tpm.quote(question, first_sixteen), ak, question);
    }
    SUBCASE("the certificates of EKs are those in their NV indexes, without what is behind them") {
        const auto none = ek_certificates(tpm);
        REQUIRE(none);
        CHECK(none->empty());
        const Bytes certificate = {0x30, 0x03, 0x02, 0x01, 0x05};
        REQUIRE(tpm.define_nv(0x01c00016, certificate.size()));
        CHECK(ek_certificates(tpm)->empty());  // nothing was written yet
        REQUIRE(tpm.write_nv(0x01c00016, certificate));
        Bytes padded = certificate;
        padded.resize(40, 0xff);
        REQUIRE(tpm.define_nv(0x01c0000a, padded.size()));
        REQUIRE(tpm.write_nv(0x01c0000a, padded));
        const auto found = ek_certificates(tpm);
        REQUIRE(found);
        REQUIRE(found->size() == 2);
        CHECK((*found)[0].kind == EkKind::p256);
        CHECK((*found)[0].der == certificate);
        CHECK((*found)[1].kind == EkKind::p384);
        CHECK((*found)[1].der == certificate);
        REQUIRE(tpm.define_nv(0x01c00002, 4));
        for (const Bytes& bad : {Bytes{0x30, 0x82, 0x10, 0x00}, Bytes(4), Bytes(4, 0xff),
                                 Bytes{0x10, 0x01, 0x00, 0x00}}) {
            REQUIRE(tpm.write_nv(0x01c00002, bad));  // it does not spoil the others
            const auto good = ek_certificates(tpm);
            REQUIRE(good);
            CHECK(good->size() == 2);
        }
    }
    SUBCASE("if no NV index of an EK has a certificate, but one something else, that is an error") {
        REQUIRE(tpm.define_nv(0x01c00002, 40));
        REQUIRE(tpm.write_nv(0x01c00002, Bytes(40, 0xff)));
        CHECK(code_of(ek_certificates(tpm)) == Code::malformed);
    }
    SUBCASE("no PCR, or one beyond 23, is wrong use") {
        CHECK(code_of(tpm.read_pcrs(HashAlg::sha256, {})) == Code::usage);
        CHECK(code_of(tpm.read_pcrs(HashAlg::sha256, std::vector<unsigned>{0, 24})) == Code::usage);
    }
}

}  // namespace ratls::test
