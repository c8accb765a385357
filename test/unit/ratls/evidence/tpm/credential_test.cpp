#include "ratls/evidence/tpm/credential.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "test/fake/fake_ek.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Bytes ak_name(std::uint8_t byte = 7) {
    return Writer().u16_be(tpm::kSha256).bytes(Bytes(32, byte)).take();
}

const FakeEk& ek_of(KeyKind kind) {
    static const FakeEk rsa(KeyKind::rsa);
    static const FakeEk p256(KeyKind::p256);
    static const FakeEk p384(KeyKind::p384);
    return kind == KeyKind::rsa ? rsa : kind == KeyKind::p256 ? p256 : p384;
}

tpm::PublicArea area_of(const FakeEk& ek) {
    return tpm::parse_public_area(ek.public_area()).value();
}

constexpr std::array kKinds = {KeyKind::rsa, KeyKind::p256, KeyKind::p384};

}  // namespace

TEST_CASE("tpm.credential: the EK's holder gets the secret, for that name only") {
    for (const KeyKind kind : kKinds) {
        CAPTURE(key_kind_name(kind));
        const FakeEk& ek = ek_of(kind);
        for (const std::size_t size : {1U, 16U, 32U}) {
            const Bytes secret(size, 0x5a);
            const auto made = tpm::make_credential(area_of(ek), ak_name(), Secret(Bytes(secret)));
            REQUIRE(made);
            CHECK(ek.activate(ak_name(), made->id_object, made->encrypted_secret) == secret);
            CHECK_FALSE(ek.activate(ak_name(8), made->id_object, made->encrypted_secret));
        }
    }
}

TEST_CASE("tpm.credential: another EK of the same kind does not get it") {
    for (const KeyKind kind : kKinds) {
        CAPTURE(key_kind_name(kind));
        const FakeEk other(kind);
        const auto made =
            tpm::make_credential(area_of(ek_of(kind)), ak_name(), Secret(Bytes(32, 1)));
        REQUIRE(made);
        CHECK_FALSE(other.activate(ak_name(), made->id_object, made->encrypted_secret));
    }
}

TEST_CASE("tpm.credential: nothing of it can be changed, and no two are alike") {
    for (const KeyKind kind : kKinds) {
        CAPTURE(key_kind_name(kind));
        const FakeEk& ek = ek_of(kind);
        const auto made = tpm::make_credential(area_of(ek), ak_name(), Secret(Bytes(32, 1)));
        const auto again = tpm::make_credential(area_of(ek), ak_name(), Secret(Bytes(32, 1)));
        REQUIRE(made);
        REQUIRE(again);
        CHECK(made->id_object != again->id_object);
        CHECK(made->encrypted_secret != again->encrypted_secret);
        CHECK(made->id_object.size() <= tpm::kMaxIdObject);
        CHECK(made->encrypted_secret.size() <= tpm::kMaxEncryptedSecret);
        for (std::size_t i = 0; i < made->id_object.size(); ++i) {
            Bytes changed = made->id_object;
            changed[i] ^= 1;
            REQUIRE_FALSE(ek.activate(ak_name(), changed, made->encrypted_secret));
        }
    }
}

TEST_CASE("tpm.credential: a key that is no EK is refused, whatever is wrong with it") {
    const auto fault_with = [](auto change) {
        tpm::PublicArea area = area_of(ek_of(KeyKind::p256));
        change(area);
        const std::string fault = tpm::ek_attribute_fault(area);
        const auto made = tpm::make_credential(area, ak_name(), Secret(Bytes(32, 1)));
        CHECK(made.has_value() == fault.empty());
        if (!made) {
            CHECK(made.error().code == Code::unsupported);
        }
        return fault;
    };
    CHECK(fault_with([](tpm::PublicArea&) {}).empty());
    for (const unsigned wanted : {1U, 4U, 5U, 16U, 17U}) {
        CAPTURE(wanted);
        CHECK(fault_with([&](tpm::PublicArea& a) { a.attributes &= ~(1U << wanted); }) ==
              says("fixedTPM, fixedParent, sensitiveDataOrigin, restricted and decrypt wanted"));
    }
    for (const unsigned unwanted : {11U, 18U}) {
        CAPTURE(unwanted);
        CHECK(fault_with([&](tpm::PublicArea& a) { a.attributes |= 1U << unwanted; }) ==
              says("sign or encryptedDuplication is set"));
    }
    using tpm::PublicArea;
    CHECK(fault_with([](PublicArea& a) { a.symmetric = {}; }) ==
          says("AES-128 or AES-256 in CFB mode wanted"));
    CHECK(fault_with([](PublicArea& a) { a.symmetric.algorithm = 0x0026; }) ==
          says("AES-128 or AES-256 in CFB mode wanted"));
    CHECK(fault_with([](PublicArea& a) { a.symmetric.mode = 0x0042; }) ==
          says("AES-128 or AES-256 in CFB mode wanted"));
    CHECK(fault_with([](PublicArea& a) { a.symmetric.key_bits = 192; }) ==
          says("AES-128 or AES-256 in CFB mode wanted"));
    CHECK(fault_with([](PublicArea& a) { a.symmetric.key_bits = 256; }).empty());
    CHECK(fault_with([](PublicArea& a) { a.scheme = tpm::kRsaes; }) ==
          says("a scheme, which no storage key has"));
    CHECK(fault_with([](PublicArea& a) { a.name_alg = HashAlg::sha1; }) ==
          says("SHA-1 in the name"));
}

TEST_CASE("tpm.credential: the secret has 1 byte to as many as a digest of the EK's nameAlg") {
    const auto code_for = [](KeyKind kind, std::size_t size) {
        const auto made = tpm::make_credential(area_of(ek_of(kind)), ak_name(), Secret(size));
        return made ? Code::internal : made.error().code;
    };
    CHECK(code_for(KeyKind::p256, 0) == Code::usage);
    CHECK(code_for(KeyKind::p256, 33) == Code::usage);
    CHECK(code_for(KeyKind::p384, 48) == Code::internal);
    CHECK(code_for(KeyKind::p384, 49) == Code::usage);
}
