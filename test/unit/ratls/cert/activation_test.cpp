#include "ratls/cert/activation.h"

#include <doctest/doctest.h>

#include "ratls/codec/cbor.h"
#include "ratls/codec/hex.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::cert;

namespace {

EkAnswer ek_answer() {
    return {{Bytes(600, 1), Bytes(700, 2)}, Bytes(122, 3)};
}

ActivationRequest request() {
    ActivationRequest out;
    out.context.fill(0x11);
    out.id_object = Bytes(70, 4);
    out.encrypted_secret = Bytes(258, 5);
    return out;
}

template <typename Parse>
void check_truncations(const Bytes& good, Parse parse, std::string_view name) {
    REQUIRE(parse(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto result = parse(ByteView(good).first(size));
        REQUIRE_FALSE(result);
        REQUIRE(result.error().where.starts_with(name));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK(refusal(parse(longer)) == says(": end: 1 trailing bytes"));
}

}  // namespace

TEST_CASE("cert.activation: each message comes back as it was, and no truncation of it does") {
    CHECK(parse_ek_answer(encode_ek_answer(ek_answer())) == ek_answer());
    CHECK(parse_activation_request(encode_activation_request(request())) == request());
    Sha256Digest proof{};
    proof.fill(9);
    CHECK(parse_activation_answer(encode_activation_answer(proof)) == proof);
    check_truncations(encode_ek_answer(ek_answer()), parse_ek_answer, "ek");
    check_truncations(encode_activation_request(request()), parse_activation_request, "activate");
    check_truncations(encode_activation_answer(proof), parse_activation_answer, "activation");
}

TEST_CASE(
    "cert.activation: an EK answer has 1 to 4 certificates and a public area, within bounds") {
    const auto with = [](auto change) {
        EkAnswer answer = ek_answer();
        change(answer);
        return refusal(parse_ek_answer(encode_ek_answer(answer)));
    };
    CHECK(with([](EkAnswer& a) { a.certificates.clear(); }) ==
          says("ek: certificates: 1 to 4 items wanted, 0 found"));
    CHECK(with([](EkAnswer& a) { a.certificates.resize(4, Bytes(4096)); }) == kAccepted);
    CHECK(with([](EkAnswer& a) { a.certificates.resize(5, Bytes(1)); }) ==
          says("ek: certificates: 1 to 4 items wanted, 5 found"));
    CHECK(with([](EkAnswer& a) { a.certificates[1].resize(4097); }) ==
          says("ek: certificate: 1 to 4096 bytes wanted, 4097 found"));
    CHECK(with([](EkAnswer& a) { a.certificates[0].clear(); }) ==
          says("ek: certificate: 1 to 4096 bytes wanted, 0 found"));
    CHECK(with([](EkAnswer& a) { a.public_area.resize(1024); }) == kAccepted);
    CHECK(with([](EkAnswer& a) { a.public_area.resize(1025); }) ==
          says("ek: public area: 1 to 1024 bytes wanted, 1025 found"));
    CHECK(with([](EkAnswer& a) { a.public_area.clear(); }) ==
          says("ek: public area: 1 to 1024 bytes wanted, 0 found"));
    EkAnswer most{{4, Bytes(4096)}, Bytes(1024)};
    CHECK(encode_ek_answer(most).size() <= kMaxActivationMessage);
}

TEST_CASE("cert.activation: a request has a context of 32 bytes and both parts, within bounds") {
    const auto with = [](auto change) {
        ActivationRequest changed = request();
        change(changed);
        return refusal(parse_activation_request(encode_activation_request(changed)));
    };
    CHECK(with([](ActivationRequest& r) { r.id_object.clear(); }) ==
          says("activate: TPM2B_ID_OBJECT: 1 to 1024 bytes wanted, 0 found"));
    CHECK(with([](ActivationRequest& r) { r.id_object.resize(1025); }) ==
          says("activate: TPM2B_ID_OBJECT: 1 to 1024 bytes wanted, 1025 found"));
    CHECK(with([](ActivationRequest& r) { r.encrypted_secret.clear(); }) ==
          says("TPM2B_ENCRYPTED_SECRET: 1 to 1024 bytes wanted, 0 found"));
    CHECK(with([](ActivationRequest& r) { r.encrypted_secret.resize(1025); }) ==
          says("TPM2B_ENCRYPTED_SECRET: 1 to 1024 bytes wanted, 1025 found"));
    for (const std::size_t size : {31U, 33U}) {
        const Bytes short_context = cbor::Encoder()
                                        .map(3)
                                        .uint(1)
                                        .bytes(Bytes(size))
                                        .uint(2)
                                        .bytes(Bytes(70))
                                        .uint(3)
                                        .bytes(Bytes(70))
                                        .take();
        CHECK(refusal(parse_activation_request(short_context)) == says("context: 32 bytes wanted"));
        CHECK(refusal(parse_activation_answer(
                  cbor::Encoder().map(1).uint(1).bytes(Bytes(size)).take())) ==
              says("proof: 32 bytes wanted"));
    }
}

TEST_CASE("cert.activation: another kind, an unknown key, a missing one are refused") {
    const auto refused = [](const Bytes& bytes) {
        return !parse_ek_answer(bytes) && !parse_activation_request(bytes) &&
               !parse_activation_answer(bytes);
    };
    CHECK(refused(cbor::Encoder().map(0).take()));
    CHECK(refused(cbor::Encoder().array(0).take()));
    CHECK(refused(cbor::Encoder().uint(1).take()));
    CHECK(refused(cbor::Encoder().map(1).uint(1).text("proof").take()));
    CHECK(refused(cbor::Encoder().map(2).uint(1).bytes(Bytes(32)).uint(9).uint(0).take()));
    CHECK(refused(cbor::Encoder().map(2).uint(1).bytes(Bytes(32)).text("x").uint(0).take()));
    CHECK(parse_activation_answer(
        cbor::Encoder().map(2).uint(1).bytes(Bytes(32)).uint(64).uint(0).take()));
}

TEST_CASE("cert.activation: the proof is the HMAC of its parts, and each of them matters") {
    ActivationContext context{};
    context.fill(0x22);
    const Bytes spki(91, 0x33);
    const auto proof = [&](std::uint8_t secret, const ActivationContext& about, const Bytes& key) {
        return hex(activation_proof(Secret(Bytes(32, secret)), about, key));
    };
    // python3: hmac.new(b"\x44"*32, b"ratls-vm/activate/1\0" + b"\x22"*32 + b"\x33"*91, "sha256")
    CHECK(proof(0x44, context, spki) ==
          "4d243137164c62aaa02dc3f9f2d44258e5e4ffc6c7dbe12978c9a6a5671df0d2");
    CHECK(proof(0x45, context, spki) != proof(0x44, context, spki));
    ActivationContext other = context;
    other[31] ^= 1;
    CHECK(proof(0x44, other, spki) != proof(0x44, context, spki));
    Bytes other_key = spki;
    other_key[90] ^= 1;
    CHECK(proof(0x44, context, other_key) != proof(0x44, context, spki));
}
