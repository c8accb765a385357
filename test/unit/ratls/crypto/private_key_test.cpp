#include "ratls/crypto/private_key.h"

#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using test::pki;
using test::pki_key;

TEST_CASE("crypto.private_key: a new key signs, and only its public key agrees") {
    for (const KeyKind kind : {KeyKind::p256, KeyKind::p384}) {
        CAPTURE(key_kind_name(kind));
        const auto key = PrivateKey::generate(kind);
        REQUIRE(key);
        CHECK(key->public_key().kind() == kind);
        const auto other = PrivateKey::generate(kind);
        CHECK(other->public_key().spki() != key->public_key().spki());
        const Bytes message = {1, 2, 3};
        for (const HashAlg alg : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
            const auto signature = key->sign_ecdsa(alg, message);
            REQUIRE(signature);
            const std::size_t size = coordinate_size(kind);
            REQUIRE(signature->size() == 2 * size);
            const ByteView r = ByteView(*signature).first(size);
            const ByteView s = ByteView(*signature).last(size);
            CHECK(key->public_key().verify_ecdsa(alg, message, r, s));
            CHECK_FALSE(other->public_key().verify_ecdsa(alg, message, r, s));
            CHECK(key->sign_ecdsa(alg, message).value() == *signature);  // deterministic
        }
        CHECK_FALSE(key->sign_ecdsa(HashAlg::sha1, message));
    }
    CHECK(PrivateKey::generate(KeyKind::rsa).error().code == Code::usage);
}

TEST_CASE("crypto.private_key: the signature of RFC 6979, A.2.5, P-256 with SHA-256") {
    const Bytes sec1 = parse_hex(
                           "30310201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b"
                           "120f6721a00a06082a8648ce3d030107")
                           .value();
    const auto key = PrivateKey::parse(sec1);
    REQUIRE(key);
    CHECK(hex(*key->sign_ecdsa(HashAlg::sha256, as_bytes("sample"))) ==
          "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
}

TEST_CASE("crypto.private_key: what pem writes, parse reads") {
    for (const KeyKind kind : {KeyKind::p256, KeyKind::p384}) {
        const PrivateKey key = PrivateKey::generate(kind).value();
        const auto text = key.pem();
        REQUIRE(text);
        CHECK(as_text(text->reveal()).starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        const auto again = PrivateKey::parse(text->reveal());
        REQUIRE(again);
        CHECK(again->public_key().spki() == key.public_key().spki());
        CHECK(again->sign_ecdsa(HashAlg::sha256, {}).value() ==
              key.sign_ecdsa(HashAlg::sha256, {}).value());
    }
}

TEST_CASE("crypto.private_key: a key file of openssl in every form") {
    for (const char* file : {"p256.key", "p256-sec1.der", "p256-pkcs8.pem", "p256-pkcs8.der"}) {
        CAPTURE(file);
        const auto key = PrivateKey::parse(pki(file));
        REQUIRE(key);
        CHECK(key->public_key().spki() == pki("p256.spki"));
    }
    CHECK(PrivateKey::parse(pki("p384.key"))->public_key().spki() == pki("p384.spki"));
}

TEST_CASE("crypto.private_key: keys that we do not take, and what is no key, are refused") {
    for (const char* file : {"p256-encrypted.pem", "rsa2048.key", "p521.key", "ed25519.key",
                             "x25519.key", "p256.spki", "leaf.pem", "message"}) {
        CAPTURE(file);
        CHECK_FALSE(PrivateKey::parse(pki(file)));
    }
    CHECK_FALSE(PrivateKey::parse({}));
    const Bytes der = pki("p256-pkcs8.der");
    for (std::size_t n = 0; n < der.size(); ++n) {
        CAPTURE(n);
        CHECK_FALSE(PrivateKey::parse(ByteView(der).first(n)));
    }
}

TEST_CASE("crypto.private_key: it moves") {
    PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const Bytes spki = key.public_key().spki();
    PrivateKey moved = std::move(key);
    CHECK(moved.public_key().spki() == spki);
    PrivateKey target = PrivateKey::generate(KeyKind::p256).value();
    target = std::move(moved);
    CHECK(target.public_key().spki() == spki);
    CHECK(target.sign_ecdsa(HashAlg::sha256, {}));
}
