// Rules about the certificate, its claims and what it carries.
#include <doctest/doctest.h>

#include <tuple>

#include "ratls/codec/der.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

/// A certificate of the scene's key around the scene's evidence, without the issuer's checks.
Bytes unusual_certificate(Scene& scene, std::string_view oid, UnixTime not_after) {
    const Bytes value =
        der::encode(der::kOctetString, cert::encode_collection(scene.collect(scene.edits, false)));
    SelfSignedRequest request{.common_name = "vm.example",
                              .dns_names = scene.dns_names,
                              .ip_addresses = {},
                              .not_before = scene.not_before,
                              .not_after = not_after,
                              .extension_oid = oid,
                              .extension_value = value};
    return write_self_signed(request, scene.key).value();
}

}  // namespace

TEST_CASE("cert.format: no certificate, garbage, and one without the extension are refused") {
    Scene scene;
    CHECK(summary(scene.verify_chain({})) == "invalid: cert.format");
    CHECK(summary(scene.verify_chain({Bytes{}})) == "invalid: cert.format");
    CHECK(summary(scene.verify_chain({Bytes(300, 0x30)})) == "invalid: cert.format");
    CHECK(summary(scene.verify_chain({scene.tee.ark()})) == "invalid: cert.format");
    const Bytes other = unusual_certificate(scene, "1.2.3.4", scene.not_after);
    CHECK(summary(scene.verify_chain({other})) == "invalid: cert.format");
}

TEST_CASE("cert.format: a good certificate with a byte behind it is refused") {
    Scene scene;
    Bytes certificate = scene.certificate();
    CHECK(summary(scene.verify_chain({certificate})) == "accepted");
    certificate.push_back(0);
    CHECK(summary(scene.verify_chain({certificate})) == "invalid: cert.format");
}

TEST_CASE("cert.format: a second certificate behind the leaf changes nothing") {
    Scene scene;
    const Bytes certificate = scene.certificate();
    CHECK(summary(scene.verify_chain({certificate, Bytes{1, 2, 3}})) == "accepted");
    CHECK(summary(scene.verify_chain({Bytes{1, 2, 3}, certificate})) == "invalid: cert.format");
}

TEST_CASE("cert.format: claims without their label are refused, and labels without their claim") {
    Scene scene;
    cert::Collection collection = scene.collect({}, false);
    collection.ima.reset();
    const Bytes value = der::encode(der::kOctetString, cert::encode_collection(collection));
    const Bytes certificate = write_self_signed({.common_name = "vm.example",
                                                 .dns_names = scene.dns_names,
                                                 .ip_addresses = {},
                                                 .not_before = scene.not_before,
                                                 .not_after = scene.not_after,
                                                 .extension_oid = cert::kCmwOid,
                                                 .extension_value = value},
                                                scene.key)
                                  .value();
    const VerificationResult result = scene.verify_chain({certificate});
    CHECK(summary(result) == "invalid: cert.format");
    CHECK(result.findings.all().back().actual.find("claim 4 is there, label 4 is not") !=
          std::string::npos);
}

TEST_CASE("cert.profile: 24 hours are the longest validity") {
    Scene scene;
    scene.not_after = scene.not_before + kDay;
    CHECK(summary(scene.verify()) == "accepted");
    scene.not_after = scene.not_before + kDay + 1;
    // The claims say the same, so only the profile is broken.
    const Bytes certificate = unusual_certificate(scene, cert::kCmwOid, scene.not_after);
    CHECK(summary(scene.verify_chain({certificate})) == "invalid: cert.profile");
}

TEST_CASE("cert.profile: a certificate whose own signature is wrong is refused") {
    Scene scene;
    Bytes certificate = scene.certificate();
    certificate.back() ^= 1;  // the last byte of s
    CHECK(summary(scene.verify_chain({certificate})) == "invalid: cert.profile");
}

