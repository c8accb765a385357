// One verdict for each of these inputs, whoever verifies: the suite runs with either provider.
#include "ratls/crypto/provider.h"

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "ratls/codec/hex.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using test::pki;
using test::pki_key;

namespace {

// P-256: the generator and its order. Source: FIPS 186-4, D.1.2.3.
const Bytes kX =
    parse_hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296").value();
const Bytes kY =
    parse_hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5").value();
const Bytes kOrder =
    parse_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();

/// a + b or, with `sign` -1, a - b: big-endian, of one size; a carry is lost.
Bytes combine(ByteView a, int sign, ByteView b) {
    Bytes out(a.size());
    int carry = 0;
    for (std::size_t i = a.size(); i-- > 0;) {
        carry += a[i] + sign * b[i];
        out[i] = static_cast<std::uint8_t>(carry & 0xff);
        carry >>= 8;
    }
    return out;
}

Bytes with_zeros(std::size_t count, ByteView number) {
    Bytes out(count);
    append(out, number);
    return out;
}

Bytes append_zeros(Bytes number, std::size_t count) {
    number.resize(number.size() + count);
    return number;
}

struct Row {
    const char* what;
    bool accepted;
    Status verdict;
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        CAPTURE(row.what);
        CHECK(row.verdict.has_value() == row.accepted);
        if (!row.verdict) {
            CHECK(row.verdict.error().text() == "signature: does not verify under the key");
        }
    }
}

}  // namespace

TEST_CASE("crypto.provider: it says names and versions, that of mbedTLS in any case") {
    const std::string_view name = crypto_provider();
    const bool known = name.starts_with("libcrypto 3.") || name.starts_with("mbedtls 3.");
    CHECK(known);
    CHECK(name.contains("mbedtls 3.6."));
}

// The private key is 1, so that signatures can be made by addition: with the nonce 1, r is the
// generator's x and s is e + r.
TEST_CASE("crypto.provider: ECDSA signatures with numbers at the edges") {
    const PublicKey key = PublicKey::from_point(KeyKind::p256, kX, kY).value();
    std::string text = "message";
    while (sha256(as_bytes(text))[0] >= 0x80) {
        text += '.';  // until e + r < n
    }
    const ByteView message = as_bytes(text);
    const Sha256Digest e = sha256(message);
    const Bytes& r = kX;
    const Bytes s = combine(e, +1, r);
    const Bytes one = with_zeros(31, Bytes{1});
    const auto verify = [&](ByteView r_bytes, ByteView s_bytes) {
        return key.verify_ecdsa(HashAlg::sha256, message, r_bytes, s_bytes);
    };
    check({
        {"the signature", true, verify(r, s)},
        {"n - s, which is as good", true, verify(r, combine(kOrder, -1, s))},
        {"zeros in front", true, verify(with_zeros(40, r), with_zeros(1, s))},
        {"another hash", false, key.verify_ecdsa(HashAlg::sha384, message, r, s)},
        {"r and s changed over", false, verify(s, r)},
        {"s + 1", false, verify(r, combine(s, +1, one))},
        {"n - r", false, verify(combine(kOrder, -1, r), s)},
        {"no r", false, verify({}, s)},
        {"no s", false, verify(r, {})},
        {"r is 0", false, verify(Bytes(32), s)},
        {"s is 0", false, verify(r, Bytes{0})},
        {"both are 1", false, verify(Bytes{1}, Bytes{1})},
        {"r is n", false, verify(kOrder, s)},
        {"s is n", false, verify(r, kOrder)},
        {"both are n - 1", false, verify(combine(kOrder, -1, one), combine(kOrder, -1, one))},
        {"r is n + 1", false, verify(combine(kOrder, +1, one), s)},
        {"r is 2^256 - 1", false, verify(Bytes(32, 0xff), s)},
        {"r is 2^256", false, verify(append_zeros(Bytes{1}, 32), s)},
        {"s is 2^256", false, verify(r, append_zeros(Bytes{1}, 32))},
        {"the sum is the point at infinity", false, verify(combine(kOrder, -1, e), s)},
    });
}

