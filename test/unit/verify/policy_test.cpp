// The policy's text: strict keys, strict defaults.
#include "verify/appraise/policy.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "ratls/platform/files.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

std::string parses(const std::string& members) {
    return refusal(parse_policy(R"({"ratls_policy": 1, )" + members + "}"));
}

/// The name of the member that comes last in this text: which one is wrong.
std::string last_member(const std::string& text) {
    const std::size_t end = text.rfind("\":");
    const std::size_t begin = text.rfind('"', end - 1) + 1;
    return text.substr(begin, end - begin);
}

Policy everything() {
    Policy policy;
    policy.name = "everything";
    policy.tee_required = false;
    policy.unsigned_snapshot_waived = true;
    policy.snapshot_sequence_waived = true;
    policy.min_sequence = 12;
    policy.snapshot_name = "web";
    policy.owner_keys = {Bytes(32, 1), Bytes(32, 2)};
    policy.agent_configurations = {Bytes(32, 3)};
    policy.snp.allowed_policy_bits = {26, 63};
    policy.snp.allowed_platform_bits = {8, 63};
    policy.snp.allow_debug = true;
    policy.snp.allow_migration_agent = true;
    policy.snp.allow_smt = false;
    policy.snp.allow_masked_chip_id = true;
    policy.snp.allow_provisional_firmware = true;
    policy.snp.revocation_waived = true;
    policy.snp.vmpl = {0, 3};
    policy.snp.products = {snp::Line::turin};
    policy.snp.min_tcb[snp::Line::milan] = {std::nullopt, 1, 2, 3, 4};
    policy.snp.min_tcb[snp::Line::turin] = {5, 6, 7, 8, 255};
    policy.snp.min_abi_major = 1;
    policy.snp.min_abi_minor = 55;
    policy.snp.required_platform_bits = {snp::platform_bit::kEcc, snp::platform_bit::kTio};
    policy.snp.chip_ids = {Bytes(64, 1), Bytes(64, 2)};
    policy.snp.allow_cxl = true;
    policy.snp.require_single_socket = true;
    policy.snp.require_mem_aes_256_xts = true;
    policy.snp.require_rapl_dis = true;
    policy.snp.require_ciphertext_hiding = true;
    policy.snp.require_page_swap_disable = true;
    policy.snp.require_author_key = true;
    policy.snp.min_crl_date = 1'704'067'200;
    policy.snp.min_report_version = 5;
    policy.snp.signing_keys = {snp::SigningKey::vlek};
    policy.snp.csp_ids = {"CN=cc-us-east-2.amazonaws.com", "other"};
    policy.snp.min_launch_tcb[snp::Line::genoa] = {std::nullopt, 1, 2, 3, 4};
    policy.snp.min_firmware = {1, 55, 38};
    policy.snp.forbidden_platform_bits = {snp::platform_bit::kSmt};
    policy.snp.required_launch_mitigations = {0, 63};
    policy.snp.required_current_mitigations = {1};
    policy.snp.report_ids = {Bytes(32, 3)};
    policy.tpm.provider_trusted = true;
    policy.tpm.allow_sha1_bank = true;
    policy.tpm.required_pcrs = (1U << 0) | (1U << 23);
    policy.tpm.ek_activation_required = true;
    policy.tpm.ek_keys = {Bytes(32, 4)};
    policy.ima.allow_padded_sha1 = true;
    policy.freshness.required = 2;
    policy.freshness.required_stated = true;
    policy.freshness.required_for_files = 3;
    policy.freshness.max_beacon_age_s = 60;
    policy.freshness.persistent_key_waived = true;
    return policy;
}

}  // namespace

TEST_CASE("policy: what is written is read back equal, for defaults and for everything else") {
    std::vector<Policy> policies = {Policy{}, everything()};
    for (const std::string& name : policy_names()) {
        policies.push_back(named_policy(name).value());
    }
    for (const Policy& policy : policies) {
        CAPTURE(policy.name);
        const auto parsed = parse_policy(policy_json(policy).pretty());
        REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text()));
        CHECK(policy_json(*parsed).pretty() == policy_json(policy).pretty());
        CHECK(policy_digest(*parsed) == policy_digest(policy));
    }
    const Policy parsed = parse_policy(policy_json(everything()).pretty()).value();
    CHECK(parsed.snp.min_tcb == everything().snp.min_tcb);
    CHECK(parsed.snp.required_platform_bits == everything().snp.required_platform_bits);
    CHECK(parsed.tpm.required_pcrs == everything().tpm.required_pcrs);
    CHECK(parsed.tpm.ek_activation_required);
    CHECK(parsed.tpm.ek_keys == everything().tpm.ek_keys);
}

