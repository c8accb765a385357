// The rules of the verdict, by their numbers in docs/certificate.md, where several findings make
// one.
#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

TEST_CASE("profile 1: what was not sent is missed, though everything that was sent is good") {
    Scene scene;
    scene.has_boot_log = false;
    scene.has_ima = false;
    scene.has_tpm = false;
    CHECK(scene.verify().outcome == Outcome::refused);
    Scene other;
    other.has_tee = false;
    CHECK(other.verify().outcome == Outcome::refused);
}

TEST_CASE("profile 2: genuine evidence is never accepted without a snapshot") {
    for (const bool evidence_only : {true, false}) {
        for (const Stage stage : {Stage::file, Stage::handshake}) {
            Scene scene;
            scene.max_fresh = 1;
            scene.snapshot.reset();
            scene.evidence_only = evidence_only;
            scene.policy.unsigned_snapshot_waived = true;
            scene.policy.tpm.provider_trusted = true;
            CHECK(scene.verify(stage).outcome ==
                  (evidence_only ? Outcome::genuine : Outcome::refused));
            CHECK(scene.fresh().outcome == (evidence_only ? Outcome::genuine : Outcome::refused));
        }
    }
}

TEST_CASE("profile 7: evidence only is at best genuine, even with a snapshot that fits") {
    Scene scene;
    scene.evidence_only = true;
    CHECK(summary(scene.verify()) == "genuine");
    CHECK(summary(scene.fresh()) == "genuine");
    CHECK(summary(scene.verify(Stage::file)) == "genuine");
}

TEST_CASE("profile 5: an out-of-date TCB and a debug guest stay genuine, and are refused") {
    Scene scene;
    scene.policy.snp.min_tcb[snp::Line::genoa] = {std::nullopt, 255, 0, 0, 0};
    scene.tee.fields.policy |= std::uint64_t{1} << 19;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snp.policy.debug, snp.tcb.minimum");
    CHECK(result.genuine());
    CHECK(result.root == "user");
}

TEST_CASE("profile 6: absent is unavailable, wrong is invalid, and wrong wins") {
    Scene scene;
    scene.vek.reset();
    CHECK(scene.verify().outcome == Outcome::unavailable);
    scene.ask = snp_pki("forged/ask.der");
    CHECK(scene.verify().outcome == Outcome::invalid);  // whatever it is needed for
    scene.vek = scene.tee.vcek();
    CHECK(scene.verify().outcome == Outcome::invalid);
    scene.ask.reset();
    CHECK(scene.verify().outcome == Outcome::unavailable);
}

TEST_CASE("profile 8: no evidence of today is as fresh as a binder") {
    Scene scene;
    CHECK(scene.verify().freshness == 1);
    CHECK(scene.fresh().freshness == 3);
    scene.crl.reset();
    scene.policy.snp.revocation_waived = true;
    CHECK(scene.verify().freshness == 0);
    CHECK(scene.fresh().freshness == 3);
}

TEST_CASE("profile 9: a file proves no possession of the key, and says so") {
    Scene scene;
    scene.max_fresh = 1;
    CHECK(not_checked(scene.verify(Stage::file), "key possession"));
    CHECK_FALSE(not_checked(scene.verify(Stage::handshake), "key possession"));
}

TEST_CASE("profile 9: fresh evidence without the log is refused as well") {
    Scene scene;
    scene.log_at_hand = false;
    CHECK(scene.fresh().outcome == Outcome::unavailable);
}

TEST_CASE("profile 10: a root of the user's never passes for the vendor's") {
    Scene scene;
    CHECK(scene.verify().root == "user");
    CHECK(scene.fresh().root == "user");
    CHECK(scene.verify_report(scene.tee.report({})).root == "user");
    scene.user_roots.clear();
    for (const VerificationResult& result : {scene.verify(), scene.fresh()}) {
        CHECK(result.outcome == Outcome::invalid);
        CHECK(result.root.empty());
    }
}

TEST_CASE("profile 12: the evidence of another good VM is not the named one") {
    Scene scene;
    scene.name = "bank.example";
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: cert.name");
    CHECK(result.genuine());
}

TEST_CASE("profile 12: the policy can pin chips, and the snapshot host data and id keys") {
    Scene scene;
    scene.policy.snp.chip_ids = {Bytes(64, 1)};
    scene.snapshot->snp->host_data = {Bytes(32, 1)};
    scene.snapshot->snp->id_key_digests = {Bytes(48, 1)};
    CHECK(summary(scene.verify()) == "refused: snp.chip_id, snp.host_data, snp.id_key");
}

TEST_CASE(
    "tpm.class: a VM without a TPM is refused too, unless its boot was measured by hardware") {
    Scene scene;
    scene.has_tpm = false;
    scene.has_ima = false;
    scene.has_boot_log = false;
    scene.snapshot->pcrs.reset();
    scene.snapshot->ima.reset();
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->snp->measurements[0].covers = {"firmware"};
    CHECK(summary(scene.verify()) == "refused: tpm.class");
    scene.policy.tpm.provider_trusted = true;
    CHECK(summary(scene.verify()) == "refused: tpm.class");
}

TEST_CASE("eventlog.format: a damaged log in the certificate is not taken for an absent one") {
    Scene scene;
    scene.edits.collection = [](cert::Collection& collection) {
        REQUIRE(collection.eventlog);
        collection.eventlog->deflated = Bytes{1, 2, 3};
    };
    const VerificationResult result = scene.verify();
    CHECK(result.findings.has("eventlog.format", Verdict::fail));
    CHECK(result.outcome == Outcome::invalid);
}

TEST_CASE("session.key: fresh evidence that leaves out a part of the certificate's is refused") {
    Scene scene;
    scene.session_edits.claims = [](cert::Claims& claims) { claims.ima.reset(); };
    scene.session_edits.collection = [](cert::Collection& collection) { collection.ima.reset(); };
    const VerificationResult result = scene.fresh();
    CHECK(result.findings.has("session.key", Verdict::fail));
    CHECK(result.outcome == Outcome::invalid);
}
