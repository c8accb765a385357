// Rules about SGX and TDX that a policy decides, and the policy's text.
#include <doctest/doctest.h>

#include <map>

#include "ratls/codec/hex.h"
#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using dcap::TcbStatus;
using dcap::Tee;

namespace {

template <std::size_t N>
Bytes bytes_from(const std::array<std::uint8_t, N>& field) {
    return to_bytes(field);
}

/// A value that is not listed is refused, one of two that are listed passes, none listed means any.
void check_list(const std::function<std::vector<Bytes>&(IntelScene&)>& list, Tee tee,
                const Bytes& actual, std::string_view rule) {
    IntelScene scene(tee, 4);
    Bytes other = actual;
    other.back() ^= 1;
    list(scene) = {other};
    CHECK(scene.outcome() == "refused: " + std::string(rule));
    list(scene).push_back(actual);
    CHECK(scene.outcome() == "genuine");
    CHECK(passed(scene.verify(), rule));
    list(scene).clear();
    CHECK(scene.outcome() == "genuine");
}

void set_attribute(IntelScene& scene, unsigned bit) {
    scene.quote.td->td_attributes[bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
}

/// A platform of this status, whose advisories and dates are those of the good one.
IntelScene with_status(TcbStatus status) {
    IntelScene scene;
    scene.tcb_info.levels[0].facts.status = status;
    return scene;
}

std::string actual_of(const verify::VerificationResult& result, std::string_view rule) {
    for (const verify::Finding& finding : result.findings.all()) {
        if (finding.rule == rule) {
            return finding.actual;
        }
    }
    return "no finding";
}

/// Every member of the policy: a value that refuses or allows, and what it does to a scene.
struct MemberCase {
    std::string_view value;  ///< JSON
    Tee tee;
    std::function<void(IntelScene&)> change;
    std::string_view without;  ///< outcome without the member
    std::string_view with;
};

void nothing(IntelScene&) {}

const std::map<std::string, MemberCase>& member_cases() {
    static const std::map<std::string, MemberCase> kCases = {
        {"intel.accepted_tcb_statuses",
         {R"(["ConfigurationNeeded"])", Tee::tdx,
          [](IntelScene& scene) {
              scene.tcb_info.levels[0].facts.status = TcbStatus::configuration_needed;
          },
          "refused: dcap.tcb.status", "genuine"}},
        {"intel.denied_advisories",
         {R"(["INTEL-SA-00960"])", Tee::tdx,
          [](IntelScene& scene) { scene.tcb_info.levels[0].facts.advisories = {"INTEL-SA-00960"}; },
          "genuine", "refused: dcap.tcb.advisories"}},
        {"intel.min_tcb_date",
         {R"("2025-01-01T00:00:00Z")", Tee::tdx, nothing, "genuine", "refused: dcap.tcb.date"}},
        {"intel.min_evaluation_number",
         {"18", Tee::tdx, nothing, "genuine", "refused: dcap.tcb.evaluation"}},
        {"intel.out_of_date_grace_days",
         {"366", Tee::tdx, [](IntelScene& scene) { scene.quote.td->tee_tcb_svn[0] = 4; },
          "refused: dcap.tcb.status", "genuine"}},
        {"intel.fmspcs",
         {R"(["00806f050000"])", Tee::tdx, nothing, "genuine", "refused: dcap.fmspc"}},
        {"intel.platform_ids",
         {R"(["00000000000000000000000000000000"])", Tee::tdx, nothing, "genuine",
          "refused: dcap.platform_id"}},
        {"tdx.allow_debug",
         {"true", Tee::tdx, [](IntelScene& scene) { set_attribute(scene, 0); },
          "refused: tdx.attributes.debug", "genuine"}},
        {"tdx.allow_migratable",
         {"true", Tee::tdx, [](IntelScene& scene) { set_attribute(scene, 29); },
          "refused: tdx.attributes.migratable", "genuine"}},
        {"tdx.allow_unknown_attributes",
         {"true", Tee::tdx, [](IntelScene& scene) { set_attribute(scene, 5); },
          "refused: tdx.attributes.unknown", "genuine"}},
        {"tdx.allow_attributes",
         {"[5]", Tee::tdx, [](IntelScene& scene) { set_attribute(scene, 5); },
          "refused: tdx.attributes.unknown", "genuine (waived: tdx.attributes.unknown)"}},
        {"tdx.required_attributes",
         {R"(["pks"])", Tee::tdx, nothing, "genuine", "refused: tdx.attributes.required"}},
        {"tdx.forbidden_attributes",
         {R"(["sept_ve_disable"])", Tee::tdx, nothing, "genuine",
          "refused: tdx.attributes.forbidden"}},
        {"tdx.xfam",
         {R"(["e700060000000000"])", Tee::tdx, nothing, "genuine", "refused: tdx.xfam"}},
        {"tdx.mr_seam", {"[48]", Tee::tdx, nothing, "genuine", "refused: tdx.mrseam"}},
        {"tdx.mr_signer_seam", {"[48]", Tee::tdx, nothing, "genuine", "refused: tdx.mrsignerseam"}},
        {"tdx.service_tds", {"[48]", Tee::tdx, nothing, "genuine", "refused: tdx.mrservicetd"}},
        {"tdx.min_tee_tcb_svn",
         {R"("06000000000000000000000000000000")", Tee::tdx, nothing, "genuine",
          "refused: tdx.tee_tcb_svn"}},
        {"sgx.allow_debug",
         {"true", Tee::sgx, [](IntelScene& scene) { scene.quote.enclave->attributes[0] |= 0x02; },
          "refused: sgx.attributes.debug", "genuine"}},
        {"sgx.allow_provision_key",
         {"true", Tee::sgx, [](IntelScene& scene) { scene.quote.enclave->attributes[0] |= 0x10; },
          "refused: sgx.attributes.provision_key", "genuine"}},
        {"sgx.allow_attributes",
         {"[63]", Tee::sgx, [](IntelScene& scene) { scene.quote.enclave->attributes[7] |= 0x80; },
          "refused: sgx.attributes.unknown", "genuine (waived: sgx.attributes.unknown)"}},
        {"sgx.mr_enclaves", {"[32]", Tee::sgx, nothing, "genuine", "refused: sgx.mrenclave"}},
        {"sgx.mr_signers", {"[32]", Tee::sgx, nothing, "genuine", "refused: sgx.mrsigner"}},
        {"sgx.isv_prod_ids", {"[1]", Tee::sgx, nothing, "genuine", "refused: sgx.isvprodid"}},
        {"sgx.min_isv_svn", {"773", Tee::sgx, nothing, "genuine", "refused: sgx.isvsvn"}},
    };
    return kCases;
}

/// "[48]" stands for a list of one value of so many bytes.
std::string value_text(std::string_view value) {
    if (value == "[48]" || value == "[32]") {
        return "[\"" + std::string(value == "[48]" ? 96 : 64, 'a') + "\"]";
    }
    return std::string(value);
}

verify::Policy everything() {
    verify::Policy policy;
    policy.intel.accepted_tcb_statuses = {TcbStatus::up_to_date, TcbStatus::td_relaunch_advised};
    policy.intel.denied_advisories = {"INTEL-SA-1", "INTEL-SA-2"};
    policy.intel.min_tcb_date = kIntelNow;
    policy.intel.min_evaluation_number = 17;
    policy.intel.out_of_date_grace_days = 30;
    policy.intel.fmspcs = {Bytes(6, 1), Bytes(6, 2)};
    policy.intel.platform_ids = {Bytes(16, 3)};
    policy.tdx.allow_debug = policy.tdx.allow_migratable = true;
    policy.tdx.allow_unknown_attributes = true;
    policy.tdx.allowed_attributes = {1, 62};
    policy.tdx.required_attributes = {28, 31};
    policy.tdx.forbidden_attributes = {0, 27, 29, 30, 63};
    policy.tdx.xfam = {Bytes(8, 4)};
    policy.tdx.mr_seam = {Bytes(48, 5)};
    policy.tdx.mr_signer_seam = {Bytes(48, 0), Bytes(48, 6)};
    policy.tdx.service_tds = {Bytes(48, 7)};
    policy.tdx.min_tee_tcb_svn = Bytes(16, 8);
    policy.sgx.allow_debug = policy.sgx.allow_provision_key = true;
    policy.sgx.allowed_attributes = {3, 63};
    policy.sgx.mr_enclaves = {Bytes(32, 9)};
    policy.sgx.mr_signers = {Bytes(32, 10)};
    policy.sgx.isv_prod_ids = {0, 65535};
    policy.sgx.min_isv_svn = 65535;
    return policy;
}

}  // namespace

TEST_CASE("policy: every member about Intel changes a verdict") {
    const Json whole = verify::policy_json(everything());
    std::vector<std::string> names;
    for (const char* part : {"intel", "tdx", "sgx"}) {
        REQUIRE(whole.find(part) != nullptr);
        for (const auto& [member, value] : *whole.find(part)->if_object()) {
            const std::string name = std::string(part) + "." + member;
            CAPTURE(name);
            names.push_back(name);
            const auto found = member_cases().find(name);
            REQUIRE(found != member_cases().end());
            const MemberCase& example = found->second;
            IntelScene scene(example.tee, 4);
            example.change(scene);
            CHECK(scene.outcome() == example.without);
            const auto policy =
                verify::parse_policy(R"({"ratls_policy": 1, ")" + std::string(part) + R"(": {")" +
                                     member + R"(": )" + value_text(example.value) + "}}");
            REQUIRE(policy);
            scene.policy = *policy;
            CHECK(scene.outcome() == example.with);
        }
    }
    CHECK(names.size() == member_cases().size());
}