TEST_CASE("policy: what is absent has the strict default") {
    Policy parsed = parse_policy(R"({"ratls_policy": 1})").value();
    CHECK(parsed.name == "unnamed");
    parsed.name = "default";
    CHECK(policy_json(parsed).pretty() == policy_json(Policy{}).pretty());
    for (const char* text :
         {R"({"ratls_policy": 1, "snp": {}})", R"({"ratls_policy": 1, "tpm": {}})",
          R"({"ratls_policy": 1, "ima": {}})", R"({"ratls_policy": 1, "freshness": {}})",
          R"({"ratls_policy": 1, "snp": {"min_tcb": {}}})"}) {
        CAPTURE(text);
        parsed = parse_policy(text).value();
        parsed.name = "default";
        CHECK(policy_json(parsed).pretty() == policy_json(Policy{}).pretty());
    }
}

TEST_CASE("policy: the policies that come with the program are those that were reviewed") {
    const char* folder = std::getenv("RATLS_TEST_POLICIES");  // allowed: Meson tells the test
    REQUIRE(folder != nullptr);
    for (const std::string& name : policy_names()) {
        CAPTURE(name);
        const auto reviewed =
            LinuxFiles().read(std::string(folder) + "/" + name + ".json", 64 * 1024);
        REQUIRE(reviewed);
        CHECK(as_text(*reviewed) == policy_json(named_policy(name).value()).pretty());
    }
    CHECK(refusal(named_policy("other")) == says("no policy named \"other\"; known: default"));
    CHECK(refusal(named_policy("")) == says("no policy named \"\""));
}

TEST_CASE("policy: another format, and text that is no policy, are refused") {
    CHECK(refusal(parse_policy("")) == says("policy: json: "));
    CHECK(refusal(parse_policy("{}")) == says("policy: ratls_policy: 1 wanted"));
    CHECK(refusal(parse_policy("[]")) == says("policy: an object wanted"));
    CHECK(refusal(parse_policy(R"({"ratls_policy": 2})")) ==
          says("policy: ratls_policy: 1 wanted"));
    CHECK(refusal(parse_policy(R"({"ratls_policy": "1"})")) ==
          says("ratls_policy: a number from 0 to 1000 wanted"));
    CHECK(refusal(parse_policy(R"({"ratls_policy": 1} x)")) ==
          says("the text does not end with the bracket"));
    CHECK(refusal(parse_policy(R"({"ratls_policy": 1, "ratls_policy": 1})")) ==
          says("member \"ratls_policy\" occurs twice"));
}

