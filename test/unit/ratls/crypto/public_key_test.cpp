#include "ratls/crypto/public_key.h"

#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "test/support/refusal.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using namespace ratls::test;
using test::pki;

namespace {

// The generator of P-256 (FIPS 186-4, D.1.2.3) and of P-384 (D.1.2.4).
const Bytes kX256 =
    parse_hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296").value();
const Bytes kY256 =
    parse_hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5").value();
const Bytes kX384 = parse_hex(
                        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf"
                        "55296c3a545e3872760ab7")
                        .value();
const Bytes kY384 = parse_hex(
                        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d"
                        "7e819d7a431d7c90ea0e5f")
                        .value();

Bytes rsa_modulus(std::size_t bits) {
    Bytes modulus((bits + 7) / 8, 0xff);
    modulus[0] = static_cast<std::uint8_t>(0xff >> (8 * modulus.size() - bits));
    return modulus;
}

}  // namespace

TEST_CASE("crypto.public_key: keys that openssl wrote are read, and written alike") {
    struct Row {
        const char* name;
        KeyKind kind;
        unsigned bits;
    };
    for (const Row& row : {Row{"p256", KeyKind::p256, 256}, Row{"p384", KeyKind::p384, 384},
                           Row{"rsa2048", KeyKind::rsa, 2048}, Row{"rsa3072", KeyKind::rsa, 3072},
                           Row{"rsa4096", KeyKind::rsa, 4096}}) {
        CAPTURE(row.name);
        const Bytes der = pki(std::string(row.name) + ".spki");
        const auto key = PublicKey::from_spki(der);
        REQUIRE(key);
        CHECK(key->kind() == row.kind);
        CHECK(key->bits() == row.bits);
        CHECK(key->spki() == der);
        CHECK(key->spki_sha256() == sha256(der));
    }
}

TEST_CASE("crypto.public_key: every truncation and every trailing byte is refused") {
    for (const char* name : {"p256.spki", "p384.spki", "rsa2048.spki"}) {
        const Bytes good = pki(name);
        for (std::size_t n = 0; n < good.size(); ++n) {
            CAPTURE(n);
            CHECK(refusal(PublicKey::from_spki(ByteView(good).first(n))) ==
                  says("public key: SubjectPublicKeyInfo: "));
        }
        Bytes longer = good;
        longer.push_back(0);
        CHECK(refusal(PublicKey::from_spki(longer)) == says("public key: end: 1 trailing bytes"));
    }
}

TEST_CASE("crypto.public_key: kinds and forms that we do not take are refused") {
    const std::pair<const char*, const char*> rows[] = {
        {"p521", "a curve other than P-256 and P-384"},
        {"ed25519", "neither RSA nor a named elliptic curve"},
        {"rsa1024", "RSA of 2048 to 4096 bits wanted, 1024 found"},
        {"p256-compressed", "an uncompressed point wanted"},
        {"p256-explicit", "namedCurve: tag 6 wanted, 48 found"},
    };
    for (const auto& [name, reason] : rows) {
        CAPTURE(name);
        CHECK(refusal(PublicKey::from_spki(pki(std::string(name) + ".spki"))) == says(reason));
    }
    for (const char* name : {"p521", "ed25519", "rsa1024"}) {
        CAPTURE(name);
        CHECK(PublicKey::from_spki(pki(std::string(name) + ".spki")).error().code ==
              Code::unsupported);
    }
}

TEST_CASE("crypto.public_key: one changed byte of the form is refused") {
    const Bytes good = pki("p256.spki");
    const std::string text = hex(good);
    const auto replaced = [&](std::string_view what, std::string_view with) {
        std::string changed = text;
        const std::size_t at = changed.find(what);
        REQUIRE(at != std::string::npos);
        changed.replace(at, what.size(), with);
        return refusal(PublicKey::from_spki(parse_hex(changed).value()));
    };
    CHECK(replaced("03420004", "03420004") == kAccepted);
    CHECK(replaced("03420004", "03420104") ==
          says("public key: a bit string of whole bytes wanted"));  // unused bits
    CHECK(
        replaced("03420004", "03420002") ==
        says(
            "public key: an uncompressed point wanted"));  // a compressed point of the wrong length
    CHECK(replaced("03420004", "03420006") ==
          says("public key: an uncompressed point wanted"));  // hybrid form
    CHECK(replaced("2a8648ce3d0201", "2a8648ce3d0202") ==
          says("public key: neither RSA nor a named elliptic curve"));
    CHECK(replaced("2a8648ce3d030107", "2a8648ce3d030106") ==
          says("public key: a curve other than P-256 and P-384"));
}