TEST_CASE("cert.dates: both ends of the validity are inside, a second beyond is not") {
    Scene scene;
    const Bytes certificate = scene.certificate();
    const auto at = [&](UnixTime time) {
        scene.now = time;
        return summary(scene.verify_chain({certificate}));
    };
    // By the same clock it was issued in the future, too.
    CHECK(at(scene.not_before - 1) == "invalid: cert.dates, freshness.issued_at");
    CHECK(at(scene.not_before) == "accepted");
    CHECK(at(scene.not_after) == "accepted");
    CHECK(at(scene.not_after + 1) == "invalid: cert.dates");
}

TEST_CASE("cert.name: a name that is not in the SAN is refused") {
    Scene scene;
    scene.name = "other.example";
    CHECK(summary(scene.verify()) == "refused: cert.name");
    scene.name = "VM.Example";
    CHECK(summary(scene.verify()) == "accepted");
    scene.name = "vm.example.org";
    CHECK(summary(scene.verify()) == "refused: cert.name");
    scene.name = "example";
    CHECK(summary(scene.verify()) == "refused: cert.name");
}

TEST_CASE("cert.name: a name in the SAN that the claims do not name is refused") {
    Scene scene;
    scene.dns_names = {"vm.example", "bank.example"};
    scene.name = "bank.example";
    CHECK(summary(scene.verify()) == "refused: cert.name");
    scene.service_names = {"vm.example", "bank.example"};
    CHECK(summary(scene.verify()) == "accepted");
    scene.service_names.clear();  // the claims name no service
    CHECK(summary(scene.verify()) == "refused: cert.name");
}

TEST_CASE("cert.name: a name in the claims that the SAN does not have is refused") {
    Scene scene;
    scene.service_names = {"vm.example", "bank.example"};
    scene.name = "bank.example";
    CHECK(summary(scene.verify()) == "refused: cert.name");
}

TEST_CASE("cert.name: no name asked for is not checked, and said so") {
    Scene scene;
    scene.name.clear();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(not_checked(result, "name"));
}

TEST_CASE("cert.key_binding: evidence about another key is refused") {
    Scene scene;
    const Bytes stolen =
        der::encode(der::kOctetString, cert::encode_collection(scene.collect({}, false)));
    const PrivateKey own = PrivateKey::generate(KeyKind::p256).value();
    const Bytes certificate = write_self_signed({.common_name = "vm.example",
                                                 .dns_names = scene.dns_names,
                                                 .ip_addresses = {},
                                                 .not_before = scene.not_before,
                                                 .not_after = scene.not_after,
                                                 .extension_oid = cert::kCmwOid,
                                                 .extension_value = stolen},
                                                own)
                                  .value();
    CHECK(summary(scene.verify_chain({certificate})) == "invalid: cert.key_binding");
}

TEST_CASE(
    "cert.key_binding: a validity that claim 2 does not say is refused, one second is enough") {
    Scene scene;
    CHECK(summary(scene.verify_chain(
              {unusual_certificate(scene, cert::kCmwOid, scene.not_after)})) == "accepted");
    CHECK(summary(scene.verify_chain({unusual_certificate(
              scene, cert::kCmwOid, scene.not_after + 1)})) == "invalid: cert.key_binding");
}

TEST_CASE("cert.report_data: one wrong bit in the hash is refused") {
    Scene scene;
    scene.edits.report = [](Bytes& report) { report[0x50 + 31] ^= 1; };
    CHECK(summary(scene.verify()) == "invalid: cert.report_data");
}

TEST_CASE("cert.report_data: garbage behind the right hash is refused, at each byte of it") {
    for (const std::size_t at : {std::size_t{32}, std::size_t{47}, std::size_t{63}}) {
        CAPTURE(at);
        Scene scene;
        scene.edits.report = [at](Bytes& report) { report[0x50 + at] = 1; };
        CHECK(summary(scene.verify()) == "invalid: cert.report_data");
    }
}

TEST_CASE("cert.report_data: claims that were changed after the report are refused") {
    Scene scene;
    scene.has_boot_log = false;
    scene.edits.collection = [](cert::Collection& collection) {
        cert::Claims claims = cert::parse_claims(collection.claims_buffer).value();
        claims.issued_at += 1;
        collection.claims_buffer = cert::encode_claims(claims);
    };
    CHECK(summary(scene.verify()) == "invalid: cert.report_data, cert.qualifying_data");
}

