// The form of a certificate, one wrong piece at a time.
#include "test/support/refusal.h"
#include "test/unit/ratls/crypto/make_certificate.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// Why they make no certificate.
std::string refusal_of(const Pieces& pieces) {
    return refusal(Certificate::parse(pieces.build()));
}

/// The Pieces with one of them replaced.
template <typename T>
Pieces with(T Pieces::* piece, T value) {
    Pieces pieces;
    pieces.*piece = std::move(value);
    return pieces;
}

Pieces with_extension(Bytes extension) {
    return with<std::vector<Bytes>>(&Pieces::extensions, {std::move(extension)});
}

Pieces with_times(Bytes not_before, Bytes not_after) {
    return with(&Pieces::validity, sequence({std::move(not_before), std::move(not_after)}));
}

}  // namespace

TEST_CASE("crypto.certificate: the pieces are read as they were put together") {
    Pieces pieces;
    pieces.serial = from_hex("02020100");
    pieces.extensions = {ca(3), key_usage(0x06), extension(14, false, from_hex("0401aa"))};
    const Certificate certificate = pieces.certificate();
    CHECK(equal(certificate.der().subspan(0, 1), Bytes{0x30}));
    CHECK(equal(certificate.serial(), Bytes{1, 0}));
    CHECK(common_name(certificate.issuer()) == "ca");
    CHECK(certificate.common_name() == "me");
    CHECK(certificate.not_before() == 1735689600);
    CHECK(certificate.not_after() == 1767225599);
    CHECK(equal(certificate.spki(), pieces.spki));
    CHECK(certificate.public_key().spki() == pieces.spki);
    CHECK(certificate.scheme() ==
          SignatureScheme{SignatureScheme::Kind::ecdsa, HashAlg::sha256, -1});
    CHECK(certificate.is_ca());
    CHECK(certificate.path_length() == 3);
    CHECK(certificate.key_usage() == 0x60);  // keyCertSign, cRLSign
    REQUIRE(certificate.extensions().size() == 3);
    CHECK(certificate.extensions()[0].critical);
    CHECK_FALSE(certificate.extensions()[2].critical);
    CHECK(equal(certificate.extension("2.5.29.14")->value, from_hex("0401aa")));
    CHECK(certificate.extension("2.5.29.35") == nullptr);
    CHECK(certificate.verify_signature(p256_key().public_key()));
}

TEST_CASE("crypto.certificate: without extensions it is no CA and may do nothing in particular") {
    const Certificate certificate = Pieces().certificate();
    CHECK_FALSE(certificate.is_ca());
    CHECK(certificate.path_length() == -1);
    CHECK_FALSE(certificate.key_usage());
    CHECK(certificate.dns_names().empty());
}

TEST_CASE("crypto.certificate: copies share the bytes, and the views stay good") {
    Certificate copy = Pieces().certificate();
    {
        const Certificate original = with(&Pieces::subject, name("other")).certificate();
        copy = original;
    }
    CHECK(copy.common_name() == "other");
}

TEST_CASE("crypto.certificate: every truncation and every trailing byte is refused") {
    Pieces pieces;
    pieces.extensions = {ca(), key_usage(0x04)};
    const Bytes good = pieces.build();
    REQUIRE(Certificate::parse(good));
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK(refusal(Certificate::parse(ByteView(good).first(n))) ==
              says("certificate: Certificate: "));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK(refusal(Certificate::parse(longer)) == says("certificate: end: 1 trailing bytes"));
    CHECK(refusal_of(with(&Pieces::trailing, from_hex("0500"))) ==
          says("certificate: end: 2 trailing bytes"));
    CHECK(refusal_of(with(&Pieces::trailing_tbs, from_hex("0500"))) ==
          says("certificate: end: 2 trailing bytes"));
}

TEST_CASE("crypto.certificate: no changed byte gives another certificate with a good signature") {
    Pieces pieces;
    pieces.extensions = {ca(), key_usage(0x04)};
    const Bytes good = pieces.build();
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes changed = good;
        changed[i] ^= 0x01;
        const auto certificate = Certificate::parse(changed);
        CAPTURE(i);
        CHECK_FALSE((certificate && certificate->verify_signature(p256_key().public_key())));
    }
}

