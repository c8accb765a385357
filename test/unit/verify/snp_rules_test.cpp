// Rules about SEV-SNP reports: soundness, and what takes more than a row of
// snp_policy_rules_test.cpp.
#include <doctest/doctest.h>

#include "ratls/codec/pem.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

// Offsets in ATTESTATION_REPORT. Source: AMD 56860 rev. 1.58.
constexpr std::size_t kReservedAt = 0x18b;
constexpr std::size_t kCommittedVersion = 0x1ec;
// TCB_VERSION of Milan and Genoa.
constexpr std::size_t kBootloader = 0, kTee = 1, kSnp = 6, kMicrocode = 7;

/// The scene moved to another time, with everything of the VM issued then.
void move_to(Scene& scene, UnixTime time) {
    scene.now = time;
    scene.not_before = time - 300;
    scene.not_after = time + 3600;
    scene.snapshot->not_before = time - kDay;
    scene.snapshot->not_after = time + kDay;
    scene.policy.freshness.max_beacon_age_s = 100 * 366 * kDay;
}

}  // namespace

TEST_CASE("snp.format: a version that nobody knows is refused, also with a good signature") {
    for (const std::uint32_t version : {1U, 6U}) {
        CAPTURE(version);
        Scene scene;
        scene.tee.fields.version = version;
        CHECK(summary(scene.verify()) == "invalid: snp.format, tpm.class");
    }
}

TEST_CASE("snp.format: a reserved byte that is set is refused, also with a good signature") {
    Scene scene;
    scene.edits.report = [](Bytes& report) { report[kReservedAt] = 1; };
    CHECK(summary(scene.verify()) == "invalid: snp.format, tpm.class");
}

TEST_CASE("snp.format: versions 2 and 5 are as good as 3") {
    Scene scene;
    scene.tee.fields.version = 2;
    scene.tee.fields.cpuid = {};
    CHECK(summary(scene.verify()) == "accepted");
    scene.tee.fields.version = 5;
    scene.tee.fields.cpuid = {0x19, 0x11, 0x01};
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snp.nonce: report data that is not the padded nonce is refused") {
    Scene scene;
    std::array<std::uint8_t, 64> data{};
    data[0] = 0xaa;
    data[1] = 0xbb;
    const Bytes report = scene.tee.report(data);
    const VerificationResult good = scene.verify_report(report, Bytes{0xaa, 0xbb});
    CHECK(summary(good) == "genuine");
    CHECK(passed(good, "snp.nonce"));
    CHECK(summary(scene.verify_report(report, Bytes{0xaa})) == "invalid: snp.nonce");
    CHECK(summary(scene.verify_report(report, Bytes{0xaa, 0xbc})) == "invalid: snp.nonce");
    CHECK(summary(scene.verify_report(report, Bytes{0xaa, 0xbb, 0x00})) == "genuine");
    const VerificationResult none = scene.verify_report(report);
    CHECK(summary(none) == "genuine");
    CHECK(not_checked(none, "report data"));
}

TEST_CASE("snp.vek.present: without the VCEK nothing can be said") {
    Scene scene;
    scene.vek.reset();
    CHECK(summary(scene.verify()) == "unavailable: snp.vek.present, tpm.class");
    scene.endorsements.add_file("vcek.der", scene.tee.vcek());  // the caller has it
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snp.vek.format: a VCEK without one TCB component is refused, although AMD signed it") {
    Scene scene;
    scene.vek = variant("vcek-no-ucode");
    CHECK(summary(scene.verify()) == "invalid: snp.vek.format, tpm.class");
}

TEST_CASE("snp.vek.format: a product line that is not the issuer's is refused") {
    Scene scene;
    scene.vek = variant("vcek-milan");
    CHECK(summary(scene.verify()) == "invalid: snp.vek.format, tpm.class");
}

TEST_CASE("snp.vek.kind: a report that says VLEK under a VCEK is refused") {
    Scene scene;
    scene.give_certificates();
    scene.tee.fields.key_info = 1U << 2;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.kind, tpm.class");
}

TEST_CASE("snp.vek.kind: a report that says VCEK under a VLEK is refused") {
    Scene scene;
    use_vlek(scene);
    CHECK(summary(scene.verify()) == "accepted");
    scene.give_certificates();
    scene.tee.fields.key_info = 0;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.kind, tpm.class");
}

