// Rules about Intel's collateral: revocation lists, TCB info and QE identity, with all their dates.
#include <doctest/doctest.h>

#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using dcap::TcbStatus;
using dcap::Tee;

namespace {

/// The first and the last second of a period, and those beside it.
void check_period(const std::function<void(IntelScene&, UnixTime from, UnixTime to)>& set,
                  std::string_view refused) {
    const auto with = [&](UnixTime from, UnixTime to) {
        IntelScene scene;
        set(scene, from, to);
        return scene.outcome();
    };
    CHECK(with(kIntelNow, kIntelNow + kDay) == "genuine");
    CHECK(with(kIntelNow - kDay, kIntelNow) == "genuine");
    CHECK(with(kIntelNow + 1, kIntelNow + kDay) == refused);
    CHECK(with(kIntelNow - kDay, kIntelNow - 1) == refused);
}

}  // namespace

TEST_CASE("dcap.collateral.present: each part that is missing makes the verdict unavailable") {
    for (const auto member :
         {&IntelScene::Given::root_crl, &IntelScene::Given::pck_crl, &IntelScene::Given::tcb_info,
          &IntelScene::Given::qe_identity, &IntelScene::Given::tcb_signer}) {
        for (const Tee tee : {Tee::sgx, Tee::tdx}) {
            IntelScene scene(tee, 4);
            scene.given.*member = false;
            CHECK(scene.outcome() == "unavailable: dcap.collateral.present");
        }
    }
}

TEST_CASE("dcap.collateral.present: CA and root are taken from the quote and the command line") {
    IntelScene scene;
    scene.given.ca = scene.given.root = false;
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE(
    "endorsements.fitting: documents of the other TEE alone are wrong, and beside this one's "
    "skipped") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        IntelScene scene(tee, 4);
        const IntelScene other(tee == Tee::sgx ? Tee::tdx : Tee::sgx, 4);
        scene.given.tcb_info = false;
        scene.last = {bytes_of(other.tcb_info_text())};
        CHECK(scene.outcome() == "invalid: endorsements.fitting");
        scene.given.tcb_info = true;
        const verify::VerificationResult both = scene.verify();
        CHECK(summary(both) == "genuine");
        REQUIRE(both.skipped.size() == 1);
        CHECK(both.skipped[0].starts_with("\"last\": TCB info of FMSPC"));
        scene.given.qe_identity = false;
        scene.last = {bytes_of(other.qe_identity_text())};
        CHECK(scene.outcome() == "invalid: endorsements.fitting");
    }
}