TEST_CASE("crypto.certificate: only version 3") {
    CHECK(refusal_of(with(&Pieces::version, Bytes{})) ==
          says("certificate: version: tag 160 wanted, 2 found"));
    CHECK(refusal_of(with(&Pieces::version, from_hex("a003020100"))) ==
          says("certificate: version: version 3 wanted"));
    CHECK(refusal_of(with(&Pieces::version, from_hex("a003020101"))) ==
          says("certificate: version: version 3 wanted"));
    CHECK(refusal_of(with(&Pieces::version, from_hex("a003020103"))) ==
          says("certificate: version: version 3 wanted"));
    CHECK(refusal_of(with(&Pieces::version, from_hex("a0050201020500"))) ==
          says("certificate: end: 2 trailing bytes"));
}

TEST_CASE("crypto.certificate: a serial number has 1 to 20 bytes in shortest form; 0 is AMD's") {
    CHECK(refusal_of(with(&Pieces::serial, from_hex("020100"))) == kAccepted);
    CHECK(refusal_of(with(&Pieces::serial, der::encode(der::kInteger, Bytes(20, 0x7f)))) ==
          kAccepted);
    CHECK(refusal_of(with(&Pieces::serial, from_hex("0200"))) ==
          says("certificate: serialNumber: 1 to 20 bytes in shortest form wanted"));
    CHECK(refusal_of(with(&Pieces::serial, der::encode(der::kInteger, Bytes(22, 0x7f)))) ==
          says("certificate: serialNumber: 1 to 20 bytes in shortest form wanted"));
    CHECK(refusal_of(with(&Pieces::serial, from_hex("02020001"))) ==
          says("certificate: serialNumber: 1 to 20 bytes in shortest form wanted"));
}

TEST_CASE("crypto.certificate: the two signature algorithms must be equal and known") {
    CHECK(refusal_of(with(&Pieces::outer_algorithm, from_hex("300a06082a8648ce3d040303"))) ==
          says("signatureAlgorithm: differs between certificate and tbsCertificate"));
    const auto both = [](std::string_view digits) {
        Pieces pieces;
        pieces.algorithm = pieces.outer_algorithm = from_hex(digits);
        return pieces;
    };
    CHECK(refusal_of(both("300a06082a8648ce3d040303")) == kAccepted);
    CHECK(refusal_of(both("300906072a8648ce3d0401")) ==
          says("x509: signatureAlgorithm: \"1.2.840.10045.4.1\""));  // ecdsa-with-SHA1
    CHECK(refusal_of(both("300d06092a864886f70d0101050500")) ==
          says("x509: signatureAlgorithm: \"1.2.840.113549.1.1.5\""));  // sha1WithRSAEncryption
    CHECK(refusal_of(both("300d06092a864886f70d0101040500")) ==
          says("x509: signatureAlgorithm: \"1.2.840.113549.1.1.4\""));  // md5WithRSAEncryption
    CHECK(refusal_of(both("300506032b6570")) ==
          says("x509: signatureAlgorithm: \"1.3.101.112\""));  // Ed25519
    CHECK(refusal_of(both("300c06082a8648ce3d0403020500")) ==
          says("x509: end: 2 trailing bytes"));  // ECDSA with parameters
    CHECK(refusal_of(both("300d06092a864886f70d01010b0500")) == kAccepted);
    CHECK(refusal_of(both("300b06092a864886f70d01010b")) == kAccepted);  // without the NULL
    CHECK(refusal_of(both("300f06092a864886f70d01010b05000500")) ==
          says("x509: end: 2 trailing bytes"));
}