TEST_CASE("snp.product: a processor of another line than the certificate's is refused") {
    Scene scene;
    scene.tee.fields.cpuid = {0x19, 0x01, 0x01};  // Milan
    CHECK(summary(scene.verify()) == "invalid: snp.product, tpm.class");
    scene.tee.fields.cpuid = {0x1b, 0x00, 0x00};  // not known
    CHECK(summary(scene.verify()) == "invalid: snp.product, tpm.class");
    scene.tee.fields.cpuid = {0x19, 0xa0, 0x02};  // Bergamo belongs to Genoa
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snp.chain.present: without the ASK nothing can be said") {
    Scene scene;
    scene.ask.reset();
    CHECK(summary(scene.verify()) == "unavailable: snp.chain.present, tpm.class");
}

TEST_CASE("snp.chain.signatures: an ASK of the right name with another key is refused") {
    Scene scene;
    scene.ask = snp_pki("forged/ask.der");
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "invalid: endorsements.signatures, snp.chain.signatures, tpm.class");
    CHECK(result.root.empty());
}

TEST_CASE("snp.chain.signatures: a VCEK that may issue certificates is refused") {
    Scene scene;
    scene.vek = variant("vcek-ca");
    CHECK(summary(scene.verify()) ==
          "invalid: endorsements.signatures, snp.chain.signatures, tpm.class");
}

TEST_CASE("snp.chain.signatures: a signature scheme that AMD does not use is refused") {
    Scene scene;
    scene.vek = variant("vcek-sha256");
    CHECK(summary(scene.verify()) == "invalid: snp.chain.signatures, tpm.class");
}

TEST_CASE("snp.chain.signatures: the VCEK's issuer cannot be left out") {
    Scene scene;
    scene.ask = scene.tee.ark();  // VCEK, ARK, ARK
    const VerificationResult result = scene.verify();
    CHECK(result.outcome != Outcome::accepted);
    CHECK(result.root.empty());
}

TEST_CASE(
    "snp.chain.root: a forged chain with the right names is refused, whoever gives its root") {
    Scene scene;
    const std::string forged = snp_pki_folder() + "/forged";
    scene.tee = PretendedTee(forged);
    scene.vek = scene.tee.vcek();
    scene.ask = scene.tee.ask();
    scene.crl.reset();
    scene.policy.snp.revocation_waived = true;
    SUBCASE("no root is trusted") {
        scene.user_roots.clear();
        scene.endorsements.add_file("forged root", scene.tee.ark());
        const VerificationResult result = scene.verify();
        CHECK(summary(result) == "invalid: endorsements.signatures, snp.chain.root, tpm.class");
        CHECK(passed(result, "snp.chain.signatures"));
        CHECK(passed(result, "snp.signature"));
        CHECK(result.root.empty());
    }
    SUBCASE("no root is there") {
        scene.user_roots.clear();
        CHECK(summary(scene.verify()) == "invalid: snp.chain.root, tpm.class");
    }
    SUBCASE("the certificate brings its own root") {
        scene.user_roots.clear();
        const Bytes chain = snp_pki("forged/chain.pem");
        scene.ask = chain;
        CHECK(summary(scene.verify()) ==
              "invalid: endorsements.form, snp.chain.present, tpm.class");
    }
    SUBCASE("another root of the same name is trusted") {
        scene.endorsements.add_file("forged root", scene.tee.ark());
        const VerificationResult result = scene.verify();
        CHECK(result.outcome == Outcome::invalid);
        CHECK(result.root.empty());
    }
    SUBCASE("its root is trusted for something else") {
        scene.user_roots = {{RootKind::tpm, certificate_of(scene.tee.ark())}};
        scene.endorsements.add_file("forged root", scene.tee.ark());
        CHECK(summary(scene.verify()) == "invalid: snp.chain.root, tpm.class");
    }
    SUBCASE("only the user's own word makes it a root, and the result says so") {
        scene.user_roots = {{RootKind::snp, certificate_of(scene.tee.ark())}};
        const VerificationResult result = scene.verify();
        CHECK(summary(result) == "accepted (waived: snp.revocation)");
        CHECK(result.root == "user");
    }
}

