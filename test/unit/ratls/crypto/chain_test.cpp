// Who may issue what.
#include "test/unit/ratls/crypto/make_certificate.h"
#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Pieces authority(std::vector<Bytes> extensions) {
    Pieces pieces;
    pieces.subject = name("ca");
    pieces.extensions = std::move(extensions);
    return pieces;
}

bool refused(const Certificate& child, const Certificate& issuer, int cas_below,
             std::string_view reason) {
    const auto status = verify_issued_by(child, issuer, cas_below);
    return !status && status.error().code == Code::untrusted &&
           status.error().text().find(reason) != std::string::npos;
}

}  // namespace

TEST_CASE("crypto.chain: the chains that openssl made hold, link by link") {
    const Certificate root = pki_certificate("root");
    const Certificate intermediate = pki_certificate("intermediate");
    const Certificate leaf = pki_certificate("leaf");
    CHECK(verify_issued_by(root, root, 0));
    CHECK(verify_issued_by(intermediate, root, 1));
    CHECK(verify_issued_by(leaf, intermediate, 0));
    const Certificate rsa_root = pki_certificate("rsa-root");
    for (const char* name : {"rsa-root", "rsa-leaf", "rsa-leaf-trailer", "rsa-leaf-pkcs1"}) {
        CAPTURE(name);
        CHECK(verify_issued_by(pki_certificate(name), rsa_root, 0));
    }
    CHECK(refused(leaf, root, 0, "issuer"));
    CHECK(refused(intermediate, leaf, 0, "issuer"));
    CHECK(refused(leaf, intermediate, 1, "path too long"));
}

TEST_CASE("crypto.chain: the issuer must be a CA") {
    const Certificate child = Pieces().certificate();
    CHECK(verify_issued_by(child, authority({ca()}).certificate(), 0));
    CHECK(refused(child, authority({}).certificate(), 0, "not a CA"));
    CHECK(refused(child, authority({extension(19, true, from_hex("3000"))}).certificate(), 0,
                  "not a CA"));
    CHECK(refused(child, authority({extension(19, true, from_hex("3003010100"))}).certificate(), 0,
                  "not a CA"));
}

TEST_CASE("crypto.chain: the issuer's key usage, if it has one, must allow it") {
    const Certificate child = Pieces().certificate();
    CHECK(verify_issued_by(child, authority({ca(), key_usage(0x04)}).certificate(), 0));
    CHECK(verify_issued_by(child, authority({ca(), key_usage(0x84)}).certificate(), 0));
    CHECK(refused(child, authority({ca(), key_usage(0x80)}).certificate(), 0, "may not sign"));
    CHECK(refused(child, authority({ca(), key_usage(0x02)}).certificate(), 0, "may not sign"));
}

TEST_CASE("crypto.chain: the path length counts the CAs below") {
    const Certificate child = Pieces().certificate();
    CHECK(verify_issued_by(child, authority({ca(0)}).certificate(), 0));
    CHECK(refused(child, authority({ca(0)}).certificate(), 1, "path too long"));
    CHECK(verify_issued_by(child, authority({ca(1)}).certificate(), 1));
    CHECK(refused(child, authority({ca(1)}).certificate(), 2, "path too long"));
    CHECK(verify_issued_by(child, authority({ca()}).certificate(), 9));
}

TEST_CASE("crypto.chain: the right name with another key is refused") {
    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    const Certificate forged = Pieces().certificate(other);
    CHECK(refused(forged, authority({ca()}).certificate(), 0, "is not signed by"));
    Pieces impostor = authority({ca()});
    impostor.spki = other.public_key().spki();
    CHECK(refused(Pieces().certificate(), impostor.certificate(), 0, "is not signed by"));
}

TEST_CASE("crypto.chain: another name with the right key is refused, also if it only looks alike") {
    Pieces pieces = authority({ca()});
    for (const Bytes& subject : {name("cb"), name("CA"), name("ca "), from_hex("3000")}) {
        pieces.subject = subject;
        CHECK(refused(Pieces().certificate(), pieces.certificate(), 0, "issuer"));
    }
}

TEST_CASE("crypto.chain: a critical extension that nobody here understands is refused") {
    const Bytes unknown = extension(99, true, from_hex("0500"));
    const Bytes harmless = extension(99, false, from_hex("0500"));
    Pieces child;
    child.extensions = {unknown};
    const Certificate issuer = authority({ca()}).certificate();
    CHECK(refused(child.certificate(), issuer, 0, "critical"));
    CHECK(refused(Pieces().certificate(), authority({ca(), unknown}).certificate(), 0, "critical"));
    child.extensions = {harmless};
    CHECK(verify_issued_by(child.certificate(), authority({ca(), harmless}).certificate(), 0));
}

TEST_CASE("crypto.chain: dates hold from the first to the last second") {
    const Certificate certificate = Pieces().certificate();
    const UnixTime from = certificate.not_before();
    const UnixTime to = certificate.not_after();
    CHECK(verify_dates(certificate, from, "vek"));
    CHECK(verify_dates(certificate, to, "vek"));
    for (const UnixTime time : {from - 1, to + 1}) {
        const auto status = verify_dates(certificate, time, "vek");
        REQUIRE_FALSE(status);
        CHECK(status.error().code == Code::stale);
        CHECK(status.error().where == "vek");
    }
}
