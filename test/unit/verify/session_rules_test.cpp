// Rules about fresh evidence on a live connection.
#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

TEST_CASE("session.binder: the exporter of another connection is refused") {
    Scene scene;
    scene.attested_session = scene.session;
    scene.attested_session->exporter[31] ^= 1;
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.binder", Verdict::fail));
    CHECK(passed(result, "session.nonce"));
    CHECK(passed(result, "session.key"));
    CHECK(result.freshness == 0);
}

TEST_CASE("session.binder: the binder of the other role is refused") {
    Scene scene;
    scene.attested_role = cert::Role::client;
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.binder", Verdict::fail));
    CHECK(passed(result, "session.nonce"));
}

TEST_CASE("session.binder: a nonce that is only echoed, without a binder, is refused") {
    Scene scene;
    scene.session_edits.claims = [](cert::Claims& claims) { claims.binder.reset(); };
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.binder", Verdict::fail));
    CHECK(passed(result, "session.nonce"));
    CHECK(result.freshness < 3);
}

TEST_CASE("session.nonce: the nonce of another verifier is refused") {
    Scene scene;
    scene.attested_session = scene.session;
    scene.attested_session->nonce[0] ^= 1;
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.nonce", Verdict::fail));
    CHECK(result.findings.has("session.binder", Verdict::fail));
    CHECK(result.freshness == 0);
}

TEST_CASE("session.nonce: evidence without a nonce, as in the certificate, is refused") {
    Scene scene;
    scene.session_edits.claims = [](cert::Claims& claims) {
        claims.nonce.reset();
        claims.binder.reset();
    };
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.nonce", Verdict::fail));
}

TEST_CASE("session.key: evidence about another key is refused") {
    Scene scene;
    scene.session_edits.claims = [&](cert::Claims& claims) { claims.pubkey_sha256[0] ^= 1; };
    const VerificationResult result = scene.fresh();
    CHECK(summary(result) == "invalid: session.key, freshness.required");
    CHECK(passed(result, "session.binder"));
}

TEST_CASE("session.key: a leaf of the connection that is not the certificate's is refused") {
    Scene scene;
    scene.session.leaf_spki_sha256[0] ^= 1;
    const VerificationResult result = scene.fresh();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.key", Verdict::fail));
}

TEST_CASE("session.key: fresh evidence of the connection's leaf needs that leaf's certificate") {
    Scene scene;
    const Bytes other_leaf = scene.certificate();  // of the same VM, with another key
    scene.key = PrivateKey::generate(KeyKind::p256).value();
    scene.session.leaf_spki_sha256 = scene.key.public_key().spki_sha256();
    const Bytes answer = cert::encode_collection(scene.collect({}, true));
    CHECK(summary(scene.verify_answer(scene.certificate(), answer)) == "accepted");
    CHECK(summary(scene.verify_answer(other_leaf, answer)) ==
          "invalid: session.key, freshness.required");
}

TEST_CASE(
    "session.key: other service names or another validity than the certificate's are refused") {
    Scene scene;
    scene.session_edits.claims = [](cert::Claims& claims) {
        claims.service_names.push_back("bank.example");
    };
    CHECK(summary(scene.fresh()) == "invalid: session.key, freshness.required");
    scene.session_edits.claims = [](cert::Claims& claims) { claims.not_after += 1; };
    CHECK(summary(scene.fresh()) == "invalid: session.key, freshness.required");
}

TEST_CASE("session.key: another owner or agent configuration than the certificate's is refused") {
    Scene scene;
    scene.session_edits.claims = [](cert::Claims& claims) { claims.owner_spki = sha256(Bytes{1}); };
    CHECK(summary(scene.fresh()) == "invalid: session.key, freshness.required");
    scene.session_edits.claims = [](cert::Claims& claims) {
        claims.agent_config = sha256(Bytes{1});
    };
    CHECK(summary(scene.fresh()) == "invalid: session.key, freshness.required");
}

TEST_CASE(
    "session.key: each label and media type is that of the certificate, only GPUs are added") {
    const auto session_key = [](auto edit) {
        Scene scene;
        scene.session_edits.collection = edit;
        return scene.fresh().findings.has("session.key", Verdict::pass);
    };
    CHECK(session_key([](cert::Collection&) {}));
    CHECK_FALSE(session_key([](cert::Collection& fresh) { fresh.tee->type = cert::TeeType::tdx; }));
    CHECK_FALSE(session_key(
        [](cert::Collection& fresh) { fresh.eventlog->kind = cert::EventLogKind::ccel; }));
    CHECK_FALSE(session_key([](cert::Collection& fresh) { fresh.hcl_report = Bytes(2048, 1); }));
    CHECK(session_key([](cert::Collection& fresh) { fresh.endorsements.reset(); }));
}

TEST_CASE("session.key: another AK than the certificate's is refused") {
    Scene scene;
    const Bytes certificate = scene.certificate();
    Scene other;  // another VM of the same owner, which has the same key
    const Bytes other_answer = [&] {
        const Bytes pem = to_bytes(scene.key.pem().value().reveal());
        other.key = PrivateKey::parse(pem).value();
        return cert::encode_collection(other.collect({}, true));
    }();
    REQUIRE(scene.verify_chain({certificate}).outcome == Outcome::accepted);
    const VerificationResult result = scene.verify_answer(certificate, other_answer);
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("session.key", Verdict::fail));
    CHECK(passed(result, "session.nonce"));
}

TEST_CASE("session.nonce: everything in fresh evidence is judged like in a certificate") {
    const auto with = [](std::function<void(Bytes&)> report, std::function<void(Bytes&)> attest) {
        Scene scene;
        scene.session_edits.report = std::move(report);
        scene.session_edits.attest = std::move(attest);
        return summary(scene.fresh());
    };
    CHECK(with([](Bytes& report) { report[0x50 + 40] = 1; }, {}) == "invalid: cert.report_data");
    CHECK(with([](Bytes& report) { report[0x90] ^= 1; }, {}) ==
          "refused: snp.measurement, tpm.class");
    CHECK(with({}, [](Bytes& attest) { attest[kAttestSafe] = 0; }) == "refused: tpm.clock");
    Scene scene;
    scene.session_edits.collection = [](cert::Collection& collection) { collection.tee.reset(); };
    CHECK(scene.fresh().outcome != Outcome::accepted);
}

TEST_CASE("session.nonce: an answer that is no collection is refused, every truncation of it too") {
    Scene scene;
    const Bytes certificate = scene.certificate();
    const Bytes answer = cert::encode_collection(scene.collect({}, true));
    const auto judge = [&](ByteView bytes) {
        return summary(scene.verify_answer(certificate, bytes));
    };
    CHECK(judge(answer) == "accepted");
    for (std::size_t size = 0; size < answer.size(); size += 31) {
        REQUIRE(judge(ByteView(answer).first(size)) == "invalid: cert.format");
    }
    Bytes longer = answer;
    longer.push_back(0);
    CHECK(judge(longer) == "invalid: cert.format");
}

TEST_CASE("session.key: what was refused before stays refused after fresh evidence") {
    Scene scene;
    scene.edits.report = [](Bytes& report) { report[0x50 + 63] = 1; };
    const VerificationResult result = scene.fresh();
    CHECK(summary(result) == "invalid: cert.report_data");
    CHECK(passed(result, "session.binder"));
}