TEST_CASE("cert.qualifying_data: a quote over other claims is refused") {
    Scene scene;
    scene.has_boot_log = false;
    const cert::Collection earlier = scene.collect({}, false);
    scene.max_fresh = 2;
    scene.edits.collection = [&](cert::Collection& collection) { collection.tpm = earlier.tpm; };
    CHECK(summary(scene.verify()) == "invalid: cert.qualifying_data");
}

TEST_CASE(
    "cert.qualifying_data: a quote over another TEE report about the same claims is refused") {
    Scene scene;
    scene.has_boot_log = false;
    scene.edits.collection = [&](cert::Collection& collection) {
        PretendedTee other(snp_pki_folder());
        other.fields.report_id.fill(0x77);  // another VM on the same chip
        collection.tee->evidence = other.report(cert::report_data(collection.claims_buffer));
    };
    CHECK(summary(scene.verify()) == "invalid: cert.qualifying_data");
}

TEST_CASE("cert.ak_name: an AK that the claims do not name is refused") {
    Scene scene;
    FakeTpm other;  // as good as ours, with the same PCRs
    scene.edits.collection = [&](cert::Collection& collection) {
        for (unsigned index = 0; index < cert::kQuotedPcrs; ++index) {
            other.set_pcr(index, HashAlg::sha256, collection.tpm->pcr_values[index]);
        }
        const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, 0xffff}};
        const SignedQuote quote =
            other
                .quote(cert::qualifying_data(collection.claims_buffer, collection.tee->evidence),
                       selection)
                .value();
        collection.tpm->attest = quote.attest;
        collection.tpm->signature = quote.signature;
        collection.tpm->ak_public = other.ak_public().value();
    };
    CHECK(summary(scene.verify()) == "invalid: cert.ak_name");
}

TEST_CASE("cert.ak_name: the named AK's public area with one bit changed is refused") {
    Scene scene;
    scene.edits.collection = [](cert::Collection& collection) {
        collection.tpm->ak_public[4 + 3] ^= 0x04;  // stClear, which no rule of the AK forbids
    };
    CHECK(summary(scene.verify()) == "invalid: cert.ak_name");
}

TEST_CASE("tee.present: a certificate without a TEE report is refused") {
    Scene scene;
    scene.has_tee = false;
    CHECK(summary(scene.verify()) == "refused: tee.present, tpm.class");
}

TEST_CASE("tee.present: the snapshot asks for a report even if the policy does not") {
    Scene scene;
    scene.has_tee = false;
    scene.policy.tee_required = false;
    CHECK(summary(scene.verify()) == "refused: tee.present, tpm.class");
}

TEST_CASE("tpm.present: a quote that the snapshot asks for and that is missing is refused") {
    Scene scene;
    scene.has_tpm = false;
    scene.has_ima = false;
    scene.has_boot_log = false;
    CHECK(summary(scene.verify()) == "refused: tpm.present, ima.present");
    scene.snapshot->ima.reset();
    CHECK(summary(scene.verify()) == "refused: tpm.present");
    scene.snapshot->pcrs.reset();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("tpm.present: a quote that the policy asks for and that is missing is refused") {
    Scene scene;
    scene.has_tpm = false;
    scene.has_ima = false;
    scene.has_boot_log = false;
    scene.snapshot->ima.reset();
    scene.snapshot->pcrs.reset();
    scene.policy.tpm.required_pcrs = 1U << 7;
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::refused);
    CHECK(result.findings.has("tpm.present", Verdict::fail));
}

