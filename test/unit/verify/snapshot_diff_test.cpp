// What is different between two snapshots.
#include "verify/appraise/snapshot_diff.h"

#include <doctest/doctest.h>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

/// The lines that a change of one snapshot gives.
std::string diff_after(const std::function<void(Snapshot&)>& change) {
    const Scene scene;
    Snapshot second = *scene.snapshot;
    change(second);
    return diff_text(diff_snapshots(*scene.snapshot, second));
}

const std::string kOnes48(96, '1');

}  // namespace

TEST_CASE("snapshot diff: equal snapshots have none, whatever the order and the signatures") {
    CHECK(diff_after([](Snapshot&) {}).empty());
    CHECK(diff_after([](Snapshot& s) {
              std::ranges::reverse(s.ima->allow);
              s.ima->allow.push_back(s.ima->allow.front());
              s.signatures.push_back({{}, Bytes(64, 1)});
              s.digest = {};
          }).empty());
}

TEST_CASE("snapshot diff: each member that differs is named") {
    struct Case {
        std::string line;
        std::function<void(Snapshot&)> change;
    };
    const std::vector<Case> cases = {
        {"~ name -", [](Snapshot& s) { s.name = "x"; }},
        {"+ tpm.boot \"secure_boot\" +true",
         [](Snapshot& s) {
             s.boot = BootReference{};
             s.boot->secure_boot = true;
         }},
        {"~ sequence ", [](Snapshot& s) { s.sequence += 1; }},
        {"~ not_before ", [](Snapshot& s) { s.not_before += 1; }},
        {"~ not_after ", [](Snapshot& s) { s.not_after += 1; }},
        {"~ origin ", [](Snapshot& s) { s.origin = s.origin == "built" ? "observed" : "built"; }},
        {"~ dialects +\"y\"", [](Snapshot& s) { s.dialects.emplace_back("y"); }},
        {"+ image +\"z 1\"", [](Snapshot& s) { s.image = "z 1"; }},
        {"+ tool +\"z\"", [](Snapshot& s) { s.tool = "z"; }},
        {"+ evidence \"tee\" +", [](Snapshot& s) { s.evidence = {{"tee", Bytes(32, 1)}}; }},
        {"+ taken_from +\"z\"", [](Snapshot& s) { s.taken_from = "z"; }},
        {"+ tee.snp.measurements \"" + kOnes48 + "\" +covers firmware +tag paravisor",
         [](Snapshot& s) {
             s.snp->measurements.push_back({Bytes(48, 0x11), {"firmware"}, "paravisor"});
         }},
        {"~ tee.snp.measurements ", [](Snapshot& s) { s.snp->measurements[0].covers.clear(); }},
        {"+ tee.snp.host_data +", [](Snapshot& s) { s.snp->host_data = {Bytes(32, 1)}; }},
        {"+ tee.snp.id_key_digests +", [](Snapshot& s) { s.snp->id_key_digests = {Bytes(48, 1)}; }},
        {"+ tee.snp.author_key_digests +",
         [](Snapshot& s) { s.snp->author_key_digests = {Bytes(48, 1)}; }},
        {"+ tee.snp.family_ids +", [](Snapshot& s) { s.snp->family_ids = {Bytes(16, 1)}; }},
        {"+ tee.snp.image_ids +", [](Snapshot& s) { s.snp->image_ids = {Bytes(16, 1)}; }},
        {"+ tee.snp.paravisor_id_key_digests +",
         [](Snapshot& s) { s.snp->paravisor_id_key_digests = {Bytes(48, 1)}; }},
        {"~ tee.snp.min_guest_svn ", [](Snapshot& s) { s.snp->min_guest_svn = 77; }},
        {"~ tpm.sha256 \"3\" +" + std::string(64, '1'),
         [](Snapshot& s) { (*s.pcrs)[3].push_back(Bytes(32, 0x11)); }},
        {"- tpm.sha256 \"3\" -", [](Snapshot& s) { s.pcrs->erase(3); }},
        {"+ ima.allow \"/a\\xff\" +sha256:00",
         [](Snapshot& s) { s.ima->allow.push_back({"/a\xff", {"sha256:00"}}); }},
        {"+ ima.require \"/a\" +sha256:00",
         [](Snapshot& s) { s.ima->require.push_back({"/a", {"sha256:00"}}); }},
        {"+ ima.tolerate_violations \"/v\"",
         [](Snapshot& s) { s.ima->tolerate_violations = {"/v"}; }},
        {"+ ima.tolerate_violation_patterns \"/v/**\"",
         [](Snapshot& s) { s.ima->tolerate_violation_patterns = {"/v/**"}; }},
        {"+ ima.allow pattern \"/a/*\" +sha256:00",
         [](Snapshot& s) { s.ima->allow.push_back({"/a/*", {"sha256:00"}, true}); }},
        {"~ ima.allow \"/bin/sh\" +source \"dash 1\"",
         [](Snapshot& s) {
             std::ranges::find(s.ima->allow, "/bin/sh", &FileReference::path)->source = "dash 1";
         }},
        {"+ ima.forbid \"/n\" +any content", [](Snapshot& s) { s.ima->forbid = {{"/n", {}}}; }},
        {"+ ima.signers \"",
         [](Snapshot& s) {
             const PublicKey key = PrivateKey::generate(KeyKind::p256).value().public_key();
             s.ima->signers = {{"", key, {}, {"/**"}}};
         }},
        {"+ ima.known_pcr10 +", [](Snapshot& s) { s.ima->known_pcr10 = {Bytes(32, 1)}; }},
    };
    for (const Case& item : cases) {
        Snapshot second = *Scene().snapshot;
        const Snapshot first = second;
        item.change(second);
        const std::string text = diff_text(diff_snapshots(first, second));
        CAPTURE(item.line);
        CHECK_MESSAGE(text.starts_with(item.line), text);
        CHECK(std::ranges::count(text, '\n') == 1);
    }
}

