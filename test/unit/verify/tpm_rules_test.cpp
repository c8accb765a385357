// Rules about TPM quotes and the boot log, in a certificate and by themselves.
#include <doctest/doctest.h>

#include <algorithm>

#include "ratls/base/writer.h"
#include "ratls/codec/der.h"
#include "test/support/rsa_key.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

const Bytes kNonce(20, 0x4e);

/// A quote of the scene's TPM over PCR 0 to 10, as evidence of its own.
RawTpm raw_of(Scene& scene, std::uint32_t mask = 0x7ff, HashAlg bank = HashAlg::sha256) {
    return scene.raw_quote({{bank, mask}}, kNonce);
}

/// The scene's evidence with a quote over this selection.
void quote_other_pcrs(Scene& scene, std::vector<tpm::PcrSelection> selection) {
    scene.edits.collection = [&scene, selection](cert::Collection& collection) {
        const SignedQuote quote =
            scene.tpm
                .quote(cert::qualifying_data(collection.claims_buffer, collection.tee->evidence),
                       selection)
                .value();
        collection.tpm->attest = quote.attest;
        collection.tpm->signature = quote.signature;
    };
}

}  // namespace

TEST_CASE(
    "tpm.quote.format: an attestation that is no quote is refused, also with a good signature") {
    Scene scene;
    scene.has_boot_log = false;
    scene.edits.attest = [](Bytes& attest) { attest[5] = 0x17; };  // TPM_ST_ATTEST_CERTIFY
    CHECK(summary(scene.verify()) == "invalid: tpm.quote.format");
    scene.edits.attest = [](Bytes& attest) { attest[0] = 0; };  // not TPM_GENERATED
    CHECK(summary(scene.verify()) == "invalid: tpm.quote.format");
    scene.edits.attest = [](Bytes& attest) { attest.push_back(0); };
    CHECK(summary(scene.verify()) == "invalid: tpm.quote.format");
}

TEST_CASE("tpm.quote.format: every truncation of quote, signature and AK is refused") {
    Scene scene;
    const RawTpm good = raw_of(scene);
    REQUIRE(summary(scene.verify_quote(good, kNonce)) == "genuine");
    for (Bytes RawTpm::* part : {&RawTpm::attest, &RawTpm::signature, &RawTpm::ak}) {
        for (std::size_t size = part == &RawTpm::ak ? 1 : 0; size < (good.*part).size(); ++size) {
            RawTpm raw = good;
            (raw.*part).resize(size);
            REQUIRE(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.quote.format");
        }
    }
}

TEST_CASE("tpm.ak.present: without the AK nothing can be said") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    raw.ak.clear();
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "unavailable: tpm.ak.present");
}

TEST_CASE("tpm.ak.attributes: each attribute of an AK is needed, each wrong one refused") {
    constexpr std::uint32_t kGood = 0x00050072;
    const auto with = [](std::uint32_t attributes) {
        Scene scene;
        scene.has_boot_log = false;
        scene.tpm.attributes = attributes;
        return summary(scene.verify());
    };
    CHECK(with(kGood) == "accepted");
    for (const std::uint32_t needed : {tpm::attribute::kFixedTpm, tpm::attribute::kFixedParent,
                                       tpm::attribute::kSensitiveDataOrigin,
                                       tpm::attribute::kRestricted, tpm::attribute::kSign}) {
        CAPTURE(needed);
        CHECK(with(kGood & ~needed) == "invalid: tpm.ak.attributes");
    }
    CHECK(with(kGood | tpm::attribute::kDecrypt) == "invalid: tpm.ak.attributes");
    CHECK(with(kGood | tpm::attribute::kEncryptedDuplication) == "invalid: tpm.ak.attributes");
}

