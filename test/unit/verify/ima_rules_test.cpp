// Rules about the IMA log.
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

/// A file with this content at this path, and what its security.ima holds.
struct SignedFile {
    std::string path = "/usr/bin/tool";
    Bytes content = text_bytes("a tool");
    ima::KeyId key_id{};
    Bytes signature;  ///< of the key
    std::uint8_t type = 3;
    std::uint8_t version = 2;
    std::uint8_t hash_algo = 4;  // SHA-256
};

Bytes digsig(const SignedFile& file) {
    return Writer()
        .u8(file.type)
        .u8(file.version)
        .u8(file.hash_algo)
        .bytes(file.key_id)
        .u16_be(static_cast<std::uint16_t>(file.signature.size()))
        .bytes(file.signature)
        .take();
}

void add_signed(Scene& scene, const SignedFile& file) {
    scene.ima.add_signed(file.path, sha256(file.content), digsig(file));
    scene.ima_quoted = scene.ima.size();
}

Bytes ecdsa_der(const PrivateKey& key, ByteView content) {
    const Bytes raw = key.sign_ecdsa(HashAlg::sha256, content).value();
    Bytes numbers = der::encode_uint(ByteView(raw).first(raw.size() / 2));
    append(numbers, der::encode_uint(ByteView(raw).subspan(raw.size() / 2)));
    return der::encode(der::kSequence, numbers);
}

/// The log again, with another entry 0.
void begin_log(Scene& scene, std::string_view alg, ByteView boot_aggregate) {
    scene.ima = ImaBuilder();
    scene.ima.add_fields("ima-ng",
                         {digest_field(alg, boot_aggregate), name_field("boot_aggregate")});
    scene.add_file("/usr/bin/ratls-agent", 0xa1);
    scene.add_file("/etc/ima/ima-policy", 0xa2);
}

/// The scene's boot, in a log with one more bank; gives what boot_aggregate is over that bank.
Bytes add_bank(Scene& scene, HashAlg bank) {
    constexpr std::uint32_t kEventTag = 6;
    EventLogBuilder events({HashAlg::sha256, bank});
    Bytes pcrs;
    for (unsigned index = 0; index < 10; ++index) {
        const Bytes data = text_bytes("boot stage " + std::to_string(index));
        events.add(index, kEventTag, data);
        Bytes extended(digest_size(bank));
        append(extended, hash(bank, data).view());
        if (index < 8 || bank != HashAlg::sha1) {
            append(pcrs, hash(bank, extended).view());
        }
    }
    scene.boot_log = events.log();
    return to_bytes(hash(bank, pcrs).view());
}

/// The log again, with this template of three fields, the last one four bytes.
void use_format(Scene& scene, std::string_view format) {
    Bytes pcrs;
    for (unsigned index = 0; index < 10; ++index) {
        append(pcrs, scene.tpm.read_pcrs(HashAlg::sha256, std::array{index}).value()[0].view());
    }
    scene.ima = ImaBuilder();
    const auto add = [&](std::string_view path, ByteView digest) {
        scene.ima.add_fields(format, {digest_field("sha256", digest), name_field(path), Bytes(4)});
    };
    add("boot_aggregate", sha256(pcrs));
    add("/usr/bin/ratls-agent", Scene::file_digest(0xa1));
    add("/etc/ima/ima-policy", Scene::file_digest(0xa2));
    scene.ima_quoted = scene.ima.size();
}

