// Rules about the IMA log.
#include <doctest/doctest.h>

#include <algorithm>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

const Bytes kNonce(32, 0x4e);

/// Claim 4 for the first `count` entries of the scene's log.
cert::ImaClaim claim_for(const Scene& scene, std::size_t count) {
    cert::ImaClaim out;
    out.entries = count;
    out.log_sha256 = sha256(ByteView(scene.ima.log()).first(scene.ima.offset(count)));
    std::ranges::copy(scene.ima.pcr(HashAlg::sha256, count), out.pcr10.begin());
    return out;
}

RawTpm raw_of(Scene& scene, std::uint32_t mask = 1U << 10) {
    RawTpm raw = scene.raw_quote({{HashAlg::sha256, mask}}, kNonce);
    raw.logs = {scene.ima.log()};
    return raw;
}

}  // namespace

TEST_CASE("ima.log: without the log the handshake is refused, for want of it") {
    Scene scene;
    scene.log_at_hand = false;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "unavailable: ima.log");
    CHECK(std::ranges::any_of(result.findings.all(), [](const Finding& finding) {
        return finding.rule == "ima.log" && finding.expected == "needed";
    }));
}

TEST_CASE("ima.log: without reference values it is only not checked") {
    Scene scene;
    scene.log_at_hand = false;
    scene.snapshot->ima.reset();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(not_checked(result, "IMA log"));
}

TEST_CASE("ima.known_value: a value that the snapshot lists stands for the log, no other does") {
    Scene scene;
    scene.log_at_hand = false;
    scene.snapshot->ima->known_pcr10 = {Bytes(32, 0x10)};
    const VerificationResult other = scene.verify();
    CHECK(summary(other) == "unavailable: ima.log");
    CHECK_FALSE(other.findings.has("ima.known_value", Verdict::pass));
    scene.snapshot->ima->known_pcr10.push_back(scene.ima.pcr());
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(passed(result, "ima.known_value"));
}

TEST_CASE("ima.format: a log that is none is refused, and every truncation inside an entry") {
    Scene scene;
    scene.given_log = text_bytes("no log");
    CHECK(summary(scene.verify()) == "invalid: ima.format");
    const Bytes log = scene.ima.log();
    for (const std::size_t size : {log.size() - 1, scene.ima.offset(3) + 1, std::size_t{5}}) {
        CAPTURE(size);
        scene.given_log = Bytes(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(summary(scene.verify()) == "invalid: ima.format");
    }
}

TEST_CASE("ima.format: an entry whose template digest is not its own is refused") {
    Scene scene;
    scene.given_log = scene.ima.log();
    (*scene.given_log)[scene.ima.offset(2) + 4] ^= 1;
    CHECK(summary(scene.verify()) == "invalid: ima.format");
}

TEST_CASE("ima.quoted: a log without PCR 10 in the quote is refused") {
    Scene scene;
    CHECK(summary(scene.verify_quote(raw_of(scene), kNonce)) == "genuine");
    RawTpm raw = raw_of(scene, 0x3ff);
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.quoted");
    raw.pcrs.reset();
    CHECK(scene.verify_quote(raw, kNonce).findings.has("ima.quoted", Verdict::fail));
}

TEST_CASE("ima.replay: another log is refused, and so is one without its last quoted entry") {
    Scene scene;
    const std::size_t last = scene.ima.offset(scene.ima.size() - 1);
    scene.given_log =
        Bytes(scene.ima.log().begin(), scene.ima.log().begin() + static_cast<std::ptrdiff_t>(last));
    VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("ima.replay", Verdict::fail));
    scene.given_log = Bytes{};
    result = scene.verify();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("ima.replay", Verdict::fail));
}

TEST_CASE("ima.replay: a prefix of another length than label 4 says is refused") {
    Scene scene;
    scene.edits.claims = [&](cert::Claims& claims) { claims.ima = claim_for(scene, 2); };
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.ima = cert::ImaPart{3, claim_for(scene, 3).log_sha256};
    };
    CHECK(summary(scene.verify()) == "invalid: ima.replay");
}

TEST_CASE("ima.replay: a raw quote and a log that never had its value are refused") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    raw.logs = {ImaBuilder().add("/bin/other", Bytes(32, 0x77)).log()};
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.replay");
    raw.pcrs.reset();
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "invalid: ima.replay");
}

TEST_CASE("ima.prefix: the guest may have read less than was quoted, never more") {
    Scene scene;
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, scene.ima.size()}) {
        CAPTURE(count);
        scene.edits.claims = [&](cert::Claims& claims) { claims.ima = claim_for(scene, count); };
        CHECK(summary(scene.verify()) == "accepted");
    }
    // n > m: the TPM was quoted as it had been before the guest read the log.
    scene.edits.claims = nullptr;
    scene.ima_quoted = scene.ima.size() - 1;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "invalid: ima.prefix");
    CHECK(passed(result, "ima.replay"));
}