TEST_CASE("policy: what is written about Intel is read back equal") {
    const std::string written = verify::policy_json(everything()).pretty();
    const auto parsed = verify::parse_policy(written);
    REQUIRE(parsed);
    CHECK(verify::policy_json(*parsed).pretty() == written);
    CHECK(parsed->tdx.required_attributes == everything().tdx.required_attributes);
    CHECK(parsed->tdx.forbidden_attributes == everything().tdx.forbidden_attributes);
    CHECK(parsed->intel.min_tcb_date == everything().intel.min_tcb_date);
    for (const char* part : {"intel", "tdx", "sgx"}) {
        const auto defaults = verify::parse_policy(R"({"ratls_policy": 1, "name": "default", ")" +
                                                   std::string(part) + R"(": {}})");
        REQUIRE(defaults);
        CHECK(verify::policy_json(*defaults).pretty() ==
              verify::policy_json(verify::Policy{}).pretty());
    }
}

TEST_CASE("policy: every member about Intel of a wrong type or value is refused") {
    for (const std::string member : {
             R"("intel": 1)",
             R"("intel": {"accepted": []})",
             R"("intel": {"accepted_tcb_statuses": []})",
             R"("intel": {"accepted_tcb_statuses": "UpToDate"})",
             R"("intel": {"accepted_tcb_statuses": ["uptodate"]})",
             R"("intel": {"accepted_tcb_statuses": ["Revoked"]})",
             R"("intel": {"accepted_tcb_statuses": ["UpToDate", "NotSupported"]})",
             R"("intel": {"denied_advisories": "INTEL-SA-00960"})",
             R"("intel": {"denied_advisories": [960]})",
             R"("intel": {"min_tcb_date": 1})",
             R"("intel": {"min_tcb_date": "2025-02-30T00:00:00Z"})",
             R"("intel": {"min_evaluation_number": -1})",
             R"("intel": {"min_evaluation_number": 1000000001})",
             R"("intel": {"out_of_date_grace_days": -1})",
             R"("intel": {"out_of_date_grace_days": 367})",
             R"("intel": {"fmspcs": ["00"]})",
             R"("intel": {"fmspcs": "00906ea10000"})",
             R"("intel": {"platform_ids": ["00"]})",
             R"("tdx": [])",
             R"("tdx": {"debug": true})",
             R"("tdx": {"allow_debug": 1})",
             R"("tdx": {"allow_migratable": "true"})",
             R"("tdx": {"allow_unknown_attributes": 1})",
             R"("tdx": {"allow_attributes": 1})",
             R"("tdx": {"allow_attributes": [64]})",
             R"("tdx": {"allow_attributes": [28]})",
             R"("sgx": {"allow_attributes": [1]})",
             R"("sgx": {"allow_attributes": ["debug"]})",
             R"("tdx": {"required_attributes": ["septve"]})",
             R"("tdx": {"required_attributes": [28]})",
             R"("tdx": {"forbidden_attributes": ["bit 5"]})",
             R"("tdx": {"xfam": ["00"]})",
             R"("tdx": {"mr_seam": ["00"]})",
             R"("tdx": {"mr_signer_seam": ["00"]})",
             R"("tdx": {"service_tds": ["00"]})",
             R"("tdx": {"min_tee_tcb_svn": "00"})",
             R"("tdx": {"min_tee_tcb_svn": []})",
             R"("sgx": "")",
             R"("sgx": {"debug": true})",
             R"("sgx": {"allow_debug": 1})",
             R"("sgx": {"allow_provision_key": 1})",
             R"("sgx": {"mr_enclaves": ["00"]})",
             R"("sgx": {"mr_signers": ["00"]})",
             R"("sgx": {"isv_prod_ids": [65536]})",
             R"("sgx": {"isv_prod_ids": [-1]})",
             R"("sgx": {"isv_prod_ids": 1})",
             R"("sgx": {"min_isv_svn": 65536})",
             R"("sgx": {"min_isv_svn": -1})",
         }) {
        CAPTURE(member);
        CHECK_FALSE(verify::parse_policy(R"({"ratls_policy": 1, )" + member + "}"));
    }
}

