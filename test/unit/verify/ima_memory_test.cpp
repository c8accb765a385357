// A verifier that remembers what it verified of a log, and reads only what is new.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

/// A VM that was verified once, by a verifier that remembers it.
struct Known {
    Scene scene;
    ImaMemory memory;
    std::size_t before = 0;  ///< entries of the log then

    Known() {
        scene.memory = &memory;
        scene.snapshot->ima->allow.push_back({"/usr/bin/new", {Scene::file_digest_text(0x21)}});
        CHECK(summary(scene.fresh()) == "accepted");
        before = scene.ima.size();
    }

    /// Measures a file, and from now on the verifier is given only what came since.
    void go_on(std::string_view path = "/usr/bin/new", std::uint8_t digest = 0x21) {
        scene.add_file(path, digest);
        scene.given_log_first = before;
    }
};

/// The log grew and was accepted, and now it is as long as before.
struct Shortened : Known {
    Shortened() {
        const ImaBuilder shorter = scene.ima;
        go_on();
        CHECK(summary(scene.fresh()) == "accepted");
        scene.ima = shorter;
        scene.ima_quoted = shorter.size();
        scene.given_log_first = 0;
    }
};

std::int64_t claim(const VerificationResult& result, std::string_view name) {
    return *result.claims.find("ima")->find(name)->if_int();
}

/// What the findings say, of the certificate and of the fresh evidence.
std::string continuity(const VerificationResult& result) {
    std::string out;
    for (const Finding& finding : result.findings.all()) {
        out += finding.rule == "ima.continuity" ? finding.actual + "; " : "";
    }
    return out;
}

}  // namespace

TEST_CASE("ima.continuity: only the new entries are needed, and only they are read") {
    Known known;
    known.go_on();
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "accepted");
    CHECK(claim(result, "entries_read") == 1);
    CHECK(claim(result, "entries") == static_cast<std::int64_t>(known.before) + 1);
    CHECK(continuity(result).starts_with("read from entry " + std::to_string(known.before) + ";"));
}

TEST_CASE("ima.continuity: a log of which nothing is new is not needed") {
    Known known;
    known.scene.log_at_hand = false;
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "accepted");
    CHECK(claim(result, "entries_read") == 0);
    known.scene.add_file("/usr/bin/new", 0x21);
    CHECK(summary(known.scene.fresh()) == "unavailable: ima.log");
}

TEST_CASE("ima.continuity: the whole log may be handed over too") {
    Known known;
    known.go_on();
    known.scene.given_log_first = 0;
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "accepted");
    CHECK(claim(result, "entries_read") == 1);
}

TEST_CASE("ima.continuity: what is new is appraised as the rest was, each time") {
    Known known;
    known.go_on("/tmp/tool", 0xee);
    CHECK(summary(known.scene.fresh()) == "refused: ima.files");
    CHECK(summary(known.scene.fresh()) == "refused: ima.files");  // and not remembered
    known.scene.given_log_first = 0;
    CHECK(summary(known.scene.fresh()) == "refused: ima.files");
}

TEST_CASE("ima.continuity: violations are counted on, required files stay found") {
    Known known;
    known.scene.snapshot->ima->tolerate_violations = {"/srv/a"};
    known.scene.ima.add_violation("/srv/a");
    known.scene.ima_quoted = known.scene.ima.size();
    CHECK(claim(known.scene.fresh(), "violations") == 1);
    known.before = known.scene.ima.size();
    known.go_on();
    known.scene.ima.add_violation("/srv/a");
    known.scene.ima_quoted = known.scene.ima.size();
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "accepted");
    CHECK(claim(result, "violations") == 2);
    CHECK(claim(result, "entries_read") == 2);
}