TEST_CASE("ima.prefix: hash, count and PCR value of claim 4 must be those of the log") {
    const auto with = [](const std::function<void(cert::ImaClaim&)>& change) {
        Scene scene;
        scene.edits.claims = [&](cert::Claims& claims) {
            claims.ima = claim_for(scene, 2);
            change(*claims.ima);
        };
        return summary(scene.verify());
    };
    CHECK(with([](cert::ImaClaim&) {}) == "accepted");
    CHECK(with([](cert::ImaClaim& claim) { claim.entries = 3; }) == "invalid: ima.prefix");
    CHECK(with([](cert::ImaClaim& claim) { claim.log_sha256[0] ^= 1; }) == "invalid: ima.prefix");
    CHECK(with([](cert::ImaClaim& claim) { claim.pcr10[0] ^= 1; }) == "invalid: ima.prefix");
    CHECK(with([](cert::ImaClaim& claim) { claim.entries = 0xffffffff; }) == "invalid: ima.prefix");
}

TEST_CASE("ima.prefix: the hash of label 4 must be that of the quoted prefix") {
    Scene scene;
    scene.edits.collection = [](cert::Collection& collection) {
        collection.ima->log_sha256[0] ^= 1;
    };
    CHECK(summary(scene.verify()) == "invalid: ima.prefix");
}

TEST_CASE("ima.prefix: a log with another prefix and the same end is refused") {
    Scene scene;
    ImaBuilder swapped;
    swapped.add("boot_aggregate", Bytes(32, 0x01));
    const Bytes log = scene.ima.log();
    scene.given_log = swapped.log();
    append(*scene.given_log, ByteView(log).subspan(scene.ima.offset(1)));
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::invalid);
    CHECK(result.findings.has("ima.prefix", Verdict::fail));
    CHECK(result.findings.has("ima.replay", Verdict::fail));
}

TEST_CASE("ima.bank_mode: SHA-1 padded for the bank is refused, unless the policy says so") {
    Scene scene;
    RawTpm raw = raw_of(scene);
    const Bytes padded = scene.ima.pcr(HashAlg::sha256, scene.ima.size(), 10, true);
    scene.tpm.set_pcr(10, HashAlg::sha256, padded);
    const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, 1U << 10}};
    const SignedQuote quote = scene.tpm.quote(kNonce, selection).value();
    raw.attest = quote.attest;
    raw.signature = quote.signature;
    raw.pcrs = {{HashAlg::sha256, 10, padded}};
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "refused: ima.bank_mode");
    scene.policy.ima.allow_padded_sha1 = true;
    CHECK(summary(scene.verify_quote(raw, kNonce)) == "genuine");
}

TEST_CASE("ima.boot_aggregate: one of another boot is refused") {
    Scene scene;
    scene.tpm.set_pcr(9, HashAlg::sha256, Bytes(32, 0x99));
    scene.has_boot_log = false;
    (*scene.snapshot->pcrs)[9] = {Bytes(32, 0x99)};
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
}

TEST_CASE("ima.boot_aggregate: a second one is refused, even with the right digest") {
    Scene scene;
    Bytes pcrs;
    for (unsigned index = 0; index < 10; ++index) {
        append(pcrs, scene.tpm.read_pcrs(HashAlg::sha256, std::array{index}).value()[0].view());
    }
    scene.ima.add("boot_aggregate", sha256(pcrs));
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
}

TEST_CASE("ima.boot_aggregate: a log that does not begin with it is refused") {
    Scene scene;
    Bytes pcrs;
    for (unsigned index = 0; index < 10; ++index) {
        append(pcrs, scene.tpm.read_pcrs(HashAlg::sha256, std::array{index}).value()[0].view());
    }
    scene.ima = ImaBuilder();
    scene.add_file("/usr/bin/ratls-agent", 0xa1);
    scene.add_file("/etc/ima/ima-policy", 0xa2);
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
    scene.ima.add("boot_aggregate", sha256(pcrs));
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
}

TEST_CASE("ima.boot_aggregate: a violation in its place is refused") {
    Scene scene;
    scene.ima = ImaBuilder();
    scene.ima.add_violation("boot_aggregate");
    scene.add_file("/usr/bin/ratls-agent", 0xa1);
    scene.add_file("/etc/ima/ima-policy", 0xa2);
    scene.snapshot->ima->tolerate_violations = {"boot_aggregate"};
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
}

TEST_CASE("ima.boot_aggregate: one that another PCR stands for is refused") {
    Scene scene;
    Bytes pcrs;
    for (unsigned index = 0; index < 10; ++index) {
        append(pcrs, scene.tpm.read_pcrs(HashAlg::sha256, std::array{index}).value()[0].view());
    }
    scene.ima = ImaBuilder();
    scene.ima.add("boot_aggregate", sha256(pcrs), 11);
    scene.add_file("/usr/bin/ratls-agent", 0xa1);
    scene.add_file("/etc/ima/ima-policy", 0xa2);
    CHECK(scene.verify().outcome != Outcome::accepted);
}

