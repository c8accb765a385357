// What is remembered of signatures stands for exactly what was verified.
#include "verify/formats/proven.h"

#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

TEST_CASE("proven: a document that was verified under a key, and nothing else") {
    ProvenSignatures proven;
    const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    const PublicKey other = PrivateKey::generate(KeyKind::p256).value().public_key();
    const Bytes message = text_bytes("a document");
    const Bytes signature = key.sign_ecdsa(HashAlg::sha256, message).value();
    for (int round = 0; round < 2; ++round) {
        CHECK(proven.verify_ecdsa(key.public_key(), message, signature));
        CHECK_FALSE(proven.verify_ecdsa(key.public_key(), text_bytes("a documenT"), signature));
        CHECK_FALSE(proven.verify_ecdsa(other, message, signature));
        Bytes changed = signature;
        changed.back() ^= 1;
        CHECK_FALSE(proven.verify_ecdsa(key.public_key(), message, changed));
        CHECK_FALSE(proven.verify_ecdsa(key.public_key(), message, ByteView(signature).first(63)));
        CHECK_FALSE(proven.verify_ecdsa(key.public_key(), message, {}));
    }
}

TEST_CASE("proven: a certificate below this issuer, at this depth") {
    const Scene scene;
    ProvenSignatures proven;
    const Certificate vcek = certificate_of(*scene.vek);
    const Certificate ask = certificate_of(*scene.ask);
    const Certificate ark = certificate_of(scene.tee.ark());
    for (int round = 0; round < 2; ++round) {
        CHECK(proven.verify_issued_by(vcek, ask, 0));
        CHECK(proven.verify_issued_by(ask, ark, 1));
        CHECK_FALSE(proven.verify_issued_by(vcek, ark, 0));
        CHECK_FALSE(proven.verify_issued_by(vcek, ask, 1));  // longer than the path may be
        Bytes changed = *scene.vek;
        changed.back() ^= 1;
        CHECK_FALSE(proven.verify_issued_by(certificate_of(changed), ask, 0));
    }
}

TEST_CASE("proven: a list of this issuer") {
    const Scene scene;
    ProvenSignatures proven;
    const Crl list = Crl::parse(*scene.crl).value();
    const Certificate ark = certificate_of(scene.tee.ark());
    for (int round = 0; round < 2; ++round) {
        CHECK(proven.verify_issued_by(list, ark));
        CHECK_FALSE(proven.verify_issued_by(list, certificate_of(*scene.ask)));
        Bytes changed = *scene.crl;
        changed.back() ^= 1;
        CHECK_FALSE(proven.verify_issued_by(Crl::parse(changed).value(), ark));
    }
}
