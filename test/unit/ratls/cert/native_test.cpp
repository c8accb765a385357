#include "ratls/cert/native.h"

#include "test/unit/ratls/cert/vectors.h"
#include "test/unit/ratls/crypto/make_certificate.h"

using namespace ratls;
using test::from_hex;
using test::Pieces;
using test::sequence;

namespace {

constexpr UnixTime kFrom = 1790000000;  // 2026-09-21T14:13:20Z
constexpr UnixTime kTo = kFrom + cert::kMaxValiditySeconds;

Bytes validity(UnixTime from, UnixTime to) {
    const auto field = [](UnixTime time) {  // "260921141320Z"
        std::string digits;
        for (const char c : format_rfc3339(time).substr(2)) {
            if (c >= '0' && c <= '9') {
                digits += c;
            }
        }
        return test::utc_time(digits + "Z");
    };
    return sequence({field(from), field(to)});
}

cert::Claims claims_for(const PublicKey& key) {
    cert::Claims out;
    out.pubkey_sha256 = key.spki_sha256();
    out.not_before = kFrom;
    out.not_after = kTo;
    out.issued_at = kFrom;
    out.max_fresh = 1;
    return out;
}

Bytes collection_with(const cert::Claims& claims) {
    return cert::encode_collection({.claims_buffer = cert::encode_claims(claims)});
}

Bytes cmw_extension(ByteView value, bool critical = false) {
    return sequence({from_hex("06082b06010505070123"), critical ? from_hex("0101ff") : Bytes{},
                     der::encode(der::kOctetString, value)});
}

Bytes cmw_extension(const cert::Claims& claims) {
    return cmw_extension(der::encode(der::kOctetString, collection_with(claims)));
}

Bytes basic_constraints() {
    return test::extension(19, true, from_hex("3000"));
}

/// extKeyUsage with the last arcs of these id-kp purposes: 1 serverAuth, 2 clientAuth.
Bytes usages(std::initializer_list<std::uint8_t> purposes) {
    Bytes list;
    for (const std::uint8_t purpose : purposes) {
        append(list, der::encode(der::kOid, Bytes{0x2b, 6, 1, 5, 5, 7, 3, purpose}));
    }
    return test::extension(37, false, der::encode(der::kSequence, list));
}

/// The pieces of a certificate that passes every check; each can then be made wrong.
Pieces good_pieces() {
    Pieces out;
    out.issuer = test::name("me");
    out.validity = validity(kFrom, kTo);
    out.extensions = {basic_constraints(), test::key_usage(0x80), usages({1, 2}),
                      cmw_extension(claims_for(test::p256_key().public_key()))};
    return out;
}

/// The names of the checks that failed.
std::string failed(const std::vector<cert::Check>& checks) {
    std::string out;
    for (const cert::Check& check : checks) {
        if (!check.holds) {
            CHECK_FALSE(check.expected.empty());
            CHECK_FALSE(check.actual.empty());
            out += (out.empty() ? "" : ", ") + std::string(check.part);
        }
    }
    return out;
}

std::string failed_profile(const Pieces& pieces) {
    return failed(cert::check_profile(pieces.certificate()));
}

void check_refused(const Pieces& pieces, std::string_view part, Code code = Code::malformed) {
    const auto native = cert::parse_native(pieces.certificate());
    REQUIRE_FALSE(native);
    CHECK_MESSAGE(native.error().text().find(part) != std::string::npos, native.error().text());
    CHECK_MESSAGE(native.error().code == code, native.error().text());
}

}  // namespace

TEST_CASE("cert.native: a certificate of the profile passes every check") {
    const Certificate certificate = good_pieces().certificate();
    CHECK(cert::has_collection(certificate));
    const auto native = cert::parse_native(certificate);
    REQUIRE(native);
    CHECK(native->claims == claims_for(test::p256_key().public_key()));
    CHECK(native->collection.claims_buffer == cert::encode_claims(native->claims));
    const auto profile = cert::check_profile(certificate);
    CHECK(profile.size() == 7);
    CHECK(failed(profile).empty());
    CHECK(failed(cert::check_binding(*native)).empty());
    CHECK(cert::require(profile));
}

