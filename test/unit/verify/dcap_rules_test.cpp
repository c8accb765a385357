// Rules about SGX and TDX quotes: form, nonce, chain and signatures.
#include <doctest/doctest.h>

#include "ratls/codec/pem.h"
#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using dcap::CertificationData;
using dcap::Tee;
using verify::RootKind;

namespace {

constexpr std::pair<Tee, std::uint16_t> kKinds[] = {
    {Tee::sgx, 3}, {Tee::sgx, 4}, {Tee::sgx, 5}, {Tee::tdx, 4}, {Tee::tdx, 5}};

/// A root of the same name that nobody trusts, and what hangs below it.
void forge(IntelScene& scene) {
    scene.user_roots = scene.roots();
    scene.root.key = scene.root.signer = &intel_keys().stranger;
    scene.ca.signer = scene.tcb_signer.signer = scene.root_crl.signer = &intel_keys().stranger;
}

std::string certificate_pem(const Bytes& der) {
    return pem("CERTIFICATE", der);
}

const UnixTime kFar = kIntelNow + 5000 * kDay;

}  // namespace

TEST_CASE("dcap.format: a good quote of each version and kind is genuine, never accepted") {
    for (const auto& [tee, version] : kKinds) {
        CAPTURE(version);
        const IntelScene scene(tee, version);
        const verify::VerificationResult result = scene.verify();
        CHECK(summary(result) == "genuine");
        CHECK(result.root == "user");
        CHECK(result.tcb->status == "UpToDate");
        CHECK(not_checked(result, "reference values"));
        CHECK(not_checked(result, "key binding"));
        for (const verify::Rule& rule : verify::all_rules()) {
            CAPTURE(rule.name);
            if (rule.name.starts_with("dcap.") && rule.name != "dcap.nonce" &&
                rule.name != "dcap.pck.present" && rule.name != "dcap.collateral.present") {
                CHECK(passed(result, rule.name));
            }
        }
    }
}

TEST_CASE("dcap.format: what is no quote is refused, and nothing else is said about it") {
    const IntelScene scene;
    CHECK(scene.outcome(Bytes{}) == "invalid: dcap.format");
    CHECK(scene.outcome(Bytes(5000, 0)) == "invalid: dcap.format");
    Bytes longer = scene.make_quote();
    longer.push_back(1);
    CHECK(scene.outcome(longer) == "invalid: dcap.format");
}

TEST_CASE(
    "dcap.format: a quote of SGX is none of TDX, nor the reverse, also with good collateral") {
    IntelScene sgx(Tee::sgx, 4);
    IntelScene tdx(Tee::tdx, 4);
    sgx.wanted = Tee::tdx;
    sgx.last = {bytes_of(tdx.tcb_info_text()), bytes_of(tdx.qe_identity_text())};
    CHECK(sgx.outcome() == "invalid: dcap.format");
    tdx.wanted = Tee::sgx;
    tdx.last = {bytes_of(sgx.tcb_info_text()), bytes_of(sgx.qe_identity_text())};
    CHECK(tdx.outcome() == "invalid: dcap.format");
}

TEST_CASE("dcap.format: zeros behind the quote are taken up to 8192 bytes, nothing else") {
    const IntelScene scene;
    Bytes padded = scene.make_quote();
    padded.resize(8192, 0);
    CHECK(scene.outcome(padded) == "genuine");
    padded.back() = 1;
    CHECK(scene.outcome(padded) == "invalid: dcap.format");
    padded.back() = 0;
    padded.push_back(0);
    CHECK(scene.outcome(padded) == "invalid: dcap.format");
}

TEST_CASE("dcap.nonce: report data that is not the padded nonce is refused") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        IntelScene scene(tee, 4);
        std::array<std::uint8_t, 64> data = {0xaa, 0xbb};
        (tee == Tee::tdx ? scene.quote.td->report_data : scene.quote.enclave->report_data) = data;
        CHECK(not_checked(scene.verify(), "report data"));
        const auto with = [&](const Bytes& nonce) {
            scene.nonce = nonce;
            return scene.outcome();
        };
        CHECK(with({0xaa, 0xbb}) == "genuine");
        CHECK(passed(scene.verify(), "dcap.nonce"));
        CHECK_FALSE(not_checked(scene.verify(), "report data"));
        CHECK(with({0xaa, 0xbb, 0x00}) == "genuine");
        CHECK(with({0xaa}) == "invalid: dcap.nonce");
        CHECK(with({0xaa, 0xbc}) == "invalid: dcap.nonce");
        CHECK(with(Bytes(64, 0xaa)) == "invalid: dcap.nonce");
    }
}