TEST_CASE("crypto.public_key: RSA keys must have NULL parameters and a minimal positive modulus") {
    const Bytes modulus = rsa_modulus(2048);
    const auto spki = [](Bytes parameters, ByteView modulus_content) {
        Bytes algorithm = der::encode(der::kOid, parse_hex("2a864886f70d010101").value());
        append(algorithm, parameters);
        Bytes numbers = der::encode(der::kInteger, modulus_content);
        append(numbers, parse_hex("0203010001").value());
        Bytes key = der::encode(der::kSequence, numbers);
        key.insert(key.begin(), 0);
        Bytes info = der::encode(der::kSequence, algorithm);
        append(info, der::encode(der::kBitString, key));
        return PublicKey::from_spki(der::encode(der::kSequence, info));
    };
    const Bytes null = {0x05, 0x00};
    Bytes positive = modulus;
    positive.insert(positive.begin(), 0);
    Bytes padded = positive;
    padded.insert(padded.begin(), 0);
    CHECK(spki(null, positive));
    CHECK(refusal(spki(null, modulus)) ==
          says("public key: a positive modulus in its shortest form wanted"));  // a negative number
    CHECK(refusal(spki(null, padded)) ==
          says("public key: a positive modulus in its shortest form wanted"));
    CHECK(refusal(spki({}, positive)) ==
          says("public key: parameters: an element wanted, the input ends"));
    CHECK(refusal(spki(Bytes{0x05, 0x01, 0x00}, positive)) ==
          says("public key: parameters: an empty NULL wanted"));
    CHECK(refusal(spki(Bytes{0x05, 0x00, 0x05, 0x00}, positive)) ==
          says("public key: end: 2 trailing bytes"));
}

TEST_CASE("crypto.public_key: what is read has one form only, which is the one that is written") {
    const auto key = PublicKey::from_point(KeyKind::p256, kX256, kY256);
    REQUIRE(key);
    const Bytes written = key->spki();
    const auto read = PublicKey::from_spki(written);
    REQUIRE(read);
    CHECK(read->spki() == written);
    CHECK(read->spki_sha256() == key->spki_sha256());
    REQUIRE(written[1] == 0x59);
    Bytes outer = written;
    outer.insert(outer.begin() + 1, 0x81);  // the same length in two bytes
    CHECK(refusal(PublicKey::from_spki(outer)) ==
          says("SubjectPublicKeyInfo: the length is not in its shortest form"));
    REQUIRE(written[23] == 0x03);
    Bytes inner = written;
    inner.insert(inner.begin() + 24, 0x81);
    ++inner[1];
    CHECK(refusal(PublicKey::from_spki(inner)) ==
          says("subjectPublicKey: the length is not in its shortest form"));

    const auto rsa = PublicKey::from_rsa(rsa_modulus(2048), 65537);
    REQUIRE(rsa);
    CHECK(PublicKey::from_spki(rsa->spki()).value().spki() == rsa->spki());
    const auto with_exponent = [](const char* exponent) {
        Bytes modulus = rsa_modulus(2048);
        modulus.insert(modulus.begin(), 0);
        Bytes numbers = der::encode(der::kInteger, modulus);
        append(numbers, parse_hex(exponent).value());
        Bytes bits = der::encode(der::kSequence, numbers);
        bits.insert(bits.begin(), 0);
        Bytes info = der::encode(der::kSequence, parse_hex("06092a864886f70d0101010500").value());
        append(info, der::encode(der::kBitString, bits));
        return PublicKey::from_spki(der::encode(der::kSequence, info));
    };
    CHECK(with_exponent("0203010001"));
    CHECK(refusal(with_exponent("020400010001")) ==
          says("public key: publicExponent: not in its shortest form"));
}

