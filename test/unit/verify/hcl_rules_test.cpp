// Rules about the paravisor of Azure, in a certificate and by itself.
#include <doctest/doctest.h>

#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/hcl/report.h"
#include "test/support/rsa_key.h"
#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

const Bytes kNonce(20, 0x4e);

std::string base64url(ByteView bytes) {
    std::string out = base64(bytes);
    while (out.ends_with('=')) {
        out.pop_back();
    }
    for (char& c : out) {
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return out;
}

/// The scene's VM behind a paravisor: the claims are bound by the TPM's quote alone.
class HclScene : public Scene {
  public:
    HclScene() {
        json = R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" +
               base64url(rsa.modulus()) + R"("}],"vm-configuration":{"secure-boot":true},)" +
               R"("user-data":")" + hex(Bytes(64, 0x77)) + R"("})";
        ak_public = rsa.ak_public();
        Writer encoded;
        const Bytes ak_name = encoded.u16_be(0x000b).bytes(sha256(ak_public)).take();
        edits.claims = [ak_name](cert::Claims& claims) { claims.ak_name = ak_name; };
        edits.report = [this](Bytes& report) { put_report_data(report); };
        edits.collection = [this](cert::Collection& collection) { add_paravisor(collection); };
        snapshot->snp->measurements[0].covers = {"firmware"};
        snapshot->snp->measurements[0].tag = "paravisor";
    }

    void put_report_data(Bytes& report) const {
        const Sha256Digest digest = sha256(as_bytes(json));
        std::fill_n(report.begin() + 0x50, 64, 0);
        std::ranges::copy(digest, report.begin() + 0x50);
        if (edit_report) {
            edit_report(report);
        }
    }

    Bytes report_around(ByteView hardware, std::uint32_t type = 2) const {
        Writer out;
        const auto size = static_cast<std::uint32_t>(json.size());
        out.bytes(as_bytes("HCLA")).u32_le(2).u32_le(32 + 1184 + 20 + size).u32_le(2).u32_le(0);
        out.zeros(12).bytes(hardware).u32_le(20 + size).u32_le(1).u32_le(type).u32_le(1);
        return out.u32_le(size).bytes(as_bytes(json)).zeros(30).take();
    }

    Bytes sign(ByteView attest) const {
        Writer out;
        const Bytes signature = rsa.sign(attest);
        return out.u16_be(0x0014).u16_be(0x000b).u16_be(256).bytes(signature).take();
    }

    void add_paravisor(cert::Collection& collection) const {
        collection.tpm->ak_public = ak_public;
        collection.tpm->signature = sign(collection.tpm->attest);
        collection.hcl_report = report_around(collection.tee->evidence);
        if (edit_collection) {
            edit_collection(collection);
        }
    }

    /// What Azure has on disk: report, quote over all PCRs, values.
    RawHcl raw() {
        RawHcl out;
        Bytes hardware = tee.report({});
        put_report_data(hardware);
        sign_report(hardware);
        out.report = report_around(hardware);
        const RawTpm quote = raw_quote({{HashAlg::sha256, 0xffffff}}, kNonce);
        out.quote = RawHcl::Quote{quote.attest, rsa.sign(quote.attest), quote.pcrs};
        return out;
    }

    VerificationResult verify_raw(const RawHcl& evidence, std::optional<Bytes> nonce = kNonce) {
        endorsements = {};
        for (const std::optional<Bytes>& document : {vek, ask, crl}) {
            endorsements.add_file("endorsement", document.value_or(Bytes()));
        }
        return verify_raw_hcl(evidence, {policy, endorsements, user_roots, now, std::move(nonce)});
    }

    RsaKey rsa;
    std::string json;
    Bytes ak_public;
    std::function<void(Bytes& report)> edit_report;  ///< before it is signed
    std::function<void(cert::Collection&)> edit_collection;
};

