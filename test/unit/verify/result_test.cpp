// Findings, what they lead to, and how the result is printed.
#include "verify/result.h"

#include <doctest/doctest.h>

#include <set>

#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

Findings with(std::initializer_list<std::string_view> failed) {
    Findings out;
    out.pass("cert.format", "good");
    for (const std::string_view rule : failed) {
        out.fail(rule, "this", "that");
    }
    return out;
}

}  // namespace

TEST_CASE("result: without any finding nothing is proved") {
    CHECK(conclude(Findings{}, true) == Outcome::invalid);
    CHECK(conclude(Findings{}, false) == Outcome::invalid);
    CHECK(VerificationResult{}.outcome == Outcome::invalid);
    CHECK_FALSE(VerificationResult{}.genuine());
}

TEST_CASE("result: unsound weighs more than missing, missing more than refused") {
    CHECK(conclude(with({}), true) == Outcome::accepted);
    CHECK(conclude(with({}), false) == Outcome::genuine);
    CHECK(conclude(with({"snp.vmpl"}), true) == Outcome::refused);
    CHECK(conclude(with({"snp.vmpl"}), false) == Outcome::refused);
    CHECK(conclude(with({"snp.vmpl", "ima.log"}), true) == Outcome::unavailable);
    CHECK(conclude(with({"ima.log", "snp.vmpl", "snp.signature"}), true) == Outcome::invalid);
    Findings waived = with({});
    waived.add({"snp.revocation", Verdict::waived, "this", "that"});
    CHECK(conclude(waived, true) == Outcome::accepted);
}

TEST_CASE("result: exit codes and names are those of the manual") {
    CHECK(outcome_exit_code(Outcome::accepted) == 0);
    CHECK(outcome_exit_code(Outcome::genuine) == 0);
    CHECK(outcome_exit_code(Outcome::invalid) == 2);
    CHECK(outcome_exit_code(Outcome::refused) == 3);
    CHECK(outcome_exit_code(Outcome::unavailable) == 4);
    CHECK(outcome_name(Outcome::accepted) == "accepted");
    CHECK(outcome_name(Outcome::genuine) == "genuine");
    CHECK(outcome_name(Outcome::invalid) == "invalid");
    CHECK(outcome_name(Outcome::refused) == "refused");
    CHECK(outcome_name(Outcome::unavailable) == "unavailable");
    CHECK(verdict_name(Verdict::waived) == "waived");
}

TEST_CASE("result: rules are named once, and each says which rule of the profile it serves") {
    std::set<std::string_view> names;
    for (const Rule& rule : all_rules()) {
        CAPTURE(rule.name);
        CHECK(names.insert(rule.name).second);
        CHECK(find_rule(rule.name) == &rule);
        CHECK(rule.profile >= 1);
        CHECK(rule.profile <= 16);
        CHECK_FALSE(rule.text.empty());
    }
    CHECK(find_rule("no.such") == nullptr);
}

TEST_CASE("result: the JSON form has all members, of the promised types") {
    Scene scene;
    scene.policy.snp.revocation_waived = true;
    scene.crl.reset();
    scene.now = kNow;
    const Json json = result_json(scene.verify());
    REQUIRE(json.if_object() != nullptr);
    std::string keys;
    for (const auto& [key, value] : *json.if_object()) {
        keys += (keys.empty() ? "" : " ") + key;
    }
    CHECK(keys ==
          "verdict genuine root tcb tpm freshness relay not_older_than dialect snapshot "
          "findings claims not_checked skipped verified_at");
    CHECK(*json.find("verdict")->if_string() == "accepted");
    CHECK(*json.find("genuine")->if_bool());
    CHECK(*json.find("root")->if_string() == "user");
    CHECK(json.find("tcb")->is_null());
    CHECK(json.find("not_older_than")->is_null());
    CHECK(*json.find("freshness")->if_int() == 0);
    CHECK(*json.find("relay")->if_string() == "possible");
    CHECK(*json.find("verified_at")->if_string() == "2024-01-04T12:00:00Z");
    const Json& tpm = *json.find("tpm");
    CHECK(*tpm.find("class")->if_string() == "tee-vouched");
    CHECK(*tpm.find("excludes_host")->if_bool());
    CHECK_FALSE(*tpm.find("excludes_guest_root")->if_bool());
    CHECK_FALSE(tpm.find("assumption")->if_string()->empty());
    bool waived = false;
    for (const Json& finding : *json.find("findings")->if_array()) {
        REQUIRE(finding.if_object()->size() == 4);
        const std::string& rule = *finding.find("rule")->if_string();
        CHECK(find_rule(rule) != nullptr);
        waived |= rule == "snp.revocation" && *finding.find("verdict")->if_string() == "waived";
        REQUIRE(finding.find("expected")->if_string() != nullptr);
        REQUIRE(finding.find("actual")->if_string() != nullptr);
    }
    CHECK(waived);
    CHECK(json.find("not_checked")->if_array()->size() == 1);
    CHECK(json.find("claims")->find("certificate") != nullptr);
    CHECK(json.find("claims")->find("snp") != nullptr);
    CHECK(json.find("claims")->find("ima") != nullptr);
    CHECK(parse_json(json.pretty()));
}

