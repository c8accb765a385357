// Rules about trust domains in certificates: reference values, the CC event log, Intel's documents
// in label 6.
#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

constexpr std::uint32_t kEventTag = 6;  // EV_EVENT_TAG

/// The scene's VM as a trust domain, with everything that its verifier needs.
class TdxScene : public Scene {
  public:
    TdxScene() {
        use_tdx(*this, intel);
        EventLogBuilder events({HashAlg::sha384});
        for (std::uint32_t index = 1; index < 4; ++index) {
            const Bytes data = text_bytes("stage " + std::to_string(index));
            events.add(index, kEventTag, data);
            const Bytes reset(48);
            const Digest digest = hash(HashAlg::sha384, data);
            Hasher extended(HashAlg::sha384);
            const Digest value = extended.update(reset).update(digest.view()).finish();
            std::ranges::copy(value.view(), intel.quote.td->rtmr[index - 1].begin());
        }
        ccel = events.log();
        for (const unsigned index : {0U, 1U, 2U}) {
            snapshot->tdx->rtmrs[index] = {to_bytes(intel.quote.td->rtmr[index])};
        }
    }

    /// Label 6 has what the verifier is not given.
    void carry_documents() {
        documents[cert::endorsement::kTcbInfo] = bytes_of(intel.tcb_info_text());
        documents[cert::endorsement::kQeIdentity] = bytes_of(intel.qe_identity_text());
        documents[cert::endorsement::kPckCrl] = intel.pck_crl.der();
        documents[cert::endorsement::kRootCrl] = intel.root_crl.der();
        documents[cert::endorsement::kIssuerChains] =
            bytes_of(pem("CERTIFICATE", intel.tcb_signer.der()));
        endorsements = {};
    }

    IntelScene intel;
};

}  // namespace

TEST_CASE("tdx.mrtd: a trust domain with reference values of its own is accepted") {
    TdxScene scene;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.root == "user");
    CHECK(result.tcb->status == "UpToDate");
    CHECK(result.tpm.name == "tee-vouched");
    CHECK(result.tpm.excludes_host);
    CHECK(passed(result, "tdx.mrtd"));
    CHECK(passed(result, "tdx.rtmrs"));
    CHECK(passed(result, "ccel.replay"));
    CHECK(passed(result, "cert.report_data"));
}

TEST_CASE("tdx.mrtd: another measurement is refused, and so is a snapshot of another TEE") {
    TdxScene scene;
    scene.intel.quote.td->mr_td[0] ^= 1;
    CHECK(summary(scene.verify()) == "refused: tdx.mrtd, tpm.class");
    TdxScene other;
    other.snapshot->snp = Scene().snapshot->snp;
    other.snapshot->tdx.reset();
    CHECK(summary(other.verify()) == "refused: tdx.mrtd, tpm.class");
}

TEST_CASE("tdx.rtmrs: another value is refused, for each register with references") {
    for (const unsigned index : {0U, 1U, 2U, 3U}) {
        CAPTURE(index);
        TdxScene scene;
        scene.ccel.reset();
        scene.snapshot->tdx->rtmrs[3] = {Bytes(48)};
        CHECK(summary(scene.verify()) == "accepted");
        scene.intel.quote.td->rtmr[index][47] ^= 1;
        CHECK(summary(scene.verify()) == "refused: tdx.rtmrs, tpm.class");
    }
}

TEST_CASE("tdx.rtmrs: without references for 0 to 2 the boot is not measured by hardware") {
    for (const unsigned index : {0U, 1U, 2U}) {
        TdxScene scene;
        scene.snapshot->tdx->rtmrs.erase(index);
        const VerificationResult result = scene.verify();
        CHECK(summary(result) == "refused: tpm.class");
        CHECK_FALSE(result.tpm.excludes_host);
    }
}

TEST_CASE("tdx.mrconfigid: a reference value must be met, none means any") {
    TdxScene scene;
    scene.intel.quote.td->mr_config_id.fill(0x11);
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_config_id = {Bytes(48, 0x11)};
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_config_id = {Bytes(48, 0x12)};
    CHECK(summary(scene.verify()) == "refused: tdx.mrconfigid");
}

TEST_CASE("tdx.mrowner: a reference value must be met, none means any") {
    TdxScene scene;
    scene.intel.quote.td->mr_owner.fill(0x11);
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_owner = {Bytes(48), Bytes(48, 0x11)};
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_owner = {Bytes(48)};
    CHECK(summary(scene.verify()) == "refused: tdx.mrowner");
}

TEST_CASE("tdx.mrownerconfig: a reference value must be met, none means any") {
    TdxScene scene;
    scene.intel.quote.td->mr_owner_config.fill(0x11);
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_owner_config = {Bytes(48, 0x11)};
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->tdx->mr_owner_config = {Bytes(48)};
    CHECK(summary(scene.verify()) == "refused: tdx.mrownerconfig");
}

TEST_CASE("ccel.format: another log than the claims hash, or none of that form, is refused") {
    TdxScene scene;
    scene.given_boot_log = Bytes(100, 1);
    CHECK(summary(scene.verify()) == "invalid: ccel.format");
    scene.given_boot_log.reset();
    scene.ccel = Bytes(100, 1);
    CHECK(summary(scene.verify()) == "invalid: ccel.format");
}

