// One snapshot out of several: what is accepted grows, what is demanded never shrinks.
#include "verify/appraise/snapshot_merge.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::verify;

namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

Snapshot head(const std::string& origin) {
    Snapshot out;
    out.name = "vm";
    out.sequence = 1;
    out.not_before = 1000;
    out.not_after = 2000;
    out.origin = origin;
    out.dialects = {"ratls-vm/1"};
    return out;
}

Snapshot files(const std::string& path, const std::string& digest) {
    Snapshot out = head("built");
    out.ima = ImaReference{{{path, {digest}}}, {{path, {digest}}}, {}, {}};
    return out;
}

Snapshot observed() {
    Snapshot out = head("observed");
    out.taken_from = "vm.example";
    out.snp = SnpReference{};
    out.snp->measurements = {{Bytes(48, 1), {"firmware", "kernel", "initrd", "cmdline"}, {}}};
    out.snp->min_guest_svn = 3;
    out.pcrs = PcrReference{{0, {Bytes(32, 1)}}, {1, {Bytes(32, 2)}}};
    out.signatures.push_back({{}, Bytes(64, 1)});
    return out;
}

MergedSnapshot merge(const std::vector<Snapshot>& parts) {
    const auto merged = merge_snapshots(parts);
    REQUIRE(merged);
    return *merged;
}

bool notes_say(const MergedSnapshot& merged, std::string_view what) {
    return std::ranges::any_of(merged.notes,
                               [&](const std::string& note) { return note.contains(what); });
}

}  // namespace

TEST_CASE("snapshot merge: parts that say different things give all of it, unsigned") {
    const auto merged = merge({files("/a", kA), observed()});
    CHECK(merged.notes.empty());
    CHECK(merged.snapshot.ima->allow.size() == 1);
    CHECK(merged.snapshot.snp->measurements.size() == 1);
    CHECK(merged.snapshot.pcrs->size() == 2);
    CHECK(merged.snapshot.taken_from == "vm.example");
    CHECK(merged.snapshot.signatures.empty());
    CHECK(parse_snapshot(snapshot_to_text(merged.snapshot)));
}

TEST_CASE("snapshot merge: observed is for ever") {
    CHECK(merge({files("/a", kA), files("/b", kB)}).snapshot.origin == "built");
    CHECK(merge({files("/a", kA), observed()}).snapshot.origin == "observed");
    CHECK(merge({observed(), files("/a", kA)}).snapshot.origin == "observed");
}

TEST_CASE("snapshot merge: digests of a path are united, and so is what is required") {
    const auto merged = merge({files("/b", kB), files("/a", kA), files("/a", kB)});
    REQUIRE(merged.snapshot.ima->allow.size() == 2);
    CHECK(merged.snapshot.ima->allow[0].path == "/a");
    CHECK(merged.snapshot.ima->allow[0].digests == std::vector{kA, kB});
    REQUIRE(merged.snapshot.ima->require.size() == 2);
    CHECK(merged.snapshot.ima->require[1].path == "/b");
    CHECK(merged.snapshot.ima->require[1].digests == std::vector{kB});
}

TEST_CASE("snapshot merge: PCR values and measurements are united") {
    Snapshot other = observed();
    other.pcrs = PcrReference{{1, {Bytes(32, 3), Bytes(32, 2)}}, {2, {Bytes(32, 4)}}};
    other.snp->measurements[0].value = Bytes(48, 2);
    const auto merged = merge({observed(), other});
    CHECK(merged.snapshot.pcrs->at(0).size() == 1);
    CHECK(merged.snapshot.pcrs->at(1) == std::vector{Bytes(32, 2), Bytes(32, 3)});
    CHECK(merged.snapshot.pcrs->at(2).size() == 1);
    CHECK(merged.snapshot.snp->measurements.size() == 2);
    CHECK(merged.snapshot.snp->measurements[1].covers_boot());
}

TEST_CASE("snapshot merge: of two minima the higher is kept and named") {
    Snapshot other = observed();
    other.snp->min_guest_svn = 5;
    for (const auto& merged : {merge({observed(), other}), merge({other, observed()})}) {
        CHECK(merged.snapshot.snp->min_guest_svn == 5);
        CHECK(notes_say(merged, "tee.snp.min_guest_svn"));
    }
}

TEST_CASE("snapshot merge: what a measurement covers is only what all say") {
    Snapshot other = observed();
    other.snp->measurements[0].covers = {"firmware"};
    other.snp->measurements[0].tag = "paravisor";
    for (const auto& merged : {merge({observed(), other}), merge({other, observed()})}) {
        REQUIRE(merged.snapshot.snp->measurements.size() == 1);
        CHECK(merged.snapshot.snp->measurements[0].covers == std::vector<std::string>{"firmware"});
        CHECK(merged.snapshot.snp->measurements[0].tag.empty());
        CHECK(notes_say(merged, "covers"));
        CHECK(notes_say(merged, "tag"));
    }
}

TEST_CASE("snapshot merge: a list is kept against a part that accepts any value") {
    Snapshot other = observed();
    other.snp->host_data = {Bytes(32, 1)};
    other.snp->id_key_digests = {Bytes(48, 1)};
    other.snp->author_key_digests = {Bytes(48, 1)};
    other.snp->family_ids = {Bytes(16, 1)};
    other.snp->image_ids = {Bytes(16, 1)};
    for (const auto& merged : {merge({observed(), other}), merge({other, observed()})}) {
        CHECK(merged.snapshot.snp->host_data.size() == 1);
        CHECK(merged.notes.size() == 5);
        CHECK(notes_say(merged, "tee.snp.image_ids"));
    }
    CHECK(merge({other, other}).notes.empty());
}