TEST_CASE("result: nothing proved is null in the JSON form, not an empty text") {
    VerificationResult result;
    result.findings.fail("cert.format", "a", "b");
    const Json json = result_json(result);
    CHECK(*json.find("verdict")->if_string() == "invalid");
    CHECK_FALSE(*json.find("genuine")->if_bool());
    CHECK(json.find("root")->is_null());
    CHECK(json.find("dialect")->is_null());
    CHECK(*json.find("tpm")->find("class")->if_string() == "none");
}

TEST_CASE("result: the snapshot is named with its signers, and its first use is said") {
    Scene scene;
    scene.sequences->highest.reset();
    VerificationResult result = scene.verify();
    const std::string signer = hex(scene.snapshot_key.public_key().spki_sha256());
    const Json json = *result_json(result).find("snapshot");
    CHECK(json.canonical() == R"({"first_use":true,"name":")" + scene.snapshot->name +
                                  R"(","origin":"built","sequence":7,"signers":[")" + signer +
                                  R"("]})");
    const std::string line = "snapshot   \"" + scene.snapshot->name +
                             "\", sequence 7, built, signed by " + signer.substr(0, 8);
    CHECK(result_text(result).find(line + "; first use") != std::string::npos);
    scene.sequences->highest = 7;
    CHECK(result_text(scene.verify()).find(line + "\n") != std::string::npos);
    scene.snapshot.reset();
    CHECK(result_json(scene.verify()).find("snapshot")->is_null());
}

TEST_CASE("result: the text names a root of the user's, waivers and what was not checked") {
    Scene scene;
    scene.policy.snp.revocation_waived = true;
    scene.crl.reset();
    const std::string text = result_text(scene.verify());
    CHECK(text.starts_with("accepted: "));
    CHECK(text.find("given by --trust-root, not the vendor's") != std::string::npos);
    CHECK(text.find("waived  snp.revocation") != std::string::npos);
    CHECK(text.find("not checked: revocation") != std::string::npos);
    CHECK(text.find("freshness  0") != std::string::npos);
}

TEST_CASE("endorsements.form: the content decides what a file is, and what is nothing is named") {
    const PretendedTee tee(snp_pki_folder());
    Endorsements endorsements;
    endorsements.add_file("chain.pem", snp_pki("chain.pem"));
    CHECK(endorsements.certificates().size() == 2);
    endorsements.add_file("vcek.der", tee.vcek());
    CHECK(endorsements.certificates().size() == 3);
    endorsements.add_file("crl.der", tee.crl());
    CHECK(endorsements.crls().size() == 1);
    endorsements.add_found("crl.der", tee.crl());
    CHECK(endorsements.crls().size() == 1);
    CHECK(endorsements.faults().empty());
    endorsements.add_file("garbage", Bytes{1, 2, 3});
    endorsements.add_found("dir/key.pem", snp_pki("vcek.key.pem"));
    endorsements.add_found("dir/empty.crl", {});
    endorsements.add_found("tcb_info.json", Bytes{'{', '}'});
    endorsements.add_found("der", Bytes{0x30, 0x82, 0, 0});
    CHECK(endorsements.faults().size() == 5);
    CHECK(endorsements.skipped().empty());
    endorsements.add_found("meta.json", Bytes{'{', '}'});
    endorsements.add_found("empty", {});
    endorsements.add_found("notes", Bytes{1, 2, 3});
    CHECK(endorsements.faults().size() == 5);
    CHECK(endorsements.skipped() == std::vector<std::string>{"meta.json", "empty", "notes"});
    endorsements.add_too_large("big.der", {}, 10);
    endorsements.add_too_large("big.iso", {}, 10);
    CHECK(endorsements.faults().size() == 6);
    CHECK(endorsements.skipped().back() == "big.iso");
    CHECK(endorsements.certificates().size() == 3);
}