TEST_CASE("ima.present: IMA evidence that the snapshot asks for and that is missing is refused") {
    Scene scene;
    scene.has_ima = false;
    CHECK(summary(scene.verify()) == "refused: ima.present");
    scene.snapshot->ima.reset();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("freshness.required: a live target needs 3 if nobody says otherwise") {
    for (const unsigned max_fresh : {0U, 1U, 2U, 3U}) {
        CAPTURE(max_fresh);
        Scene scene;
        scene.max_fresh = max_fresh;
        const VerificationResult result = scene.without_fresh();
        CHECK(summary(result) == "refused: freshness.required");
        CHECK(result.relay_possible());
    }
    CHECK(summary(Scene().fresh()) == "accepted");
    CHECK_FALSE(Scene().fresh().relay_possible());
}

TEST_CASE("freshness.required: a certificate of years without a beacon is no proof of today") {
    // Whoever was root once can make them in advance, and serve them from anywhere.
    Scene scene;
    scene.max_fresh = 0;
    scene.crl.reset();
    scene.policy.snp.revocation_waived = true;
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required (waived: snp.revocation)");
    scene.evidence_only = true;
    CHECK(scene.without_fresh().outcome == Outcome::refused);
}

TEST_CASE("freshness.required: less than claim 13 is refused, whatever the policy says") {
    Scene scene;
    scene.policy.freshness.ask(1);
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
    scene.max_fresh = 2;
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
    scene.max_fresh = 1;
    CHECK(summary(scene.without_fresh()) == "accepted (waived: freshness.required)");
}

TEST_CASE("freshness.required: below 3 a live target is waived, never passed, on both sides") {
    Scene scene;
    scene.max_fresh = 1;
    scene.policy.freshness.ask(1);
    CHECK(summary(scene.without_fresh()) == "accepted (waived: freshness.required)");
    scene.policy.freshness.ask(2);
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
    scene.policy.freshness.ask(1);
    scene.crl.reset();  // no beacon
    scene.policy.snp.revocation_waived = true;
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required (waived: snp.revocation)");
    scene.max_fresh = 0;
    scene.policy.freshness.ask(0);
    CHECK(summary(scene.without_fresh()) ==
          "accepted (waived: snp.revocation, freshness.required)");
    scene.policy.freshness.ask(3);
    CHECK(summary(scene.fresh()) == "accepted (waived: snp.revocation)");
}

TEST_CASE("freshness.required: what a policy file states is not lowered by who asks") {
    for (const auto& [stated, asked, wanted] :
         {std::tuple(3, 1, 3), std::tuple(1, 3, 3), std::tuple(2, 2, 2), std::tuple(1, 0, 1)}) {
        auto policy = parse_policy(R"({"ratls_policy": 1, "freshness": {"required": )" +
                                   std::to_string(stated) + "}}");
        REQUIRE(policy);
        policy->freshness.ask(asked);
        CHECK(policy->freshness.required == wanted);
    }
    Policy silent;
    silent.freshness.ask(0);
    CHECK(silent.freshness.required == 0);
}

TEST_CASE("freshness.required: a key that outlives a boot needs 3") {
    Scene scene;
    scene.max_fresh = 1;
    scene.policy.freshness.ask(1);
    scene.key_origin = cert::kKeyPersistent;
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
    CHECK(summary(scene.fresh()) == "accepted");
    scene.key_origin = cert::kKeyMadeAtBoot;
    scene.other_spki = {Sha256Digest{1}};
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
}

TEST_CASE("freshness.required: only the policy's named waiver lets a persistent key pass") {
    Scene scene;
    scene.max_fresh = 1;
    scene.policy.freshness.ask(1);
    scene.key_origin = cert::kKeyPersistent;
    scene.policy.freshness.persistent_key_waived = true;
    CHECK(summary(scene.without_fresh()) == "accepted (waived: freshness.required)");
    scene.policy.freshness.ask(2);  // the waiver is not about this
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
    scene.policy.freshness.ask(1);
    scene.max_fresh = 3;  // nor about this
    CHECK(summary(scene.without_fresh()) == "refused: freshness.required");
}

TEST_CASE("freshness.required: of a file the policy demands nothing, or what it says for files") {
    Scene scene;  // whose claim 13 is 3, which no file can have
    VerificationResult result = scene.verify(Stage::file);
    CHECK(summary(result) == "accepted");
    CHECK(result.freshness == 1);
    CHECK(not_checked(result, "key possession"));
    CHECK_FALSE(not_checked(result, "freshness"));
    scene.policy.freshness.required_for_files = 1;
    result = scene.verify(Stage::file);
    CHECK(summary(result) == "accepted");
    CHECK(passed(result, "freshness.required"));
    scene.policy.freshness.required_for_files = 2;
    CHECK(summary(scene.verify(Stage::file)) == "refused: freshness.required");

    scene.crl.reset();  // no beacon
    scene.policy.snp.revocation_waived = true;
    scene.policy.freshness.required_for_files = 1;
    CHECK(summary(scene.verify(Stage::file)) ==
          "refused: freshness.required (waived: snp.revocation)");
    scene.policy.freshness.required_for_files = 0;
    result = scene.verify(Stage::file);
    CHECK(summary(result) == "accepted (waived: snp.revocation)");
    CHECK(not_checked(result, "freshness"));
}

TEST_CASE("freshness.issued_at: in a certificate from 5 minutes before to 10 after its beginning") {
    Scene scene;
    scene.not_before = kNow - 3600;
    const auto at = [&](std::int64_t after) {
        scene.edits.claims = [&, after](cert::Claims& claims) {
            claims.issued_at = scene.not_before + after;
        };
        return summary(scene.verify());
    };
    CHECK(at(0) == "accepted");
    CHECK(at(-300) == "accepted");
    CHECK(at(-301) == "invalid: freshness.issued_at");
    CHECK(at(600) == "accepted");
    CHECK(at(601) == "invalid: freshness.issued_at");
}

TEST_CASE("freshness.issued_at: nothing was made later than 5 minutes from now") {
    Scene scene;
    scene.not_before = kNow;
    const auto at = [&](std::int64_t ahead) {
        scene.edits.claims = [ahead](cert::Claims& claims) { claims.issued_at = kNow + ahead; };
        return summary(scene.verify());
    };
    CHECK(at(300) == "accepted");
    CHECK(at(301) == "invalid: freshness.issued_at");
    scene.edits = {};
    const auto fresh_at = [&](std::int64_t ahead) {
        scene.session_edits.claims = [ahead](cert::Claims& claims) {
            claims.issued_at = kNow + ahead;
        };
        return summary(scene.fresh());
    };
    CHECK(fresh_at(300) == "accepted");
    CHECK(fresh_at(301) == "invalid: freshness.issued_at");
}

TEST_CASE("freshness.issued_at: fresh evidence is not older than the connection's certificate") {
    Scene scene;
    const auto before = [&](std::int64_t seconds) {
        scene.session_edits.claims = [seconds](cert::Claims& claims) {
            claims.issued_at = kNow - seconds;
        };
        return summary(scene.fresh());
    };
    CHECK(before(0) == "accepted");
    CHECK(before(1) == "invalid: freshness.issued_at");
}

TEST_CASE("freshness.issued_at: 23 hours after the certificate its fresh evidence is accepted") {
    Scene scene;
    scene.not_after = scene.not_before + kDay;
    const Bytes certificate = scene.certificate();
    scene.now = kNow + 23 * 3600;
    const VerificationResult result =
        scene.verify_answer(certificate, cert::encode_collection(scene.collect({}, true)));
    CHECK(summary(result) == "accepted");
    CHECK(result.freshness == 3);
}

TEST_CASE("freshness.beacon: at the oldest age it passes, a second later it is refused") {
    Scene scene;
    scene.max_fresh = 1;
    scene.policy.freshness.max_beacon_age_s = kNow - kCrlIssued;
    CHECK(summary(scene.verify()) == "accepted");
    scene.policy.freshness.max_beacon_age_s = kNow - kCrlIssued - 1;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: freshness.beacon");
    CHECK(result.freshness == 0);
    CHECK_FALSE(result.not_older_than);
}

TEST_CASE("freshness.beacon: the document that the claims hash must be there") {
    Scene scene;
    scene.endorsements.add_file("list", scene.tee.crl());
    scene.edits.collection = [](cert::Collection& collection) {
        collection.endorsements->documents.erase(cert::endorsement::kAmdCrl);
    };
    CHECK(summary(scene.verify()) == "refused: freshness.beacon");
}

TEST_CASE("freshness.beacon: another document than the hashed one is refused") {
    Scene scene;
    scene.edits.collection = [](cert::Collection& collection) {
        collection.endorsements->documents[cert::endorsement::kAmdCrl] = variant("crl-serial7");
    };
    CHECK(summary(scene.verify()) == "refused: freshness.beacon");
}

TEST_CASE("freshness.beacon: a document that is no revocation list of AMD's is refused") {
    Scene scene;
    const Bytes document{1, 2, 3};
    scene.endorsements.add_file("list", scene.tee.crl());
    scene.edits.claims = [&](cert::Claims& claims) { claims.beacon->sha256 = sha256(document); };
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.endorsements->documents[cert::endorsement::kAmdCrl] = document;
    };
    CHECK(summary(scene.verify()) == "invalid: endorsements.form, freshness.beacon");
}

