#include "ratls/evidence/endorsement/document.h"

#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"
#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorsement;
using namespace ratls::test;

namespace {

Bytes bytes_of(const std::string& text) {
    return to_bytes(as_bytes(text));
}

/// What a file of these bytes holds, as indexes of `Document`, or the error.
std::string kinds(ByteView content) {
    const auto documents = read_documents(content);
    std::string out;
    for (const Document& document : documents ? *documents : std::vector<Document>()) {
        out += std::to_string(document.index());
    }
    return documents ? out : documents.error().text();
}

std::string certificate_text() {
    return pem("CERTIFICATE", snp_pki("vcek.der"));
}

std::string list_text() {
    return pem("X509 CRL", snp_pki("crl.der"));
}

}  // namespace

TEST_CASE("endorsement.document: the beginning alone decides how a file is read") {
    const std::string certificate = certificate_text();
    CHECK(form_of(snp_pki("vcek.der")) == Form::der);
    CHECK(form_of(as_bytes("{}")) == Form::json);
    CHECK(form_of(as_bytes(" \r\n\t{}")) == Form::json);
    CHECK(form_of(as_bytes(certificate)) == Form::pem);
    CHECK(form_of(as_bytes("0 s:CN=host\n" + certificate)) == Form::pem);
    CHECK(form_of({}) == Form::pem);
    CHECK(form_of(Bytes{0x30}) == Form::pem);
    CHECK(form_of(Bytes{0x30, 0x7f}) == Form::pem);
    CHECK(form_of(Bytes{0x30, 0x81}) == Form::der);
    // A JSON text that holds a PEM block is no PEM, and neither is a DER file.
    CHECK(kinds(bytes_of("{\"a\":\"" + certificate + "\"}")).starts_with("JSON: "));
    CHECK_FALSE(looks_like_pem(bytes_of(" {\"a\":\"" + certificate)));
    Bytes der = snp_pki("vcek.der");
    append(der, as_bytes(certificate));
    CHECK(kinds(der) ==
          "certificate: end: " + std::to_string(certificate.size()) + " trailing bytes");
}

TEST_CASE("endorsement.document: every kind reads, and each block of a text") {
    const std::string certificate = certificate_text();
    CHECK(kinds(snp_pki("vcek.der")) == "0");
    CHECK(kinds(snp_pki("crl.der")) == "1");
    CHECK(kinds(tcb_info().bytes()) == "2");
    CHECK(kinds(qe_identity().bytes()) == "3");
    CHECK(kinds(as_bytes("Text.\n" + certificate + "More.\n" + list_text() + certificate)) ==
          "010");
    CHECK(kinds({}) == "file: it is empty");
    CHECK(kinds(as_bytes("text")) == "pem: no BEGIN line");
    CHECK(kinds(as_bytes("{}")).starts_with("JSON: TCB info"));
    CHECK(kinds(as_bytes(certificate + pem("PRIVATE KEY", Bytes{1}))) ==
          "PEM block 2: label: CERTIFICATE or X509 CRL wanted, \"PRIVATE KEY\" found");
    Bytes broken = snp_pki("vcek.der");
    broken.pop_back();
    CHECK(kinds(as_bytes(certificate + pem("CERTIFICATE", broken))).starts_with("PEM block 2: "));
    Bytes list = snp_pki("crl.der");
    list.pop_back();
    CHECK(kinds(list).starts_with("crl: "));
}