TEST_CASE("snapshot diff: RTMRs and the owners of a trust domain are compared") {
    Snapshot first;
    first.tdx = TdxReference{{{Bytes(48, 1), {}, {}}}, {{0, {Bytes(48, 2)}}}, {}, {}, {}};
    Snapshot second = first;
    second.tdx->rtmrs = {{0, {Bytes(48, 3)}}, {3, {Bytes(48, 4)}}};
    second.tdx->mr_config_id = {Bytes(48, 5)};
    second.tdx->mr_owner = {Bytes(48, 6)};
    second.tdx->mr_owner_config = {Bytes(48, 7)};
    const auto changes = diff_snapshots(first, second);
    REQUIRE(changes.size() == 5);
    CHECK(changes[0].section == "tee.tdx.mr_config_id");
    CHECK(changes[1].section == "tee.tdx.mr_owner");
    CHECK(changes[2].section == "tee.tdx.mr_owner_config");
    CHECK(changes[3].section == "tee.tdx.rtmr0");
    CHECK(changes[3].in_first);
    CHECK(changes[3].only_first.size() == 1);
    CHECK(changes[3].only_second.size() == 1);
    CHECK(changes[4].section == "tee.tdx.rtmr3");
    CHECK_FALSE(changes[4].in_first);
}

TEST_CASE("snapshot diff: the JSON says the same, and a name that is no text in hex") {
    Snapshot first;
    first.ima = ImaReference{{{"/old\xff", {"sha256:00"}}, {"/same", {"sha256:01"}}}, {}, {}, {}};
    Snapshot second = first;
    second.ima->allow = {{"/new", {"sha256:02"}}, {"/same", {"sha256:03"}}};
    const Json json = diff_json(diff_snapshots(first, second));
    CHECK_FALSE(*json.find("equal")->if_bool());
    CHECK(json.find("changes")->canonical() ==
          R"([{"change":"added","name":"/new","only_first":[],"only_second":["sha256:02"],)"
          R"("section":"ima.allow"},)"
          R"({"change":"removed","name_hex":"2f6f6c64ff","only_first":["sha256:00"],)"
          R"("only_second":[],"section":"ima.allow"},)"
          R"({"change":"changed","name":"/same","only_first":["sha256:01"],)"
          R"("only_second":["sha256:03"],"section":"ima.allow"}])");
    CHECK(*diff_json({}).find("equal")->if_bool());
}
