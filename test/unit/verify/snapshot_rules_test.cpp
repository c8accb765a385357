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
        scene.highest_sequence = highest;
        CHECK(summary(scene.verify()) == "accepted");
    }
    scene.highest_sequence = 8;
    CHECK(summary(scene.verify()) == "refused: snapshot.sequence");
}

TEST_CASE("snapshot.dialect: a snapshot that is good for another kind of certificate is refused") {
    Scene scene;
    scene.snapshot->dialects = {"ccc-ra-tls"};
    CHECK(summary(scene.verify()) == "refused: snapshot.dialect");
    scene.snapshot->dialects = {"ratls-vm/2", "ratls-vm/1"};
    CHECK(summary(scene.verify()) == "accepted");
}