TEST_CASE("dcap.pck.present: a quote without certificates needs the PCK among the endorsements") {
    for (const CertificationData kind :
         {CertificationData::plain_ppid, CertificationData::ppid_rsa2048,
          CertificationData::ppid_rsa3072, CertificationData::pck_leaf}) {
        CAPTURE(static_cast<int>(kind));
        IntelScene scene;
        scene.quote.certification = kind;
        scene.quote.certification_data = Bytes(404, 0x5a);
        CHECK(scene.outcome() == "unavailable: dcap.pck.present");
        scene.given.leaf = true;
        CHECK(scene.outcome() == "genuine");
        CHECK(passed(scene.verify(), "dcap.pck.present"));
        scene.given.ca = false;
        CHECK(scene.outcome() == "invalid: dcap.chain.root");
    }
}

TEST_CASE(
    "endorsements.fitting: the PCK of another platform does not fit, beside this one's it is "
    "skipped") {
    IntelScene scene;
    scene.quote.certification = CertificationData::ppid_rsa3072;
    scene.quote.certification_data = Bytes(404, 0x5a);
    CertificateFields other = scene.leaf;
    other.key = &intel_keys().stranger;
    other.sgx_extension = encode_sgx_fields(0, sgx_fields(scene.pck));
    scene.first = {other.der()};
    CHECK(scene.outcome() == "invalid: endorsements.fitting");
    scene.last = {scene.leaf_der()};
    const verify::VerificationResult both = scene.verify();
    CHECK(summary(both) == "genuine");
    CHECK(both.skipped.size() == 1);
}

TEST_CASE("dcap.pck.present: a PCK beside a quote that carries its own changes nothing") {
    IntelScene scene;
    scene.given.leaf = true;
    CHECK(scene.outcome() == "genuine");
    scene.leaf.signer = &intel_keys().stranger;
    scene.given.leaf = false;
    scene.last = {IntelPlatform().leaf_der()};
    CHECK(scene.outcome() == "invalid: dcap.chain.signatures");
}

TEST_CASE("dcap.pck.format: the quote carries exactly PCK, CA and root") {
    IntelScene scene;
    const std::string leaf = certificate_pem(scene.leaf_der());
    const std::string ca = certificate_pem(scene.ca.der());
    const std::string root = certificate_pem(scene.root.der());
    const auto with = [&](const std::string& chain) {
        scene.edits.chain = [chain](std::string& pem) { pem = chain; };
        return scene.outcome();
    };
    CHECK(with(leaf + ca + root) == "genuine");
    CHECK(with(leaf + ca + root + std::string(1, '\0')) == "genuine");
    CHECK(with(leaf + ca + root + std::string(7, '\0')) == "genuine");
    for (const std::string& chain :
         {leaf, leaf + ca, leaf + ca + root + root, leaf + leaf + ca + root, ca + root,
          root + ca + leaf, ca + leaf + root, std::string("none"), leaf + ca + root + "\nmore text",
          "text\n" + leaf + ca + root, leaf + "text\n" + ca + root,
          leaf + ca + std::string(1, '\0') + root, leaf + ca + root.substr(0, root.size() / 2)}) {
        CAPTURE(chain);
        CHECK(with(chain) == "invalid: dcap.pck.format");
    }
}

TEST_CASE("dcap.pck.format: a PCK without a field of the profile is refused, although signed") {
    for (std::size_t left_out = 0; left_out < 7; ++left_out) {
        CAPTURE(left_out);
        IntelScene scene;
        std::vector<SgxField> fields = sgx_fields(scene.pck);
        fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(left_out));
        scene.leaf.sgx_extension = encode_sgx_fields(0, fields);
        CHECK(scene.outcome() == "invalid: dcap.pck.format");
    }
}

TEST_CASE("dcap.pck.format: PCKs of the Processor CA have five fields, those of the other seven") {
    IntelScene scene;
    scene.use_processor_ca();
    CHECK(scene.outcome() == "genuine");
    scene.pck = IntelPlatform().pck;
    CHECK(scene.outcome() == "invalid: dcap.pck.format");
    IntelScene platform;
    platform.pck.platform_instance_id.reset();
    CHECK(platform.outcome() == "invalid: dcap.pck.format");
}

TEST_CASE("dcap.chain.root: a root with the right names that nobody trusts is refused") {
    IntelScene scene;
    forge(scene);
    const verify::VerificationResult result = scene.verify();
    CHECK(summary(result) ==
          "invalid: endorsements.signatures, dcap.chain.root, dcap.collateral.present");
    CHECK(result.root.empty());
    CHECK_FALSE(result.tcb);
}