/// The same behind a paravisor that is itself in a trust domain.
class TdxHclScene : public HclScene {
  public:
    TdxHclScene() {
        use_tdx(*this, intel);
        edits.report = {};
        tdx_quote = [this](const std::array<std::uint8_t, 64>& /*report_data*/) {
            intel.quote.td->report_data = {};
            std::ranges::copy(sha256(as_bytes(json)), intel.quote.td->report_data.begin());
            return intel.make_quote();
        };
        edit_collection = [this](cert::Collection& collection) {
            Writer td_report;
            td_report.zeros(hcl::kTdReportDataOffset).bytes(intel.quote.td->report_data);
            td_report.zeros(hcl::kHardwareReportSize - td_report.view().size());
            collection.hcl_report = report_around(td_report.view(), kTdxReportType);
        };
        snapshot->tdx->measurements[0].tag = "paravisor";
    }

    static constexpr std::uint32_t kTdxReportType = 4;
    IntelScene intel;
};

}  // namespace

TEST_CASE("hcl.reference: of a trust domain only an MRTD with the tag is a paravisor's") {
    TdxHclScene scene;
    const VerificationResult good = scene.verify();
    CHECK(summary(good) == "accepted");
    CHECK(good.tpm.name == "hcl");
    CHECK(good.tpm.excludes_host);
    CHECK(good.tpm.excludes_guest_root);
    scene.snapshot->tdx->measurements[0].tag = "";
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: hcl.reference, tpm.class");
    CHECK_FALSE(result.tpm.excludes_host);
    CHECK_FALSE(result.tpm.excludes_guest_root);
    // A paravisor in the same snapshot does not lend its tag.
    scene.snapshot->tdx->measurements.push_back({Bytes(48, 0x4e), {"firmware"}, "paravisor"});
    CHECK(summary(scene.verify()) == "refused: hcl.reference, tpm.class");
}

TEST_CASE("hcl.reference: a paravisor with its reference value excludes host and guest root") {
    HclScene scene;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.tpm.name == "hcl");
    CHECK(result.tpm.excludes_host);
    CHECK(result.tpm.excludes_guest_root);
    CHECK(not_checked(result, "claims by the TEE"));
    CHECK(passed(result, "hcl.binding"));
    CHECK(passed(result, "hcl.ak"));
}

TEST_CASE("hcl.reference: without the tag, or at another VMPL than 0, it is refused") {
    HclScene scene;
    scene.snapshot->snp->measurements[0].tag = "";
    VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: hcl.reference, tpm.class");
    CHECK_FALSE(result.tpm.excludes_host);
    // A launch with kernel hashes is what a guest has, not a paravisor.
    scene.snapshot->snp->measurements[0].covers = {"firmware", "kernel", "initrd", "cmdline"};
    CHECK(summary(scene.verify()) == "refused: hcl.reference, tpm.class");

    HclScene lower;
    lower.policy.snp.vmpl = {0, 1};
    lower.tee.fields.vmpl = 1;
    CHECK(summary(lower.verify()) == "refused: hcl.reference, tpm.class");
}

TEST_CASE("hcl.reference: the id key of a paravisor stands for a measurement that is not known") {
    HclScene scene;
    scene.tee.fields.measurement.fill(0x4e);
    scene.tee.fields.id_key_digest.fill(0x0d);
    CHECK(summary(scene.verify()) == "refused: snp.measurement, hcl.reference, tpm.class");
    auto& keys = scene.snapshot->snp->paravisor_id_key_digests;
    keys = {Bytes(48, 0x0c)};
    CHECK(summary(scene.verify()) == "refused: snp.measurement, hcl.reference, tpm.class");
    keys.push_back(Bytes(48, 0x0d));
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.tpm.name == "hcl");
    CHECK(result.tpm.excludes_host);
    scene.tee.fields.vmpl = 1;
    scene.policy.snp.vmpl = {0, 1};
    CHECK(summary(scene.verify()) == "refused: hcl.reference, tpm.class");
}

TEST_CASE("hcl.reference: a guest without a paravisor's report is none, whoever launched it") {
    Scene scene;
    scene.tee.fields.id_key_digest.fill(0x0d);
    scene.snapshot->snp->paravisor_id_key_digests = {Bytes(48, 0x0d)};
    scene.snapshot->snp->measurements[0].covers = {"firmware"};
    CHECK(summary(scene.verify()) == "refused: tpm.class");
    scene.tee.fields.measurement.fill(0x4e);
    CHECK(summary(scene.verify()) == "refused: snp.measurement, tpm.class");
}