TEST_CASE("crypto.certificate: RSASSA-PSS parameters name one hash twice, a salt, and trailer 1") {
    const auto pss = [](std::string_view fields) {
        Pieces pieces;
        pieces.algorithm = pieces.outer_algorithm = sequence(
            {from_hex("06092a864886f70d01010a"), der::encode(der::kSequence, from_hex(fields))});
        return Certificate::parse(pieces.build());
    };
    const std::string hash = "a00f300d06096086480165030402020500";
    const std::string mgf = "a11c301a06092a864886f70d010108300d06096086480165030402020500";
    const std::string salt = "a203020130";
    const std::string trailer = "a303020101";
    const SignatureScheme wanted = {SignatureScheme::Kind::rsa_pss, HashAlg::sha384, 48};
    REQUIRE(pss(hash + mgf + salt));
    CHECK(pss(hash + mgf + salt)->scheme() == wanted);
    REQUIRE(pss(hash + mgf + salt + trailer));
    CHECK(pss(hash + mgf + salt + trailer)->scheme() == wanted);
    // Everything by default would be SHA-1.
    CHECK(refusal(pss("")) == says("x509: hashAlgorithm: an element wanted, the input ends"));
    CHECK(refusal(pss(hash + mgf)) == says("x509: saltLength: an element wanted, the input ends"));
    CHECK(refusal(pss(hash + salt)) == says("x509: maskGenAlgorithm: tag 161 wanted, 162 found"));
    CHECK(refusal(pss(mgf + salt)) == says("x509: hashAlgorithm: tag 160 wanted, 161 found"));
    CHECK(refusal(pss(mgf + hash + salt)) ==
          says("x509: hashAlgorithm: tag 160 wanted, 161 found"));
    CHECK(refusal(pss(hash + mgf + salt + "a303020102")) == says("x509: trailerField: 1 wanted"));
    CHECK(refusal(pss(hash + mgf + salt + trailer + trailer)) ==
          says("x509: end: 5 trailing bytes"));
    CHECK(refusal(pss(hash + mgf + "a204020203e8")) == says("a salt of at most 512 bytes"));
    CHECK(refusal(pss("a00f300d06096086480165030402010500" + mgf + salt)) ==
          says("SHA-256, 384 or 512, MGF1 with the same hash"));
    CHECK(refusal(pss("a009300706052b0e03021a" + mgf + salt)) ==
          says("SHA-256, 384 or 512, MGF1 with the same hash"));  // SHA-1
    CHECK(refusal(pss(hash + "a11c301a06092a864886f70d010107300d06096086480165030402020500" +
                      salt)) == says("SHA-256, 384 or 512, MGF1 with the same hash"));
}

TEST_CASE("crypto.certificate: times in both forms of RFC 5280, and no other") {
    const auto time = [](std::string_view text, std::uint8_t tag) {
        const auto parsed = Certificate::parse(
            with_times(der::encode(tag, as_bytes(text)), utc_time("491231235959Z")).build());
        return parsed ? parsed->not_before() : -1;
    };
    CHECK(time("250101000000Z", 0x17) == 1735689600);
    CHECK(time("491231235959Z", 0x17) == 2524607999);
    CHECK(time("700101000000Z", 0x17) == 0);
    CHECK(time("991231235959Z", 0x17) == 946684799);
    CHECK(time("20250101000000Z", 0x18) == 1735689600);
    CHECK(time("99991231235959Z", 0x18) == 253402300799);
    for (const char* text : {"2501010000Z", "250101000000", "250101000000+0000", "250101000000z",
                             "251301000000Z", "250132000000Z", "250101240000Z", "250101006000Z",
                             "250101000060Z", "2501010000 0Z", "", "Z", "20250101000000Z"}) {
        CAPTURE(text);
        CHECK(time(text, 0x17) == -1);
    }
    for (const char* text : {"20250101000000.0Z", "202501010000Z", "20250101000000",
                             "20250229000000Z", "250101000000Z"}) {
        CAPTURE(text);
        CHECK(time(text, 0x18) == -1);
    }
    CHECK(refusal_of(with_times(utc_time("250101000000Z"), Bytes{})) ==
          says("certificate: notAfter: an element wanted, the input ends"));
    CHECK(refusal_of(with_times(from_hex("0500"), utc_time("250101000000Z"))) ==
          says("certificate: notBefore: tag 24 wanted, 5 found"));
}

TEST_CASE("crypto.certificate: an extension occurs once, critical only as TRUE") {
    const Bytes one = extension(14, false, from_hex("0401aa"));
    Pieces twice;
    twice.extensions = {one, ca(), one};
    CHECK(refusal_of(twice) == says("certificate: extensions: extension 2.5.29.14 occurs twice"));
    CHECK(Certificate::parse(twice.build()).error().text().find("twice") != std::string::npos);
    const auto critical = [](std::string_view boolean) {
        return with_extension(sequence({from_hex("0603551d0e"), from_hex(boolean),
                                        der::encode(der::kOctetString, from_hex("0401aa"))}));
    };
    CHECK(refusal_of(critical("0101ff")) == kAccepted);
    CHECK(refusal_of(critical("010100")) ==
          says("certificate: critical: TRUE or absent wanted"));  // the default, written out
    CHECK(refusal_of(critical("010101")) == says("certificate: critical: TRUE or absent wanted"));
    CHECK(refusal_of(critical("0102ffff")) == says("certificate: critical: TRUE or absent wanted"));
    CHECK(refusal_of(critical("0100")) == says("certificate: critical: TRUE or absent wanted"));
    CHECK(refusal_of(with_extension(sequence({from_hex("0603551d0e")}))) ==
          says("certificate: extnValue: an element wanted, the input ends"));
    CHECK(refusal_of(with_extension(sequence({from_hex("0603551d0e"), from_hex("04010a0500")}))) ==
          says("certificate: end: 2 trailing bytes"));
    CHECK(refusal_of(with_extension(
              sequence({from_hex("0603551d0e"), from_hex("04010a"), from_hex("0500")}))) ==
          says("certificate: end: 2 trailing bytes"));
}