TEST_CASE("ima.kexec: another kernel that was loaded is refused, unless the snapshot lists it") {
    Scene scene;
    scene.add_file("kexec-cmdline", 0x6e);
    CHECK(summary(scene.verify()) == "refused: ima.kexec");
    scene.snapshot->ima->allow.push_back({"kexec-cmdline", {Scene::file_digest_text(0x6e)}});
    CHECK(summary(scene.verify()) == "accepted");
    scene.snapshot->ima->allow.back().digests = {Scene::file_digest_text(0x6f)};
    CHECK(summary(scene.verify()) == "refused: ima.kexec");
}

TEST_CASE("ima.require: each required file must have been measured with its digest") {
    Scene scene;
    scene.snapshot->ima->require.push_back({"/usr/bin/helper", {Scene::file_digest_text(0x44)}});
    CHECK(summary(scene.verify()) == "refused: ima.require");
    scene.add_file("/usr/bin/helper", 0x45);
    CHECK(summary(scene.verify()) == "refused: ima.require, ima.files");
    scene.snapshot->ima->require.back().digests.push_back(Scene::file_digest_text(0x45));
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.require: the right digest at another path does not count") {
    Scene scene;
    scene.snapshot->ima->require.push_back({"/usr/bin/helper", {Scene::file_digest_text(0x44)}});
    scene.snapshot->ima->allow.push_back({"/tmp/helper", {Scene::file_digest_text(0x44)}});
    scene.add_file("/tmp/helper", 0x44);
    CHECK(summary(scene.verify()) == "refused: ima.require");
}

TEST_CASE("ima.require: a file that was measured after the quote does not count") {
    Scene scene;
    scene.snapshot->ima->require.push_back({"/usr/bin/helper", {Scene::file_digest_text(0x44)}});
    scene.given_log = scene.ima.log();
    ImaBuilder more;
    more.add("/usr/bin/helper", Scene::file_digest(0x44));
    append(*scene.given_log, more.log());
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: ima.require");
    CHECK(not_checked(result, "1 IMA entries after the quoted prefix"));
}

TEST_CASE("ima.files: one unknown digest is refused, wherever it stands") {
    Scene scene;
    scene.add_file("/tmp/tool", 0xee);
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: ima.files");
    scene.add_file("/bin/sh", 0xa3);
    CHECK(summary(scene.verify()) == "refused: ima.files");
    scene.snapshot->ima->allow.push_back({"/tmp/tool", {Scene::file_digest_text(0xee)}});
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.files: a known digest at another path is refused") {
    Scene scene;
    scene.add_file("/tmp/sh", 0xa3);
    CHECK(summary(scene.verify()) == "refused: ima.files");
    scene.snapshot->ima->allow.push_back({"/tmp", {Scene::file_digest_text(0xa3)}});
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.files: the digest of another algorithm with the same bytes is refused") {
    Scene scene;
    scene.ima.add_fields("ima-ng",
                         {digest_field("sm3", Scene::file_digest(0xa3)), name_field("/bin/sh")});
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.files: an entry for PCR 11 is refused, since that PCR does not stand for it") {
    Scene scene;
    scene.ima.add("/bin/sh", Scene::file_digest(0xa3), 11);
    scene.add_file("/bin/sh", 0xa3);
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.require: an entry for PCR 11 does not count as measured") {
    Scene scene;
    scene.snapshot->ima->require.push_back({"/usr/bin/helper", {Scene::file_digest_text(0x44)}});
    scene.ima.add("/usr/bin/helper", Scene::file_digest(0x44), 11);
    scene.add_file("/bin/sh", 0xa3);
    const VerificationResult result = scene.verify();
    CHECK(result.outcome == Outcome::refused);
    CHECK(result.findings.has("ima.require", Verdict::fail));
}

TEST_CASE("ima.files: entries after the quote are not attested and said to be so") {
    Scene scene;
    scene.given_log = scene.ima.log();
    ImaBuilder more;
    more.add("/tmp/tool", Scene::file_digest(0xee)).add_violation("/tmp/other");
    append(*scene.given_log, more.log());
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(not_checked(result, "2 IMA entries after the quoted prefix"));
}

TEST_CASE("ima.violations: one is refused, but at a path that the snapshot tolerates") {
    Scene scene;
    scene.ima.add_violation("/var/log/journal");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.violations");
    scene.snapshot->ima->tolerate_violations = {"/var/log"};
    CHECK(summary(scene.verify()) == "refused: ima.violations");
    scene.snapshot->ima->tolerate_violations = {"/var/log/journal"};
    CHECK(summary(scene.verify()) == "accepted");
    scene.add_file("/var/log/journal", 0x01);  // tolerated is the violation, not any content
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.violations: a raw quote whose log has one is refused") {
    Scene scene;
    scene.ima.add_violation("/var/log/journal");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify_quote(raw_of(scene), kNonce)) == "refused: ima.violations");
}