TEST_CASE("ima.continuity: another boot, snapshot, policy or AK starts from the first entry") {
    Known known;
    known.go_on();
    std::string says = "read from the first entry";
    SUBCASE("started anew") {
        known.scene.tpm.reset_count += 1;
        says = "started anew since: reset count 1, restart count 0 before, reset count 2";
    }
    SUBCASE("resumed") {
        known.scene.tpm.restart_count += 1;
        says = "started anew since";
    }
    SUBCASE("another snapshot") {
        known.scene.snapshot->sequence += 1;
    }
    SUBCASE("another policy") {
        known.scene.policy.ima.allow_padded_sha1 = true;
    }
    const VerificationResult rest_only = known.scene.fresh();
    CHECK(summary(rest_only) == "unavailable: ima.log");
    known.scene.given_log_first = 0;
    const VerificationResult whole = known.scene.fresh();
    CHECK(summary(whole) == "accepted");
    CHECK(claim(whole, "entries_read") == static_cast<std::int64_t>(known.scene.ima.size()));
    CHECK_MESSAGE(continuity(whole).contains(says), continuity(whole));
}

TEST_CASE("ima.continuity: another TPM does not profit from what is known of this one") {
    Known known;
    Scene other;
    other.memory = &known.memory;
    other.log_at_hand = false;
    CHECK(summary(other.fresh()) == "unavailable: ima.log");
}

TEST_CASE("ima.continuity: a log that got shorter within a boot is refused") {
    Shortened known;
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "invalid: ima.continuity");
    CHECK(continuity(result).contains("shorter than before in the same boot"));
    // A certificate may be older than the last fresh evidence.
    CHECK(summary(known.scene.verify()) == "accepted");
}

TEST_CASE("ima.continuity: another log in the same boot is refused") {
    Known known;
    Scene& scene = known.scene;
    const ImaBuilder first = scene.ima;
    known.go_on();
    scene.given_log_first = 0;
    CHECK(summary(scene.fresh()) == "accepted");
    scene.ima = first;
    scene.add_file("/bin/sh", 0xa3);
    scene.add_file("/usr/bin/new", 0x21);
    const VerificationResult result = scene.fresh();
    CHECK(summary(result) == "invalid: ima.continuity");
    CHECK(continuity(result).contains("not the log that was seen in the same boot"));
}

TEST_CASE("ima.continuity: a boot before one that was seen is refused if it is said to be of now") {
    Known known;
    known.scene.tpm.reset_count = 0;
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "invalid: ima.continuity");
    CHECK(continuity(result).contains("a boot before one that was seen"));
    CHECK(summary(known.scene.verify()) == "accepted");  // an old certificate
    known.scene.tpm.reset_count = 1;
    known.scene.tpm.restart_count = 1;
    CHECK(summary(known.scene.fresh()) == "accepted");
    known.scene.tpm.restart_count = 0;
    CHECK(summary(known.scene.fresh()) == "invalid: ima.continuity");
}

TEST_CASE("ima.continuity: evidence that does not hold otherwise leaves nothing behind") {
    Scene scene;
    ImaMemory memory;
    scene.memory = &memory;
    const auto roots = std::exchange(scene.user_roots, {});
    const VerificationResult untrusted = scene.verify();
    CHECK(untrusted.outcome == Outcome::invalid);
    CHECK(passed(untrusted, "ima.replay"));
    scene.log_at_hand = false;
    scene.user_roots = roots;
    CHECK(summary(scene.verify()) == "unavailable: ima.log");
    scene.log_at_hand = true;
    CHECK(summary(scene.verify()) == "accepted");
    scene.log_at_hand = false;
    CHECK(summary(scene.verify()) == "accepted");
}

TEST_CASE("ima.continuity: a known value of PCR 10 is no way around it") {
    Shortened known;
    known.scene.log_at_hand = false;
    known.scene.snapshot->sequence += 1;  // nothing is remembered under this one
    known.scene.snapshot->ima->known_pcr10 = {known.scene.ima.pcr()};
    const VerificationResult result = known.scene.fresh();
    CHECK(summary(result) == "invalid: ima.continuity");
    CHECK(continuity(result).contains("shorter than before"));
    known.scene.memory = nullptr;
    CHECK(summary(known.scene.fresh()) == "accepted");
}