TEST_CASE("dcap.tcb.status: by default only UpToDate is good enough, and each may be accepted") {
    const std::pair<TcbStatus, std::string_view> statuses[] = {
        {TcbStatus::up_to_date, "genuine"},
        {TcbStatus::sw_hardening_needed, "refused: dcap.tcb.status"},
        {TcbStatus::configuration_needed, "refused: dcap.tcb.status"},
        {TcbStatus::configuration_and_sw_hardening_needed, "refused: dcap.tcb.status"},
        {TcbStatus::out_of_date, "refused: dcap.tcb.status"},
        {TcbStatus::out_of_date_configuration_needed, "refused: dcap.tcb.status"}};
    for (const auto& [status, outcome] : statuses) {
        CAPTURE(dcap::status_name(status));
        IntelScene scene = with_status(status);
        const verify::VerificationResult result = scene.verify();
        CHECK(summary(result) == outcome);
        CHECK(result.tcb->status == dcap::status_name(status));
        scene.policy.intel.accepted_tcb_statuses.assign(1, status);
        CHECK(scene.outcome() == "genuine");
        scene.policy.intel.accepted_tcb_statuses.assign(1, TcbStatus::td_relaunch_advised);
        CHECK(scene.outcome() == "refused: dcap.tcb.status");
    }
}

