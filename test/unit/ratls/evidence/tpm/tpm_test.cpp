#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/public_area.h"
#include "ratls/evidence/tpm/signature.h"
#include "test/fake/fake_tpm.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;

namespace {

constexpr std::uint32_t kAk = 0x00050072;

struct Made {
    Bytes attest, signature, ak;
};

Made make_quote(std::uint32_t mask = 0xffff) {
    test::FakeTpm tpm;
    const std::array<std::uint8_t, 4> nonce = {1, 2, 3, 4};
    const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, mask}};
    const auto quote = tpm.quote(nonce, selection);
    REQUIRE(quote);
    return {quote->attest, quote->signature, *tpm.ak_public()};
}

/// A TPMS_ATTEST with these selections, written by hand.
Bytes attest_with(const std::vector<std::pair<std::uint16_t, Bytes>>& selections,
                  std::uint16_t type = 0x8018, std::uint8_t safe = 1) {
    Writer w;
    w.u32_be(0xff544347).u16_be(type).u16_be(0).u16_be(2).bytes(Bytes{9, 9});
    w.u64_be(5).u32_be(6).u32_be(7).u8(safe).u64_be(8);
    w.u32_be(static_cast<std::uint32_t>(selections.size()));
    for (const auto& [bank, bits] : selections) {
        w.u16_be(bank).u8(static_cast<std::uint8_t>(bits.size())).bytes(bits);
    }
    return w.u16_be(32).zeros(32).take();
}

/// A TPMT_PUBLIC of an RSA key whose modulus has `bytes` bytes.
Bytes rsa_public(std::size_t bytes, std::uint16_t key_bits, std::uint32_t exponent = 0) {
    Bytes modulus(bytes, 0xc3);
    Writer w;
    w.u16_be(tpm::kRsa).u16_be(tpm::kSha256).u32_be(kAk).u16_be(0).u16_be(tpm::kNull);
    w.u16_be(tpm::kRsassa).u16_be(tpm::kSha256).u16_be(key_bits).u32_be(exponent);
    return w.u16_be(static_cast<std::uint16_t>(bytes)).bytes(modulus).take();
}

}  // namespace

TEST_CASE("tpm.quote: a quote gives its fields") {
    const Made made = make_quote(0x8001);
    const auto quote = tpm::parse_quote(made.attest);
    REQUIRE(quote);
    CHECK(hex(quote->extra_data) == "01020304");
    CHECK(quote->reset_count == 1);
    CHECK(quote->safe);
    CHECK(quote->firmware_version == 0x2019102300163636);
    REQUIRE(quote->pcrs.size() == 1);
    CHECK(quote->pcrs[0] == tpm::PcrSelection{HashAlg::sha256, 0x8001});
    CHECK(quote->pcr_digest.size() == 32);
}

TEST_CASE("tpm: every truncation is refused, and so is a trailing byte") {
    const Made made = make_quote();
    for (std::size_t n = 0; n < made.attest.size(); ++n) {
        const auto quote = tpm::parse_quote(ByteView(made.attest).first(n));
        REQUIRE_FALSE(quote);
        CHECK(quote.error().where.starts_with("tpm.quote: "));
    }
    for (std::size_t n = 0; n < made.signature.size(); ++n) {
        CHECK(refusal(tpm::parse_signature(ByteView(made.signature).first(n))) ==
              says("tpm.signature: "));
    }
    for (std::size_t n = 0; n < made.ak.size(); ++n) {
        CHECK(refusal(tpm::parse_public_area(ByteView(made.ak).first(n))) == says("tpm.public: "));
    }
    const auto longer = [](Bytes bytes) {
        bytes.push_back(0);
        return bytes;
    };
    CHECK(refusal(tpm::parse_quote(longer(made.attest))) ==
          says("tpm.quote: end: 1 trailing bytes"));
    CHECK(refusal(tpm::parse_signature(longer(made.signature))) ==
          says("tpm.signature: end: 1 trailing bytes"));
    CHECK(refusal(tpm::parse_public_area(longer(made.ak))) ==
          says("tpm.public: end: 1 trailing bytes"));
}