TEST_CASE("hcl.reference: a trusted provider's TPM is no way around it") {
    HclScene scene;
    scene.policy.tpm.provider_trusted = true;
    scene.snapshot->snp->measurements[0].tag = "";
    CHECK(summary(scene.verify()) == "refused: hcl.reference, tpm.class");
}

TEST_CASE("hcl.reference: without PCR values nothing says what the paravisor started") {
    HclScene scene;
    scene.snapshot->pcrs.reset();
    scene.snapshot->ima.reset();
    CHECK(summary(scene.verify()) == "refused: tpm.class");
}

TEST_CASE("hcl.reference: the tag without a paravisor's report does not measure a boot") {
    Scene scene;
    scene.snapshot->snp->measurements[0].covers = {"firmware"};
    scene.snapshot->snp->measurements[0].tag = "paravisor";
    CHECK(summary(scene.verify()) == "refused: tpm.class");
}

TEST_CASE("hcl.binding: runtime data that the hardware report does not hash are refused") {
    HclScene scene;
    scene.edit_report = [](Bytes& report) { report[0x50] ^= 1; };
    CHECK(summary(scene.verify()) == "invalid: hcl.binding");
    scene.edit_report = [](Bytes& report) { report[0x50 + 63] = 1; };  // not zero behind the hash
    CHECK(summary(scene.verify()) == "invalid: hcl.binding");
    CHECK(summary(scene.verify_raw(scene.raw())) == "invalid: hcl.binding");
}

TEST_CASE("hcl.binding: claims in the report data do not count beside a paravisor's report") {
    // The direct binding with a label 8 that belongs to nothing.
    HclScene scene;
    scene.edits.report = {};
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "invalid: hcl.binding");
}

TEST_CASE("hcl.hardware_report: another report in label 2 than in label 8 is refused") {
    HclScene scene;
    scene.edit_collection = [&](cert::Collection& collection) {
        Bytes other = collection.tee->evidence;
        other[0x90] ^= 1;
        scene.sign_report(other);
        collection.hcl_report = scene.report_around(other);
    };
    CHECK(summary(scene.verify()) == "invalid: hcl.hardware_report");
    HclScene none;
    none.edit_collection = [](cert::Collection& collection) { collection.tee.reset(); };
    CHECK(none.verify().findings.has("hcl.hardware_report", Verdict::fail));
}

TEST_CASE("hcl.hardware_report: without label 8 the inverted binding is no binding") {
    HclScene scene;
    scene.edit_collection = [](cert::Collection& collection) { collection.hcl_report.reset(); };
    CHECK(summary(scene.verify()) == "invalid: cert.report_data, tpm.class");
}

TEST_CASE("hcl.ak: a quote by another key than the paravisor's is refused") {
    HclScene scene;
    const RsaKey other;
    HclScene stranger;
    scene.edit_collection = [&](cert::Collection& collection) {
        collection.tpm->ak_public = stranger.ak_public;
        collection.tpm->signature = stranger.sign(collection.tpm->attest);
    };
    CHECK(summary(scene.verify()) == "invalid: hcl.ak, cert.ak_name");
    HclScene raw_scene;
    RawHcl raw = raw_scene.raw();
    raw.quote->signature = other.sign(raw.quote->attest);
    CHECK(summary(raw_scene.verify_raw(raw)) == "invalid: tpm.signature");
}

TEST_CASE("hcl.ak: a paravisor's report without a TPM quote is refused") {
    HclScene scene;
    scene.has_tpm = false;
    scene.edits.claims = {};
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.hcl_report = scene.report_around(collection.tee->evidence);
    };
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("hcl.ak", Verdict::fail));
}

TEST_CASE("hcl.format: raw evidence of a paravisor is genuine, and never accepted") {
    HclScene scene;
    const VerificationResult result = scene.verify_raw(scene.raw());
    CHECK(summary(result) == "genuine");
    CHECK(result.tpm.name == "none");
    CHECK_FALSE(result.tpm.excludes_host);
    CHECK(passed(result, "tpm.pcr_digest"));
    CHECK(not_checked(result, "reference values"));
    CHECK(not_checked(result, "AK attributes"));
    RawHcl without = scene.raw();
    without.quote.reset();
    CHECK(not_checked(scene.verify_raw(without, std::nullopt), "TPM quote"));
}

