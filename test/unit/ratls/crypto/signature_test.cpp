#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/public_key.h"
#include "test/support/refusal.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using namespace ratls::test;
using test::pki;
using test::pki_key;

namespace {

constexpr std::pair<const char*, HashAlg> kHashes[] = {
    {"sha256", HashAlg::sha256}, {"sha384", HashAlg::sha384}, {"sha512", HashAlg::sha512}};

// Group orders. Source: FIPS 186-4, D.1.2.3 and D.1.2.4.
const Bytes kOrder256 =
    parse_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
const Bytes kOrder384 = parse_hex(
                            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0d"
                            "b248b0a77aecec196accc52973")
                            .value();

/// a + b, big-endian, one byte longer than b.
Bytes sum(ByteView a, ByteView b) {
    Bytes out(b.size() + 1);
    unsigned carry = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        carry +=
            (i < a.size() ? a[a.size() - 1 - i] : 0U) + (i < b.size() ? b[b.size() - 1 - i] : 0U);
        out[out.size() - 1 - i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    return out;
}

Bytes flipped(Bytes bytes, std::size_t at) {
    bytes[at] ^= 1;
    return bytes;
}

}  // namespace

TEST_CASE("crypto.signature: ECDSA by openssl holds, for each curve and hash") {
    const Bytes message = pki("message");
    for (const char* curve : {"p256", "p384"}) {
        const PublicKey key = pki_key(curve);
        for (const auto& [name, alg] : kHashes) {
            CAPTURE(curve);
            CAPTURE(name);
            const Bytes der = pki(std::string(curve) + "-" + name + ".sig");
            const auto signature = parse_ecdsa_der(der);
            REQUIRE(signature);
            CHECK(key.verify_ecdsa(alg, message, signature->r, signature->s));
            for (const auto& [other, other_alg] : kHashes) {
                CHECK(
                    key.verify_ecdsa(other_alg, message, signature->r, signature->s).has_value() ==
                    (other_alg == alg));
            }
        }
    }
}

TEST_CASE("crypto.signature: ECDSA with another message, key or number is refused") {
    const Bytes message = pki("message");
    const Bytes der = pki("p256-sha256.sig");
    const auto signature = parse_ecdsa_der(der).value();
    const PublicKey key = pki_key("p256");
    const auto refused = [&](const PublicKey& by, ByteView what, ByteView r, ByteView s) {
        const auto status = by.verify_ecdsa(HashAlg::sha256, what, r, s);
        return !status &&
               (status.error().code == Code::untrusted || status.error().code == Code::mismatch);
    };
    const Bytes r = to_bytes(signature.r);
    const Bytes s = to_bytes(signature.s);
    CHECK_FALSE(refused(key, message, r, s));
    CHECK(refused(key, flipped(message, 0), r, s));
    CHECK(refused(key, {}, r, s));
    CHECK(refused(key, message, flipped(r, r.size() - 1), s));
    CHECK(refused(key, message, r, flipped(s, s.size() - 1)));
    CHECK(refused(key, message, s, r));
    CHECK(refused(pki_key("p256-other"), message, r, s));
    CHECK(refused(pki_key("p384"), message, r, s));
    CHECK(refused(pki_key("rsa2048"), message, r, s));
}

TEST_CASE("crypto.signature: ECDSA numbers must lie from 1 to n-1; zeros in front do not matter") {
    struct Row {
        const char* curve;
        const char* file;
        HashAlg alg;
        Bytes order;
    };
    for (const Row& row : {Row{"p256", "p256-sha256.sig", HashAlg::sha256, kOrder256},
                           Row{"p384", "p384-sha384.sig", HashAlg::sha384, kOrder384}}) {
        CAPTURE(row.curve);
        const Bytes message = pki("message");
        const PublicKey key = pki_key(row.curve);
        const Bytes der = pki(row.file);
        const auto signature = parse_ecdsa_der(der).value();
        const auto verify = [&](ByteView r, ByteView s) {
            return refusal(key.verify_ecdsa(row.alg, message, r, s));
        };
        Bytes padded_r = to_bytes(signature.r);
        padded_r.insert(padded_r.begin(), 5, 0);
        Bytes padded_s = to_bytes(signature.s);
        padded_s.insert(padded_s.begin(), 5, 0);
        CHECK(verify(padded_r, padded_s) == kAccepted);
        for (const Bytes& wrong :
             {Bytes{}, Bytes{0}, Bytes(row.order.size()), row.order, sum(Bytes{1}, row.order),
              sum(signature.r, row.order), Bytes(row.order.size(), 0xff),
              Bytes(row.order.size() + 1, 0xff)}) {
            CAPTURE(hex(wrong));
            CHECK(verify(wrong, signature.s) == says("signature: does not verify under the key"));
            CHECK(verify(signature.r, wrong) == says("signature: does not verify under the key"));
            CHECK(verify(wrong, wrong) == says("signature: does not verify under the key"));
        }
        CHECK(verify(sum(signature.r, row.order), signature.s) ==
              says("signature: does not verify under the key"));
        CHECK(verify(signature.r, sum(signature.s, row.order)) ==
              says("signature: does not verify under the key"));
    }
}

TEST_CASE("crypto.signature: an ECDSA signature in DER has one form") {
    const auto parse = [](std::string_view text) {
        const Bytes der = parse_hex(text).value();
        return refusal(parse_ecdsa_der(der));
    };
    CHECK(parse("3006020101020102") == kAccepted);
    CHECK(parse("300702020080020102") == kAccepted);
    CHECK(parse("3006020101020180") ==
          says("signature: positive integers in shortest form wanted"));  // negative
    CHECK(parse("300702020001020102") ==
          says("signature: positive integers in shortest form wanted"));  // padded
    CHECK(parse("30050200020102") ==
          says("signature: positive integers in shortest form wanted"));  // empty number
    CHECK(parse("300602010102010200") ==
          says("signature: end: 1 trailing bytes"));  // trailing outside
    CHECK(parse("300702010102010200") ==
          says("signature: end: 1 trailing bytes"));  // trailing inside
    CHECK(
        parse("308106020101020102") ==
        says(
            "Ecdsa-Sig-Value: the length is not in its shortest form"));  // long form of the length
    const Bytes good = pki("p256-sha256.sig");
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK(refusal(parse_ecdsa_der(ByteView(good).first(n))) ==
              says("signature: Ecdsa-Sig-Value: "));
    }
}