TEST_CASE("snp.chain.root: a certificate of the root's key that the root did not sign is none") {
    const Bytes other_dates = variant("ark-short");  // by the same key as the trusted root
    const auto with = [](const Bytes& root) {
        Scene scene;
        scene.endorsements.add_file("root", root);
        return summary(scene.verify());
    };
    CHECK(with(other_dates) == "accepted");
    Bytes unsigned_dates = other_dates;
    const auto year =
        std::ranges::search(unsigned_dates, as_bytes("291231235959Z"));  // not_after of ark-short
    REQUIRE(!year.empty());
    *year.begin() = '3';
    CHECK(with(unsigned_dates) == "invalid: endorsements.signatures");
    Bytes broken = other_dates;
    broken.back() ^= 1;
    CHECK(with(broken) == "invalid: endorsements.signatures");
}

TEST_CASE("snp.chain.dates: both ends of the chain's validity are inside, a second beyond is not") {
    const auto at = [](UnixTime time) {
        Scene scene;
        scene.crl.reset();
        scene.policy.snp.revocation_waived = true;
        scene.give_certificates();
        move_to(scene, time);
        return summary(scene.verify());
    };
    const UnixTime first = make_time(2020, 1, 1, 0, 0, 0).value();
    const UnixTime last = make_time(2049, 12, 31, 23, 59, 59).value();
    const std::string outside = "invalid: snp.chain.dates, tpm.class";
    CHECK(at(first - 1) == outside);
    CHECK(at(first) == "accepted (waived: snp.revocation)");
    CHECK(at(last) == "accepted (waived: snp.revocation)");
    CHECK(at(last + 1) == outside);
}

TEST_CASE("snp.chain.dates: each of the three certificates counts") {
    const UnixTime last = make_time(2029, 12, 31, 23, 59, 59).value();
    for (const std::string which : {"vcek", "ask", "ark"}) {
        CAPTURE(which);
        Scene scene;
        if (which == "vcek") {
            scene.vek = variant("vcek-short");
        } else if (which == "ask") {
            scene.ask = variant("ask-short");
        } else {
            scene.user_roots = {{RootKind::snp, certificate_of(variant("ark-short"))}};
        }
        scene.give_certificates();
        move_to(scene, last);
        CHECK(summary(scene.verify()) == "accepted");
        move_to(scene, last + 1);
        CHECK(summary(scene.verify()) == "invalid: snp.chain.dates, tpm.class");
    }
}

TEST_CASE("snp.vek.tcb: a VCEK of another TCB is refused, at each component") {
    for (const std::size_t component : {kBootloader, kSnp, kMicrocode}) {
        CAPTURE(component);
        Scene scene;
        scene.give_certificates();
        scene.tee.fields.reported_tcb[component] -= 1;
        CHECK(summary(scene.verify()) == "invalid: snp.vek.tcb, tpm.class");
    }
    Scene scene;
    scene.give_certificates();
    scene.tee.fields.reported_tcb[kTee] += 1;
    scene.tee.fields.current_tcb[kTee] += 1;
    scene.tee.fields.committed_tcb[kTee] += 1;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.tcb, tpm.class");
}

TEST_CASE("snp.vek.chip_id: the VCEK of another chip is refused") {
    Scene scene;
    scene.give_certificates();
    scene.tee.fields.chip_id[63] ^= 1;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.chip_id, tpm.class");
}

TEST_CASE("snp.vek.chip_id: a report under a VLEK that names a chip is refused") {
    Scene scene;
    use_vlek(scene);
    scene.tee.fields.chip_id[0] = 1;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.chip_id, tpm.class");
}

TEST_CASE("snp.signature: one changed bit of the report is refused, wherever it stands") {
    for (const std::size_t at : {std::size_t{0x04}, std::size_t{0x10}, std::size_t{0x90},
                                 std::size_t{0x140}, std::size_t{0x2a0}, std::size_t{0x2a0 + 72}}) {
        CAPTURE(at);
        Scene scene;
        std::array<std::uint8_t, 64> data{};
        Bytes report = scene.tee.report(data);
        CHECK(summary(scene.verify_report(report)) == "genuine");
        report[at] ^= 1;
        CHECK(summary(scene.verify_report(report)) == "invalid: snp.signature");
    }
}