TEST_CASE("dcap.tcb.status: a derived status may be accepted by its name") {
    IntelScene scene(Tee::tdx, 5);
    scene.quote.td->tee_tcb_svn[0] = 3;  // at launch; now it is 5
    CHECK(scene.verify().tcb->status == "TDRelaunchAdvised");
    CHECK(scene.outcome() == "refused: dcap.tcb.status");
    scene.policy.intel.accepted_tcb_statuses.push_back(TcbStatus::td_relaunch_advised);
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("dcap.tcb.status: a grace period takes what fell out of date as it was, up to its end") {
    constexpr std::int64_t kModuleSince = 200;  // days since there is something newer
    const auto with = [](std::int64_t days, TcbStatus level, std::int64_t later) {
        IntelScene scene;
        scene.quote.td->tee_tcb_svn[0] = 4;
        scene.tcb_info.levels[0].facts.status = level;
        scene.policy.intel.out_of_date_grace_days = days;
        scene.now += later;
        return scene.outcome();
    };
    constexpr std::string_view kRefused = "refused: dcap.tcb.status";
    CHECK(with(0, TcbStatus::up_to_date, 0) == kRefused);
    CHECK(with(kModuleSince, TcbStatus::up_to_date, -1) == "genuine");
    CHECK(with(kModuleSince, TcbStatus::up_to_date, 0) == kRefused);
    CHECK(with(kModuleSince + 1, TcbStatus::up_to_date, kDay - 1) == "genuine");
    CHECK(with(kModuleSince + 1, TcbStatus::up_to_date, kDay) == kRefused);
    CHECK(with(366, TcbStatus::configuration_needed, 0) == kRefused);
}

TEST_CASE("dcap.tcb.status: a grace period helps only what would be accepted without it") {
    IntelScene scene;
    scene.quote.td->tee_tcb_svn[0] = 4;
    scene.tcb_info.levels[0].facts.status = TcbStatus::configuration_needed;
    scene.policy.intel.out_of_date_grace_days = 366;
    scene.policy.intel.accepted_tcb_statuses.push_back(TcbStatus::configuration_needed);
    CHECK(scene.outcome() == "genuine");
    IntelScene hardening = with_status(TcbStatus::sw_hardening_needed);
    hardening.policy.intel.out_of_date_grace_days = 366;
    CHECK(hardening.outcome() == "refused: dcap.tcb.status");
    // The newest level itself is out of date: since its own date.
    IntelScene newest = with_status(TcbStatus::out_of_date);
    newest.policy.intel.out_of_date_grace_days = 300;
    CHECK(newest.outcome() == "refused: dcap.tcb.status");
    newest.policy.intel.out_of_date_grace_days = 301;
    CHECK(newest.outcome() == "genuine");
}

TEST_CASE("dcap.tcb.status: a grace period hides nothing that the platform needs besides") {
    for (const TcbStatus level :
         {TcbStatus::sw_hardening_needed, TcbStatus::configuration_and_sw_hardening_needed}) {
        CAPTURE(dcap::status_name(level));
        IntelScene scene = with_status(level);
        scene.quote.td->tee_tcb_svn[0] = 4;  // the module is out of date too
        scene.policy.intel.out_of_date_grace_days = 366;
        scene.policy.intel.accepted_tcb_statuses.push_back(TcbStatus::configuration_needed);
        CHECK(scene.outcome() == "refused: dcap.tcb.status");
        scene.policy.intel.accepted_tcb_statuses.push_back(level);
        CHECK(scene.outcome() == "genuine");
    }
}

TEST_CASE("dcap.tcb.status: the finding says what is behind and when the grace ends") {
    IntelScene scene;
    scene.quote.td->tee_tcb_svn[0] = 4;
    CHECK(actual_of(scene.verify(), "dcap.tcb.status") ==
          "OutOfDate (TDX module has ISVSVN 4, newest 5)");
    scene.policy.intel.out_of_date_grace_days = 1;
    CHECK(actual_of(scene.verify(), "dcap.tcb.status") ==
          "OutOfDate since 2024-11-13T12:00:00Z, grace until 2024-11-14T12:00:00Z "
          "(TDX module has ISVSVN 4, newest 5)");
}

TEST_CASE("dcap.tcb.advisories: a denied advisory of any part is refused, others are not") {
    for (int part = 0; part < 3; ++part) {
        CAPTURE(part);
        IntelScene scene;
        (part == 0   ? scene.tcb_info.levels[0].facts
         : part == 1 ? scene.tcb_info.modules[0].levels[0].facts
                     : scene.qe_identity.levels[0].facts)
            .advisories = {"INTEL-SA-00001", "INTEL-SA-00002"};
        CHECK(scene.outcome() == "genuine");
        scene.policy.intel.denied_advisories = {"INTEL-SA-00003", "INTEL-SA-0000"};
        CHECK(scene.outcome() == "genuine");
        scene.policy.intel.denied_advisories = {"INTEL-SA-00002"};
        CHECK(scene.outcome() == "refused: dcap.tcb.advisories");
    }
}

TEST_CASE("dcap.tcb.date: the oldest level counts, at the minimum it passes") {
    IntelScene scene;
    const UnixTime oldest = kIntelNow - 300 * kDay;
    scene.policy.intel.min_tcb_date = oldest;
    CHECK(scene.outcome() == "genuine");
    scene.policy.intel.min_tcb_date = oldest + 1;
    CHECK(scene.outcome() == "refused: dcap.tcb.date");
    scene.tcb_info.levels[0].facts.date = kIntelNow;  // then the module's is the oldest
    CHECK(scene.outcome() == "genuine");
    scene.policy.intel.min_tcb_date = kIntelNow - 200 * kDay + 1;
    CHECK(scene.outcome() == "refused: dcap.tcb.date");
}

TEST_CASE("dcap.tcb.evaluation: the lower number of both documents counts") {
    IntelScene scene;  // 17 and 18
    scene.policy.intel.min_evaluation_number = 17;
    CHECK(scene.outcome() == "genuine");
    scene.policy.intel.min_evaluation_number = 18;
    CHECK(scene.outcome() == "refused: dcap.tcb.evaluation");
    scene.tcb_info.evaluation_number = 19;
    CHECK(scene.outcome() == "genuine");
    scene.policy.intel.min_evaluation_number = 19;
    CHECK(scene.outcome() == "refused: dcap.tcb.evaluation");
}

TEST_CASE("dcap.fmspc: a kind of platform that the policy does not list is refused") {
    check_list([](IntelScene& scene) -> auto& { return scene.policy.intel.fmspcs; }, Tee::tdx,
               bytes_from(IntelPlatform().pck.fmspc), "dcap.fmspc");
}

TEST_CASE(
    "dcap.platform_id: a platform that is not pinned is refused; PPID or instance id pin it") {
    const dcap::Pck pck = IntelPlatform().pck;
    for (const Bytes& id : {bytes_from(pck.ppid), bytes_from(*pck.platform_instance_id)}) {
        check_list([](IntelScene& scene) -> auto& { return scene.policy.intel.platform_ids; },
                   Tee::tdx, id, "dcap.platform_id");
    }
    IntelScene processor;
    processor.use_processor_ca();
    processor.policy.intel.platform_ids = {bytes_from(*pck.platform_instance_id)};
    CHECK(processor.outcome() == "refused: dcap.platform_id");
    processor.policy.intel.platform_ids = {bytes_from(pck.ppid)};
    CHECK(processor.outcome() == "genuine");
}

TEST_CASE("tdx.module: signer and attributes of the module are those of its identity") {
    for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}}) {
        CAPTURE(int{version});
        const auto with = [&](const std::function<void(IntelScene&)>& change) {
            IntelScene scene;
            scene.quote.td->tee_tcb_svn[1] = version;
            change(scene);
            return scene.outcome();
        };
        CHECK(with(nothing) == "genuine");
        CHECK(with([](IntelScene& scene) { scene.quote.td->mr_signer_seam[47] = 1; }) ==
              "invalid: tdx.module");
        CHECK(with([](IntelScene& scene) { scene.quote.td->seam_attributes[7] = 0x80; }) ==
              "invalid: tdx.module");
        // The identity of the other version does not count.
        CHECK(with([&](IntelScene& scene) {
                  (version == 0 ? scene.tcb_info.modules[0] : *scene.tcb_info.module).mr_signer[0] =
                      1;
              }) == "genuine");
        CHECK(with([&](IntelScene& scene) {
                  (version == 1 ? scene.tcb_info.modules[0] : *scene.tcb_info.module).mr_signer[0] =
                      1;
              }) == "invalid: tdx.module");
        CHECK(
            with([&](IntelScene& scene) {
                (version == 1 ? scene.tcb_info.modules[0] : *scene.tcb_info.module).attributes[0] =
                    1;
                scene.quote.td->seam_attributes[0] = 1;
            }) == "invalid: tdx.module");
    }
}