TEST_CASE("endorsements.signatures: a list under the name of another issuer is damaged") {
    IntelScene root;
    root.root_crl.issuer = kPlatformCaName;
    CHECK(root.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    IntelScene pck;
    pck.pck_crl.issuer = "Nobody";
    CHECK(pck.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE(
    "endorsements.fitting: a list of the other PCK CA alone is wrong, beside this one's skipped") {
    IntelScene scene;
    CrlFields other = scene.pck_crl;
    other.issuer = kProcessorCaName;
    other.signer = &intel_keys().processor_ca;
    CertificateFields processor_ca = scene.ca;
    processor_ca.subject = kProcessorCaName;
    processor_ca.key = &intel_keys().processor_ca;
    scene.last = {other.der(), processor_ca.der()};
    const verify::VerificationResult both = scene.verify();
    CHECK(summary(both) == "genuine");
    CHECK(both.skipped.size() == 2);
    scene.given.pck_crl = false;
    CHECK(scene.outcome() == "invalid: endorsements.fitting");
    // Without its issuer's certificate nobody can say whether it is damaged, only whose it is.
    scene.last = {other.der()};
    CHECK(scene.outcome() == "invalid: endorsements.fitting");
}

TEST_CASE("endorsements.form: a list with an unknown critical extension is no list") {
    for (const std::uint8_t number : {std::uint8_t{27}, std::uint8_t{28}, std::uint8_t{127}}) {
        for (const auto member : {&IntelScene::root_crl, &IntelScene::pck_crl}) {
            IntelScene scene;
            (scene.*member).more = {x509_extension({0x55, 0x1d, number}, true, {0x30, 0})};
            CHECK(scene.outcome() == "invalid: endorsements.form, dcap.collateral.present");
            (scene.*member).more = {x509_extension({0x55, 0x1d, number}, false, {0x30, 0})};
            CHECK(scene.outcome() == "genuine");
        }
    }
}

TEST_CASE("endorsements.signatures: a list that another key signed is refused") {
    for (const auto member : {&IntelScene::root_crl, &IntelScene::pck_crl}) {
        IntelScene scene;
        (scene.*member).signer = &intel_keys().stranger;
        CHECK(scene.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    }
    IntelScene swapped;
    swapped.pck_crl.signer = &intel_keys().root;
    CHECK(swapped.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE("endorsements.signatures: an issuer that may not sign lists signs none") {
    IntelScene scene;
    scene.ca.key_usage = 0x04;  // keyCertSign
    CHECK(scene.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE("dcap.crl: each list counts in its first and last second, not beyond") {
    for (const auto member : {&IntelScene::root_crl, &IntelScene::pck_crl}) {
        check_period(
            [&](IntelScene& scene, UnixTime from, UnixTime to) {
                (scene.*member).this_update = from;
                (scene.*member).next_update = to;
            },
            "invalid: dcap.crl");
    }
}

TEST_CASE("dcap.crl: beside a good list an old one is skipped, a damaged or early one refused") {
    for (const auto member : {&IntelScene::root_crl, &IntelScene::pck_crl}) {
        for (const bool first : {true, false}) {
            const auto beside = [&](const auto& change) {
                IntelScene scene;
                CrlFields list = scene.*member;
                change(list);
                (first ? scene.first : scene.last).push_back(list.der());
                return scene.verify();
            };
            const auto old = beside([](CrlFields& list) { list.next_update = kIntelNow - 1; });
            CHECK(summary(old) == "genuine");
            REQUIRE(old.skipped.size() == 1);
            CHECK(old.skipped[0].ends_with(": expired, and a newer one is there"));
            CHECK(summary(beside([](CrlFields& list) { list.this_update = kIntelNow + 1; })) ==
                  "invalid: dcap.crl");
            CHECK(summary(beside([](CrlFields& list) { list.signer = &intel_keys().stranger; })) ==
                  "invalid: endorsements.signatures");
        }
    }
}

TEST_CASE("dcap.revoked: PCK, its CA and the TCB signer on a list are refused") {
    IntelScene leaf;
    leaf.pck_crl.serials.push_back(leaf.leaf.serial);
    CHECK(leaf.outcome() == "invalid: dcap.revoked");
    IntelScene ca;
    ca.root_crl.serials = {ca.ca.serial};
    CHECK(ca.outcome() == "invalid: dcap.revoked");
    IntelScene signer;
    signer.root_crl.serials = {{1}, signer.tcb_signer.serial, {2}};
    CHECK(signer.outcome() == "invalid: dcap.revoked");
}

TEST_CASE("dcap.revoked: a serial number counts on the list of its issuer only") {
    IntelScene scene;
    scene.root_crl.serials = {scene.leaf.serial};
    scene.pck_crl.serials = {scene.ca.serial, scene.tcb_signer.serial};
    CHECK(scene.outcome() == "genuine");
    CHECK(passed(scene.verify(), "dcap.revoked"));
    Bytes longer = scene.leaf.serial;
    longer.push_back(0);
    scene.pck_crl.serials = {longer, Bytes(19, 0x23)};
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("dcap.revoked: of two valid lists the newer one counts, in any order") {
    const auto with = [](bool old_revokes, bool new_revokes, bool old_first) {
        IntelScene scene;
        CrlFields old = scene.pck_crl;
        old.this_update -= kDay;
        if (old_revokes) {
            old.serials = {scene.leaf.serial};
        }
        if (new_revokes) {
            scene.pck_crl.serials = {scene.leaf.serial};
        }
        (old_first ? scene.first : scene.last).push_back(old.der());
        return scene.outcome();
    };
    for (const bool old_first : {false, true}) {
        CHECK(with(false, true, old_first) == "invalid: dcap.revoked");
        CHECK(with(true, false, old_first) == "genuine");
        CHECK(with(false, false, old_first) == "genuine");
    }
}

TEST_CASE(
    "endorsements.signatures: a TCB info that was changed, or that another key signed, is "
    "refused") {
    IntelScene other;
    other.tcb_info_signer = &intel_keys().stranger;
    CHECK(other.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    for (const PrivateKey* key : {&intel_keys().root, &intel_keys().platform_ca, &intel_keys().pck,
                                  &intel_keys().attestation}) {
        other.tcb_info_signer = key;
        CHECK(other.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    }
    IntelScene changed;
    std::string text = changed.tcb_info_text();
    replace(text, "OutOfDate", "UpToDate");
    changed.given.tcb_info = false;
    changed.last = {bytes_of(text)};
    CHECK(changed.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    text = changed.tcb_info_text();
    replace(text, "\"tcbLevels\":", "\"tcbLevels\": ");  // the same value, other bytes
    changed.last = {bytes_of(text)};
    CHECK(changed.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE("endorsements.form: white space outside of the signed bytes may differ") {
    IntelScene scene;
    std::string text = scene.tcb_info_text();
    replace(text, "{\"tcbInfo\":", "\n{ \"tcbInfo\" : ");
    replace(text, ",\"signature\":", " , \"signature\"\t: ");
    scene.given.tcb_info = false;
    scene.last = {bytes_of(text + " \r\n")};
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("endorsements.form: a TCB info without its form is refused, although signed") {
    IntelScene scene;
    scene.edits.tcb_info = [](std::string& json) {
        replace(json, "\"version\":3", "\"version\":2");
    };
    CHECK(scene.outcome() == "invalid: endorsements.form, dcap.collateral.present");
    scene.edits.tcb_info = [](std::string& json) {
        replace(json, "\"version\":3", "\"version\":3,\"minimum\":1");
    };
    CHECK(scene.outcome() == "invalid: endorsements.form, dcap.collateral.present");
}

TEST_CASE("endorsements.signatures: a TCB signer of another name, or under another root, is none") {
    IntelScene name;
    name.tcb_signer.subject = kPckName;
    CHECK(name.outcome() == "unavailable: dcap.collateral.present");
    IntelScene root;
    root.tcb_signer.signer = &intel_keys().stranger;
    CHECK(root.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    IntelScene below_ca;
    below_ca.tcb_signer.issuer = kPlatformCaName;
    below_ca.tcb_signer.signer = &intel_keys().platform_ca;
    CHECK(below_ca.outcome() == "invalid: dcap.chain.root");
    IntelScene critical;
    critical.tcb_signer.more = {x509_extension({0x55, 0x1d, 0x7f}, true, {5, 0})};
    CHECK(critical.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE(
    "endorsements.signatures: a whole forged collateral under a root of the right name is "
    "refused") {
    IntelScene scene;
    scene.user_roots = scene.roots();
    CertificateFields root = scene.root;
    root.key = root.signer = &intel_keys().stranger;
    CertificateFields signer = scene.tcb_signer;
    signer.key = signer.signer = &intel_keys().stranger;
    scene.given.root = scene.given.tcb_signer = false;
    scene.tcb_info_signer = &intel_keys().stranger;
    scene.first = {root.der(), signer.der(), scene.tcb_signer.der()};
    CHECK(scene.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE("endorsements.signatures: a forged TCB info is refused also beside a good one") {
    IntelScene scene;
    IntelScene bad;
    bad.tcb_info_signer = &intel_keys().stranger;
    bad.tcb_info.levels[0].facts.status = TcbStatus::revoked;
    scene.first = {bytes_of(bad.tcb_info_text())};
    CHECK(scene.outcome() == "invalid: endorsements.signatures");
}

TEST_CASE("dcap.tcb_info.platform: FMSPC and PCEID are those of the PCK") {
    IntelScene fmspc;
    fmspc.tcb_info.fmspc[5] ^= 1;
    CHECK(fmspc.outcome() == "invalid: dcap.tcb_info.platform");
    IntelScene pce;
    pce.tcb_info.pce_id[0] ^= 1;
    CHECK(pce.outcome() == "invalid: dcap.tcb_info.platform");
    IntelScene pck;
    pck.pck.fmspc[0] ^= 1;
    CHECK(pck.outcome() == "invalid: dcap.tcb_info.platform");
    pck.first = {bytes_of(IntelScene().tcb_info_text())};
    pck.tcb_info.fmspc = pck.pck.fmspc;
    CHECK(pck.outcome() == "genuine");
}

TEST_CASE("dcap.tcb_info.dates: issueDate to nextUpdate, both included") {
    check_period(
        [](IntelScene& scene, UnixTime from, UnixTime to) {
            scene.tcb_info.issue_date = from;
            scene.tcb_info.next_update = to;
        },
        "invalid: dcap.tcb_info.dates");
}

TEST_CASE("dcap.tcb_info.dates: the signer's certificate counts in its time only") {
    check_period(
        [](IntelScene& scene, UnixTime from, UnixTime to) {
            scene.tcb_signer.not_before = from;
            scene.tcb_signer.not_after = to;
        },
        "invalid: dcap.tcb_info.dates, dcap.qe_identity.dates");
}

TEST_CASE("dcap.tcb_info.dates: of two valid documents the newer one counts, in any order") {
    const auto with = [](TcbStatus old_status, TcbStatus new_status, bool old_first) {
        IntelScene scene;
        scene.policy.intel.accepted_tcb_statuses = {TcbStatus::up_to_date};
        dcap::TcbInfo old = scene.tcb_info;
        old.issue_date -= kDay;
        old.levels[0].facts.status = old_status;
        scene.tcb_info.levels[0].facts.status = new_status;
        const Bytes file = bytes_of(
            signed_document("tcbInfo", tcb_info_json(old).canonical(), intel_keys().tcb_signer));
        (old_first ? scene.first : scene.last).push_back(file);
        return scene.outcome();
    };
    for (const bool old_first : {false, true}) {
        CHECK(with(TcbStatus::up_to_date, TcbStatus::revoked, old_first) ==
              "invalid: dcap.tcb.level");
        CHECK(with(TcbStatus::up_to_date, TcbStatus::configuration_needed, old_first) ==
              "refused: dcap.tcb.status");
        CHECK(with(TcbStatus::revoked, TcbStatus::up_to_date, old_first) == "genuine");
    }
}

TEST_CASE("dcap.tcb_info.dates: beside a good one an old one is skipped, an early one refused") {
    for (const UnixTime moved : {-100 * kDay, 100 * kDay}) {
        IntelScene scene;
        dcap::TcbInfo other = scene.tcb_info;
        other.issue_date += moved;
        other.next_update += moved;
        other.levels[0].facts.status = TcbStatus::revoked;
        const Bytes file = bytes_of(
            signed_document("tcbInfo", tcb_info_json(other).canonical(), intel_keys().tcb_signer));
        scene.first = scene.last = {file};
        CHECK(scene.outcome() == (moved < 0 ? "genuine" : "invalid: dcap.tcb_info.dates"));
        scene.given.tcb_info = false;
        CHECK(scene.outcome() == "invalid: dcap.tcb_info.dates, dcap.tcb.level");
    }
}

TEST_CASE(
    "endorsements.signatures: a QE identity that was changed, or that another key signed, is "
    "refused") {
    for (const PrivateKey* key : {&intel_keys().stranger, &intel_keys().root,
                                  &intel_keys().platform_ca, &intel_keys().pck}) {
        IntelScene scene;
        scene.qe_identity_signer = key;
        CHECK(scene.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
    }
    IntelScene changed;
    std::string text = changed.qe_identity_text();
    replace(text, "\"isvsvn\":6", "\"isvsvn\":1");
    changed.given.qe_identity = false;
    changed.last = {bytes_of(text)};
    CHECK(changed.outcome() == "invalid: endorsements.signatures, dcap.collateral.present");
}

TEST_CASE("endorsements.form: a QE identity without its form is refused, although signed") {
    IntelScene scene;
    scene.edits.qe_identity = [](std::string& json) {
        replace(json, "\"version\":2", "\"version\":3");
    };
    CHECK(scene.outcome() == "invalid: endorsements.form, dcap.collateral.present");
}

TEST_CASE("endorsements.fitting: the documents of QE and TD QE are not exchanged") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        IntelScene scene(tee, 4);
        scene.qe_identity.tee = tee == Tee::sgx ? Tee::tdx : Tee::sgx;
        CHECK(scene.outcome() == "invalid: endorsements.fitting");
    }
}

TEST_CASE("endorsements.form: a TCB info with the name of a QE identity is none") {
    IntelScene scene;
    scene.given.qe_identity = false;
    scene.last = {bytes_of(signed_document(
        "enclaveIdentity", tcb_info_json(scene.tcb_info).canonical(), intel_keys().tcb_signer))};
    CHECK(scene.outcome() == "invalid: endorsements.form, dcap.collateral.present");
}

TEST_CASE("dcap.qe_identity.dates: issueDate to nextUpdate, both included") {
    check_period(
        [](IntelScene& scene, UnixTime from, UnixTime to) {
            scene.qe_identity.issue_date = from;
            scene.qe_identity.next_update = to;
        },
        "invalid: dcap.qe_identity.dates");
}

TEST_CASE("dcap.qe_identity.dates: of two valid documents the newer one counts, in any order") {
    for (const bool old_first : {false, true}) {
        IntelScene scene;
        dcap::QeIdentity old = scene.qe_identity;
        old.issue_date -= kDay;
        old.mr_signer[0] ^= 1;
        const Bytes file = bytes_of(signed_document(
            "enclaveIdentity", qe_identity_json(old).canonical(), intel_keys().tcb_signer));
        (old_first ? scene.first : scene.last).push_back(file);
        CHECK(scene.outcome() == "genuine");
        scene.now = scene.qe_identity.issue_date - 1;
        scene.tcb_info.issue_date = scene.pck_crl.this_update = scene.now;
        CHECK(scene.outcome() == "invalid: dcap.qe_identity.dates, dcap.qe.identity");
    }
}

TEST_CASE("dcap.qe_identity.dates: a second certificate of the same signer serves an expired one") {
    IntelScene scene;
    CertificateFields renewed = scene.tcb_signer;
    scene.tcb_signer.not_after = kIntelNow - 1;
    CHECK(scene.outcome() == "invalid: dcap.tcb_info.dates, dcap.qe_identity.dates");
    scene.first = {renewed.der()};
    CHECK(scene.outcome() == "genuine");
    scene.last = std::move(scene.first);
    scene.first.clear();
    CHECK(scene.outcome() == "genuine");
}
