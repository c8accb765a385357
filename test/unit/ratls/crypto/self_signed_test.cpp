#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/crypto/certificate.h"
#include "ratls/crypto/private_key.h"

using namespace ratls;

namespace {

constexpr std::string_view kIdPeCmw = "1.3.6.1.5.5.7.1.35";

SelfSignedRequest request() {
    return {.common_name = "vm.example",
            .dns_names = {"vm.example", "*.vm.example"},
            .ip_addresses = {{127, 0, 0, 1}, Bytes(16, 1)},
            .not_before = 1747344114,
            .not_after = 1747430514,
            .extension_oid = kIdPeCmw,
            .extension_value = {4, 2, 0xca, 0xfe}};
}

}  // namespace

TEST_CASE("crypto.self_signed: what was asked for is read back, and the key signed it") {
    for (const KeyKind kind : {KeyKind::p256, KeyKind::p384}) {
        CAPTURE(key_kind_name(kind));
        const PrivateKey key = PrivateKey::generate(kind).value();
        const auto der = write_self_signed(request(), key);
        REQUIRE(der);
        const auto certificate = Certificate::parse(*der);
        REQUIRE(certificate);
        CHECK(equal(certificate->subject(), certificate->issuer()));
        CHECK(certificate->common_name() == "vm.example");
        CHECK(certificate->not_before() == 1747344114);
        CHECK(certificate->not_after() == 1747430514);
        CHECK(equal(certificate->spki(), key.public_key().spki()));
        CHECK_FALSE(certificate->is_ca());
        CHECK(certificate->extension(oid::kBasicConstraints)->critical);
        CHECK(certificate->key_usage() == 0x01);
        CHECK(certificate->extended_key_usages() ==
              std::vector<std::string>{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"});
        CHECK(certificate->dns_names() == request().dns_names);
        CHECK(certificate->ip_addresses() == request().ip_addresses);
        const Extension* extension = certificate->extension(kIdPeCmw);
        REQUIRE(extension);
        CHECK_FALSE(extension->critical);
        CHECK(equal(extension->value, request().extension_value));
        CHECK(certificate->scheme().hash ==
              (kind == KeyKind::p384 ? HashAlg::sha384 : HashAlg::sha256));
        CHECK(certificate->verify_signature(key.public_key()));
    }
}

TEST_CASE("crypto.self_signed: serial numbers are positive, of 127 bits, and differ") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    Bytes previous;
    for (int i = 0; i < 20; ++i) {
        const auto der = write_self_signed(request(), key);
        const auto certificate = Certificate::parse(*der);
        REQUIRE(certificate);
        CHECK(certificate->serial().size() == 16);
        CHECK((certificate->serial()[0] & 0xc0) == 0x40);
        CHECK_FALSE(equal(certificate->serial(), previous));
        previous = to_bytes(certificate->serial());
    }
}

TEST_CASE("crypto.self_signed: large extensions and times after 2049") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    SelfSignedRequest large = request();
    large.extension_value = Bytes(15000, 0xaa);
    large.not_before = 2524607999;
    large.not_after = 2524608000;
    const auto der = write_self_signed(large, key);
    REQUIRE(der);
    const auto certificate = Certificate::parse(*der);
    REQUIRE(certificate);
    CHECK(certificate->extension(kIdPeCmw)->value.size() == 15000);
    CHECK(certificate->not_before() == 2524607999);
    CHECK(certificate->not_after() == 2524608000);
    SelfSignedRequest many = request();
    many.dns_names.assign(500, "a-rather-long-name.vm.example");
    const auto long_list = write_self_signed(many, key);
    REQUIRE(long_list);
    CHECK(Certificate::parse(*long_list)->dns_names().size() == 500);
}

TEST_CASE("crypto.self_signed: any common name comes back as it was given") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    for (const char* text : {"a", "a,b", "a\\b", "a+b", "a=b", "#0403010203", "a#b", " a", "a ",
                             "\"a\"", "<a>", "a;b", "a,CN=b", "\\41", "h\xc3\xa9"}) {
        CAPTURE(text);
        SelfSignedRequest named = request();
        named.common_name = text;
        const auto der = write_self_signed(named, key);
        REQUIRE(der);
        CHECK(common_name(Certificate::parse(*der)->subject()) == text);
    }
}

TEST_CASE("crypto.self_signed: without names and extension there are none") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const auto der = write_self_signed({.common_name = "x",
                                        .dns_names = {},
                                        .ip_addresses = {},
                                        .not_before = 0,
                                        .not_after = 1,
                                        .extension_oid = {},
                                        .extension_value = {}},
                                       key);
    REQUIRE(der);
    const auto certificate = Certificate::parse(*der);
    REQUIRE(certificate);
    CHECK(certificate->extension(oid::kSubjectAltName) == nullptr);
    CHECK(certificate->extensions().size() == 3);
}

TEST_CASE("crypto.self_signed: a request that makes no certificate is refused") {
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const auto refused = [&](auto change) {
        SelfSignedRequest bad = request();
        change(bad);
        const auto der = write_self_signed(bad, key);
        return !der && der.error().code == Code::usage;
    };
    CHECK(refused([](auto& r) { r.common_name = ""; }));
    CHECK(refused([](auto& r) { r.common_name = std::string(65, 'a'); }));
    CHECK(refused([](auto& r) { r.common_name = std::string("a\0b", 3); }));
    CHECK_FALSE(refused([](auto& r) { r.common_name = std::string(64, 'a'); }));
    CHECK(refused([](auto& r) { r.ip_addresses = {{1, 2, 3}}; }));
    CHECK(refused([](auto& r) { r.extension_oid = "no oid"; }));
    CHECK(refused([](auto& r) { r.not_after = r.not_before - 1; }));
    CHECK(refused([](auto& r) { r.not_after = 253402300800; }));  // year 10000
    CHECK(refused([](auto& r) { r.not_before = -1; }));
}