TEST_CASE("endorsement.document: forms that tools write are certain, or they are none") {
    const std::string certificate = certificate_text();
    const Bytes der = snp_pki("crl.der");
    const std::string text = hex(der);
    const auto one = [](const std::string& content) {
        const auto wrapped = unwrap(as_bytes(content));
        return wrapped && wrapped->plain.size() == 1 ? wrapped->plain[0] : Bytes();
    };
    CHECK(one(text) == der);
    CHECK(one(text.substr(0, 100) + "\r\n" + text.substr(100) + "\n") == der);
    CHECK(one(base64(der)) == der);
    CHECK(one("\xef\xbb\xbf" + certificate) == bytes_of(certificate));
    CHECK(one("\xef\xbb\xbf" + text) == der);
    std::string encoded;
    for (const char c : certificate) {
        encoded += c == ' ' ? "%20" : c == '\n' ? "%0A" : c == '+' ? "%2B" : std::string(1, c);
    }
    CHECK(one(encoded) == bytes_of(certificate));
    // Nothing of this: half a document, digits of something else, plain files.
    CHECK_FALSE(unwrap(as_bytes(text.substr(0, text.size() / 2))));
    CHECK_FALSE(unwrap(as_bytes("30820000")));
    CHECK_FALSE(unwrap(as_bytes(base64(Bytes(100, 7)))));
    CHECK_FALSE(unwrap(der));
    CHECK_FALSE(unwrap(as_bytes(certificate)));
    CHECK_FALSE(unwrap({}));
    CHECK_FALSE(unwrap(as_bytes("-----BEGIN%20CERTIFICATE-----%0")));
}

TEST_CASE(
    "endorsement.document: the JSON of DCAP tools and of Azure's THIM service is taken apart") {
    const std::string certificate = certificate_text();
    const std::string info(as_text(tcb_info().bytes()));
    const auto object = [](const std::string& document) {
        const std::size_t from = document.find(':') + 1;
        return document.substr(from, document.rfind(",\"signature\"") - from);
    };
    Json dcap(Json::Object{});
    dcap.set("tcb_info", object(info)).set("tcb_info_signature", std::string(128, 'a'));
    const std::string identity(as_text(qe_identity().bytes()));
    dcap.set("qe_identity", object(identity)).set("qe_identity_signature", std::string(128, 'a'));
    dcap.set("pck_crl", hex(snp_pki("crl.der"))).set("tcb_info_issuer_chain", certificate);
    auto wrapped = unwrap(as_bytes(dcap.pretty()));
    REQUIRE(wrapped);
    REQUIRE(wrapped->plain.size() == 4);
    CHECK(wrapped->plain[0] == tcb_info().bytes());
    CHECK(wrapped->plain[1] == qe_identity().bytes());
    CHECK(kinds(wrapped->plain[2]) == "0");
    CHECK(kinds(wrapped->plain[3]) == "1");
    CHECK_FALSE(unwrap(as_bytes(Json(dcap).set("pck_crl", "no hex").pretty())));
    CHECK_FALSE(unwrap(as_bytes(Json(dcap).set("tcb_info_signature", 1).pretty())));

    Json thim(Json::Object{});
    thim.set("vcekCert", certificate).set("tcbm", "00").set("certificateChain", certificate);
    wrapped = unwrap(as_bytes(thim.pretty()));
    REQUIRE(wrapped);
    CHECK(wrapped->plain == std::vector<Bytes>(2, bytes_of(certificate)));
    CHECK_FALSE(unwrap(as_bytes(Json(thim).set("vcekCert", Json()).pretty())));
    CHECK_FALSE(unwrap(as_bytes("{\"vcekCert\":")));
}

TEST_CASE(
    "endorsement.document: evidence as hex or base64 text is taken if the bytes are evidence") {
    const auto fits = [](ByteView bytes) { return bytes.size() == 4; };
    CHECK(decode_text(as_bytes("0102\n03ff\n"), fits) == Bytes{1, 2, 3, 255});
    CHECK(decode_text(as_bytes("AQID/w=="), fits) == Bytes{1, 2, 3, 255});
    CHECK_FALSE(decode_text(as_bytes("0102"), fits));
    CHECK_FALSE(decode_text(as_bytes("010203f"), fits));
    CHECK_FALSE(decode_text(as_bytes("0x010203"), fits));
    CHECK_FALSE(decode_text({}, fits));
}