TEST_CASE("tpm.quote: only a quote that a TPM generated is one") {
    const Bytes sha256_bits = {1, 0, 0};
    CHECK(tpm::parse_quote(attest_with({{0x0b, sha256_bits}})));
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, sha256_bits}}, 0x8017))) ==
          says("tpm.quote: type: 32792 wanted, 32791 found"));  // certify
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, sha256_bits}}, 0x8019))) ==
          says("tpm.quote: type: 32792 wanted, 32793 found"));  // time
    Bytes magic = attest_with({{0x0b, sha256_bits}});
    magic[0] ^= 1;
    CHECK(refusal(tpm::parse_quote(magic)) ==
          says("tpm.quote: magic: 4283712327 wanted, 4266935111 found"));
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, sha256_bits}}, 0x8018, 2))) ==
          says("tpm.quote: safe: 0 or 1 wanted, 2 found"));  // safe
    CHECK_FALSE(tpm::parse_quote(attest_with({{0x0b, sha256_bits}}, 0x8018, 0))->safe);
}

TEST_CASE("tpm.quote: selections are bounded, known and name no bank twice") {
    CHECK(tpm::parse_quote(attest_with({{0x0b, {1}}, {0x04, {0, 0, 0, 0}}})));
    CHECK(refusal(tpm::parse_quote(attest_with({}))) ==
          says("tpm.quote: pcrSelect.count: 1 to 16 wanted, 0 found"));
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, {1}}, {0x0b, {2}}}))) ==
          says("tpm.quote: pcrSelect.hash: a bank twice"));
    CHECK(refusal(tpm::parse_quote(attest_with({{0x12, {1}}}))) ==
          says("tpm.quote: pcrSelect.hash: hash algorithm 18"));  // SM3
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, {}}}))) ==
          says("tpm.quote: pcrSelect.sizeofSelect: 1 to 4 wanted, 0 found"));  // sizeofSelect 0
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, {1, 0, 0, 0, 0}}}))) ==
          says("tpm.quote: pcrSelect.sizeofSelect: 1 to 4 wanted, 5 found"));  // 5
    CHECK(tpm::parse_quote(attest_with({{0x0b, {0, 0, 0x80}}})));              // PCR 23
    CHECK(refusal(tpm::parse_quote(attest_with({{0x0b, {0, 0, 0, 1}}}))) ==
          says("tpm.quote: pcrSelect.pcrSelect: a PCR above 23"));  // PCR 24
    std::vector<std::pair<std::uint16_t, Bytes>> many(17, {0x0b, {1}});
    CHECK(refusal(tpm::parse_quote(attest_with(many))) ==
          says("tpm.quote: pcrSelect.count: 1 to 16 wanted, 17 found"));
}

TEST_CASE("tpm.pcrs: the digest needs every selected value, in its order and size") {
    const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, 0b101}};
    std::vector<tpm::PcrValue> values = {{HashAlg::sha256, 2, Bytes(32, 2)},
                                         {HashAlg::sha256, 0, Bytes(32, 1)}};
    Bytes ordered(32, 1);
    ordered.resize(64, 2);
    const auto digest = tpm::pcr_digest(selection, values, HashAlg::sha384);
    REQUIRE(digest);
    CHECK(*digest == hash(HashAlg::sha384, ordered));
    // Whoever claims two values for a PCR would choose which one counts.
    values.push_back(values[0]);
    CHECK(refusal(tpm::pcr_digest(selection, values, HashAlg::sha256)) ==
          says("tpm.pcrs: two values for sha256:2"));
    values.pop_back();
    values[0].value.resize(20);
    CHECK(refusal(tpm::pcr_digest(selection, values, HashAlg::sha256)) ==
          says("tpm.pcrs: the value for sha256:2 has 20 bytes"));
    values.erase(values.begin());
    CHECK(refusal(tpm::pcr_digest(selection, values, HashAlg::sha256)) ==
          says("tpm.pcrs: no value for sha256:2"));
}