TEST_CASE("hcl.format: every truncation, and every size that does not fit, is refused") {
    HclScene scene;
    const RawHcl good = scene.raw();
    const std::size_t used = good.report.size() - 30;  // without the padding
    for (std::size_t size = 0; size < used; size += size < 40 || size > 1210 ? 1 : 97) {
        RawHcl cut = good;
        cut.report.resize(size);
        REQUIRE(summary(scene.verify_raw(cut)) == "invalid: hcl.format");
    }
    for (const std::size_t at :
         {0U, 4U, 8U, 12U, 16U, 20U, 0x4c0U, 0x4c4U, 0x4c8U, 0x4ccU, 0x4d0U}) {
        CAPTURE(at);
        for (const std::uint8_t byte : {std::uint8_t{0xff}, std::uint8_t{0x55}}) {
            RawHcl wrong = good;
            wrong.report[at] = byte;
            CHECK(scene.verify_raw(wrong).outcome == Outcome::invalid);
        }
    }
    RawHcl trailing = good;
    trailing.report.back() = 1;
    CHECK(summary(scene.verify_raw(trailing)) == "invalid: hcl.format");
}

TEST_CASE("hcl.format: runtime data without one RSA key HCLAkPub are refused") {
    const auto with = [](const std::function<void(std::string&)>& edit) {
        HclScene scene;
        edit(scene.json);
        return summary(scene.verify_raw(scene.raw()));
    };
    const auto swap = [](std::string from, std::string to) {
        return [from = std::move(from), to = std::move(to)](std::string& json) {
            json.replace(json.find(from), from.size(), to);
        };
    };
    CHECK(with([](std::string&) {}) == "genuine");
    CHECK(with(swap("HCLAkPub", "HCLEkPub")) == "invalid: hcl.format");
    CHECK(with(swap("\"RSA\"", "\"EC\"")) == "invalid: hcl.format");
    CHECK(with(swap("AQAB", "AQ==")) == "invalid: hcl.format");
    CHECK(with(swap("AQAB", "Ag")) == "invalid: hcl.format");
    CHECK(with(swap("{\"keys\"", "{\"keys\":[],\"keys\"")) == "invalid: hcl.format");
    CHECK(with([](std::string& json) { json += " x"; }) == "invalid: hcl.format");
    CHECK(with(swap("77\"}", "7\"}")) == "invalid: hcl.format");
    CHECK(with([](std::string& json) {
              const std::size_t end = json.find("}]") + 1;
              json.insert(end, "," + json.substr(9, end - 9));
          }) == "invalid: hcl.format");
}

TEST_CASE("hcl.nonce: without a quote it is what the guest had written into the runtime data") {
    HclScene scene;
    RawHcl raw = scene.raw();
    raw.quote.reset();
    CHECK(summary(scene.verify_raw(raw, Bytes(64, 0x77))) == "genuine");
    CHECK(summary(scene.verify_raw(raw, Bytes(63, 0x77))) == "invalid: hcl.nonce");
    scene.json.replace(scene.json.find("user-data"), 9, "other-dat");
    raw = scene.raw();
    raw.quote.reset();
    CHECK(summary(scene.verify_raw(raw, Bytes(64, 0x77))) == "invalid: hcl.nonce");
}

TEST_CASE("hcl.td_quote: a report of a trust domain needs the quote of it") {
    HclScene scene;
    Bytes td_report(1184);
    const Sha256Digest digest = sha256(as_bytes(scene.json));
    std::ranges::copy(digest, td_report.begin() + 128);
    RawHcl raw;
    raw.report = scene.report_around(td_report, 4);
    CHECK(summary(scene.verify_raw(raw, std::nullopt)) == "unavailable: hcl.td_quote");
    raw.td_quote = Bytes(100);
    CHECK(scene.verify_raw(raw, std::nullopt).outcome == Outcome::invalid);
    td_report[1100] = 1;  // behind a TDREPORT
    raw.report = scene.report_around(td_report, 4);
    CHECK(summary(scene.verify_raw(raw, std::nullopt)) == "invalid: hcl.format");
}