TEST_CASE("snp.signature: a report under another key is refused") {
    Scene scene;
    PretendedTee forged(snp_pki_folder() + "/forged");
    forged.fields = scene.tee.fields;
    CHECK(summary(scene.verify_report(forged.report({}))) == "invalid: snp.signature");
}

TEST_CASE("snp.signature: a VCEK whose key is no P-384 key is refused") {
    Scene scene;
    scene.vek = variant("vcek-p256");
    CHECK(summary(scene.verify()) == "invalid: snp.signature, tpm.class");
}

TEST_CASE("snp.tcb.consistency: committed above current is refused, at each component") {
    for (const std::size_t component : {kBootloader, kTee, kSnp, kMicrocode}) {
        CAPTURE(component);
        Scene scene;
        scene.tee.fields.committed_tcb[component] += 1;
        CHECK(summary(scene.verify()) == "invalid: snp.tcb.consistency, tpm.class");
    }
}

TEST_CASE("snp.tcb.consistency: reported above current is refused, at each component") {
    for (const std::size_t component : {kBootloader, kSnp, kMicrocode}) {
        CAPTURE(component);
        Scene scene;
        scene.tee.fields.current_tcb[component] -= 1;
        scene.tee.fields.committed_tcb = scene.tee.fields.current_tcb;
        CHECK(summary(scene.verify()) == "invalid: snp.tcb.consistency, tpm.class");
    }
}

TEST_CASE("snp.tcb.consistency: a reserved byte of each TCB is refused") {
    for (const auto member : {&SnpFields::current_tcb, &SnpFields::reported_tcb,
                              &SnpFields::committed_tcb, &SnpFields::launch_tcb}) {
        Scene scene;
        scene.give_certificates();
        (scene.tee.fields.*member)[3] = 1;
        CHECK(summary(scene.verify()) == "invalid: snp.tcb.consistency, tpm.class");
    }
}

TEST_CASE("snp.tcb.consistency: the TCB of a Turin is read in its own layout") {
    Scene scene;
    use_turin(scene);
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    scene.tee.fields.committed_tcb[0] += 1;  // FMC
    CHECK(summary(scene.verify()) == "invalid: snp.tcb.consistency, tpm.class");
    scene.tee.fields.committed_tcb = {5, 10, 0, 23, 0, 0, 1, 200};
    CHECK(summary(scene.verify()) == "invalid: snp.tcb.consistency, tpm.class");
}

TEST_CASE("snp.vek.tcb: the FMC of a Turin belongs to the TCB of its VCEK") {
    Scene scene;
    use_turin(scene);
    scene.give_certificates();
    scene.tee.fields.reported_tcb[0] -= 1;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.tcb, tpm.class");
}

TEST_CASE("snp.vek.chip_id: a Turin's id is 8 bytes, and zeros follow") {
    Scene scene;
    use_turin(scene);
    scene.give_certificates();
    scene.tee.fields.chip_id[8] = 1;
    CHECK(summary(scene.verify()) == "invalid: snp.vek.chip_id, tpm.class");
}

TEST_CASE("snp.revocation: without a list it is refused, and passes only by the named waiver") {
    Scene scene;
    scene.crl.reset();
    VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snp.revocation");
    CHECK(not_checked(result, "revocation"));
    scene.policy.snp.revocation_waived = true;
    result = scene.verify();
    CHECK(summary(result) == "accepted (waived: snp.revocation)");
    CHECK(not_checked(result, "revocation"));
    scene.crl = scene.tee.crl();
    CHECK(summary(scene.verify()) == "accepted");  // there is nothing to waive
}

TEST_CASE("snp.revocation: the list of another line does not count") {
    Scene scene;
    scene.crl.reset();
    scene.endorsements.add_file("list", variant("crl-turin"));
    CHECK(summary(scene.verify()) == "refused: snp.revocation");
}

TEST_CASE("snp.crl: beside a good list an old one is skipped, an early one refused") {
    const auto with = [](UnixTime now, const std::string& other) {
        Scene scene;
        move_to(scene, now);
        scene.crl.reset();
        for (const std::string& list : {std::string("crl-later"), other}) {
            scene.endorsements.add_file(list,
                                        list.starts_with("crl-") ? variant(list) : scene.tee.crl());
        }
        return scene.verify();
    };
    const VerificationResult old = with(kCrlIssued + 367 * kDay, "crl-short");
    CHECK(summary(old) == "accepted");
    REQUIRE(old.skipped.size() == 1);
    CHECK(old.skipped[0].ends_with(": expired, and a newer one is there"));
    CHECK(summary(with(kNow, "good")) == "invalid: snp.crl, tpm.class");
}

