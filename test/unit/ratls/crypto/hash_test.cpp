#include "ratls/crypto/hash.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"

using namespace ratls;

namespace {

struct Answer {
    std::string message;
    const char* sha1;
    const char* sha256;
    const char* sha384;
    const char* sha512;

    std::string_view digest(HashAlg alg) const {
        switch (alg) {
            case HashAlg::sha1:
                return sha1;
            case HashAlg::sha256:
                return sha256;
            case HashAlg::sha384:
                return sha384;
            case HashAlg::sha512:
                return sha512;
        }
        return "";
    }
};

// The examples of FIPS 180 (NIST, "Examples with Intermediate Values") and the empty message.
const Answer kAnswers[] = {
    {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b"
     "9"
     "5b",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877ee"
     "c"
     "2f63b931bd47417a81a538327af927da3e"},
    {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c82"
     "5"
     "a7",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f5fe95b1fe3c84"
     "5"
     "2b",
     "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789"
     "c"
     "a031ad85c7a71dd70354ec631238ca3445"},
    {std::string(1000000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
     "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8"
     "9"
     "85",
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c"
     "3"
     "1beb009c5c2c49aa2e4eadb217ad8cc09b"},
};

}  // namespace

TEST_CASE("crypto.hash: the published digests") {
    for (const Answer& answer : kAnswers) {
        for (const HashAlg alg : kAllHashAlgs) {
            CAPTURE(answer.message.size());
            CAPTURE(hash_name(alg));
            const Digest digest = hash(alg, as_bytes(answer.message));
            CHECK(hex(digest.view()) == answer.digest(alg));
            CHECK(digest.size() == digest_size(alg));
        }
    }
}

TEST_CASE("crypto.hash: pieces give the digest of the whole, wherever they are cut") {
    const std::string message(200, 'x');
    const ByteView bytes = as_bytes(message);
    for (const HashAlg alg : kAllHashAlgs) {
        const Digest whole = hash(alg, bytes);
        Hasher hasher(alg);
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            hasher.reset();
            hasher.update(bytes.first(cut)).update({}).update(bytes.subspan(cut));
            CHECK(hasher.finish() == whole);
        }
    }
    CHECK(sha256({bytes.first(7), {}, bytes.subspan(7)}) == sha256(bytes));
    CHECK(sha256({}) == sha256(ByteView()));
    CHECK(hex(sha256(as_bytes("abc"))) == kAnswers[1].sha256);
}

TEST_CASE("crypto.hash: a copy made in the middle continues on its own") {
    const std::string message(300, 'x');
    const ByteView bytes = as_bytes(message);
    for (const HashAlg alg : kAllHashAlgs) {
        for (const std::size_t cut : {0U, 1U, 63U, 64U, 127U, 128U, 200U}) {
            Hasher first(alg);
            first.update(bytes.first(cut));
            Hasher second = first;
            first.update(as_bytes("other"));
            second.update(bytes.subspan(cut));
            CHECK(second.finish() == hash(alg, bytes));
            Hasher whole(alg);
            CHECK(first.finish() ==
                  whole.update(bytes.first(cut)).update(as_bytes("other")).finish());
        }
    }
}

TEST_CASE("crypto.hash: a reset forgets what was hashed, finished or not") {
    for (const HashAlg alg : kAllHashAlgs) {
        Hasher hasher(alg);
        hasher.update(as_bytes("something"));
        hasher.reset();
        CHECK(hasher.update(as_bytes("abc")).finish() == hash(alg, as_bytes("abc")));
        hasher.reset();
        CHECK(hasher.finish() == hash(alg, {}));
    }
}

TEST_CASE("crypto.hash: names are the kernel's, other names and sizes are not known") {
    for (const HashAlg alg : kAllHashAlgs) {
        CHECK(hash_from_name(hash_name(alg)) == alg);
    }
    for (const char* name : {"", "SHA256", "sha-256", "sha256 ", "md5", "sha3-256"}) {
        CHECK_FALSE(hash_from_name(name));
    }
}

TEST_CASE("crypto.hash: digests are equal if size and content are") {
    CHECK(Digest() == Digest(ByteView()));
    CHECK(Digest(Bytes{1, 2}) == Digest(Bytes{1, 2}));
    CHECK_FALSE(Digest(Bytes{1, 2}) == Digest(Bytes{1, 3}));
    CHECK_FALSE(Digest(Bytes{1, 2}) == Digest(Bytes{1, 2, 0}));
    CHECK(Digest(Bytes(65, 7)).size() == 64);
}