TEST_CASE("tpm.ak.attributes: scheme and hash of the signature are those of the key") {
    constexpr std::size_t kEccSchemeHash =
        15;  // low byte: TPMT_PUBLIC of an ECC key without policy
    constexpr std::size_t kRsaScheme = 13;
    Scene scene;
    RawTpm raw = raw_of(scene);
    REQUIRE(raw.ak[kEccSchemeHash] == tpm::kSha256);
    REQUIRE(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    raw.ak[kEccSchemeHash] = tpm::kSha384;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.ak.attributes");

    const RsaKey rsa;
    RawTpm with_rsa = raw_of(scene);
    with_rsa.ak = rsa.ak_public();
    // With its scheme: of a bare signature nothing says it but the key.
    with_rsa.signature = Writer()
                             .u16_be(tpm::kRsassa)
                             .u16_be(tpm::kSha256)
                             .u16_be(256)
                             .bytes(rsa.sign(with_rsa.attest))
                             .take();
    REQUIRE(with_rsa.ak[kRsaScheme] == tpm::kRsassa);
    REQUIRE(summary(scene.verify_quote(with_rsa, kNonce)) == "genuine");
    with_rsa.ak[kRsaScheme] = tpm::kRsapss;
    CHECK(summary(scene.verify_quote(with_rsa, kNonce)) == "invalid: tpm.ak.attributes");
}

TEST_CASE("tpm.ak.attributes: a bare key has none, and the result says so") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    raw.ak = scene.ak.public_key().spki();
    const VerificationResult result = scene.verify_quote(raw, kNonce);
    CHECK(summary(result) == "genuine");
    CHECK(not_checked(result, "AK attributes"));
    raw.ak = Writer().u16_be(static_cast<std::uint16_t>(raw_of(scene).ak.size())).take();
    append(raw.ak, raw_of(scene).ak);  // TPM2B_PUBLIC
    CHECK(passed(scene.verify_quote(raw, kNonce), "tpm.ak.attributes"));
}

TEST_CASE("tpm.signature: one changed bit of the quote is refused") {
    Scene scene;
    const RawTpm good = raw_of(scene);
    for (const std::size_t at : {std::size_t{10}, good.attest.size() - 1}) {
        RawTpm raw = good;
        raw.pcrs.reset();
        raw.attest[at] ^= 1;
        CAPTURE(at);
        const VerificationResult result = scene.verify_quote(raw, kNonce);
        CHECK(result.outcome == Outcome::invalid);
        CHECK(result.findings.has("tpm.signature", Verdict::fail));
    }
}

TEST_CASE("tpm.signature: a quote that another key signed is refused") {
    Scene scene;
    Scene other;
    RawTpm raw = raw_of(scene);
    raw.signature = other.sign_attest(raw.attest);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.signature");
    scene.has_boot_log = false;
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.tpm->signature = other.sign_attest(collection.tpm->attest);
    };
    CHECK(summary(scene.verify()) == "invalid: tpm.signature");
}

TEST_CASE("tpm.nonce: extraData must be the nonce exactly") {
    Scene scene;
    const RawTpm raw = raw_of(scene);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    Bytes wrong = kNonce;
    wrong.back() ^= 1;
    CHECK(summary(scene.verify_quote(raw, wrong)) == "invalid: tpm.nonce");
    wrong = kNonce;
    wrong.push_back(0);
    CHECK(summary(scene.verify_quote(raw, wrong)) == "invalid: tpm.nonce");
    wrong.resize(kNonce.size() - 1);
    CHECK(summary(scene.verify_quote(raw, wrong)) == "invalid: tpm.nonce");
    const VerificationResult none = scene.verify_quote(raw);
    CHECK(summary(none) == "genuine");
    CHECK(not_checked(none, "extraData"));
}

TEST_CASE("tpm.selection: fewer, more or other PCRs than claimed are refused") {
    for (const std::uint32_t mask : {0x7fffU, 0x1ffffU, 0xfffeU | 0x10000U}) {
        CAPTURE(mask);
        Scene scene;
        quote_other_pcrs(scene, {{HashAlg::sha256, mask}});
        const VerificationResult result = scene.verify();
        CHECK(result.outcome == Outcome::invalid);
        CHECK(result.findings.has("tpm.selection", Verdict::fail));
        CHECK(passed(result, "tpm.signature"));
        CHECK(passed(result, "cert.qualifying_data"));
    }
}

TEST_CASE("tpm.selection: another bank, or a second one, is refused") {
    for (const std::vector<tpm::PcrSelection>& selection :
         {std::vector<tpm::PcrSelection>{{HashAlg::sha1, 0xffff}},
          std::vector<tpm::PcrSelection>{{HashAlg::sha1, 0xffff}, {HashAlg::sha256, 0xffff}}}) {
        Scene scene;
        quote_other_pcrs(scene, selection);
        const VerificationResult result = scene.verify();
        CHECK(result.outcome == Outcome::invalid);
        CHECK(result.findings.has("tpm.selection", Verdict::fail));
    }
}

TEST_CASE("tpm.selection: an empty selection proves nothing and is refused") {
    Scene scene;
    scene.edits.attest = [](Bytes& attest) {
        std::fill_n(attest.begin() + kAttestSelect, 3, std::uint8_t{0});
    };
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("tpm.selection", Verdict::fail));
}

