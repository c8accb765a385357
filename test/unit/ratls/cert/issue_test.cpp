#include <doctest/doctest.h>

#include "ratls/cert/native.h"
#include "ratls/crypto/random.h"

using namespace ratls;

namespace {

constexpr UnixTime kFrom = 1790000000;

const PrivateKey& key() {
    static const PrivateKey made = PrivateKey::generate(KeyKind::p256).value();
    return made;
}

cert::Claims claims_for(const PrivateKey& owner) {
    cert::Claims out;
    out.pubkey_sha256 = owner.public_key().spki_sha256();
    out.not_before = kFrom;
    out.not_after = kFrom + cert::kMaxValiditySeconds;
    out.issued_at = kFrom + 300;
    out.service_names = {"vm.example.org"};
    out.max_fresh = 3;
    return out;
}

cert::IssueRequest request_for(const cert::Claims& claims) {
    return {.dns_names = {"vm.example.org", "*.example.net"},
            .ip_addresses = {{192, 0, 2, 1}, Bytes(16, 1)},
            .not_before = kFrom,
            .not_after = kFrom + cert::kMaxValiditySeconds,
            .collection = {.claims_buffer = cert::encode_claims(claims),
                           .tee = cert::Tee{cert::TeeType::sev_snp, Bytes(1184, 0x11)}}};
}

/// A request whose certificate has about `size` bytes, by filling label 8 with what cannot shrink.
cert::IssueRequest request_of(std::size_t size) {
    cert::IssueRequest request = request_for(claims_for(key()));
    request.collection.hcl_report = Bytes(1000);
    const std::size_t rest = cert::issue(request, key()).value().size() - 1000;
    request.collection.hcl_report = Bytes(size - rest);
    random_bytes(*request.collection.hcl_report);
    return request;
}

void check_refused(const Result<Bytes>& der, std::string_view where, Code code) {
    REQUIRE_FALSE(der);
    CHECK(der.error().where == where);
    CHECK(der.error().code == code);
}

}  // namespace

TEST_CASE("cert.issue: a certificate that was written is read back equal") {
    for (const KeyKind kind : {KeyKind::p256, KeyKind::p384}) {
        const PrivateKey owner = PrivateKey::generate(kind).value();
        const cert::Claims claims = claims_for(owner);
        const cert::IssueRequest request = request_for(claims);
        const auto der = cert::issue(request, owner);
        REQUIRE(der);
        const Certificate certificate = Certificate::parse(*der).value();
        CHECK(certificate.public_key().kind() == kind);
        CHECK(certificate.dns_names() == request.dns_names);
        CHECK(certificate.ip_addresses() == request.ip_addresses);
        CHECK(certificate.common_name() == "vm.example.org");
        CHECK(certificate.extension(cert::kCmwOid) != nullptr);
        CHECK_FALSE(certificate.extension(cert::kCmwOid)->critical);
        const auto native = cert::parse_native(certificate);
        REQUIRE(native);
        CHECK(native->collection == request.collection);
        CHECK(native->claims == claims);
        for (const cert::Role role : {cert::Role::server, cert::Role::client}) {
            CHECK(cert::require(cert::check_profile(certificate, role)));
        }
        CHECK(cert::require(cert::check_binding(*native)));
    }
}

TEST_CASE("cert.issue: the common name is a DNS name that fits") {
    cert::IssueRequest request = request_for(claims_for(key()));
    const auto subject = [&] {
        const Bytes der = cert::issue(request, key()).value();
        return std::string(Certificate::parse(der)->common_name());
    };
    request.dns_names = {std::string(65, 'a'), std::string(64, 'b')};
    CHECK(subject() == std::string(64, 'b'));
    request.dns_names = {std::string(65, 'a')};
    CHECK(subject() == "ratls-vm");
    request.dns_names = {};
    CHECK(subject() == "ratls-vm");
}

TEST_CASE("cert.issue: names are wanted, and must be names") {
    cert::IssueRequest request = request_for(claims_for(key()));
    request.dns_names = {};
    request.ip_addresses = {};
    check_refused(cert::issue(request, key()), "certificate: names", Code::usage);
    for (const std::string name : {"", ".", "a b", "a,CN=b", "a..b", ".a", "a.", "*", "a.*.b"}) {
        CAPTURE(name);
        request.dns_names = {name};
        check_refused(cert::issue(request, key()), "certificate: names", Code::usage);
    }
    request.dns_names = {std::string(254, 'a')};
    check_refused(cert::issue(request, key()), "certificate: names", Code::usage);
    request.dns_names = {};
    request.ip_addresses = {Bytes(5)};
    check_refused(cert::issue(request, key()), "certificate: names", Code::usage);
}

TEST_CASE("cert.issue: what a verifier would refuse is not issued") {
    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    check_refused(cert::issue(request_for(claims_for(other)), key()), "certificate: key hash",
                  Code::mismatch);

    cert::IssueRequest shifted = request_for(claims_for(key()));
    shifted.not_after -= 1;
    check_refused(cert::issue(shifted, key()), "certificate: claimed validity", Code::mismatch);

    cert::Claims claims = claims_for(key());
    claims.not_after += 1;
    cert::IssueRequest longer = request_for(claims);
    longer.not_after += 1;
    check_refused(cert::issue(longer, key()), "certificate: validity", Code::mismatch);

    cert::IssueRequest stripped = request_for(claims_for(key()));
    stripped.collection.ima.emplace();
    check_refused(cert::issue(stripped, key()), "cert.collection", Code::mismatch);

    claims = claims_for(key());
    claims.max_fresh = 4;
    CHECK_FALSE(cert::issue(request_for(claims), key()));
}

TEST_CASE("cert.issue: a chain of 15 KiB is allowed, a byte more is not") {
    CHECK(cert::kWarnBytes == 12288);
    CHECK(cert::check_chain_size(15360));
    const Status above = cert::check_chain_size(15361);
    REQUIRE_FALSE(above);
    CHECK(above.error().code == Code::too_large);

    // Serial and signature differ from one certificate to the next, and so may its size.
    constexpr std::size_t kSpread = 8;
    CHECK(cert::issue(request_of(15360 - kSpread), key()));
    check_refused(cert::issue(request_of(15361 + kSpread), key()), "certificate", Code::too_large);
    check_refused(cert::issue(request_of(16000), key()), "certificate", Code::too_large);
}