TEST_CASE("cert.native: the known certificates of the independent script are read") {
    int cases = 0;
    test::each(test::known_answers("certificate.json"), "cases", [&](const Json& item) {
        CAPTURE(*item.find("name")->if_string());
        const auto certificate = Certificate::parse(test::hex_of(item, "certificate"));
        REQUIRE(certificate);
        const auto native = cert::parse_native(*certificate);
        REQUIRE(native);
        CHECK(cert::encode_collection(native->collection) == test::hex_of(item, "collection"));
        CHECK(failed(cert::check_profile(*certificate)).empty());
        CHECK(failed(cert::check_binding(*native)).empty());
        CHECK(certificate->dns_names() == std::vector<std::string>{"vm.example.org"});
        ++cases;
    });
    CHECK(cases == 3);
}

TEST_CASE("cert.native: no extension, a second one, or a critical one is refused") {
    Pieces none = good_pieces();
    none.extensions.pop_back();
    CHECK_FALSE(cert::has_collection(none.certificate()));
    check_refused(none, "not found");

    Pieces two = good_pieces();
    two.extensions.push_back(two.extensions.back());
    const auto twice = Certificate::parse(two.build());
    REQUIRE_FALSE(twice);
    CHECK(twice.error().what.find("twice") != std::string::npos);

    Pieces critical = good_pieces();
    const Bytes cbor = collection_with(claims_for(test::p256_key().public_key()));
    critical.extensions.back() = cmw_extension(der::encode(der::kOctetString, cbor), true);
    check_refused(critical, "critical");
}

TEST_CASE("cert.native: OID bytes inside another extension are not the extension") {
    Pieces hidden = good_pieces();
    hidden.extensions.back() =
        test::extension(99, false, cmw_extension(claims_for(test::p256_key().public_key())));
    check_refused(hidden, "not found");
}

TEST_CASE("cert.native: the extension is one OCTET STRING of one collection") {
    const Bytes cbor = collection_with(claims_for(test::p256_key().public_key()));
    const auto value = [](const Bytes& bytes) {
        Pieces out = good_pieces();
        out.extensions.back() = cmw_extension(bytes);
        return out;
    };
    check_refused(value(cbor), "CMW");                                 // not wrapped
    check_refused(value(der::encode(der::kUtf8String, cbor)), "CMW");  // the JSON alternative
    Bytes trailing = der::encode(der::kOctetString, cbor);
    trailing.push_back(0);
    check_refused(value(trailing), "certificate: extension");
    Bytes inner = cbor;
    inner.push_back(0);
    check_refused(value(der::encode(der::kOctetString, inner)), "cert.collection");
    check_refused(value({}), "CMW");
}

TEST_CASE("cert.native: claims that do not parse, or contradict the labels, are refused") {
    Pieces broken = good_pieces();
    const Bytes no_claims = cert::encode_collection({.claims_buffer = Bytes{0xa0}});
    broken.extensions.back() = cmw_extension(der::encode(der::kOctetString, no_claims));
    check_refused(broken, "cert.claims");

    cert::Claims claims = claims_for(test::p256_key().public_key());
    claims.ak_name = from_hex("000b" + std::string(64, '0'));
    Pieces stripped = good_pieces();
    stripped.extensions.back() = cmw_extension(claims);
    check_refused(stripped, "claim 3 is there, label 3 is not", Code::mismatch);
}