TEST_CASE("tpm.required_pcrs: a required PCR that is not quoted is refused") {
    Scene scene;
    scene.policy.tpm.required_pcrs = (1U << 7) | (1U << 10);
    CHECK(summary(scene.verify_quote(raw_of(scene), kNonce)) == "genuine");
    CHECK(summary(scene.verify_quote(raw_of(scene, 0x3ff), kNonce)) ==
          "refused: tpm.required_pcrs");
}

TEST_CASE("tpm.required_pcrs: a certificate whose quote lacks a required PCR is refused") {
    Scene scene;
    scene.policy.tpm.required_pcrs = 1U << 15;
    CHECK(summary(scene.verify()) == "accepted");
    scene.policy.tpm.required_pcrs = 1U << 16;
    CHECK(summary(scene.verify()) == "refused: tpm.required_pcrs");
}

TEST_CASE("tpm.pcr_digest: a claimed value that was not quoted is refused") {
    for (const std::size_t index : {std::size_t{0}, std::size_t{10}, std::size_t{15}}) {
        CAPTURE(index);
        Scene scene;
        scene.has_boot_log = false;
        scene.edits.collection = [index](cert::Collection& collection) {
            collection.tpm->pcr_values[index][31] ^= 1;
        };
        CHECK(summary(scene.verify()) == "invalid: tpm.pcr_digest");
    }
}

TEST_CASE("tpm.pcr_digest: two values in each other's place are refused") {
    Scene scene;
    scene.has_boot_log = false;
    scene.edits.collection = [](cert::Collection& collection) {
        std::swap(collection.tpm->pcr_values[0], collection.tpm->pcr_values[1]);
    };
    CHECK(summary(scene.verify()) == "invalid: tpm.pcr_digest");
}

TEST_CASE("tpm.bank: SHA-1 alone is refused, unless the policy says so") {
    Scene scene;
    const RawTpm raw = raw_of(scene, 0x3ff, HashAlg::sha1);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "refused: tpm.bank");
    scene.policy.tpm.allow_sha1_bank = true;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    scene.policy.tpm.allow_sha1_bank = false;
    const RawTpm both = scene.raw_quote({{HashAlg::sha1, 0x3ff}, {HashAlg::sha256, 0x3ff}}, kNonce);
    CHECK(summary(scene.verify_quote(both, kNonce)) == "genuine");
}

TEST_CASE("tpm.clock: a clock that may have gone back is refused") {
    Scene scene;
    scene.edits.attest = [](Bytes& attest) { attest[kAttestSafe] = 0; };
    CHECK(summary(scene.verify()) == "refused: tpm.clock");
    RawTpm raw = raw_of(scene);
    raw.attest[kAttestSafe - (32 - kNonce.size())] = 0;
    raw.signature = scene.sign_attest(raw.attest);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "refused: tpm.clock");
}

TEST_CASE("tpm.class: a boot that the hardware did not measure does not exclude the host") {
    for (const char* missing : {"kernel", "initrd", "cmdline"}) {
        CAPTURE(missing);
        Scene scene;
        std::erase(scene.snapshot->snp->measurements[0].covers, missing);
        VerificationResult result = scene.verify();
        CHECK(summary(result) == "refused: tpm.class");
        CHECK(result.tpm.name == "tee-vouched");
        CHECK_FALSE(result.tpm.excludes_host);
        scene.policy.tpm.provider_trusted = true;
        result = scene.verify();
        CHECK(summary(result) == "accepted (waived: tpm.class)");
        CHECK_FALSE(result.tpm.excludes_host);  // a waiver does not make it true
    }
}