TEST_CASE("crypto.public_key: points from coordinates, with leading zeros or without") {
    const auto key = PublicKey::from_point(KeyKind::p256, kX256, kY256);
    REQUIRE(key);
    CHECK(key->kind() == KeyKind::p256);
    CHECK(PublicKey::from_point(KeyKind::p384, kX384, kY384));
    Bytes padded = kX256;
    padded.insert(padded.begin(), 3, 0);
    CHECK(PublicKey::from_point(KeyKind::p256, padded, kY256)->spki() == key->spki());
    CHECK(PublicKey::from_spki(key->spki())->spki() == key->spki());
}

TEST_CASE("crypto.public_key: what is not a point on the curve is refused") {
    Bytes off = kY256;
    off[31] ^= 1;
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, kX256, off)) ==
          says("public key: the point is not on its curve"));
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, kX256, {})) ==
          says("public key: the point is not on its curve"));
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, {}, {})) ==
          says("public key: the point is not on its curve"));
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, Bytes(32), Bytes(32))) ==
          says("public key: the point is not on its curve"));
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, kX384, kY384)) ==
          says("public key: a coordinate is too long"));
    CHECK(refusal(PublicKey::from_point(KeyKind::p384, kX256, kY256)) ==
          says("public key: the point is not on its curve"));
    CHECK(refusal(PublicKey::from_point(KeyKind::rsa, kX256, kY256)) ==
          says("public key: an elliptic curve wanted"));
    // x + p is the same residue, but no coordinate: p = 2^256 - 2^224 + 2^192 + 2^96 - 1.
    const Bytes five_plus_p =
        parse_hex("ffffffff00000001000000000000000000000001000000000000000000000004").value();
    const Bytes y_of_five =
        parse_hex("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc").value();
    CHECK(PublicKey::from_point(KeyKind::p256, Bytes{5}, y_of_five));
    CHECK(refusal(PublicKey::from_point(KeyKind::p256, five_plus_p, y_of_five)) ==
          says("public key: the point is not on its curve"));
}

TEST_CASE("crypto.public_key: RSA sizes from 2048 to 4096 bits") {
    CHECK(refusal(PublicKey::from_rsa(rsa_modulus(2047), 65537)) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 2047 found"));
    CHECK(PublicKey::from_rsa(rsa_modulus(2048), 65537));
    CHECK(PublicKey::from_rsa(rsa_modulus(2049), 65537)->bits() == 2049);
    CHECK(PublicKey::from_rsa(rsa_modulus(4096), 65537));
    CHECK(refusal(PublicKey::from_rsa(rsa_modulus(4097), 65537)) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 4097 found"));
    CHECK(refusal(PublicKey::from_rsa({}, 65537)) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 0 found"));
    CHECK(refusal(PublicKey::from_rsa(Bytes(256), 65537)) ==
          says("public key: RSA of 2048 to 4096 bits wanted, 0 found"));
    CHECK(PublicKey::from_rsa(rsa_modulus(1024), 65537).error().code == Code::unsupported);
}

TEST_CASE("crypto.public_key: RSA numbers that are no RSA key are refused") {
    Bytes even = rsa_modulus(2048);
    even.back() = 0xfe;
    CHECK(refusal(PublicKey::from_rsa(even, 65537)) ==
          says("public key: an odd modulus and an odd exponent from 3 to 2^32-1 wanted"));
    for (const std::uint64_t exponent : {0ULL, 1ULL, 2ULL, 4ULL, 65536ULL, 0x100000001ULL}) {
        CAPTURE(exponent);
        CHECK(refusal(PublicKey::from_rsa(rsa_modulus(2048), exponent)) ==
              says("public key: an odd modulus and an odd exponent from 3 to 2^32-1 wanted"));
    }
    for (const std::uint64_t exponent : {3ULL, 17ULL, 65537ULL, 0xffffffffULL}) {
        CAPTURE(exponent);
        CHECK(PublicKey::from_rsa(rsa_modulus(2048), exponent));
    }
}