TEST_CASE("cert.native: the certificate is issued and signed by itself") {
    Pieces other_name = good_pieces();
    other_name.issuer = test::name("ca");
    CHECK(failed_profile(other_name) == "self-signed");

    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    CHECK(failed(cert::check_profile(good_pieces().certificate(other))) == "self-signed");

    Bytes der = good_pieces().build();
    der[der.size() - 1] ^= 1;
    CHECK(failed(cert::check_profile(Certificate::parse(der).value())) == "self-signed");
}

TEST_CASE("cert.native: a CA, or a certificate that does not say that it is none, is refused") {
    Pieces authority = good_pieces();
    authority.extensions[0] = test::ca();
    CHECK(failed_profile(authority) == "CA");
    Pieces not_critical = good_pieces();
    not_critical.extensions[0] = test::extension(19, false, from_hex("3000"));
    CHECK(failed_profile(not_critical) == "CA");
    Pieces silent = good_pieces();
    silent.extensions.erase(silent.extensions.begin());
    CHECK(failed_profile(silent) == "CA");
}

TEST_CASE("cert.native: 24 hours are allowed, a second more is not") {
    CHECK(failed_profile(good_pieces()).empty());
    Pieces longer = good_pieces();
    longer.validity = validity(kFrom, kTo + 1);
    CHECK(failed_profile(longer) == "validity");
    Pieces backwards = good_pieces();
    backwards.validity = validity(kFrom, kFrom - 1);
    CHECK(failed_profile(backwards) == "validity");
    Pieces instant = good_pieces();
    instant.validity = validity(kFrom, kFrom);
    CHECK(failed_profile(instant).empty());
}

TEST_CASE("cert.native: the key may sign, and nothing else") {
    for (const std::uint8_t bits : from_hex("0484c0")) {
        Pieces pieces = good_pieces();
        pieces.extensions[1] = test::key_usage(bits);
        CHECK(failed_profile(pieces) == "key usage");
    }
    Pieces silent = good_pieces();
    silent.extensions.erase(silent.extensions.begin() + 1);
    CHECK(failed_profile(silent) == "key usage");
}

TEST_CASE("cert.native: the certificate is for the role in which it was shown") {
    Pieces server = good_pieces();
    server.extensions[2] = usages({1});
    CHECK(failed_profile(server).empty());
    CHECK(failed(cert::check_profile(server.certificate(), cert::Role::client)) ==
          "extended key usage");
    Pieces client = good_pieces();
    client.extensions[2] = usages({2});
    CHECK(failed_profile(client) == "extended key usage");
    CHECK(failed(cert::check_profile(client.certificate(), cert::Role::client)).empty());
    Pieces silent = good_pieces();
    silent.extensions.erase(silent.extensions.begin() + 2);
    CHECK(failed_profile(silent) == "extended key usage");
}

TEST_CASE("cert.native: all faults show at once, and the first one becomes the error") {
    Pieces pieces = good_pieces();
    pieces.extensions[0] = test::ca();
    pieces.extensions[1] = test::key_usage(0x04);
    pieces.validity = validity(kFrom, kTo + 1);
    CHECK(failed_profile(pieces) == "CA, validity, key usage");
    const Status status = cert::require(cert::check_profile(pieces.certificate()));
    REQUIRE_FALSE(status);
    CHECK(status.error().where == "certificate: CA");
}

TEST_CASE("cert.native: the claims hash this certificate's key and say its validity") {
    const auto binding = [](const cert::Claims& claims) {
        Pieces pieces = good_pieces();
        pieces.extensions.back() = cmw_extension(claims);
        return failed(cert::check_binding(cert::parse_native(pieces.certificate()).value()));
    };
    const cert::Claims good = claims_for(test::p256_key().public_key());
    CHECK(binding(good).empty());
    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    CHECK(binding(claims_for(other.public_key())) == "key hash");
    cert::Claims shifted = good;
    shifted.not_before -= 1;
    CHECK(binding(shifted) == "claimed validity");
    shifted = good;
    shifted.not_after += 1;
    CHECK(binding(shifted) == "claimed validity");
}