TEST_CASE("tpm.class: firmware is not needed, and a waiver that is not needed does not show") {
    Scene scene;
    std::erase(scene.snapshot->snp->measurements[0].covers, "firmware");
    scene.policy.tpm.provider_trusted = true;
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("tpm.class: without a TEE and without a root for the AK nothing is accepted") {
    Scene scene;
    scene.has_tee = false;
    scene.policy.tee_required = false;
    scene.snapshot->snp.reset();
    VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: tpm.class");
    CHECK(result.tpm.name == "none");
    // The waiver trusts the provider's TPM. Nothing shows that this is one.
    scene.policy.tpm.provider_trusted = true;
    result = scene.verify();
    CHECK(result.outcome != Outcome::accepted);
}

TEST_CASE("tpm.pcrs: a quoted value that the snapshot does not list is refused, at each PCR") {
    for (unsigned index = 0; index < 16; ++index) {
        if (index == 10) {
            continue;
        }
        CAPTURE(index);
        Scene scene;
        (*scene.snapshot->pcrs)[index][0][0] ^= 1;
        CHECK(summary(scene.verify()) == "refused: tpm.pcrs");
        (*scene.snapshot->pcrs)[index].push_back(
            to_bytes(scene.tpm.read_pcrs(HashAlg::sha256, std::array{index}).value()[0].view()));
        CHECK(summary(scene.verify()) == "accepted");
    }
}

TEST_CASE("tpm.pcrs: a PCR without a reference value is refused") {
    Scene scene;
    scene.snapshot->pcrs->erase(15);
    CHECK(summary(scene.verify()) == "refused: tpm.pcrs");
    scene.snapshot->pcrs->clear();
    scene.snapshot->pcrs.reset();
    CHECK(summary(scene.verify()) == "refused: tpm.pcrs");
}

TEST_CASE("eventlog.format: another log than the claims hash is refused") {
    Scene scene;
    scene.given_boot_log = scene.boot_log;
    scene.given_boot_log->back() ^= 1;
    CHECK(summary(scene.verify()) == "invalid: eventlog.format");
    scene.given_boot_log = Bytes{1, 2, 3};
    CHECK(summary(scene.verify()) == "invalid: eventlog.format");
}

TEST_CASE("eventlog.format: a log that is none is refused, although the claims hash it") {
    Scene scene;
    scene.boot_log = text_bytes("no boot log");
    CHECK(summary(scene.verify()) == "invalid: eventlog.format");
}

TEST_CASE("eventlog.format: without a log it is not checked, and said so") {
    Scene scene;
    scene.boot_log_at_hand = false;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(not_checked(result, "boot event log"));
}

TEST_CASE("eventlog.replay: a log that does not replay to the quote is refused, at each PCR") {
    for (const std::uint32_t index : {0U, 4U, 9U, 14U}) {
        CAPTURE(index);
        Scene scene;
        EventLogBuilder events({HashAlg::sha256});
        for (std::uint32_t pcr = 0; pcr < 10; ++pcr) {
            events.add(pcr, 6, text_bytes("boot stage " + std::to_string(pcr)));
        }
        scene.boot_log = events.log();
        CHECK(summary(scene.verify()) == "accepted");
        events.add(index, 6, text_bytes("one more"));
        scene.boot_log = events.log();
        CHECK(summary(scene.verify()) == "invalid: eventlog.replay");
    }
}

TEST_CASE("eventlog.replay: a log that leaves out a PCR which was extended is refused") {
    Scene scene;
    EventLogBuilder events({HashAlg::sha256});
    for (std::uint32_t pcr = 0; pcr < 9; ++pcr) {
        events.add(pcr, 6, text_bytes("boot stage " + std::to_string(pcr)));
    }
    scene.boot_log = events.log();
    CHECK(summary(scene.verify()) == "invalid: eventlog.replay");
}

TEST_CASE(
    "eventlog.replay: a raw quote whose boot log differs is refused, with and without values") {
    Scene scene;
    RawTpm raw = raw_of(scene, 0x3ff);
    raw.logs = {scene.boot_log};
    VerificationResult result = scene.verify_quote(raw, kNonce);
    CHECK(summary(result) == "genuine");
    CHECK(passed(result, "eventlog.replay"));
    raw.pcrs.reset();
    result = scene.verify_quote(raw, kNonce);
    CHECK(summary(result) == "genuine");
    CHECK(passed(result, "tpm.pcr_digest"));

    EventLogBuilder other({HashAlg::sha256});
    for (std::uint32_t pcr = 0; pcr < 10; ++pcr) {
        other.add(pcr, 6, text_bytes("other stage " + std::to_string(pcr)));
    }
    raw.logs = {other.log()};
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.pcr_digest");
    raw.pcrs = raw_of(scene, 0x3ff).pcrs;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: eventlog.replay");
}

TEST_CASE("tpm.nonce: a raw quote with both logs is genuine and never accepted") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    raw.logs = {scene.ima.log(), scene.boot_log};
    for (const bool values : {true, false}) {
        if (!values) {
            raw.pcrs.reset();
        }
        const VerificationResult result = scene.verify_quote(raw, kNonce);
        CHECK(summary(result) == "genuine");
        CHECK(passed(result, "ima.replay"));
        CHECK(result.tpm.name == "given-key");
        CHECK_FALSE(result.tpm.excludes_host);
        CHECK(not_checked(result, "reference values"));
        CHECK(not_checked(result, "key binding"));
    }
}