TEST_CASE("ccel.format: a log that replays as well as the one that the claims hash is refused") {
    constexpr std::uint32_t kNoAction = 3;  // EV_NO_ACTION is not extended
    TdxScene scene;
    EventLogBuilder longer({HashAlg::sha384});
    longer.put(ByteView(*scene.ccel).subspan(longer.log().size()));
    REQUIRE(longer.log() == *scene.ccel);
    longer.add(1, kNoAction, Bytes(8));
    scene.given_boot_log = longer.log();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "invalid: ccel.format");
    scene.ccel = longer.log();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ccel.replay: a log that does not give each RTMR is refused") {
    for (const unsigned index : {0U, 1U, 2U, 3U}) {
        CAPTURE(index);
        TdxScene scene;
        scene.intel.quote.td->rtmr[index][0] ^= 1;
        scene.snapshot->tdx->rtmrs[index] = {to_bytes(scene.intel.quote.td->rtmr[index])};
        CHECK(summary(scene.verify()) == "invalid: ccel.replay");
    }
}

TEST_CASE("ccel.replay: a raw quote with its log is genuine, with another one invalid") {
    TdxScene scene;
    const Bytes quote = scene.tdx_quote({});
    const Context context{scene.policy, scene.endorsements, scene.user_roots, scene.now, {}};
    CHECK(summary(verify_raw_dcap(quote, dcap::Tee::tdx, scene.ccel, context)) == "genuine");
    CHECK(not_checked(verify_raw_dcap(quote, dcap::Tee::tdx, std::nullopt, context), "boot"));
    scene.intel.quote.td->rtmr[3][0] ^= 1;
    CHECK(summary(verify_raw_dcap(scene.tdx_quote({}), dcap::Tee::tdx, scene.ccel, context)) ==
          "invalid: ccel.replay");
}

TEST_CASE("cert.report_data: a quote over other claims is refused") {
    TdxScene scene;
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.tee->evidence = scene.tdx_quote({1});
    };
    CHECK(summary(scene.verify()) == "invalid: cert.report_data, cert.qualifying_data");
}

TEST_CASE("dcap.collateral.present: what the certificate carries counts as what was given") {
    TdxScene scene;
    scene.endorsements = {};
    CHECK(summary(scene.verify()) == "unavailable: dcap.collateral.present, tpm.class");
    scene.carry_documents();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("dcap.tcb_info: what label 6 carries must be of its kind") {
    for (const std::uint64_t key :
         {cert::endorsement::kTcbInfo, cert::endorsement::kQeIdentity, cert::endorsement::kPckCrl,
          cert::endorsement::kRootCrl, cert::endorsement::kIssuerChains}) {
        CAPTURE(key);
        TdxScene scene;
        scene.carry_documents();
        scene.documents[key] = text_bytes("{}");
        if (key == cert::endorsement::kTcbInfo) {  // nobody makes a beacon of that
            scene.edits.claims = [](cert::Claims& claims) { claims.beacon.reset(); };
            scene.documents.erase(key);
            scene.edits.collection = [](cert::Collection& collection) {
                collection.endorsements->documents[cert::endorsement::kTcbInfo] = text_bytes("{}");
            };
        }
        CHECK(scene.verify().outcome == Outcome::invalid);
    }
}

TEST_CASE("freshness.beacon: TCB info and PCK CRL are as old as they say, at each side of 8 days") {
    constexpr std::int64_t kMax = 8 * kDay;
    for (const std::int64_t age : {std::int64_t{0}, kMax, kMax + 1}) {
        CAPTURE(age);
        const std::string wanted = age <= kMax ? "accepted" : "refused: freshness.beacon";
        TdxScene scene;
        scene.intel.tcb_info.issue_date = scene.now - age;
        scene.carry_documents();
        VerificationResult result = scene.verify();
        CHECK(summary(result) == wanted);
        CHECK((result.not_older_than == scene.now - age) == (age <= kMax));

        TdxScene by_list;
        by_list.intel.pck_crl.this_update = by_list.now - age;
        by_list.carry_documents();
        const Sha256Digest list = sha256(by_list.documents[cert::endorsement::kPckCrl]);
        by_list.edits.claims = [&](cert::Claims& claims) {
            claims.beacon = cert::Beacon{cert::BeaconKind::pck_crl, list};
        };
        result = by_list.verify();
        CHECK(summary(result) == wanted);
    }
}

TEST_CASE("freshness.beacon: a document of another kind than the claim says is refused") {
    TdxScene scene;
    scene.carry_documents();
    scene.edits.claims = [](cert::Claims& claims) {
        claims.beacon->kind = cert::BeaconKind::pck_crl;
    };
    CHECK(summary(scene.verify()) == "refused: freshness.beacon");
}

TEST_CASE("tee.present: a snapshot for a trust domain wants one, whatever the policy says") {
    TdxScene scene;
    scene.policy.tee_required = false;
    scene.has_tee = false;
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::refused);
    CHECK(result.findings.has("tee.present", Verdict::fail));
}
