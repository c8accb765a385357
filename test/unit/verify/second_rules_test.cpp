// Rules about a further connection, to a server that cannot give evidence on it.
#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

/// A certificate as any server has it: of this key, without evidence.
Bytes plain_certificate(const PrivateKey& key, const std::string& name,
                        UnixTime not_after = kNow + kDay) {
    SelfSignedRequest request;
    request.common_name = name;
    request.dns_names = {name};
    request.not_before = kNow - kDay;
    request.not_after = not_after;
    return write_self_signed(request, key).value();
}

struct Second {
    Second() { scene.policy.freshness.ask(2); }

    VerificationResult operator()(const std::vector<Bytes>& chain) {
        return after(scene.fresh(), chain);
    }
    VerificationResult after(const VerificationResult& first, const std::vector<Bytes>& chain) {
        return scene.judge(
            [&](const CertificateInputs& inputs) { return verify_second(chain, inputs, first); });
    }

    Scene scene;
    PrivateKey other = PrivateKey::generate(KeyKind::p256).value();
};

}  // namespace

TEST_CASE("second.key: the key of the fresh evidence has freshness 2, and relaying is possible") {
    Second second;
    const VerificationResult result = second({plain_certificate(second.scene.key, "vm.example")});
    CHECK(summary(result) == "accepted (waived: freshness.required)");
    CHECK(result.freshness == 2);
    CHECK(result.relay_possible());
    CHECK(result.not_older_than == kNow);
    CHECK_FALSE(result.attested);
    CHECK(summary(second({second.scene.certificate()})) == "accepted (waived: freshness.required)");
}

TEST_CASE("second.key: another key is refused, and so is no certificate at all") {
    Second second;
    const VerificationResult result = second({plain_certificate(second.other, "vm.example")});
    CHECK(summary(result) == "invalid: second.key, freshness.required");
    CHECK(result.freshness == 0);
    CHECK(summary(second({})) == "invalid: second.key");
    CHECK(summary(second({Bytes{1, 2, 3}})) == "invalid: second.key");
}

TEST_CASE("second.key: a key that claim 9 lists needs the waiver for persistent keys") {
    Second second;
    second.scene.other_spki = {second.other.public_key().spki_sha256()};
    const std::vector<Bytes> chain = {plain_certificate(second.other, "vm.example")};
    CHECK(summary(second(chain)) == "refused: freshness.required");
    second.scene.policy.freshness.persistent_key_waived = true;
    const VerificationResult result = second(chain);
    CHECK(summary(result) == "accepted (waived: freshness.required)");
    CHECK(result.freshness == 2);
}

TEST_CASE("second.key: the same key needs the waiver too if it outlives a boot") {
    Second second;
    second.scene.key_origin = cert::kKeyPersistent;
    const std::vector<Bytes> chain = {plain_certificate(second.scene.key, "vm.example")};
    CHECK(summary(second(chain)) == "refused: freshness.required");
    second.scene.policy.freshness.persistent_key_waived = true;
    CHECK(summary(second(chain)) == "accepted (waived: freshness.required)");
}

TEST_CASE("second.key: only a first connection of freshness 3 that was accepted counts") {
    Second second;
    const std::vector<Bytes> chain = {plain_certificate(second.scene.key, "vm.example")};
    CHECK(second.after(second.scene.verify(), chain).outcome == Outcome::invalid);
    second.scene.name = "bank.example";
    const VerificationResult refused = second.scene.fresh();
    REQUIRE(refused.freshness == 3);
    REQUIRE(refused.outcome == Outcome::refused);
    second.scene.name = "vm.example";
    CHECK(second.after(refused, chain).findings.has("second.key", Verdict::fail));
    // What has 2 itself leaves nothing for a third one.
    const VerificationResult two = second(chain);
    CHECK(second.after(two, chain).findings.has("second.key", Verdict::fail));
}

TEST_CASE("second.key: dates and names of a certificate without evidence count") {
    Second second;
    CHECK(summary(second({plain_certificate(second.scene.key, "bank.example")})) ==
          "refused: cert.name (waived: freshness.required)");
    CHECK(summary(second({plain_certificate(second.scene.key, "vm.example", kNow - 1)})) ==
          "invalid: cert.dates (waived: freshness.required)");
    CHECK(summary(second({plain_certificate(second.scene.key, "vm.example", kNow)})) ==
          "accepted (waived: freshness.required)");
}

TEST_CASE("second.key: an extension is judged by all rules, though it has the right key") {
    Second second;
    const VerificationResult first = second.scene.fresh();
    second.scene.edits.report = [](Bytes& report) { report[0x90] ^= 1; };  // MEASUREMENT
    const VerificationResult result = second.after(first, {second.scene.certificate()});
    CHECK(result.findings.has("snp.measurement", Verdict::fail));
    CHECK(result.outcome == Outcome::refused);
}

TEST_CASE("freshness.required: a policy that states 3 refuses a further connection") {
    Second second;
    second.scene.policy.freshness.required = 3;
    second.scene.policy.freshness.required_stated = true;
    second.scene.policy.freshness.ask(2);
    CHECK(summary(second({plain_certificate(second.scene.key, "vm.example")})) ==
          "refused: freshness.required");
}
