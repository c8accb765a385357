#include "ratls/evidence/ima/signature.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "ratls/crypto/private_key.h"
#include "test/support/refusal.h"

using namespace ratls;
using test::refusal;
using test::says;
using namespace ratls::ima;

namespace {

Bytes field(std::uint8_t type, std::uint8_t version, std::uint8_t hash, std::uint16_t size,
            ByteView signature) {
    return Writer()
        .u8(type)
        .u8(version)
        .u8(hash)
        .u32_be(0xdec0de01)
        .u16_be(size)
        .bytes(signature)
        .take();
}

}  // namespace

TEST_CASE("ima signature: field by field, as the kernel's header has them") {
    const Bytes signature(5, 0xaa);
    const Bytes good = field(3, 2, 4, 5, signature);
    const auto parsed = parse_file_signature(good);
    REQUIRE(parsed);
    CHECK(parsed->hash == HashAlg::sha256);
    CHECK(parsed->key_id == KeyId{0xde, 0xc0, 0xde, 0x01});
    CHECK(equal(parsed->signature, signature));
    CHECK(parse_file_signature(field(3, 2, 5, 5, signature))->hash == HashAlg::sha384);
    CHECK(parse_file_signature(field(3, 2, 6, 5, signature))->hash == HashAlg::sha512);
}

TEST_CASE("ima signature: other kinds, versions and functions are refused, and every truncation") {
    const Bytes signature(5, 0xaa);
    const Bytes good = field(3, 2, 4, 5, signature);
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK(refusal(parse_file_signature(ByteView(good).first(size))) ==
              says(" bytes wanted at offset "));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK(refusal(parse_file_signature(longer)) == says("sig: end: 1 trailing bytes"));
    CHECK(refusal(parse_file_signature(field(3, 2, 4, 0, {}))) == says("sig: an empty signature"));
    CHECK(refusal(parse_file_signature(field(3, 1, 4, 5, signature))) ==
          says("sig: type 3, version 2 wanted, 3, 1 found"));
    CHECK(refusal(parse_file_signature(field(3, 3, 4, 5, signature))) ==
          says("sig: type 3, version 2 wanted, 3, 3 found"));
    CHECK(refusal(parse_file_signature(field(5, 2, 4, 5, signature))) ==
          says("sig: type 3, version 2 wanted, 5, 2 found"));
    CHECK(refusal(parse_file_signature(field(6, 3, 4, 5, signature))) ==
          says("sig: type 3, version 2 wanted, 6, 3 found"));
    CHECK(refusal(parse_file_signature(field(3, 2, 7, 5, signature))) ==
          says("sig: hash function 7"));  // SHA-224
    CHECK(refusal(parse_file_signature(field(3, 2, 1, 5, signature))) ==
          says("sig: hash function 1"));  // MD5
    CHECK(refusal(parse_file_signature(field(3, 2, 2, 5, signature))) ==
          says("sig: hash function 2"));  // SHA-1
}

TEST_CASE("ima signature: the key's id is the end of the SHA-1 of its bits") {
    const PublicKey key = PrivateKey::generate(KeyKind::p256).value().public_key();
    const ByteView point = ByteView(key.spki()).last(65);
    const Digest digest = hash(HashAlg::sha1, point);
    const KeyId id = key_id(key);
    CHECK(equal(id, digest.view().last(4)));
}