TEST_CASE("crypto.signature: RSA PKCS#1 v1.5 by openssl holds, for each size and hash") {
    const Bytes message = pki("message");
    for (const char* name : {"rsa2048", "rsa2049", "rsa3072", "rsa4096"}) {
        const PublicKey key = pki_key(name);
        for (const HashAlg alg : kAllHashAlgs) {
            CAPTURE(name);
            CAPTURE(hash_name(alg));
            const Bytes signature =
                pki(std::string(name) + "-pkcs1-" + std::string(hash_name(alg)) + ".sig");
            CHECK(key.verify_rsa_pkcs1(alg, message, signature));
            for (const HashAlg other : kAllHashAlgs) {
                CHECK(key.verify_rsa_pkcs1(other, message, signature).has_value() ==
                      (other == alg));
            }
            CHECK(refusal(key.verify_rsa_pss(alg, -1, message, signature)) ==
                  says("signature: does not verify under the key"));
        }
    }
}

TEST_CASE("crypto.signature: RSA PSS by openssl holds for its salt length and for any") {
    const Bytes message = pki("message");
    for (const unsigned bits : {2048U, 2049U, 3072U, 4096U}) {
        const std::string name = "rsa" + std::to_string(bits);
        const PublicKey key = pki_key(name);
        const int longest = static_cast<int>(bits / 8) - 32 - 2;
        for (const int salt : {0, 20, 32, 48, longest}) {
            CAPTURE(name);
            CAPTURE(salt);
            const Bytes signature =
                pki(name + "-pss-" + (salt == longest ? "max" : std::to_string(salt)) + ".sig");
            CHECK(key.verify_rsa_pss(HashAlg::sha256, salt, message, signature));
            CHECK(key.verify_rsa_pss(HashAlg::sha256, -1, message, signature));
            CHECK(refusal(key.verify_rsa_pss(HashAlg::sha256, salt + 1, message, signature)) ==
                  says("signature: does not verify under the key"));
            CHECK(refusal(key.verify_rsa_pss(HashAlg::sha256, salt == 0 ? 32 : salt - 1, message,
                                             signature)) ==
                  says("signature: does not verify under the key"));
            CHECK(refusal(key.verify_rsa_pss(HashAlg::sha384, -1, message, signature)) ==
                  says("signature: does not verify under the key"));
            CHECK(
                refusal(key.verify_rsa_pss(HashAlg::sha256, -1, flipped(message, 0), signature)) ==
                says("signature: does not verify under the key"));
            CHECK(refusal(key.verify_rsa_pkcs1(HashAlg::sha256, message, signature)) ==
                  says("signature: does not verify under the key"));
        }
        CHECK(refusal(key.verify_rsa_pss(HashAlg::sha256, longest + 1, message,
                                         pki(name + "-pss-max.sig"))) ==
              says("signature: does not verify under the key"));
    }
    CHECK_FALSE(pki_key("rsa2048").verify_rsa_pss(HashAlg::sha256, 32, message,
                                                  pki("rsa2048-pss-mgf1-sha1.sig")));
}

TEST_CASE(
    "crypto.signature: RSA signatures of another length, content, message or key are refused") {
    const Bytes message = pki("message");
    const PublicKey key = pki_key("rsa2048");
    const Bytes pkcs1 = pki("rsa2048-pkcs1-sha256.sig");
    const Bytes pss = pki("rsa2048-pss-32.sig");
    const auto refused = [&](const PublicKey& by, ByteView what, ByteView one, ByteView two) {
        const auto first = by.verify_rsa_pkcs1(HashAlg::sha256, what, one);
        const auto second = by.verify_rsa_pss(HashAlg::sha256, 32, what, two);
        return !first && !second;
    };
    const auto with = [](Bytes bytes, bool front, std::uint8_t byte) {
        bytes.insert(front ? bytes.begin() : bytes.end(), byte);
        return bytes;
    };
    CHECK_FALSE(refused(key, message, pkcs1, pss));
    CHECK(refused(key, flipped(message, 3), pkcs1, pss));
    CHECK(refused(key, message, flipped(pkcs1, 0), flipped(pss, 0)));
    CHECK(refused(key, message, flipped(pkcs1, 255), flipped(pss, 255)));
    CHECK(refused(key, message, {}, {}));
    CHECK(refused(key, message, ByteView(pkcs1).first(255), ByteView(pss).first(255)));
    CHECK(refused(key, message, with(pkcs1, true, 0), with(pss, true, 0)));
    CHECK(refused(key, message, with(pkcs1, false, 0), with(pss, false, 0)));
    CHECK(refused(key, message, Bytes(256), Bytes(256)));
    CHECK(refused(key, message, Bytes(256, 0xff), Bytes(256, 0xff)));
    CHECK(refused(pki_key("rsa3072"), message, pkcs1, pss));
    CHECK(refused(pki_key("p256"), message, pkcs1, pss));
}