TEST_CASE("policy: every member of a wrong type or value is refused") {
    for (
        const std::string member : {
            R"("name": 1)",
            R"("tee": "optional")",
            R"("tee": true)",
            R"("unsigned_snapshot": "accepted")",
            R"("unsigned_snapshot": true)",
            R"("snapshot_sequence": "ignored")",
            R"("min_sequence": 0)",
            R"("min_sequence": 4503599627370497)",
            R"("min_sequence": "1")",
            R"("min_sequence": null)",
            R"("snapshot_name": "")",
            R"("snapshot_name": 1)",
            R"("owner_keys": "00")",
            R"("owner_keys": ["00"])",
            R"("agent_configurations": [1])",
            R"("snp": 1)",
            R"("snp": {"allow_policy_bits": [25]})",
            R"("snp": {"allow_policy_bits": [64]})",
            R"("snp": {"allow_platform_bits": [7]})",
            R"("snp": {"allow_platform_bits": 8})",
            R"("snp": {"allow_debug": 1})",
            R"("snp": {"allow_debug": "true"})",
            R"("snp": {"allow_migration_agent": 1})",
            R"("snp": {"allow_smt": 1})",
            R"("snp": {"allow_masked_chip_id": 1})",
            R"("snp": {"allow_provisional_firmware": 1})",
            R"("snp": {"revocation": "optional"})",
            R"("snp": {"revocation": false})",
            R"("snp": {"vmpl": 0})",
            R"("snp": {"vmpl": []})",
            R"("snp": {"vmpl": [4]})",
            R"("snp": {"vmpl": [-1]})",
            R"("snp": {"vmpl": ["0"]})",
            R"("snp": {"products": "Genoa"})",
            R"("snp": {"products": ["Rome"]})",
            R"("snp": {"products": [1]})",
            R"("snp": {"min_tcb": 1})",
            R"("snp": {"min_tcb": {"genoa": 1}})",
            R"("snp": {"min_tcb": {"Genoa": {}}})",
            R"("snp": {"min_tcb": {"genoa": {"bl": 256}}})",
            R"("snp": {"min_tcb": {"genoa": {"tee": -1}}})",
            R"("snp": {"min_tcb": {"genoa": {"snp": "1"}}})",
            R"("snp": {"min_tcb": {"genoa": {"ucode": true}}})",
            R"("snp": {"min_tcb": {"genoa": {"fmc": 1}}})",
            R"("snp": {"min_tcb": {"turin": {"fmc": 256}}})",
            R"("snp": {"min_abi_major": 256})",
            R"("snp": {"min_abi_minor": -1})",
            R"("snp": {"required_platform": "ecc"})",
            R"("snp": {"required_platform": ["ecc2"]})",
            R"("snp": {"chip_ids": "00"})",
            R"("snp": {"chip_ids": ["00"]})",
            R"("snp": {"report_ids": ["00"]})",
            R"("snp": {"report_ids": "00"})",
            R"("snp": {"allow_cxl": 1})",
            R"("snp": {"require_single_socket": 1})",
            R"("snp": {"require_mem_aes_256_xts": "on"})",
            R"("snp": {"require_rapl_dis": 0})",
            R"("snp": {"require_ciphertext_hiding": []})",
            R"("snp": {"require_page_swap_disable": {}})",
            R"("snp": {"require_author_key": "true"})",
            R"("snp": {"min_crl_date": 0})",
            R"("snp": {"min_crl_date": ""})",
            R"("snp": {"min_crl_date": "2026-02-30T00:00:00Z"})",
            R"("snp": {"min_report_version": 1})",
            R"("snp": {"min_report_version": 6})",
            R"("snp": {"signing_keys": []})",
            R"("snp": {"signing_keys": ["VCEK"]})",
            R"("snp": {"signing_keys": "vcek"})",
            R"("snp": {"csp_ids": "aws"})",
            R"("snp": {"csp_ids": [""]})",
            R"("snp": {"csp_ids": [1]})",
            R"("snp": {"min_launch_tcb": {"genoa": {"fmc": 1}}})",
            R"("snp": {"min_launch_tcb": {"milan": {"bl": 256}}})",
            R"("snp": {"min_firmware": "1.55.38"})",
            R"("snp": {"min_firmware": {"major": 256}})",
            R"("snp": {"min_firmware": {"minor": -1}})",
            R"("snp": {"min_firmware": {"build": "1"}})",
            R"("snp": {"min_firmware": {"patch": 1}})",
            R"("snp": {"forbidden_platform": ["ecc2"]})",
            R"("snp": {"forbidden_platform": "ecc"})",
            R"("snp": {"required_platform": ["ecc"], "forbidden_platform": ["smt", "ecc"]})",
            R"("snp": {"required_launch_mitigations": [64]})",
            R"("snp": {"required_launch_mitigations": [-1]})",
            R"("snp": {"required_current_mitigations": [64]})",
            R"("snp": {"required_current_mitigations": 1})",
            R"("tpm": [])",
            R"("tpm": {"provider_tpm": true})",
            R"("tpm": {"provider_tpm": "waived"})",
            R"("tpm": {"allow_sha1_bank": 1})",
            R"("tpm": {"required_pcrs": [24]})",
            R"("tpm": {"required_pcrs": [-1]})",
            R"("tpm": {"required_pcrs": 7})",
            R"("tpm": {"ek_activation": true})",
            R"("tpm": {"ek_activation": "waived"})",
            R"("tpm": {"ek_activation": "required", "ek_keys": ["00"]})",
            R"("tpm": {"ek_activation": "none", "ek_keys": ["0000000000000000000000000000000000000000000000000000000000000000"]})",
            R"("ima": [])",
            R"("ima": {"allow_padded_sha1": 1})",
            R"("freshness": [])",
            R"("freshness": {"required": 4})",
            R"("freshness": {"required": -1})",
            R"("freshness": {"required": "3"})",
            R"("freshness": {"max_beacon_age_s": 59})",
            R"("freshness": {"max_beacon_age_s": 31622401})",
            R"("freshness": {"persistent_key": "allowed"})",
            R"("freshness": {"persistent_key": true})",
        }) {
        CAPTURE(member);
        CHECK(parses(member) == says(last_member(member)));
    }
}