bool finding_says(const VerificationResult& result, std::string_view rule, std::string_view text) {
    return std::ranges::any_of(result.findings.all(), [&](const Finding& finding) {
        return finding.rule == rule && finding.actual.contains(text);
    });
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

TEST_CASE("ima.prefix: beside a known value too the quote covers all that claim 4 counts") {
    const auto with = [](int more) {
        Scene scene;
        scene.log_at_hand = false;
        scene.snapshot->ima->known_pcr10 = {scene.ima.pcr()};
        scene.edits.claims = [more](cert::Claims& claims) {
            claims.ima->entries =
                static_cast<std::uint64_t>(static_cast<std::int64_t>(claims.ima->entries) + more);
        };
        return summary(scene.verify());
    };
    CHECK(with(-1) == "accepted");
    CHECK(with(0) == "accepted");
    CHECK(with(1) == "invalid: ima.prefix");
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

TEST_CASE("ima.quoted: IMA evidence without a TPM quote is refused") {
    Scene scene;
    scene.snapshot->pcrs.reset();
    scene.snapshot->ima.reset();
    const cert::Collection whole = scene.collect({}, false);
    const cert::Claims claims_of_ima = cert::parse_claims(whole.claims_buffer).value();
    scene.has_tpm = false;
    scene.has_ima = false;
    scene.has_boot_log = false;
    CHECK(summary(scene.verify()) == "accepted");
    scene.edits.claims = [&](cert::Claims& claims) { claims.ima = claims_of_ima.ima; };
    scene.edits.collection = [&](cert::Collection& collection) { collection.ima = whole.ima; };
    CHECK(summary(scene.verify()) == "invalid: ima.quoted");
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
    scene.edits.claims = [&](cert::Claims& claims) {
        claims.ima = claim_for(scene, scene.ima.size());
    };
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

TEST_CASE("ima.boot_aggregate: it is over the bank that it names, in a boot log that is proven") {
    for (const HashAlg bank : {HashAlg::sha1, HashAlg::sha384, HashAlg::sha512}) {
        CAPTURE(hash_name(bank));
        Scene scene;
        const Bytes aggregate = add_bank(scene, bank);
        begin_log(scene, hash_name(bank), aggregate);
        const VerificationResult result = scene.verify();
        CHECK(summary(result) == "accepted");
        CHECK(finding_says(result, "ima.boot_bank", hash_name(bank)));
        begin_log(scene, hash_name(bank), Bytes(digest_size(bank), 0x77));
        CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
    }
}

TEST_CASE("ima.boot_bank: a bank that is not at hand is named, and the evidence not invalid") {
    Scene scene;
    const Bytes aggregate = add_bank(scene, HashAlg::sha384);
    begin_log(scene, "sha384", aggregate);
    const auto unavailable = [&](std::string_view bank) {
        const VerificationResult result = scene.verify();
        CHECK(summary(result) == "unavailable: ima.boot_bank");
        CHECK(finding_says(result, "ima.boot_bank", bank));
        CHECK(finding_says(result, "ima.boot_bank", "quote this bank"));
    };
    SUBCASE("no boot log") {
        scene.has_boot_log = false;
        unavailable("sha384");
    }
    SUBCASE("a boot log without the bank") {
        scene.boot_log = Scene().boot_log;
        unavailable("sha384");
    }
    SUBCASE("a bank that nobody here knows") {
        begin_log(scene, "sm3", Bytes(32, 0x77));
        unavailable("sm3");
    }
    SUBCASE("and a second boot_aggregate is wrong, whatever its bank") {
        scene.has_boot_log = false;
        scene.ima.add("boot_aggregate", Bytes(32, 0x77));
        scene.ima_quoted = scene.ima.size();
        CHECK(summary(scene.verify()) == "invalid: ima.boot_bank, ima.boot_aggregate");
    }
}

TEST_CASE("ima.boot_bank: what the boot log says of the bank is compared, if its order is proven") {
    Scene scene;
    const Bytes aggregate = add_bank(scene, HashAlg::sha384);
    begin_log(scene, "sha384", aggregate);
    const std::size_t data = std::string_view("boot stage 9").size();
    scene.boot_log[scene.boot_log.size() - data - 4 - 1] ^= 1;  // the last digest, of SHA-384
    CHECK(summary(scene.verify()) == "invalid: ima.boot_aggregate");
    add_bank(scene, HashAlg::sha384);
    CHECK(summary(scene.verify()) == "accepted");
    // No log that the quote does not prove gives any bank.
    scene.tpm.set_pcr(9, HashAlg::sha256, Bytes(32, 0x99));
    const VerificationResult result = scene.verify();
    CHECK(result.findings.has("eventlog.replay", Verdict::fail));
    CHECK(result.findings.has("ima.boot_bank", Verdict::fail));
}

TEST_CASE("ima.template: a format of one's own is read like the kernel's templates") {
    Scene scene;
    use_format(scene, "d-ng|n-ng|iuid");
    CHECK(summary(scene.verify()) == "accepted");
    scene.ima.add_fields("d-ng|n-ng|iuid", {digest_field("sha256", Bytes(32, 0xee)),
                                            name_field("/tmp/tool"), Bytes(4)});
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.template: fields that nobody knows are no harm, where no rule needs them") {
    Scene scene;
    use_format(scene, "d-ng|n-ng|of-tomorrow");
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.template: an entry without digest and path is refused where files are compared") {
    Scene scene;
    scene.ima.add_fields("ima-xyz",
                         {digest_field("sha256", Scene::file_digest(0xa3)), name_field("/bin/sh")});
    scene.ima_quoted = scene.ima.size();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: ima.template");
    CHECK(finding_says(result, "ima.template", "entry 4 with the template \"ima-xyz\""));
    scene.snapshot->ima.reset();
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.template: entry 0 must be readable, also where no files are compared") {
    for (const std::string_view format : {"d-ng|later|iuid", "later|n-ng|iuid", "of-tomorrow"}) {
        CAPTURE(format);
        Scene scene;
        use_format(scene, format);
        CHECK(scene.verify().outcome == Outcome::refused);
        CHECK(scene.verify().findings.has("ima.template", Verdict::fail));
        scene.snapshot->ima.reset();
        CHECK(summary(scene.verify()) == "refused: ima.template");
    }
}

TEST_CASE("ima.template: others accept, we refuse: fields under other names than entry 0 has") {
    // A file with an extended attribute that looks like the digest of another file.
    const std::vector<Bytes> fields = {digest_field("sha256", Bytes(32, 0xee)),
                                       name_field("/bin/sh"),
                                       {},
                                       name_field("security.evil"),
                                       Bytes(4),
                                       digest_field("sha256", Scene::file_digest(0xa3)),
                                       {},
                                       {},
                                       {}};
    Scene scene;
    scene.ima.add_fields("evm-sig", fields);
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.files");
    for (const std::string_view format :
         {"later|n-ng|evmsig|xattrnames|xattrlengths|d-ng|iuid|igid|imode",
          "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"}) {
        CAPTURE(format);
        Scene other;
        other.ima.add_fields(format, fields);
        other.ima_quoted = other.ima.size();
        CHECK(summary(other.verify()) == "refused: ima.template");
    }
}

TEST_CASE("ima.template: the format of entry 0 is remembered with what was verified") {
    ImaMemory memory;
    Scene scene;
    scene.memory = &memory;
    use_format(scene, "d-ng|n-ng|iuid");
    CHECK(summary(scene.verify()) == "accepted");
    const std::vector<Bytes> fields = {digest_field("sha256", Scene::file_digest(0xa3)),
                                       name_field("/bin/sh"), Bytes(4)};
    scene.ima.add_fields("d-ng|n-ng|iuid", fields);
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "accepted");
    scene.ima.add_fields("d-ng|n-ng|igid", fields);
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.template");
}

TEST_CASE("ima.replay: the list of one bank, as later kernels have it, is a log like any other") {
    for (const HashAlg list : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
        CAPTURE(hash_name(list));
        Scene scene;
        ima::Entry first;
        REQUIRE(ima::LogReader(scene.ima.log()).next(first));
        const Bytes aggregate = to_bytes(first.file_digest);
        scene.ima = ImaBuilder(list);
        scene.ima.add("boot_aggregate", aggregate);
        scene.add_file("/usr/bin/ratls-agent", 0xa1);
        scene.add_file("/etc/ima/ima-policy", 0xa2);
        CHECK(summary(scene.verify()) == "accepted");
        CHECK(summary(scene.verify_quote(raw_of(scene), kNonce)) == "genuine");
        scene.given_log = scene.ima.log();
        (*scene.given_log)[scene.ima.offset(2) + 4] ^= 1;
        CHECK(summary(scene.verify()) == "invalid: ima.format");
    }
}

TEST_CASE("ima.files: a space in a name of the snapshot is the _ that the kernel logs") {
    const auto with = [](std::string_view logged, std::uint8_t digest) {
        Scene scene;
        auto& allow = scene.snapshot->ima->allow;
        allow.push_back({"/opt/my app/run", {Scene::file_digest_text(0x51)}});
        allow.push_back({"/opt/my_app/run", {Scene::file_digest_text(0x52)}});
        allow.push_back({"/srv/* data/**", {Scene::file_digest_text(0x53)}, true});
        scene.snapshot->ima->tolerate_violations = {"/var/a b"};
        scene.snapshot->ima->forbid.push_back({"/opt/old app", {}});
        allow.push_back({"/opt/old_app", {Scene::file_digest_text(0x54)}});
        digest == 0 ? scene.ima.add_violation(logged) : scene.ima.add(logged, Bytes(32, digest));
        scene.ima_quoted = scene.ima.size();
        return summary(scene.verify());
    };
    CHECK(with("/opt/my_app/run", 0x51) == "accepted");
    CHECK(with("/opt/my_app/run", 0x52) == "accepted");
    CHECK(with("/srv/my_data/x", 0x53) == "accepted");
    CHECK(with("/var/a_b", 0) == "accepted");
    CHECK(with("/opt/old_app", 0x54) == "refused: ima.forbid");
    CHECK(with("/opt/my_app/run", 0x53) == "refused: ima.files");
    // No kernel logs a space: such a name was made up.
    CHECK(with("/opt/my app/run", 0x51) == "refused: ima.files");
    CHECK(with("/var/a b", 0) == "refused: ima.violations");
}

TEST_CASE("ima.require: a required name with a space is found as the kernel logs it") {
    Scene scene;
    scene.snapshot->ima->require.push_back({"/opt/my app", {Scene::file_digest_text(0x51)}});
    CHECK(summary(scene.verify()) == "refused: ima.require");
    scene.add_file("/opt/my_app", 0x51);
    CHECK(summary(scene.verify()) == "accepted");
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

TEST_CASE("ima.files: a digest that is known under a pattern is known at the paths that fit") {
    Scene scene;
    scene.snapshot->ima->allow.push_back(
        {"/opt/*/bin/tool", {Scene::file_digest_text(0x55)}, true});
    scene.add_file("/opt/a/bin/tool", 0x55);
    CHECK(summary(scene.verify()) == "accepted");
    SUBCASE("another content") {
        scene.add_file("/opt/b/bin/tool", 0x56);
        CHECK(summary(scene.verify()) == "refused: ima.files");
    }
    SUBCASE("another path") {
        scene.add_file("/opt/a/b/bin/tool", 0x55);
        CHECK(summary(scene.verify()) == "refused: ima.files");
    }
    SUBCASE("the digest of another function, with the same bytes") {
        scene.snapshot->ima->allow.back().digests = {"sha1:" + std::string(40, '5')};
        CHECK(summary(scene.verify()) == "refused: ima.files");
    }
}

TEST_CASE("ima.files: the path of a file is no pattern, and a pattern is no path") {
    Scene scene;
    scene.snapshot->ima->allow.push_back({"/opt/*", {Scene::file_digest_text(0x55)}});
    scene.add_file("/opt/a", 0x55);
    CHECK(summary(scene.verify()) == "refused: ima.files");
    scene.snapshot->ima->allow.back().pattern = true;
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.files: a signer's file is known at the paths that he may sign for") {
    const RsaKey rsa;
    const PrivateKey ec = PrivateKey::generate(KeyKind::p256).value();
    for (const bool with_rsa : {true, false}) {
        CAPTURE(with_rsa);
        const PublicKey key =
            with_rsa ? PublicKey::from_rsa(rsa.modulus(), 65537).value() : ec.public_key();
        const auto sign = [&](ByteView content) {
            return with_rsa ? rsa.sign(content) : ecdsa_der(ec, content);
        };
        Scene scene;
        scene.snapshot->ima->signers = {{"distribution", key, ima::key_id(key), {"/usr/**"}}};
        SignedFile file;
        file.key_id = ima::key_id(key);
        file.signature = sign(file.content);

        const auto verdict = [&](const SignedFile& changed) {
            Scene with_file = Scene();
            with_file.snapshot->ima->signers = scene.snapshot->ima->signers;
            add_signed(with_file, changed);
            return summary(with_file.verify());
        };
        CHECK(verdict(file) == "accepted");

        SignedFile changed = file;
        changed.content = text_bytes("another tool");
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.path = "/opt/tool";
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.key_id[3] ^= 1;
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.signature[changed.signature.size() - 1] ^= 1;
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.signature = sign(text_bytes("another tool"));
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.hash_algo = 5;  // SHA-384
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.type = 5;  // EVM
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.version = 3;  // fs-verity
        CHECK(verdict(changed) == "refused: ima.files");
        changed = file;
        changed.signature.clear();
        CHECK(verdict(changed) == "refused: ima.files");

        // A key that only looks alike by its id, and one that the snapshot gives another id.
        const PublicKey other = PrivateKey::generate(KeyKind::p256).value().public_key();
        scene.snapshot->ima->signers = {{"other", other, ima::key_id(key), {"/**"}}};
        CHECK(verdict(file) == "refused: ima.files");
        scene.snapshot->ima->signers = {{"distribution", key, {1, 2, 3, 4}, {"/**"}}};
        CHECK(verdict(file) == "refused: ima.files");
        changed = file;
        changed.key_id = {1, 2, 3, 4};
        CHECK(verdict(changed) == "accepted");
        scene.snapshot->ima->signers.clear();
        CHECK(verdict(file) == "refused: ima.files");
    }
}

TEST_CASE("ima.files: the signature of a file does not stand for its fs-verity digest") {
    const PrivateKey ec = PrivateKey::generate(KeyKind::p256).value();
    Scene scene;
    scene.snapshot->ima->signers = {
        {"distribution", ec.public_key(), ima::key_id(ec.public_key()), {"/**"}}};
    SignedFile file;
    file.key_id = ima::key_id(ec.public_key());
    file.signature = ecdsa_der(ec, file.content);
    const auto add = [&](std::string_view type) {
        scene.ima.add_fields("ima-sigv2", {digest_field("sha256", sha256(file.content), type),
                                           name_field(file.path), digsig(file)});
        scene.ima_quoted = scene.ima.size();
    };
    add("ima");
    CHECK(summary(scene.verify()) == "accepted");
    add("verity");
    CHECK(summary(scene.verify()) == "refused: ima.files");
}

TEST_CASE("ima.files: the finding says whether the path is known, and where the file is from") {
    Scene scene;
    scene.snapshot->ima->allow.push_back(
        {"/usr/bin/less", {Scene::file_digest_text(0x31)}, false, "less 590-2"});
    scene.add_file("/usr/bin/less", 0x32);
    scene.add_file("/usr/bin/more", 0x33);
    const VerificationResult result = scene.verify();
    CHECK(finding_says(result, "ima.files", "has other content of it, of \"less 590-2\""));
    CHECK(finding_says(result, "ima.files", "\"/usr/bin/more\" sha256:33"));
    CHECK(finding_says(result, "ima.files", "(not in the snapshot)"));
}

TEST_CASE("ima.forbid: what is forbidden is refused, although it is known") {
    Scene scene;
    scene.add_file("/bin/sh", 0xa3);
    auto& forbid = scene.snapshot->ima->forbid;
    const std::string known = Scene::file_digest_text(0xa3);
    const std::string other = Scene::file_digest_text(0xa4);
    const std::string refused = "refused: ima.forbid";
    CHECK(summary(scene.verify()) == "accepted");
    forbid = {{"/bin/sh", {}}};
    CHECK(summary(scene.verify()) == refused);
    CHECK(finding_says(scene.verify(), "ima.forbid", "\"/bin/sh\" sha256:a3"));
    forbid = {{"/bin/sh", {other, known}}};
    CHECK(summary(scene.verify()) == refused);
    forbid = {{"/bin/sh", {other}}};
    CHECK(summary(scene.verify()) == "accepted");
    forbid = {{"/bin/s", {}}, {"/bin/*", {}}};
    CHECK(summary(scene.verify()) == "accepted");
    forbid = {{"/bin/*", {}, true}};
    CHECK(summary(scene.verify()) == refused);
    forbid = {{"/**", {known}, true}};
    CHECK(summary(scene.verify()) == refused);
    forbid = {{"/**", {other}, true}, {"/usr/sbin/**", {}, true}};
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.forbid: a violation is any content, and an unknown file may be forbidden too") {
    Scene scene;
    scene.snapshot->ima->forbid = {{"/srv/**", {}, true},
                                   {"/opt/tool", {Scene::file_digest_text(0x12)}}};
    scene.snapshot->ima->tolerate_violations = {"/srv/journal", "/opt/tool"};
    scene.ima.add_violation("/opt/tool");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "accepted");
    scene.ima.add_violation("/srv/journal");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.forbid");
    scene.add_file("/srv/unknown", 0x77);
    CHECK(summary(scene.verify()) == "refused: ima.files, ima.forbid");
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

TEST_CASE("ima.violations: one of another PCR is refused at every path") {
    Scene scene;
    scene.snapshot->ima->tolerate_violations = {"/var/log/journal"};
    const Bytes zeros(32);
    scene.ima.add_violation_fields(
        "ima-ng", {digest_field("sha256", zeros), name_field("/var/log/journal")}, 11);
    scene.add_file("/bin/sh", 0xa3);
    CHECK(summary(scene.verify()) == "refused: ima.violations");
}

TEST_CASE("ima.violations: paths may be tolerated by patterns") {
    Scene scene;
    scene.ima.add_violation("/var/log/journal");
    scene.ima_quoted = scene.ima.size();
    scene.snapshot->ima->tolerate_violations = {"/var/log/*"};  // a path
    CHECK(summary(scene.verify()) == "refused: ima.violations");
    scene.snapshot->ima->tolerate_violation_patterns = {"/var/log/*"};
    CHECK(summary(scene.verify()) == "accepted");
    scene.ima.add_violation("/var/log/a/b");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify()) == "refused: ima.violations");
}

TEST_CASE("ima.violations: a raw quote whose log has one is refused") {
    Scene scene;
    scene.ima.add_violation("/var/log/journal");
    scene.ima_quoted = scene.ima.size();
    CHECK(summary(scene.verify_quote(raw_of(scene), kNonce)) == "refused: ima.violations");
}