TEST_CASE(
    "endorsements.fitting: an ASK of another product alone is wrong, beside this one's skipped") {
    Scene scene;
    scene.give_certificates();
    scene.endorsements.add_file("milan.der", variant("ask-of-milan"));
    const VerificationResult both = scene.verify();
    CHECK(summary(both) == "accepted");
    REQUIRE(both.skipped.size() == 1);
    CHECK(both.skipped[0].starts_with("\"milan.der\": "));
    scene.endorsements = {};
    scene.endorsements.add_file("milan.der", variant("ask-of-milan"));
    scene.endorsements.add_file("vcek.der", scene.tee.vcek());
    CHECK(summary(scene.verify()) == "invalid: endorsements.fitting, tpm.class");
}

TEST_CASE("profile 6: what a certificate carries out of date or of another platform is absent") {
    const UnixTime last = make_time(2029, 12, 31, 23, 59, 59).value();
    for (const std::string which : {"vcek", "ask"}) {
        Scene scene;
        (which == "vcek" ? scene.vek : scene.ask) = variant(which + "-short");
        move_to(scene, last + 1);
        CHECK(scene.verify().outcome == Outcome::unavailable);
        // What the verifier has of its own counts then.
        scene.endorsements.add_file("own", which == "vcek" ? scene.tee.vcek() : scene.tee.ask());
        CHECK(summary(scene.verify()) == "accepted");
    }
    Scene other_chip;
    other_chip.tee.fields.chip_id[63] ^= 1;
    CHECK(summary(other_chip.verify()) == "unavailable: snp.vek.present, tpm.class");
    Scene damaged;
    damaged.vek->back() ^= 1;
    damaged.endorsements.add_file("own", damaged.tee.vcek());
    CHECK(summary(damaged.verify()) == "invalid: endorsements.signatures");
}

TEST_CASE("profile 6: of a label 6, each key has one document of its kind, and at most 8 issuers") {
    Scene scene;
    const auto with = [&](std::uint64_t key, Bytes document) {
        scene.documents = {{key, std::move(document)}};
        return summary(scene.verify());
    };
    std::string chain;
    for (std::size_t count = 1; count <= Endorsements::kMaxCarriedIssuers + 1; ++count) {
        chain += pem("CERTIFICATE", scene.tee.ask());
        CHECK(with(cert::endorsement::kIssuerChains, to_bytes(as_bytes(chain))) ==
              (count <= Endorsements::kMaxCarriedIssuers ? "accepted"
                                                         : "invalid: endorsements.form"));
    }
    CHECK(with(cert::endorsement::kIssuerChains, scene.tee.ask()) == "invalid: endorsements.form");
    CHECK(with(cert::endorsement::kPckCrl, scene.tee.ask()) == "invalid: endorsements.form");
    CHECK(with(cert::endorsement::kTcbInfo, scene.tee.crl()) == "invalid: endorsements.form");
}

TEST_CASE("snp.revocation: evidence alone can be genuine without a list, and says so") {
    Scene scene;
    scene.crl.reset();
    scene.evidence_only = true;
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::genuine);
    CHECK(not_checked(result, "revocation"));
}

TEST_CASE("snp.crl: both ends of the list's validity are inside, a second beyond is not") {
    const auto at = [](UnixTime time) {
        Scene scene;
        scene.endorsements.add_file("list", *scene.crl);
        scene.crl.reset();
        move_to(scene, time);
        return summary(scene.verify());
    };
    const UnixTime last = make_time(2047, 12, 31, 23, 59, 59).value();
    const std::string outside = "invalid: snp.crl, tpm.class";
    CHECK(at(kCrlIssued - 1) == outside);
    CHECK(at(kCrlIssued) == "accepted");
    CHECK(at(last) == "accepted");
    CHECK(at(last + 1) == outside);
}

TEST_CASE(
    "endorsements.signatures: a list that another key signed is refused, the waiver does not "
    "help") {
    Scene scene;
    scene.policy.snp.revocation_waived = true;
    scene.crl.reset();
    scene.endorsements.add_file("list", snp_pki("forged/crl.der"));
    CHECK(summary(scene.verify()) == "invalid: endorsements.signatures (waived: snp.revocation)");
}