TEST_CASE(
    "ima.replay: PCR 10 in the boot log does not vouch for an IMA log, with and without values") {
    Scene scene;
    scene.ima = ImaBuilder();
    scene.ima_quoted = 0;
    scene.add_file("/usr/bin/true", 0x11);
    EventLogBuilder events({HashAlg::sha256});
    for (std::uint32_t pcr = 0; pcr < 10; ++pcr) {
        events.add(pcr, 6, text_bytes("boot stage " + std::to_string(pcr)));
    }
    // The event extends PCR 10 by what the kernel extended it by: both logs replay to the quote.
    Writer entry;
    for (const Bytes& field :
         {digest_field("sha256", Scene::file_digest(0x11)), name_field("/usr/bin/true")}) {
        entry.u32_le(static_cast<std::uint32_t>(field.size())).bytes(field);
    }
    events.add(10, 6, text_bytes("x"), entry.view());
    RawTpm raw = raw_of(scene);
    raw.logs = {events.log(), scene.ima.log()};
    const auto pcrs = raw.pcrs;
    raw.pcrs.reset();
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");

    ImaBuilder other;
    other.add("/usr/bin/false", Scene::file_digest(0x22));
    raw.logs = {events.log(), other.log()};
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.replay");
    raw.pcrs = pcrs;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.replay");
}

TEST_CASE("tpm.pcr_digest: without values, what no log extends has its value of the reset") {
    Scene scene;
    for (const std::uint32_t mask : {0x8003ffU, 0x7f03ffU, 0x8003ffU | (1U << 10)}) {
        CAPTURE(mask);
        RawTpm raw = raw_of(scene, mask);
        raw.pcrs.reset();
        raw.logs = {scene.boot_log};
        if ((mask & (1U << 10)) != 0) {
            raw.logs.push_back(scene.ima.log());
        }
        CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    }
    // The digest decides: a PCR that was extended and is in no log is not as it was reset.
    scene.tpm.extend(16, HashAlg::sha256, Bytes(32, 1));
    RawTpm raw = raw_of(scene, 0x103ff);
    raw.pcrs.reset();
    raw.logs = {scene.boot_log};
    const VerificationResult result = scene.verify_quote(raw, kNonce);
    CHECK(summary(result) == "invalid: tpm.pcr_digest");
    CHECK(std::ranges::any_of(result.findings.all(), [](const Finding& finding) {
        return finding.actual.contains("sha256:16, which no log extends");
    }));
    raw.logs.push_back(scene.ima.log());
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.quoted");
}

TEST_CASE("tpm.selection: values of more PCRs than were quoted fail by this rule alone") {
    Scene scene;
    RawTpm raw = raw_of(scene, 0x3ff);
    raw.pcrs->push_back({HashAlg::sha1, 0, Bytes(20)});
    raw.pcrs->push_back({HashAlg::sha256, 16, Bytes(32)});
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.selection");
    raw.pcrs->front().value[0] ^= 1;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.selection, tpm.pcr_digest");
}

TEST_CASE("tpm.signature: a bare signature, as tpm2_quote writes it with -f plain") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    const auto parsed = tpm::parse_signature(raw.signature);
    REQUIRE(parsed);
    Bytes numbers;
    for (ByteView number : {parsed->first, parsed->second}) {
        number = number.subspan(static_cast<std::size_t>(
            std::ranges::find_if(number, [](std::uint8_t byte) { return byte != 0; }) -
            number.begin()));
        append(numbers, der::encode_uint(number));
    }
    raw.signature = der::encode(der::kSequence, numbers);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    const Bytes area = raw.ak;
    raw.ak = to_bytes(scene.ak.public_key().spki());
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
    raw.ak = area;
    for (std::size_t i = 0; i < raw.signature.size(); ++i) {
        CAPTURE(i);
        RawTpm changed = raw;
        changed.signature[i] ^= 1;
        const VerificationResult result = scene.verify_quote(changed, kNonce);
        CHECK(result.outcome == Outcome::invalid);
        changed.signature = raw.signature;
        changed.signature.resize(i);
        CHECK(scene.verify_quote(changed, kNonce).outcome == Outcome::invalid);
    }
    raw.signature.push_back(0);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: tpm.quote.format");
}

TEST_CASE("tpm.quote.format: what tpm2_quote prints is no quote, and the finding says so") {
    Scene scene;
    const RawTpm good = raw_of(scene);
    for (const bool attest : {true, false}) {
        RawTpm raw = good;
        (attest ? raw.attest : raw.signature) = text_bytes("quoted: ff544347\nsignature:\n");
        const VerificationResult result = scene.verify_quote(raw, kNonce);
        CHECK(summary(result) == "invalid: tpm.quote.format");
        CHECK(std::ranges::any_of(result.findings.all(), [](const Finding& finding) {
            return finding.actual.contains("--message, --signature and --pcr");
        }));
    }
}
