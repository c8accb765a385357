#include "ratls/crypto/encrypt.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/crypto/hmac.h"
#include "ratls/crypto/private_key.h"

using namespace ratls;

TEST_CASE("hmac: the answers of RFC 4231, in one piece or several") {
    const Bytes key(20, 0x0b);
    CHECK(hex(hmac(HashAlg::sha256, key, {as_bytes("Hi There")}).view()) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(
        hex(hmac(HashAlg::sha384, key, {as_bytes("Hi"), ByteView(), as_bytes(" There")}).view()) ==
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
        "faea9ea9076ede7f4af152e8b2fa9cb6");
    CHECK(hex(hmac(HashAlg::sha512, key, {as_bytes("Hi There")}).view()).substr(0, 32) ==
          "87aa7cdea5ef619d4ff0b4241a1d6cb0");
    const Bytes long_key(131, 0xaa);  // longer than a block
    CHECK(hex(hmac(HashAlg::sha256, long_key,
                   {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})
                  .view()) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("aes_cfb: what openssl enc -aes-128-cfb and -aes-256-cfb give with an IV of zeros") {
    const auto encrypted = [](std::size_t key_size, std::size_t size) {
        const Secret key(Bytes(key_size, 0x2b));
        return hex(aes_cfb_encrypt_once(key, Bytes(size, 0x61)));
    };
    CHECK(encrypted(16, 34) ==
          "931ca6588d51c722406aeb76cac3f1b24825374f26b566c8efc99426ca94fa3f1244");
    CHECK(encrypted(32, 34) ==
          "54f54dd3e366c88f5c98d8b69b88a0bcda724dcfea709cfcb0dc197f36a1e446854b");
    CHECK(encrypted(16, 5) == encrypted(16, 34).substr(0, 10));
    CHECK(encrypted(16, 0).empty());
}

TEST_CASE("encrypt: each way wants its kind of key") {
    const PrivateKey ec = PrivateKey::generate(KeyKind::p256).value();
    const Secret secret(Bytes(32, 1));
    const auto oaep = rsa_oaep_encrypt(ec.public_key(), HashAlg::sha256, {}, secret);
    REQUIRE_FALSE(oaep);
    CHECK(oaep.error().code == Code::unsupported);
    Bytes modulus(256, 0xc3);
    const PublicKey rsa = PublicKey::from_rsa(modulus, 65537).value();
    CHECK_FALSE(agree_with(rsa));
    CHECK(rsa_oaep_encrypt(rsa, HashAlg::sha256, {}, secret));
    // RFC 8017, 7.1.1: at most k - 2 hLen - 2 bytes.
    CHECK(rsa_oaep_encrypt(rsa, HashAlg::sha256, {}, Secret(Bytes(190))));
    CHECK_FALSE(rsa_oaep_encrypt(rsa, HashAlg::sha256, {}, Secret(Bytes(191))));
}

TEST_CASE("encrypt: an agreement is with a new key each time") {
    for (const KeyKind kind : {KeyKind::p256, KeyKind::p384}) {
        const PrivateKey peer = PrivateKey::generate(kind).value();
        const auto one = agree_with(peer.public_key());
        const auto other = agree_with(peer.public_key());
        REQUIRE(one);
        REQUIRE(other);
        CHECK(one->x.size() == coordinate_size(kind));
        CHECK(one->y.size() == coordinate_size(kind));
        CHECK(one->shared.reveal().size() == coordinate_size(kind));
        CHECK(one->x != other->x);
        CHECK_FALSE(equal(one->shared.reveal(), other->shared.reveal()));
        CHECK(PublicKey::from_point(kind, one->x, one->y));
    }
}