TEST_CASE("dcap.chain.root: an own PKI is not trusted unless the caller names its root") {
    IntelScene scene;
    scene.user_roots = {{RootKind::snp, certificate_of(scene.root.der())},
                        {RootKind::sgx, certificate_of(scene.root.der())},
                        {RootKind::tpm, certificate_of(scene.root.der())}};
    CHECK(scene.outcome() == "invalid: dcap.chain.root");
    scene.user_roots.push_back({RootKind::tdx, certificate_of(scene.root.der())});
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("dcap.chain.root: a root of another name is none, also if the caller names it") {
    IntelScene scene;
    for (CertificateFields* fields : {&scene.root, &scene.ca, &scene.tcb_signer}) {
        fields->issuer = "Another Root CA";
    }
    scene.root.subject = scene.root_crl.issuer = "Another Root CA";
    CHECK(scene.outcome() == "invalid: dcap.chain.root");
}

TEST_CASE("dcap.chain.root: another certificate of the trusted key counts if it is self-signed") {
    IntelScene scene;
    scene.user_roots = scene.roots();
    scene.root.not_after = kFar;
    scene.root.serial = {1};
    CHECK(scene.outcome() == "genuine");
    scene.root.signer = &intel_keys().stranger;
    CHECK(scene.outcome() == "invalid: endorsements.signatures, dcap.chain.root");
}

TEST_CASE("dcap.chain.root: the root in the quote must hold, whatever the caller was given") {
    IntelScene scene;
    scene.user_roots = scene.roots();
    const CertificateFields good = scene.root;
    const auto with = [&](const CertificateFields& carried) {
        const Bytes der = carried.der();
        scene.edits.chain = [&scene, der](std::string& chain) {
            chain = certificate_pem(scene.leaf_der()) + certificate_pem(scene.ca.der()) +
                    certificate_pem(der);
        };
        return scene.outcome();
    };
    CHECK(with(good) == "genuine");
    CertificateFields other = good;
    other.not_after = kFar;  // the trusted key says so itself
    CHECK(with(other) == "genuine");
    other.signer = &intel_keys().stranger;
    CHECK(with(other) == "invalid: dcap.chain.root");
    other.key = &intel_keys().stranger;
    CHECK(with(other) == "invalid: dcap.chain.root, dcap.chain.signatures");
    CHECK(with(scene.ca) == "invalid: dcap.chain.root, dcap.chain.signatures");
}

TEST_CASE("dcap.chain.root: quote and collateral must rest on one root") {
    IntelScene scene;
    scene.user_roots = scene.roots();
    IntelScene second;
    forge(second);
    scene.user_roots.push_back({RootKind::tdx, certificate_of(second.root.der())});
    scene.given.tcb_info = scene.given.tcb_signer = false;
    second.tcb_signer.key = &intel_keys().processor_ca;
    second.tcb_info_signer = &intel_keys().processor_ca;
    scene.first = {second.tcb_signer.der(), bytes_of(second.tcb_info_text())};
    scene.last = {scene.tcb_signer.der()};
    CHECK(scene.outcome() == "invalid: dcap.chain.root");
}

TEST_CASE("dcap.chain.signatures: each certificate is signed by the next") {
    for (const auto member : {&IntelScene::leaf, &IntelScene::ca}) {
        IntelScene scene;
        (scene.*member).signer = &intel_keys().stranger;
        scene.given.ca = false;  // the quote has it
        CHECK(scene.outcome() == "invalid: dcap.chain.signatures");
    }
}

TEST_CASE("dcap.chain.signatures: issuer names fit, and the CA is one that Intel has") {
    IntelScene leaf;
    leaf.leaf.issuer = kProcessorCaName;
    leaf.pck = [] {
        IntelPlatform out;
        out.use_processor_ca();
        return out.pck;
    }();
    CHECK(leaf.outcome() == "invalid: dcap.chain.signatures");
    IntelScene ca;
    ca.ca.issuer = "Intel SGX Root CB";
    ca.given.ca = false;
    CHECK(ca.outcome() == "invalid: dcap.chain.signatures");
    IntelScene other;
    other.ca.subject = other.leaf.issuer = other.pck_crl.issuer = "Intel SGX PCK CA";
    other.pck.platform_instance_id.reset();
    CHECK(other.outcome() == "invalid: dcap.chain.signatures");
}

TEST_CASE("dcap.chain.signatures: only CAs sign, no deeper than they may, and a PCK is none") {
    IntelScene no_ca;
    no_ca.ca.is_ca = false;
    CHECK(no_ca.outcome() == "invalid: dcap.chain.signatures");
    IntelScene usage;
    usage.ca.key_usage = 0x02;  // cRLSign
    CHECK(usage.outcome() == "invalid: dcap.chain.signatures");
    IntelScene depth;
    depth.root.path_length = 0;
    depth.given.ca = false;
    CHECK(depth.outcome() == "invalid: dcap.chain.signatures");
    IntelScene pck_ca;
    pck_ca.leaf.is_ca = true;
    CHECK(pck_ca.outcome() == "invalid: dcap.chain.signatures");
    IntelScene unlimited;
    unlimited.root.path_length = unlimited.ca.path_length = -1;
    CHECK(unlimited.outcome() == "genuine");
}

TEST_CASE("dcap.chain.signatures: a critical extension that nobody knows is refused") {
    const Bytes unknown = x509_extension({0x55, 0x1d, 0x7f}, true, {5, 0});
    for (const auto member : {&IntelScene::leaf, &IntelScene::ca}) {
        IntelScene scene;
        scene.given.ca = false;
        (scene.*member).more = {unknown};
        CHECK(scene.outcome() == "invalid: dcap.chain.signatures");
        (scene.*member).more = {x509_extension({0x55, 0x1d, 0x7f}, false, {5, 0})};
        CHECK(scene.outcome() == "genuine");
    }
}

TEST_CASE("dcap.chain.dates: each certificate counts in its first and last second, not beyond") {
    for (const auto member : {&IntelScene::leaf, &IntelScene::ca, &IntelScene::root}) {
        IntelScene scene;
        (scene.*member).not_before = kIntelNow;
        CHECK(scene.outcome() == "genuine");
        (scene.*member).not_before = kIntelNow + 1;
        CHECK(scene.outcome().starts_with("invalid: dcap.chain.dates"));
        (scene.*member).not_before = kIntelNow - kDay;
        (scene.*member).not_after = kIntelNow;
        CHECK(scene.outcome() == "genuine");
        (scene.*member).not_after = kIntelNow - 1;
        CHECK(scene.outcome().starts_with("invalid: dcap.chain.dates"));
    }
}

TEST_CASE("dcap.chain.dates: the root that the caller names has dates too") {
    IntelScene scene;
    scene.root.not_after = kIntelNow - 1;
    CHECK(scene.outcome() ==
          "invalid: dcap.chain.dates, dcap.tcb_info.dates, dcap.qe_identity.dates");
}

TEST_CASE("dcap.qe.signature: the QE report is signed by the PCK in the quote") {
    for (const auto& [tee, version] : kKinds) {
        IntelScene scene(tee, version);
        scene.qe_report_signer = &intel_keys().stranger;
        CHECK(scene.outcome() == "invalid: dcap.qe.signature");
    }
    IntelScene other;
    other.leaf.key = &intel_keys().stranger;
    CHECK(other.outcome() == "invalid: dcap.qe.signature");
}

TEST_CASE("dcap.qe.binding: the QE report names the attestation key and the data beside it") {
    IntelScene zero;
    zero.edits.qe_report = [](Bytes& report) { std::fill(report.end() - 64, report.end(), 0); };
    CHECK(zero.outcome() == "invalid: dcap.qe.binding");
    for (const std::size_t at : {0U, 31U, 32U, 63U}) {
        CAPTURE(at);
        IntelScene scene;
        scene.edits.qe_report = [at](Bytes& report) { report[report.size() - 64 + at] ^= 1; };
        CHECK(scene.outcome() == "invalid: dcap.qe.binding");
    }
}

TEST_CASE("dcap.qe.binding: authentication data is bound, of any length") {
    for (const std::size_t size : {0U, 1U, 32U, 1000U}) {
        CAPTURE(size);
        IntelScene scene;
        scene.quote.qe_auth_data = Bytes(size, 0x77);
        CHECK(scene.outcome() == "genuine");
    }
    IntelScene changed;
    const std::size_t auth_at = quote_start(changed.quote).size() + 4 + 128 + 6 + 384 + 64 + 2;
    changed.edits.quote = [auth_at](Bytes& quote) { quote[auth_at] ^= 1; };
    CHECK(changed.outcome() == "invalid: dcap.qe.binding");
}

TEST_CASE("dcap.qe.binding: another attestation key that signs the quote itself is refused") {
    IntelScene scene;
    scene.quote_signer = &intel_keys().stranger;
    const std::size_t key_at = quote_start(scene.quote).size() + 4 + 64;
    scene.edits.quote = [key_at](Bytes& quote) {
        const Bytes& spki = intel_keys().stranger.public_key().spki();
        std::copy(spki.end() - 64, spki.end(), quote.begin() + static_cast<std::ptrdiff_t>(key_at));
    };
    CHECK(scene.outcome() == "invalid: dcap.qe.binding");
}

TEST_CASE("dcap.qe.identity: the QE is the one of Intel's document, in each field") {
    const auto with = [](const std::function<void(dcap::EnclaveReport&)>& change) {
        IntelScene scene;
        change(scene.quote.qe_report);
        return scene.outcome();
    };
    using Report = dcap::EnclaveReport;
    constexpr std::string_view kRefused = "invalid: dcap.qe.identity";
    CHECK(with([](Report& report) { report.mr_signer[0] ^= 1; }) == kRefused);
    CHECK(with([](Report& report) { report.mr_signer[31] ^= 0x80; }) == kRefused);
    CHECK(with([](Report& report) { report.isv_prod_id = 1; }) == kRefused);
    CHECK(with([](Report& report) { report.isv_prod_id = 0x0102; }) == kRefused);
    CHECK(with([](Report& report) { report.misc_select = 1; }) == kRefused);
    CHECK(with([](Report& report) { report.misc_select = 0x80000000; }) == kRefused);
    CHECK(with([](Report& report) { report.attributes[0] |= 2; }) == kRefused);  // DEBUG
    CHECK(with([](Report& report) { report.attributes[0] ^= 0x10; }) == kRefused);
    CHECK(with([](Report& report) { report.attributes[7] = 1; }) == kRefused);
    // Not in the mask: MODE64BIT, XFRM.
    CHECK(with([](Report& report) { report.attributes[0] |= 4; }) == "genuine");
    CHECK(with([](Report& report) { report.attributes[8] = 3; }) == "genuine");
    CHECK(with([](Report& report) { report.attributes[15] = 0xff; }) == "genuine");
    CHECK(with([](Report& report) { report.mr_enclave[0] ^= 1; }) == "genuine");
    CHECK(with([](Report& report) { report.cpu_svn[0] ^= 1; }) == "genuine");
}

TEST_CASE("dcap.qe.identity: a bit that the mask leaves out may differ on both sides") {
    IntelScene scene;
    scene.qe_identity.misc_select = 0xffff0001;
    scene.qe_identity.misc_select_mask = 0x0000ffff;
    scene.quote.qe_report.misc_select = 0x12340001;
    CHECK(scene.outcome() == "genuine");
    scene.quote.qe_report.misc_select = 0x12348001;
    CHECK(scene.outcome() == "invalid: dcap.qe.identity");
    scene.quote.qe_report.misc_select = 1;
    scene.qe_identity.attributes[15] = 0xff;
    CHECK(scene.outcome() == "genuine");
    scene.qe_identity.attributes_mask[15] = 0x80;
    CHECK(scene.outcome() == "invalid: dcap.qe.identity");
}

TEST_CASE("dcap.signature: header and body are signed by the attestation key") {
    for (const auto& [tee, version] : kKinds) {
        CAPTURE(version);
        IntelScene scene(tee, version);
        scene.quote_signer = &intel_keys().stranger;
        CHECK(scene.outcome() == "invalid: dcap.signature");
        scene.quote_signer = &intel_keys().attestation;
        for (const std::size_t at :
             {std::size_t{8}, std::size_t{47}, quote_start(scene.quote).size() - 1}) {
            scene.edits.quote = [at](Bytes& quote) { quote[at] ^= 1; };
            CHECK(scene.outcome() == "invalid: dcap.signature");
        }
    }
}

TEST_CASE(
    "dcap.signature: numbers that are no signature, and points that are no key, are refused") {
    IntelScene scene;
    const std::size_t signature_at = quote_start(scene.quote).size() + 4;
    const auto with = [&](std::size_t from, std::size_t count, std::uint8_t value) {
        scene.edits.quote = [=](Bytes& quote) {
            std::fill_n(quote.begin() + static_cast<std::ptrdiff_t>(from), count, value);
        };
        return scene.outcome();
    };
    CHECK(with(signature_at, 32, 0) == "invalid: dcap.signature");       // r
    CHECK(with(signature_at + 32, 32, 0) == "invalid: dcap.signature");  // s
    CHECK(with(signature_at, 64, 0xff) == "invalid: dcap.signature");
    CHECK(with(signature_at + 64, 64, 0) == "invalid: dcap.qe.binding, dcap.signature");
    CHECK(with(signature_at + 64, 64, 0xff) == "invalid: dcap.qe.binding, dcap.signature");
}