TEST_CASE("policy: values at their limits are taken") {
    CHECK(parses(R"("freshness": {"max_beacon_age_s": 60})") == kAccepted);
    CHECK(parses(R"("freshness": {"max_beacon_age_s": 31622400})") == kAccepted);
    CHECK(parses(R"("snp": {"min_tcb": {"turin": {"fmc": 255, "bl": 0}}})") == kAccepted);
    CHECK(parses(R"("tpm": {"required_pcrs": [0, 23]})") == kAccepted);
    CHECK(parses(R"("snp": {"vmpl": [0, 1, 2, 3]})") == kAccepted);
    CHECK(parses(R"("snp": {"min_report_version": 5, "min_crl_date": null})") == kAccepted);
    CHECK(parses(R"("snp": {"required_launch_mitigations": [0, 63]})") == kAccepted);
    CHECK(parses(R"("snp": {"min_firmware": {"major": 255, "minor": 255, "build": 255}})") ==
          kAccepted);
}

TEST_CASE("policy: the freshness of files follows from what is stated for hosts, up to 1") {
    const auto read = [](const std::string& members) {
        return parse_policy(R"({"ratls_policy": 1, "freshness": {)" + members + "}}").value();
    };
    CHECK(read("").freshness.required == 3);
    CHECK(read("").freshness.required_for_files == 0);
    for (const int stated : {1, 2, 3}) {
        const Policy policy = read(R"("required": )" + std::to_string(stated));
        CHECK(policy.freshness.required == stated);
        CHECK(policy.freshness.required_stated);
        CHECK(policy.freshness.required_for_files == 1);
        CHECK(policy.notes.empty());
    }
    CHECK(read(R"("required": 3, "required_for_files": 0)").freshness.required_for_files == 0);
    CHECK(read(R"("required_for_files": 2, "required": 1)").freshness.required_for_files == 2);
}

TEST_CASE("policy: freshness 0 for hosts counts as not stated, and a note says so") {
    const auto policy =
        parse_policy(R"({"ratls_policy": 1, "freshness": {"required": 0}})").value();
    CHECK(policy.freshness.required == 3);
    CHECK_FALSE(policy.freshness.required_stated);
    CHECK(policy.freshness.required_for_files == 0);
    REQUIRE(policy.notes.size() == 1);
    CHECK(policy.notes[0].starts_with("freshness: required: 0 counts as not stated"));
    CHECK(policy_json(policy).find("freshness")->find("required") == nullptr);
}

TEST_CASE("policy: a member that nobody knows is refused, at every level") {
    for (const std::string member :
         {R"("allow_debug": true)", R"("snp": {"allow": true})",
          R"("snp": {"min_tcb": {"rome": {}}})", R"("snp": {"min_tcb": {"genoa": {"boot": 1}}})",
          R"("tpm": {"revocation": "waived"})", R"("ima": {"allow": []})",
          R"("freshness": {"age": 1})"}) {
        CAPTURE(member);
        CHECK(parses(member) == says(last_member(member)));
    }
}

TEST_CASE("policy: an empty list of products accepts nothing and is refused") {
    CHECK(parses(R"("snp": {"products": []})") == says("products: an empty list accepts nothing"));
}