TEST_CASE("crypto.certificate: 64 extensions are read, 65 are refused") {
    Pieces pieces;
    for (int i = 0; i < 64; ++i) {
        pieces.extensions.push_back(
            extension(static_cast<std::uint8_t>(40 + i), false, from_hex("0500")));
    }
    CHECK(refusal_of(pieces) == kAccepted);
    pieces.extensions.push_back(extension(104, false, from_hex("0500")));
    CHECK(refusal_of(pieces) == says("certificate: extensions: more than 64"));
}

TEST_CASE("crypto.certificate: basicConstraints") {
    const auto constraints = [](std::string_view content) {
        return with_extension(extension(19, true, der::encode(der::kSequence, from_hex(content))));
    };
    CHECK_FALSE(constraints("").certificate().is_ca());
    CHECK_FALSE(constraints("010100").certificate().is_ca());  // FALSE written out
    CHECK(constraints("0101ff").certificate().is_ca());
    CHECK(constraints("0101ff").certificate().path_length() == -1);
    CHECK(constraints("0101ff020100").certificate().path_length() == 0);
    CHECK(constraints("0101ff020110").certificate().path_length() == 16);
    CHECK(refusal_of(constraints("0101ff020111")) ==
          says("pathLenConstraint: 0 to 16, and only for a CA, wanted"));
    CHECK(refusal_of(constraints("0101ff0201ff")) ==
          says("certificate: pathLenConstraint: a number from 0 to 2^63-1 wanted"));
    CHECK(refusal_of(constraints("010101")) == says("certificate: cA: a boolean wanted"));
    CHECK(refusal_of(constraints("0100")) == says("certificate: cA: a boolean wanted"));
    CHECK(refusal_of(constraints("0102ffff")) == says("certificate: cA: a boolean wanted"));
    CHECK(
        refusal_of(constraints("020100")) ==
        says("pathLenConstraint: 0 to 16, and only for a CA, wanted"));  // a path length without CA
    CHECK(refusal_of(constraints("010100020100")) ==
          says("pathLenConstraint: 0 to 16, and only for a CA, wanted"));  // the same
    CHECK(refusal_of(constraints("0101ff0201000500")) ==
          says("certificate: end: 2 trailing bytes"));
    CHECK(refusal_of(with_extension(extension(19, true, from_hex("30000500")))) ==
          says("certificate: end: 2 trailing bytes"));
    CHECK(refusal_of(with_extension(extension(19, true, from_hex("0500")))) ==
          says("certificate: basicConstraints: tag 48 wanted, 5 found"));
    CHECK(refusal_of(with_extension(extension(19, true, {}))) ==
          says("certificate: basicConstraints: an element wanted, the input ends"));
}

TEST_CASE("crypto.certificate: keyUsage bits in their order") {
    const auto usage = [](std::string_view bits) {
        return with_extension(extension(15, true, from_hex(bits)));
    };
    CHECK(usage("03020780").certificate().key_usage() == 0x01);     // digitalSignature
    CHECK(usage("03020204").certificate().key_usage() == 0x20);     // keyCertSign
    CHECK(usage("03020106").certificate().key_usage() == 0x60);     // and cRLSign
    CHECK(usage("0303070080").certificate().key_usage() == 0x100);  // decipherOnly
    CHECK(refusal_of(usage("030100")) == says("certificate: keyUsage: 1 to 16 bits wanted"));
    CHECK(refusal_of(usage("0300")) == says("certificate: keyUsage: 1 to 16 bits wanted"));
    CHECK(refusal_of(usage("03050000000080")) ==
          says("certificate: keyUsage: 1 to 16 bits wanted"));
    CHECK(refusal_of(usage("03020880")) == says("certificate: keyUsage: 1 to 16 bits wanted"));
    CHECK(refusal_of(usage("04020780")) == says("certificate: keyUsage: tag 3 wanted, 4 found"));
    CHECK(refusal_of(usage("030207800500")) == says("certificate: end: 2 trailing bytes"));
}