TEST_CASE("snapshot merge: an RTMR that one part compares stays compared") {
    Snapshot one = head("observed");
    one.tdx = TdxReference{{{Bytes(48, 1), {}, {}}}, {{0, {Bytes(48, 2)}}}, {}, {}, {}};
    Snapshot two = one;
    two.tdx->rtmrs = {{0, {Bytes(48, 3)}}, {3, {Bytes(48, 4)}}};
    two.tdx->mr_owner = {Bytes(48, 5)};
    for (const auto& merged : {merge({one, two}), merge({two, one})}) {
        CHECK(merged.snapshot.tdx->rtmrs.size() == 2);
        CHECK(merged.snapshot.tdx->rtmrs.at(0).size() == 2);
        CHECK(merged.snapshot.tdx->rtmrs.at(3).size() == 1);
        CHECK(notes_say(merged, "tee.tdx.rtmr3"));
        CHECK(notes_say(merged, "tee.tdx.mr_owner"));
    }
}

TEST_CASE("snapshot merge: violations and values of PCR 10 count only if all parts have them") {
    Snapshot one = files("/a", kA);
    one.ima->tolerate_violations = {"/v", "/w"};
    one.ima->known_pcr10 = {Bytes(32, 1)};
    Snapshot two = files("/a", kA);
    two.ima->tolerate_violations = {"/w"};
    for (const auto& merged : {merge({one, two}), merge({two, one})}) {
        CHECK(merged.snapshot.ima->tolerate_violations == std::vector<std::string>{"/w"});
        CHECK(merged.snapshot.ima->known_pcr10.empty());
        CHECK(merged.notes.size() == 2);
    }
    CHECK(merge({one, observed()}).snapshot.ima->known_pcr10.size() == 1);
}

TEST_CASE("snapshot merge: patterns stay patterns, and what a part forbids is forbidden") {
    const PublicKey key = PrivateKey::generate(KeyKind::p256).value().public_key();
    Snapshot one = files("/a", kA);
    one.ima->allow.push_back({"/a", {kA}, true, "x 1"});
    one.ima->forbid = {{"/n", {}}, {"/m", {kA}}};
    one.ima->signers = {{"one", key, {}, {"/**"}}};
    one.ima->tolerate_violation_patterns = {"/v/*", "/w/*"};
    Snapshot two = files("/a", kA);
    two.ima->allow.push_back({"/a", {kB}, true, "x 2"});
    two.ima->forbid = {{"/n", {kA}}, {"/m", {kA}}};
    two.ima->signers = {{"two", key, {}, {"/**"}}, {"two", key, {}, {"/usr/**"}}};
    two.ima->tolerate_violation_patterns = {"/w/*"};
    for (const auto& merged : {merge({one, two}), merge({two, one})}) {
        const ImaReference& ima = *merged.snapshot.ima;
        REQUIRE(ima.allow.size() == 2);
        CHECK_FALSE(ima.allow[0].pattern);
        CHECK(ima.allow[0].digests == std::vector<std::string>{kA});
        CHECK(ima.allow[1].pattern);
        CHECK(ima.allow[1].digests.size() == 2);
        CHECK(ima.allow[1].source.size() == std::string("x 1; x 2").size());
        CHECK(ima.forbid.size() == 3);
        CHECK(ima.signers.size() == 2);
        CHECK(ima.tolerate_violation_patterns == std::vector<std::string>{"/w/*"});
        CHECK(merged.notes.size() == 1);
    }
}

TEST_CASE("snapshot merge: it is valid when all parts are") {
    Snapshot other = observed();
    other.not_before = 1500;
    other.not_after = 3000;
    const auto merged = merge({files("/a", kA), other});
    CHECK(merged.snapshot.not_before == 1500);
    CHECK(merged.snapshot.not_after == 2000);
    CHECK(notes_say(merged, "not_before"));
    other.not_before = 2001;
    CHECK_FALSE(merge_snapshots(std::vector{files("/a", kA), other}));
    other = observed();
    other.dialects = {"another"};
    CHECK_FALSE(merge_snapshots(std::vector{files("/a", kA), other}));
}

TEST_CASE("snapshot merge: all that parts were taken from is kept") {
    Snapshot other = observed();
    other.taken_from = "two.example";
    CHECK(merge({observed(), other}).snapshot.taken_from == "vm.example; two.example");
    CHECK(merge({observed(), observed()}).snapshot.taken_from == "vm.example");
    other.image = "web 2";
    other.evidence = {{"tee", Bytes(32, 1)}};
    CHECK(merge({other}).snapshot.evidence.size() == 1);
    CHECK(merge({observed(), other}).snapshot.evidence.empty());
    CHECK(merge({observed(), other}).snapshot.image == "web 2");
}

TEST_CASE("snapshot merge: what the boot log must say is of one part, or the same in both") {
    Snapshot first = observed();
    first.boot = BootReference{};
    first.boot->secure_boot = true;
    CHECK(merge({first, observed()}).snapshot.boot->secure_boot == true);
    CHECK(merge({observed(), first}).snapshot.boot->secure_boot == true);
    CHECK(merge({first, first}).snapshot.boot->secure_boot == true);
    Snapshot second = first;
    second.boot->secure_boot = false;
    CHECK_FALSE(merge_snapshots(std::vector{first, second}));
}