TEST_CASE("crypto.provider: RSA signatures with lengths, values and salts at the edges") {
    const Bytes message = pki("message");
    for (const unsigned bits : {2048U, 2049U, 4096U}) {
        const std::string name = "rsa" + std::to_string(bits);
        CAPTURE(name);
        const PublicKey key = pki_key(name);
        const Bytes pkcs1 = pki(name + "-pkcs1-sha256.sig");
        const auto verify = [&](ByteView signature) {
            return key.verify_rsa_pkcs1(HashAlg::sha256, message, signature);
        };
        const auto pss = [&](const char* salt, int wanted) {
            return key.verify_rsa_pss(HashAlg::sha256, wanted, message,
                                      pki(name + "-pss-" + salt + ".sig"));
        };
        const int longest = static_cast<int>((bits + 6) / 8) - 32 - 2;
        check({
            {"the signature", true, verify(pkcs1)},
            {"nothing", false, verify({})},
            {"a zero in front", false, verify(with_zeros(1, pkcs1))},
            {"the first byte left out", false, verify(ByteView(pkcs1).subspan(1))},
            {"a zero behind", false, verify(append_zeros(pkcs1, 1))},
            {"the value 0", false, verify(Bytes(pkcs1.size()))},
            {"the value 1", false, verify(with_zeros(pkcs1.size() - 1, Bytes{1}))},
            {"a value above n", false, verify(Bytes(pkcs1.size(), 0xff))},
            {"PSS read as PKCS #1", false, verify(pki(name + "-pss-32.sig"))},
            {"no salt, as wanted", true, pss("0", 0)},
            {"no salt, any wanted", true, pss("0", -1)},
            {"no salt, some wanted", false, pss("0", 32)},
            {"a salt, as wanted", true, pss("32", 32)},
            {"a salt, any wanted", true, pss("32", -1)},
            {"a salt, any wanted in other words", true, pss("32", -2)},
            {"a salt, any wanted, the least number", true,
             pss("32", std::numeric_limits<int>::min())},
            {"a salt, none wanted", false, pss("32", 0)},
            {"a salt, one byte less wanted", false, pss("32", 31)},
            {"a salt, one byte more wanted", false, pss("32", 33)},
            {"the longest salt, as wanted", true, pss("max", longest)},
            {"the longest salt, any wanted", true, pss("max", -1)},
            {"the longest salt, more than fits wanted", false, pss("max", longest + 1)},
            {"a salt, absurdly much wanted", false, pss("32", std::numeric_limits<int>::max())},
        });
    }
}

TEST_CASE("crypto.provider: an RSA signature plus n is refused where it fits") {
    const Bytes message = pki("message");
    const PublicKey key = pki_key("rsa2049");  // of 2056 bits in the signature, 7 are free
    const ByteView spki = key.spki();
    // The SubjectPublicKeyInfo ends with the modulus (257 bytes) and 02 03 01 00 01.
    const ByteView modulus = spki.last(257 + 5).first(257);
    for (const HashAlg alg : kAllHashAlgs) {
        const Bytes signature = pki("rsa2049-pkcs1-" + std::string(hash_name(alg)) + ".sig");
        CHECK(key.verify_rsa_pkcs1(alg, message, signature));
        CHECK_FALSE(key.verify_rsa_pkcs1(alg, message, combine(signature, +1, modulus)));
    }
}

TEST_CASE("crypto.provider: a key verifies in several threads at once") {
    const Bytes message = pki("message");
    const PublicKey ec = pki_key("p256");
    const PublicKey rsa = pki_key("rsa2048");
    const Bytes der = pki("p256-sha256.sig");
    const EcdsaSignature good = parse_ecdsa_der(der).value();
    const Bytes pkcs1 = pki("rsa2048-pkcs1-sha1.sig");
    const Bytes pss = pki("rsa2048-pss-32.sig");
    std::atomic<int> wrong = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                const bool right = ec.verify_ecdsa(HashAlg::sha256, message, good.r, good.s) &&
                                   !ec.verify_ecdsa(HashAlg::sha256, message, good.s, good.r) &&
                                   rsa.verify_rsa_pkcs1(HashAlg::sha1, message, pkcs1) &&
                                   rsa.verify_rsa_pss(HashAlg::sha256, 32, message, pss) &&
                                   !rsa.verify_rsa_pss(HashAlg::sha256, 31, message, pss);
                wrong += right ? 0 : 1;
            }
        });
    }
    threads.clear();
    CHECK(wrong == 0);
}

// A provider may use its objects again for the next key.
TEST_CASE("crypto.provider: a key stays what it is while others come and go") {
    const Bytes message = pki("message");
    const Bytes der = pki("p256-sha256.sig");
    const EcdsaSignature good = parse_ecdsa_der(der).value();
    const auto signed_by = [&](const PublicKey& key) {
        return key.verify_ecdsa(HashAlg::sha256, message, good.r, good.s).has_value();
    };
    const auto other = [] { return PublicKey::from_point(KeyKind::p256, kX, kY).value(); };
    Bytes off_curve = kY;
    off_curve[31] ^= 1;

    const PublicKey kept = pki_key("p256");
    for (int i = 0; i < 3; ++i) {
        CHECK(signed_by(pki_key("p256")));
        const PublicKey now = other();  // perhaps the object of the key before
        CHECK_FALSE(signed_by(now));
        CHECK_FALSE(PublicKey::from_point(KeyKind::p256, kX, off_curve));
        CHECK_FALSE(signed_by(other()));
        CHECK(signed_by(pki_key("p256")));
        CHECK_FALSE(signed_by(now));
        CHECK(signed_by(kept));
    }

    std::atomic<int> wrong = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                std::vector<PublicKey> many;  // in all threads more than a provider will keep
                for (int k = 0; k < 30; ++k) {
                    many.push_back(other());
                }
                const PublicKey mine = pki_key("p256");
                wrong += signed_by(mine) && signed_by(kept) && !signed_by(many.back()) ? 0 : 1;
            }
        });
    }
    threads.clear();
    CHECK(wrong == 0);
}