TEST_CASE("crypto.certificate: subjectAltName gives names and addresses of 4 or 16 bytes") {
    const auto names = [](std::string_view content) {
        return with_extension(extension(17, false, der::encode(der::kSequence, from_hex(content))));
    };
    const Certificate certificate =
        names("82016187047f0000018203622e63810140871000000000000000000000000000000001")
            .certificate();
    CHECK(certificate.dns_names() == std::vector<std::string>{"a", "b.c"});
    REQUIRE(certificate.ip_addresses().size() == 2);
    CHECK(certificate.ip_addresses()[0] == Bytes{127, 0, 0, 1});
    CHECK(certificate.ip_addresses()[1].size() == 16);
    CHECK(refusal_of(names("8703010203")) == says("certificate: iPAddress: 4 or 16 bytes wanted"));
    CHECK(refusal_of(names("87080a000000ff000000")) ==
          says("certificate: iPAddress: 4 or 16 bytes wanted"));
    CHECK(refusal_of(names("8700")) == says("certificate: iPAddress: 4 or 16 bytes wanted"));
    CHECK(refusal_of(names("820261")) == says("certificate: GeneralName: 2 bytes wanted, 1 left"));
    CHECK(refusal_of(with_extension(extension(17, false, from_hex("0500")))) ==
          says("certificate: subjectAltName: tag 48 wanted, 5 found"));
}

TEST_CASE("crypto.certificate: names are text for people, and cannot move a cursor") {
    const Bytes hostile = with(&Pieces::subject, name("a\x1b[2J\"")).build();
    CHECK(name_text(Certificate::parse(hostile)->subject()) == R"(CN=a\x1b[2J\")");
    const Bytes two =
        sequence({der::encode(0x31, sequence({from_hex("0603550403"), from_hex("0c0161")})),
                  der::encode(0x31, sequence({from_hex("0603550403"), from_hex("0c0162")}))});
    CHECK(common_name(two).empty());
    CHECK(name_text(two) == "CN=a, CN=b");
    CHECK(common_name(from_hex("3000")).empty());
    CHECK(common_name(from_hex("0500")).empty());
    CHECK(name_text(from_hex("0500")) == "(malformed)");
    CHECK(refusal_of(with(&Pieces::subject, from_hex("30033101ff"))) ==
          says("name: AttributeTypeAndValue: an element wanted, the input ends"));
    CHECK(refusal_of(with(&Pieces::issuer, from_hex("30020500"))) ==
          says("name: RelativeDistinguishedName: tag 49 wanted, 5 found"));
}

TEST_CASE("crypto.certificate: the signature is a string of whole bytes") {
    CHECK(refusal_of(with<std::uint8_t>(&Pieces::unused_bits, 1)) ==
          says("certificate: signatureValue: whole bytes wanted"));
}

TEST_CASE("crypto.certificate: at most 64 KiB") {
    const auto sized = [](std::size_t size) {
        return with_extension(extension(14, false, Bytes(size)));
    };
    const std::size_t around = sized(60000).build().size() - 60000;
    Pieces most = sized(Certificate::kMaxBytes - around - 4);
    CHECK(most.build().size() <= Certificate::kMaxBytes);
    CHECK(refusal_of(most) == kAccepted);
    CHECK(refusal_of(sized(Certificate::kMaxBytes)) ==
          says("certificate: at most 65536 bytes wanted"));
    CHECK(Certificate::parse(Bytes(Certificate::kMaxBytes + 1)).error().code == Code::too_large);
}

TEST_CASE("crypto.certificate: a name's key does not depend on order and string types") {
    const auto attribute = [](std::uint8_t arc, std::uint8_t type, std::string_view value) {
        const Bytes oid = der::encode(der::kOid, Bytes{0x55, 0x04, arc});
        return der::encode(0x31, sequence({oid, der::encode(type, as_bytes(value))}));
    };
    constexpr std::uint8_t kPrintable = 0x13;
    const Bytes cn = attribute(3, der::kUtf8String, "ARK");
    const Bytes country = attribute(6, kPrintable, "US");
    const std::string key = name_key(sequence({cn, country}));
    CHECK_FALSE(key.empty());
    CHECK(name_key(sequence({country, cn})) == key);
    CHECK(name_key(sequence({country, attribute(3, kPrintable, "ARK")})) == key);
    CHECK(name_key(sequence({cn})) != key);
    CHECK(name_key(sequence({cn, country, country})) != key);
    CHECK(name_key(sequence({attribute(3, der::kUtf8String, "ARk"), country})) != key);
    CHECK(name_key(sequence({attribute(4, der::kUtf8String, "ARK"), country})) != key);
    CHECK(name_key(from_hex("0500")).empty());
}
