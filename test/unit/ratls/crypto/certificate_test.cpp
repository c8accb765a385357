// Certificates that openssl made.
#include "ratls/crypto/certificate.h"

#include "ratls/codec/pem.h"
#include "test/unit/ratls/crypto/make_certificate.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using test::pki;
using test::pki_certificate;
using test::pki_key;

TEST_CASE("crypto.certificate: an openssl leaf gives its fields") {
    const Certificate leaf = pki_certificate("leaf");
    CHECK(equal(leaf.der(), pki("leaf.crt")));
    CHECK(leaf.common_name() == "leaf");
    CHECK(name_text(leaf.subject()) == "CN=leaf, O=Example");
    CHECK(common_name(leaf.issuer()) == "intermediate");
    CHECK(leaf.not_before() == 1735689600);
    CHECK(leaf.not_after() == 1767225599);
    CHECK(equal(leaf.spki(), pki("p256-other.spki")));
    CHECK_FALSE(leaf.is_ca());
    CHECK(leaf.key_usage() == 0x01);
    CHECK(leaf.dns_names() == std::vector<std::string>{"one.example", "two.example"});
    REQUIRE(leaf.ip_addresses().size() == 2);
    CHECK(leaf.ip_addresses()[0] == Bytes{127, 0, 0, 1});
    CHECK(leaf.extended_key_usages() ==
          std::vector<std::string>{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"});
    const Certificate intermediate = pki_certificate("intermediate");
    CHECK(intermediate.is_ca());
    CHECK(intermediate.path_length() == 0);
    CHECK(intermediate.key_usage() == 0x20);
}

TEST_CASE("crypto.certificate: each signature scheme by openssl is read and verified") {
    struct Row {
        const char* name;
        const char* signer;
        SignatureScheme scheme;
    };
    using Kind = SignatureScheme::Kind;
    for (const Row& row :
         {Row{"root", "p384", {Kind::ecdsa, HashAlg::sha384, -1}},
          Row{"intermediate", "p384", {Kind::ecdsa, HashAlg::sha384, -1}},
          Row{"leaf", "p256", {Kind::ecdsa, HashAlg::sha256, -1}},
          Row{"rsa-root", "rsa4096", {Kind::rsa_pss, HashAlg::sha384, 48}},
          Row{"rsa-leaf", "rsa4096", {Kind::rsa_pss, HashAlg::sha384, 48}},
          Row{"rsa-leaf-trailer", "rsa4096", {Kind::rsa_pss, HashAlg::sha384, 48}},
          Row{"rsa-leaf-pkcs1", "rsa4096", {Kind::rsa_pkcs1, HashAlg::sha256, -1}}}) {
        CAPTURE(row.name);
        const Certificate certificate = pki_certificate(row.name);
        CHECK(certificate.scheme() == row.scheme);
        CHECK(certificate.verify_signature(pki_key(row.signer)));
        CHECK_FALSE(certificate.verify_signature(pki_key("p256-other")));
        CHECK_FALSE(certificate.verify_signature(pki_key("rsa2048")));
        CHECK_FALSE(certificate.verify_signature(pki_key("rsa3072")));
    }
    CHECK(pki("rsa-leaf-trailer.crt").size() == pki("rsa-leaf.crt").size() + 10);
    CHECK(Certificate::parse(pki("rsa-leaf-sha1.crt")).error().code == Code::unsupported);
}

TEST_CASE("crypto.certificate: a file is one DER certificate or PEM blocks") {
    const auto one = parse_certificates(pki("leaf.crt"));
    REQUIRE(one);
    CHECK(one->size() == 1);
    const auto bundle = parse_certificates(pki("bundle.pem"));
    REQUIRE(bundle);
    REQUIRE(bundle->size() == 3);
    CHECK((*bundle)[0].common_name() == "root");
    CHECK((*bundle)[2].common_name() == "leaf");
    CHECK_FALSE(parse_certificates({}));
    CHECK_FALSE(parse_certificates(pki("p256.key")));  // PEM without a certificate
    CHECK_FALSE(parse_certificates(as_bytes(pem("CERTIFICATE", Bytes{0x30, 0x00}))));
    Bytes two = pki("leaf.crt");
    append(two, pki("leaf.crt"));
    CHECK_FALSE(parse_certificates(two));
}

TEST_CASE(
    "crypto.certificate: an anchor's own signature may be of any algorithm, and is not used") {
    const Bytes der = test::with_another_scheme(pki_certificate("leaf").der());
    const auto refused = Certificate::parse(der);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unsupported);
    const auto anchor = Certificate::parse_anchor(der);
    REQUIRE(anchor);
    CHECK(anchor->common_name() == "leaf");
    CHECK_FALSE(anchor->verify_signature(pki_key("p256")));
    CHECK_FALSE(verify_issued_by(*anchor, pki_certificate("intermediate"), 0));
    const Bytes good = to_bytes(pki_certificate("leaf").der());
    REQUIRE(Certificate::parse_anchor(good));
    CHECK(Certificate::parse_anchor(good)->verify_signature(pki_key("p256")).has_value() ==
          pki_certificate("leaf").verify_signature(pki_key("p256")).has_value());
}

TEST_CASE("crypto.certificate: behind an anchor may be what an NV index has behind it") {
    const Bytes good = to_bytes(pki_certificate("leaf").der());
    for (const std::uint8_t filling : {std::uint8_t{0}, std::uint8_t{0xff}}) {
        for (const std::size_t size : {1U, 700U}) {
            Bytes padded = good;
            padded.resize(good.size() + size, filling);
            CHECK_FALSE(Certificate::parse(padded));
            const auto anchor = Certificate::parse_anchor(padded);
            REQUIRE(anchor);
            CHECK(equal(anchor->der(), good));
            padded.back() ^= 1;
            CHECK_FALSE(Certificate::parse_anchor(padded));
        }
    }
    Bytes other = good;
    other.push_back(1);
    CHECK_FALSE(Certificate::parse_anchor(other));
    CHECK_FALSE(Certificate::parse_anchor(Bytes(700, 0xff)));
    CHECK_FALSE(Certificate::parse_anchor({}));
}

TEST_CASE("crypto.certificate: a file of an anchor has one certificate, or the error says why") {
    const Bytes good = to_bytes(pki_certificate("leaf").der());
    const std::string text = pem("CERTIFICATE", good);
    CHECK(parse_anchor_file(good));
    CHECK(parse_anchor_file(as_bytes(text)));
    const auto two = parse_anchor_file(as_bytes(text + text));
    REQUIRE_FALSE(two);
    CHECK(two.error().what.contains("2 blocks"));
    const auto key = parse_anchor_file(as_bytes(pem("PUBLIC KEY", good)));
    REQUIRE_FALSE(key);
    CHECK(key.error().what.contains("CERTIFICATE"));
    CHECK_FALSE(parse_anchor_file(as_bytes("text")));
}