TEST_CASE("ima.continuity: a log that goes on from one state must agree with the others") {
    Known known;  // under one snapshot
    Scene& scene = known.scene;
    const ImaBuilder before = scene.ima;
    known.go_on();
    scene.given_log_first = 0;
    scene.snapshot->sequence += 1;
    CHECK(summary(scene.fresh()) == "accepted");  // one entry more, under another
    scene.snapshot->sequence -= 1;
    scene.ima = before;
    scene.add_file("/bin/sh", 0xa3);
    scene.add_file("/usr/bin/new", 0x21);
    CHECK(continuity(scene.fresh()).contains("not the log that was seen in the same boot"));
}

TEST_CASE("ima.boot_aggregate: it is compared with each quote, also if entry 0 was read before") {
    Known known;
    known.go_on();
    known.scene.tpm.extend(3, HashAlg::sha256, Bytes(32, 1));
    const VerificationResult result = known.scene.fresh();
    CHECK(result.findings.has("ima.boot_aggregate", Verdict::fail));
    CHECK(result.outcome == Outcome::invalid);
}

TEST_CASE("ima.prefix: what claim 4 says of the remembered part must have been true then") {
    Known known;
    known.go_on();
    const auto claim_4 = [&](std::size_t count, std::uint8_t change) {
        return [&scene = known.scene, count, change](cert::Claims& claims) {
            claims.ima->entries = count;
            claims.ima->log_sha256 =
                sha256(ByteView(scene.ima.log()).first(scene.ima.offset(count)));
            claims.ima->log_sha256[0] ^= change;
            std::ranges::copy(scene.ima.pcr(HashAlg::sha256, count), claims.ima->pcr10.begin());
        };
    };
    known.scene.session_edits.claims = claim_4(known.before, 0);
    CHECK(summary(known.scene.fresh()) == "accepted");
    known.scene.session_edits.claims = claim_4(known.before, 1);
    CHECK(summary(known.scene.fresh()) == "invalid: ima.prefix");
    known.scene.session_edits.claims = claim_4(known.before - 1, 0);  // true, but not remembered
    CHECK(summary(known.scene.fresh()) == "invalid: ima.prefix");
    known.scene.given_log_first = 0;
    CHECK(summary(known.scene.fresh()) == "accepted");
    known.scene.session_edits.claims = claim_4(known.before - 1, 1);
    CHECK(summary(known.scene.fresh()) == "invalid: ima.prefix");
}

TEST_CASE("ima.format: a rest that is malformed, or that begins elsewhere, is refused") {
    Known known;
    known.go_on();
    Bytes cut = known.scene.ima.log();
    cut.pop_back();
    known.scene.given_log = cut;
    CHECK(summary(known.scene.fresh()) == "invalid: ima.format");
    known.scene.given_log.reset();
    known.go_on();
    known.scene.given_log_first = known.before + 1;
    CHECK(summary(known.scene.fresh()) == "unavailable: ima.log");
    known.scene.given_log_first = known.before - 1;
    CHECK(summary(known.scene.fresh()) == "unavailable: ima.log");
}

TEST_CASE("ima memory: it keeps the latest states, and the longest that fits is found") {
    ImaMemory memory;
    const ImaOwner owner{.ak_name = Bytes(34, 1), .reset_count = 3};
    const auto state = [&](std::size_t entries) {
        ima::Replay::State values;
        values.entries = entries;
        return ImaState{.owner = owner,
                        .replay = ima::Replay::resume({{HashAlg::sha256}}, values).value(),
                        .digests = ima::PrefixDigests({})};
    };
    for (const std::size_t entries : {5U, 9U, 7U}) {
        memory.keep(state(entries));
    }
    CHECK(memory.find(owner, 4) == nullptr);
    CHECK(memory.find(owner, 5)->entries() == 5);
    CHECK(memory.find(owner, 8)->entries() == 7);
    CHECK(memory.find(owner, 1000)->entries() == 9);
    memory.keep(state(9));
    CHECK(memory.of_boot(owner).size() == 3);
    for (std::size_t i = 0; i < ImaMemory::kMaxStates; ++i) {
        memory.keep(state(100 + i));
    }
    CHECK(memory.find(owner, 99) == nullptr);
    CHECK(memory.of_boot(owner).size() == ImaMemory::kMaxStates);
    CHECK(memory.longest(owner)->entries() == 99 + ImaMemory::kMaxStates);
}