TEST_CASE("freshness.beacon: a newer list of the verifier does not devalue a genuine beacon") {
    Scene scene;
    scene.now = kCrlIssued + 366 * kDay + 60;  // 2025-01-01: the later list is there
    scene.not_before = scene.now - 300;
    scene.not_after = scene.now + 3600;
    scene.snapshot->not_after = scene.now + kDay;
    scene.policy.freshness.max_beacon_age_s = 370 * kDay;
    CHECK(summary(scene.verify()) == "accepted");
    scene.endorsements.add_file("list", variant("crl-later"));
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.not_older_than == kCrlIssued);
}

TEST_CASE("cert.owner_key: a key that the policy does not pin is refused, and so is none") {
    Scene scene;
    const VerificationResult without = scene.verify();
    CHECK(std::ranges::count(without.not_checked, "owner key (claim 15)") == 0);
    scene.edits.claims = [](cert::Claims& claims) { claims.owner_spki = sha256(Bytes{1}); };
    const VerificationResult unpinned = scene.verify();
    CHECK(summary(unpinned) == "accepted");
    CHECK(std::ranges::count(unpinned.not_checked, "owner key (claim 15)") == 1);
    scene.policy.owner_keys = {to_bytes(sha256(Bytes{2})), to_bytes(sha256(Bytes{1}))};
    const VerificationResult pinned = scene.verify();
    CHECK(summary(pinned) == "accepted");
    CHECK(std::ranges::count(pinned.not_checked, "owner key (claim 15)") == 0);
    CHECK(passed(pinned, "cert.owner_key"));
    scene.policy.owner_keys.pop_back();
    CHECK(summary(scene.verify()) == "refused: cert.owner_key");
    scene.edits.claims = {};
    CHECK(summary(scene.verify()) == "refused: cert.owner_key");
}

TEST_CASE("cert.agent_configuration: one that the policy does not pin is refused, and so is none") {
    Scene scene;
    scene.edits.claims = [](cert::Claims& claims) { claims.agent_config = sha256(Bytes{1}); };
    const VerificationResult unpinned = scene.verify();
    CHECK(summary(unpinned) == "accepted");
    CHECK(std::ranges::count(unpinned.not_checked, "agent configuration (claim 16)") == 1);
    scene.policy.agent_configurations = {to_bytes(sha256(Bytes{1}))};
    const VerificationResult pinned = scene.verify();
    CHECK(summary(pinned) == "accepted");
    CHECK(std::ranges::count(pinned.not_checked, "agent configuration (claim 16)") == 0);
    // The digest of the other claim does not count.
    scene.edits.claims = [](cert::Claims& claims) {
        claims.owner_spki = sha256(Bytes{1});
        claims.agent_config = sha256(Bytes{2});
    };
    CHECK(summary(scene.verify()) == "refused: cert.agent_configuration");
    scene.edits.claims = {};
    CHECK(summary(scene.verify()) == "refused: cert.agent_configuration");
}