TEST_CASE("endorsements.signatures: one wrong list beside a good one is refused") {
    Scene scene;
    Bytes changed = scene.tee.crl();
    changed.back() ^= 1;
    scene.endorsements.add_file("list", changed);
    CHECK(summary(scene.verify()) == "invalid: endorsements.signatures");
}

TEST_CASE("snp.revoked: an ASK on the list is refused") {
    Scene scene;
    scene.crl = snp_pki("crl-ask-revoked.der");
    CHECK(summary(scene.verify()) == "invalid: snp.revoked, tpm.class");
}

TEST_CASE("snp.revoked: a VCEK with a serial number of its own on the list is refused") {
    Scene scene;
    scene.crl = variant("crl-serial7");
    CHECK(summary(scene.verify()) == "accepted");
    scene.vek = variant("vcek-serial7");
    CHECK(summary(scene.verify()) == "invalid: snp.revoked, tpm.class");
}

TEST_CASE("snp.revoked: the serial number 0 that all VCEKs have revokes none of them") {
    Scene scene;
    scene.crl = variant("crl-serial0");
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("snp.revoked: of two valid lists the newer one counts, in any order") {
    const auto with = [](const Bytes& first, const Bytes& second) {
        Scene scene;
        scene.crl.reset();
        move_to(scene, kCrlIssued + 367 * kDay);
        scene.endorsements.add_file("list", first);
        scene.endorsements.add_file("list", second);
        return summary(scene.verify());
    };
    const Bytes old = snp_pki("crl.der");
    const Bytes old_revokes = snp_pki("crl-ask-revoked.der");
    const Bytes later = variant("crl-later");
    const Bytes later_revokes = variant("crl-later-ask-revoked");
    CHECK(with(old, later_revokes) == "invalid: snp.revoked, tpm.class");
    CHECK(with(later_revokes, old) == "invalid: snp.revoked, tpm.class");
    CHECK(with(old_revokes, later) == "accepted");
    CHECK(with(later, old_revokes) == "accepted");
}

TEST_CASE("snp.revoked: of two lists of one date both count, in any order") {
    for (const bool revokes_first : {true, false}) {
        CAPTURE(revokes_first);
        Scene scene;
        scene.crl.reset();
        move_to(scene, kCrlIssued + 367 * kDay);
        for (const bool revokes : {revokes_first, !revokes_first}) {
            scene.endorsements.add_file("list",
                                        variant(revokes ? "crl-later-ask-revoked" : "crl-later"));
        }
        CHECK(summary(scene.verify()) == "invalid: snp.revoked, tpm.class");
    }
}

TEST_CASE(
    "snp.tcb.provisional: firmware that is not committed is refused, unless the policy says so") {
    for (const std::size_t component : {kBootloader, kSnp, kMicrocode}) {
        CAPTURE(component);
        Scene scene;
        scene.tee.fields.committed_tcb[component] -= 1;
        CHECK(summary(scene.verify()) == "refused: snp.tcb.provisional");
        scene.policy.snp.allow_provisional_firmware = true;
        CHECK(summary(scene.verify()) == "accepted");
    }
    Scene scene;
    scene.edits.report = [](Bytes& report) { report[kCommittedVersion] -= 1; };  // build
    CHECK(summary(scene.verify()) == "refused: snp.tcb.provisional");
}

TEST_CASE(
    "snp.measurement: another launch measurement is refused, and then nothing is measured boot") {
    Scene scene;
    scene.tee.fields.measurement[47] ^= 1;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snp.measurement, tpm.class");
    CHECK_FALSE(result.tpm.excludes_host);
}

TEST_CASE("snp.measurement: a snapshot without a measurement accepts no measurement") {
    Scene scene;
    scene.snapshot->snp.reset();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: snp.measurement, tpm.class");
}

TEST_CASE("snp.measurement: one of several reference values is enough") {
    Scene scene;
    scene.snapshot->snp->measurements.insert(scene.snapshot->snp->measurements.begin(),
                                             {Bytes(48, 0x11), {"firmware"}, ""});
    CHECK(summary(scene.verify()) == "accepted");
}