TEST_CASE("tdx.attributes.debug: a TD that its host can debug is refused, unless allowed") {
    IntelScene scene;
    set_attribute(scene, 0);
    CHECK(scene.outcome() == "refused: tdx.attributes.debug");
    scene.policy.tdx.allow_debug = true;
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("tdx.attributes.migratable: a TD that may be moved is refused, unless allowed") {
    IntelScene scene;
    set_attribute(scene, 29);
    CHECK(scene.outcome() == "refused: tdx.attributes.migratable");
    scene.policy.tdx.allow_migratable = true;
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("tdx.attributes.unknown: each bit without a name is refused, unless allowed") {
    constexpr unsigned kKnown[] = {0, 27, 28, 29, 30, 31, 63};
    IntelScene good;
    for (const unsigned bit : {27U, 30U, 31U, 63U}) {
        set_attribute(good, bit);
    }
    CHECK(good.outcome() == "genuine");
    for (unsigned bit = 0; bit < 64; ++bit) {
        if (std::ranges::find(kKnown, bit) != std::end(kKnown)) {
            continue;
        }
        CAPTURE(bit);
        IntelScene scene;
        set_attribute(scene, bit);
        CHECK(scene.outcome() == "refused: tdx.attributes.unknown");
        const unsigned other = bit == 5 ? 6 : 5;
        scene.policy.tdx.allowed_attributes = {other};
        CHECK(scene.outcome() == "refused: tdx.attributes.unknown");
        scene.policy.tdx.allowed_attributes = {bit, other};
        CHECK(scene.outcome() == "genuine (waived: tdx.attributes.unknown)");
    }
}

TEST_CASE("tdx.attributes.required: each attribute that the policy requires must be set") {
    for (const unsigned bit : {27U, 30U, 31U, 63U}) {
        CAPTURE(bit);
        IntelScene scene;
        scene.policy.tdx.required_attributes = {28, bit};
        CHECK(scene.outcome() == "refused: tdx.attributes.required");
        set_attribute(scene, bit);
        CHECK(scene.outcome() == "genuine");
    }
}

TEST_CASE("tdx.attributes.forbidden: each attribute that the policy forbids must be clear") {
    for (const unsigned bit : {27U, 30U, 31U, 63U}) {
        CAPTURE(bit);
        IntelScene scene;
        scene.policy.tdx.forbidden_attributes = {bit};
        CHECK(scene.outcome() == "genuine");
        set_attribute(scene, bit);
        CHECK(scene.outcome() == "refused: tdx.attributes.forbidden");
    }
}

TEST_CASE("tdx.xfam: other extended features than the policy's are refused") {
    check_list([](IntelScene& scene) -> auto& { return scene.policy.tdx.xfam; }, Tee::tdx,
               bytes_from(IntelPlatform().quote.td->xfam), "tdx.xfam");
}

TEST_CASE("tdx.mrseam: another TDX module than the policy's is refused") {
    check_list([](IntelScene& scene) -> auto& { return scene.policy.tdx.mr_seam; }, Tee::tdx,
               bytes_from(IntelPlatform().quote.td->mr_seam), "tdx.mrseam");
}

TEST_CASE("tdx.mrsignerseam: a signer other than Intel, which is zeros, must be listed") {
    IntelScene scene;
    scene.quote.td->mr_signer_seam.fill(0x5e);
    scene.tcb_info.modules[0].mr_signer.fill(0x5e);
    CHECK(scene.outcome() == "refused: tdx.mrsignerseam");
    scene.policy.tdx.mr_signer_seam = {Bytes(48, 0x5f)};
    CHECK(scene.outcome() == "refused: tdx.mrsignerseam");
    scene.policy.tdx.mr_signer_seam.push_back(Bytes(48, 0x5e));
    CHECK(scene.outcome() == "genuine");
    IntelScene intel;
    intel.policy.tdx.mr_signer_seam = {Bytes(48, 0x5e)};
    CHECK(intel.outcome() == "refused: tdx.mrsignerseam");
}

TEST_CASE("tdx.mrservicetd: a service TD must be listed") {
    IntelScene scene(Tee::tdx, 5);
    CHECK(passed(scene.verify(), "tdx.mrservicetd"));
    scene.quote.td->v15->mr_service_td[0] = 1;
    CHECK(scene.outcome() == "refused: tdx.mrservicetd");
    scene.policy.tdx.service_tds = {bytes_from(scene.quote.td->v15->mr_service_td)};
    CHECK(scene.outcome() == "genuine");
    scene.quote.td->v15->mr_service_td[47] = 1;
    CHECK(scene.outcome() == "refused: tdx.mrservicetd");
    scene.quote.td->v15.reset();  // TDX 1.0 has none, so a listed one is missing
    CHECK(scene.outcome() == "refused: tdx.mrservicetd");
    scene.policy.tdx.service_tds.clear();
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("tdx.tee_tcb_svn: every component is at least the policy's") {
    IntelScene scene;
    scene.quote.td->tee_tcb_svn = {5, 1, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    const Bytes actual = bytes_from(scene.quote.td->tee_tcb_svn);
    scene.policy.tdx.min_tee_tcb_svn = actual;
    CHECK(scene.outcome() == "genuine");
    for (std::size_t i = 0; i < actual.size(); ++i) {
        CAPTURE(i);
        Bytes minimum(16, 0);
        minimum[i] = static_cast<std::uint8_t>(actual[i] + 1);
        scene.policy.tdx.min_tee_tcb_svn = minimum;
        CHECK(scene.outcome() == "refused: tdx.tee_tcb_svn");
    }
}

TEST_CASE(
    "sgx.attributes.unknown: each bit without a meaning is refused, unless allowed by number") {
    constexpr unsigned kDefined[] = {0, 1, 2, 4, 5, 6, 7, 10};
    for (unsigned bit = 0; bit < 128; ++bit) {
        CAPTURE(bit);
        IntelScene scene(Tee::sgx, 3);
        scene.policy.sgx.allow_debug = scene.policy.sgx.allow_provision_key = true;
        scene.quote.enclave->attributes[bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
        const bool known = bit >= 64 || std::ranges::find(kDefined, bit) != std::end(kDefined);
        CHECK(scene.outcome() == (known ? "genuine" : "refused: sgx.attributes.unknown"));
        if (!known) {
            scene.policy.sgx.allowed_attributes = {bit == 3 ? 8 : 3};
            CHECK(scene.outcome() == "refused: sgx.attributes.unknown");
            scene.policy.sgx.allowed_attributes = {bit};
            CHECK(scene.outcome() == "genuine (waived: sgx.attributes.unknown)");
        }
    }
}

TEST_CASE("sgx.attributes.debug: an enclave that its host can debug is refused, unless allowed") {
    IntelScene scene(Tee::sgx, 3);
    scene.quote.enclave->attributes[0] |= 0x02;
    CHECK(scene.outcome() == "refused: sgx.attributes.debug");
    scene.policy.sgx.allow_debug = true;
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("sgx.attributes.provision_key: access to the provisioning key must be allowed") {
    IntelScene scene(Tee::sgx, 3);
    scene.quote.enclave->attributes[0] |= 0x10;
    CHECK(scene.outcome() == "refused: sgx.attributes.provision_key");
    scene.policy.sgx.allow_provision_key = true;
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("sgx.mrenclave: another enclave than the policy's is refused") {
    const IntelPlatform platform(Tee::sgx, 4);
    check_list([](IntelScene& scene) -> auto& { return scene.policy.sgx.mr_enclaves; }, Tee::sgx,
               bytes_from(platform.quote.enclave->mr_enclave), "sgx.mrenclave");
}

TEST_CASE("sgx.mrsigner: another signer than the policy's is refused") {
    const IntelPlatform platform(Tee::sgx, 4);
    check_list([](IntelScene& scene) -> auto& { return scene.policy.sgx.mr_signers; }, Tee::sgx,
               bytes_from(platform.quote.enclave->mr_signer), "sgx.mrsigner");
}

TEST_CASE("sgx.isvprodid: another product than the policy's is refused") {
    IntelScene scene(Tee::sgx, 3);
    scene.policy.sgx.isv_prod_ids = {0x0103, 0x0202};
    CHECK(scene.outcome() == "refused: sgx.isvprodid");
    scene.policy.sgx.isv_prod_ids.push_back(0x0102);
    CHECK(scene.outcome() == "genuine");
}

TEST_CASE("sgx.isvsvn: below the policy's version it is refused, at it and above it passes") {
    IntelScene scene(Tee::sgx, 3);
    scene.policy.sgx.min_isv_svn = 0x0304;
    for (const std::uint16_t svn :
         {std::uint16_t{0x0303}, std::uint16_t{0x0304}, std::uint16_t{0x0305}}) {
        scene.quote.enclave->isv_svn = svn;
        CHECK(scene.outcome() == (svn < 0x0304 ? "refused: sgx.isvsvn" : "genuine"));
    }
}