TEST_CASE("tpm.public: an AK gives key, name and attributes") {
    const Made made = make_quote();
    const auto area = tpm::parse_public_area(made.ak);
    REQUIRE(area);
    CHECK(area->attributes == kAk);
    CHECK(area->key.kind() == KeyKind::p256);
    CHECK(hex(area->name) == "000b" + hex(sha256(made.ak)));
    CHECK(tpm::ak_attribute_fault(*area).empty());
    Bytes framed{static_cast<std::uint8_t>(made.ak.size() >> 8),
                 static_cast<std::uint8_t>(made.ak.size())};
    append(framed, made.ak);
    CHECK(equal(tpm::strip_tpm2b(framed), made.ak));
    CHECK(equal(tpm::strip_tpm2b(made.ak), made.ak));
}

TEST_CASE("tpm.public: RSA keys of 2048 to 4096 bits, as long as they say") {
    CHECK(tpm::parse_public_area(rsa_public(256, 2048)));
    CHECK(tpm::parse_public_area(rsa_public(512, 4096, 65537)));
    CHECK(refusal(tpm::parse_public_area(rsa_public(256, 3072))) ==
          says("parameters.keyBits: 3072 claimed, the modulus has 2048"));
    CHECK(refusal(tpm::parse_public_area(rsa_public(128, 1024))) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 1024 found"));
    CHECK(refusal(tpm::parse_public_area(rsa_public(513, 4104))) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 4104 found"));
    CHECK(refusal(tpm::parse_public_area(rsa_public(256, 2048, 2))) ==
          says("public key: an odd modulus and an odd exponent from 3 to 2^32-1 wanted"));
}

TEST_CASE("tpm.public: a key that is no AK is named for what it lacks") {
    const Made made = make_quote();
    const auto fault_with = [&](std::uint32_t attributes) {
        Bytes ak = made.ak;
        for (int i = 0; i < 4; ++i) {
            ak[static_cast<std::size_t>(4 + i)] =
                static_cast<std::uint8_t>(attributes >> (24 - 8 * i));
        }
        const auto area = tpm::parse_public_area(ak);
        REQUIRE(area);
        return tpm::ak_attribute_fault(*area);
    };
    CHECK(fault_with(kAk).empty());
    using namespace tpm::attribute;
    CHECK(fault_with(kAk & ~kRestricted).starts_with("not restricted"));
    for (const std::uint32_t bit : {kFixedTpm, kFixedParent, kSensitiveDataOrigin, kSign}) {
        CHECK(fault_with(kAk & ~bit) == says("sensitiveDataOrigin, restricted and sign wanted"));
    }
    for (const std::uint32_t bit : {kDecrypt, kEncryptedDuplication}) {
        CHECK(fault_with(kAk | bit) == says("decrypt or encryptedDuplication is set"));
    }
}

TEST_CASE("tpm.signature: verifies, and fails for another message, key, hash or scheme") {
    const Made made = make_quote();
    const auto area = tpm::parse_public_area(made.ak);
    auto signature = tpm::parse_signature(made.signature);
    REQUIRE(area);
    REQUIRE(signature);
    CHECK(tpm::verify_signature(area->key, *signature, made.attest));
    Bytes other = made.attest;
    other.back() ^= 1;
    CHECK(refusal(tpm::verify_signature(area->key, *signature, other)) ==
          says("signature: does not verify under the key"));
    const auto other_area = tpm::parse_public_area(make_quote().ak);
    CHECK(refusal(tpm::verify_signature(other_area->key, *signature, made.attest)) ==
          says("signature: does not verify under the key"));
    signature->hash = HashAlg::sha1;
    const auto weak = tpm::verify_signature(area->key, *signature, made.attest);
    REQUIRE_FALSE(weak);
    CHECK(weak.error().what.find("SHA-1") != std::string::npos);
    signature->hash = HashAlg::sha256;
    signature->scheme = tpm::kRsassa;
    CHECK(refusal(tpm::verify_signature(area->key, *signature, made.attest)) ==
          says("signature: RSA by an elliptic curve key"));
}

TEST_CASE("tpm.signature: HMAC and unknown schemes are refused") {
    for (const std::uint16_t scheme :
         std::initializer_list<std::uint16_t>{0x0005, 0x0010, 0x001a, 0xffff}) {
        const Bytes bytes = Writer().u16_be(scheme).u16_be(tpm::kSha256).u16_be(0).take();
        CHECK(refusal(tpm::parse_signature(bytes)) ==
              says("tpm.signature: sigAlg: RSASSA, RSAPSS or ECDSA wanted, "));
    }
}
