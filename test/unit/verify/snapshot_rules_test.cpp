// Rules about the snapshot itself.
#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

TEST_CASE("snapshot.present: without reference values nothing is accepted") {
    Scene scene;
    scene.snapshot.reset();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snapshot.present");
    CHECK(result.genuine());
    scene.evidence_only = true;
    CHECK(summary(scene.verify()) == "genuine");
}

TEST_CASE(
    "snapshot.signature: a snapshot without a signature is refused, but for the named waiver") {
    Scene scene;
    scene.snapshot_text = snapshot_json(*scene.snapshot).pretty();
    CHECK(summary(scene.verify()) == "refused: snapshot.signature");
    scene.policy.unsigned_snapshot_waived = true;
    CHECK(summary(scene.verify()) == "accepted (waived: snapshot.signature)");
    scene.snapshot_text.reset();
    CHECK(summary(scene.verify()) == "accepted");  // there is nothing to waive
}

TEST_CASE("snapshot.signature: a snapshot that another key signed is refused") {
    Scene scene;
    const PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
    scene.snapshot_text = sign_snapshot(snapshot_json(*scene.snapshot), other).value().pretty();
    CHECK(summary(scene.verify()) == "refused: snapshot.signature");
}

TEST_CASE("snapshot.signature: a snapshot that was changed after it was signed is refused") {
    Scene scene;
    std::string text = scene.signed_snapshot();
    const std::size_t at = text.find("\"built\"");
    REQUIRE(at != std::string::npos);
    text.replace(at, 7, "\"observed\"");
    scene.snapshot_text = text;
    CHECK(summary(scene.verify()) == "refused: snapshot.signature");
}

TEST_CASE("snapshot.signature: what nobody signed is compared with nothing, and need not be read") {
    Scene scene;
    scene.snapshot->snp->measurements[0].value = Bytes(48, 0xee);
    CHECK(summary(scene.verify()).find("snp.measurement") != std::string::npos);
    scene.snapshot_text = snapshot_json(*scene.snapshot).pretty();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snapshot.signature");
    CHECK(not_checked(result, "reference values"));
    CHECK_FALSE(result.snapshot);
    // Not read: refused, whether there was a fault or not.
    for (const bool is_signed : {false, true}) {
        Scene other;
        if (!is_signed) {
            other.snapshot_text = snapshot_json(*other.snapshot).pretty();
        }
        const std::vector<Bytes> chain = {other.certificate()};
        const VerificationResult unread = other.judge([&](const CertificateInputs& given) {
            CertificateInputs inputs = given;
            inputs.snapshot->snapshot = nullptr;
            return verify_certificate(chain, inputs, Stage::handshake);
        });
        CHECK(summary(unread) == "refused: snapshot.signature");
    }
}

TEST_CASE("snapshot.signature: other white space is the same content") {
    Scene scene;
    const Json json = parse_json(scene.signed_snapshot()).value();
    scene.snapshot_text = json.canonical();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snapshot.dates: both ends are inside, a second beyond is refused") {
    const auto with = [](UnixTime not_before, UnixTime not_after) {
        Scene scene;
        scene.snapshot->not_before = not_before;
        scene.snapshot->not_after = not_after;
        return summary(scene.verify());
    };
    CHECK(with(kNow, kNow + kDay) == "accepted");
    CHECK(with(kNow + 1, kNow + kDay) == "refused: snapshot.dates");
    CHECK(with(kNow - kDay, kNow) == "accepted");
    CHECK(with(kNow - kDay, kNow - 1) == "refused: snapshot.dates");
    CHECK(with(kNow, kNow) == "accepted");
}

TEST_CASE("snapshot.sequence: lower than one seen before is refused, the same and higher pass") {
    Scene scene;
    for (const std::uint64_t highest : {0U, 6U, 7U}) {
        CAPTURE(highest);
        scene.sequences->highest = highest;
        CHECK(summary(scene.verify()) == "accepted");
    }
    scene.sequences->highest = 8;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
}

TEST_CASE("snapshot.sequence: the higher of the policy's floor and what was seen holds") {
    Scene scene;
    scene.policy.min_sequence = 7;
    CHECK(summary(scene.verify()) == "accepted");
    scene.sequences->highest = 8;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
    scene.sequences.reset();
    CHECK(summary(scene.verify()) == "accepted");
    scene.policy.min_sequence = 8;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
    scene.sequences = SequenceMemory{.highest = 1};
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
}

TEST_CASE("snapshot.store: out of reach it is unavailable, but for a waiver or a floor") {
    Scene scene;
    scene.sequences->fault = Error{Code::denied, "/state", "read-only"};
    CHECK(summary(scene.verify()) == "unavailable: snapshot.store");
    scene.policy.snapshot_sequence_waived = true;
    CHECK(summary(scene.verify()) == "accepted (waived: snapshot.store)");
    scene.policy.min_sequence = 1;
    CHECK(summary(scene.verify()) == "accepted");
    scene.policy.snapshot_sequence_waived = false;
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snapshot.store: what could be read counts, whatever was waived or could not be kept") {
    Scene scene;
    scene.sequences = SequenceMemory{.highest = 8, .fault = Error{Code::io, "/state", "full"}};
    CHECK(summary(scene.verify()) == "unavailable: snapshot.store, snapshot.sequence");
    scene.policy.min_sequence = 1;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
    scene.policy.min_sequence.reset();
    scene.policy.snapshot_sequence_waived = true;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence (waived: snapshot.store)");
}

TEST_CASE("snapshot.store: who remembers nothing says so, the first use of a name is said too") {
    Scene scene;
    scene.sequences->highest.reset();
    VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    REQUIRE(result.snapshot);
    CHECK(result.snapshot->first_use);
    CHECK_FALSE(not_checked(result, "earlier sequence numbers"));
    CHECK(scene.fresh().snapshot->first_use);
    scene.sequences->highest = 0;
    CHECK_FALSE(scene.verify().snapshot->first_use);
    scene.sequences.reset();
    for (const auto& other : {scene.verify(), scene.fresh()}) {
        CHECK_FALSE(other.snapshot->first_use);
        CHECK(not_checked(other, "earlier sequence numbers (no store of them)"));
    }
    // Numbers are kept per key: without a signature nothing is known of them.
    scene.policy.unsigned_snapshot_waived = true;
    scene.snapshot_text = snapshot_json(*scene.snapshot).pretty();
    result = scene.verify();
    CHECK(not_checked(result,
                      "earlier sequence numbers (they are kept per key, and no signature holds)"));
    CHECK(result.snapshot->signers.empty());
}

TEST_CASE("snapshot.name: another name than the one that is asked for is refused") {
    Scene scene;
    scene.policy.snapshot_name = scene.snapshot->name;
    CHECK(summary(scene.verify()) == "accepted");
    scene.policy.snapshot_name = scene.snapshot->name + "2";
    CHECK(summary(scene.verify()) == "refused: snapshot.name");
}

TEST_CASE("snapshot.dialect: a snapshot that is good for another kind of certificate is refused") {
    Scene scene;
    scene.snapshot->dialects = {"ccc-ra-tls"};
    CHECK(summary(scene.verify()) == "refused: snapshot.dialect");
    scene.snapshot->dialects = {"ratls-vm/2", "ratls-vm/1"};
    CHECK(summary(scene.verify()) == "accepted");
}
