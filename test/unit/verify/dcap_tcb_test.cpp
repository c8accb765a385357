// TCB levels of platform, TDX module and QE, and what they make together.
#include "verify/formats/dcap_tcb.h"

#include <doctest/doctest.h>

#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using dcap::TcbStatus;
using dcap::Tee;
using verify::evaluate_tcb;
using verify::TcbVerdict;

namespace {

constexpr TcbStatus kGiven[] = {TcbStatus::up_to_date,
                                TcbStatus::sw_hardening_needed,
                                TcbStatus::configuration_needed,
                                TcbStatus::configuration_and_sw_hardening_needed,
                                TcbStatus::out_of_date,
                                TcbStatus::out_of_date_configuration_needed,
                                TcbStatus::revoked};

Result<TcbVerdict> evaluate(const IntelPlatform& platform) {
    return evaluate_tcb(platform.quote, platform.pck, platform.tcb_info, platform.qe_identity);
}

std::string status_of(const IntelPlatform& platform) {
    const auto verdict = evaluate(platform);
    return verdict ? std::string(dcap::status_name(verdict->status)) : "NotSupported";
}

/// Status of the platform, status of module or QE, status of both.
struct Converged {
    TcbStatus level, other, both;
};

/// Source: Intel DCAP Quote Verification Library, 4.1.2.4.15 and 4.1.2.4.17: an enclave or module
/// that is revoked revokes the whole, one that is out of date makes out of date what was not; any
/// other state of it changes nothing.
std::vector<Converged> converged() {
    using enum TcbStatus;
    std::vector<Converged> out;
    for (const TcbStatus level : kGiven) {
        for (const TcbStatus other : kGiven) {
            out.push_back({level, other, level});
        }
    }
    const auto set = [&](TcbStatus level, TcbStatus other, TcbStatus both) {
        for (Converged& row : out) {
            if (row.level == level && row.other == other) {
                row.both = both;
            }
        }
    };
    set(up_to_date, out_of_date, out_of_date);
    set(sw_hardening_needed, out_of_date, out_of_date);
    set(configuration_needed, out_of_date, out_of_date_configuration_needed);
    set(configuration_and_sw_hardening_needed, out_of_date, out_of_date_configuration_needed);
    for (const TcbStatus level : kGiven) {
        set(level, revoked, revoked);
    }
    return out;
}

/// A TD 1.5 that was launched under a module that is out of date, on a platform whose TDX level is
/// so for that reason alone, and whose module was updated since.
IntelPlatform relaunch() {
    IntelPlatform out(Tee::tdx, 5);
    out.quote.td->tee_tcb_svn = {3, 1, 5};
    out.quote.td->v15->tee_tcb_svn_2 = {5, 1, 6};
    dcap::TcbLevel& older = out.tcb_info.levels[1];
    older.sgx = out.tcb_info.levels[0].sgx;
    older.pce_svn = out.tcb_info.levels[0].pce_svn;
    return out;
}

}  // namespace

TEST_CASE("dcap.tcb.level: platform and QE converge as Intel's library does it") {
    for (const auto& [level, other, both] : converged()) {
        CAPTURE(dcap::status_name(level));
        CAPTURE(dcap::status_name(other));
        for (const Tee tee : {Tee::sgx, Tee::tdx}) {
            IntelPlatform platform(tee, 4);
            platform.tcb_info.levels[0].facts.status = level;
            platform.qe_identity.levels[0].facts.status = other;
            CHECK(status_of(platform) == dcap::status_name(both));
        }
    }
}

TEST_CASE("dcap.tcb.level: platform, module and QE converge one after the other") {
    for (const auto& [level, module, first] : converged()) {
        for (const auto& [before, qe, both] : converged()) {
            if (before != first) {
                continue;
            }
            CAPTURE(dcap::status_name(level));
            CAPTURE(dcap::status_name(module));
            CAPTURE(dcap::status_name(qe));
            IntelPlatform platform;
            platform.tcb_info.levels[0].facts.status = level;
            platform.tcb_info.modules[0].levels[0].facts.status = module;
            platform.qe_identity.levels[0].facts.status = qe;
            const auto verdict = evaluate(platform);
            REQUIRE(verdict);
            CHECK(verdict->status == both);
            CHECK(verdict->platform == level);
            CHECK(verdict->module == module);
            CHECK(verdict->qe == qe);
        }
    }
}

TEST_CASE("dcap.tcb.level: what is revoked at any part is refused") {
    for (int part = 0; part < 3; ++part) {
        CAPTURE(part);
        IntelScene scene;
        (part == 0   ? scene.tcb_info.levels[0].facts
         : part == 1 ? scene.tcb_info.modules[0].levels[0].facts
                     : scene.qe_identity.levels[0].facts)
            .status = TcbStatus::revoked;
        const verify::VerificationResult result = scene.verify();
        CHECK(summary(result) == "invalid: dcap.tcb.level");
        CHECK_FALSE(result.tcb);
    }
}

TEST_CASE("dcap.tcb.level: a part without a level is refused") {
    IntelScene platform;
    platform.pck.components[15] = 3;
    CHECK(platform.outcome() == "invalid: dcap.tcb.level");
    IntelScene pce;
    pce.pck.pce_svn = 10;
    CHECK(pce.outcome() == "invalid: dcap.tcb.level");
    IntelScene tdx;
    tdx.quote.td->tee_tcb_svn[2] = 4;
    CHECK(tdx.outcome() == "invalid: dcap.tcb.level");
    IntelScene module;
    module.quote.td->tee_tcb_svn[0] = 2;
    CHECK(module.outcome() == "invalid: dcap.tcb.level");
    IntelScene qe;
    qe.quote.qe_report.isv_svn = 3;
    CHECK(qe.outcome() == "invalid: dcap.tcb.level");
    IntelScene none;
    none.tcb_info.levels.clear();
    CHECK(none.outcome() == "invalid: dcap.tcb.level");
    IntelScene no_qe;
    no_qe.qe_identity.levels.clear();
    CHECK(no_qe.outcome() == "invalid: dcap.tcb.level");
}

TEST_CASE("dcap.tcb.level: a module version without an identity is refused") {
    IntelScene scene;
    scene.quote.td->tee_tcb_svn[1] = 2;
    CHECK(scene.outcome() == "invalid: tdx.module, dcap.tcb.level");
    scene.tcb_info.modules.clear();
    scene.quote.td->tee_tcb_svn[1] = 1;
    CHECK(scene.outcome() == "invalid: tdx.module, dcap.tcb.level");
}

TEST_CASE("dcap.tcb.level: each SGX component and the PCESVN count, at and below the level") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        for (std::size_t i = 0; i < 16; ++i) {
            CAPTURE(i);
            IntelPlatform platform(tee, 4);
            CHECK(status_of(platform) == "UpToDate");
            platform.pck.components[i] = 6;
            CHECK(status_of(platform) == "UpToDate");
            platform.pck.components[i] = 4;
            CHECK(status_of(platform) == "OutOfDate");
            platform.pck.components[i] = 3;
            CHECK(status_of(platform) == "NotSupported");
        }
        IntelPlatform platform(tee, 4);
        for (const auto& [svn, status] : {std::pair{14, "UpToDate"},
                                          {13, "UpToDate"},
                                          {12, "OutOfDate"},
                                          {11, "OutOfDate"},
                                          {10, "NotSupported"}}) {
            platform.pck.pce_svn = static_cast<std::uint16_t>(svn);
            CHECK(status_of(platform) == status);
        }
    }
}

TEST_CASE("dcap.tcb.level: TDX components 0 and 1 count for a module of version 0 only") {
    for (std::size_t i = 0; i < 16; ++i) {
        CAPTURE(i);
        for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}}) {
            CAPTURE(int{version});
            IntelPlatform platform;
            auto& svns = platform.quote.td->tee_tcb_svn;
            svns = {9, version, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
            platform.tcb_info.levels[0].tdx.fill(0);
            platform.tcb_info.levels[1].tdx.fill(0);
            platform.tcb_info.levels[0].tdx[i] = 10;
            const bool counts = i > 1 || version == 0;
            CHECK(status_of(platform) == (counts ? "OutOfDate" : "UpToDate"));
            platform.tcb_info.levels[1].tdx[i] = 10;
            CHECK(status_of(platform) == (counts ? "NotSupported" : "UpToDate"));
        }
    }
}

TEST_CASE("dcap.tcb.level: the TDX components of the TCB info do not count for SGX") {
    IntelPlatform platform(Tee::sgx, 4);
    platform.tcb_info.levels[0].tdx.fill(255);
    CHECK(status_of(platform) == "UpToDate");
}

TEST_CASE(
    "dcap.tcb.level: levels count from the highest, in whatever order the document has them") {
    IntelScene scene;
    std::ranges::reverse(scene.tcb_info.levels);
    std::ranges::reverse(scene.tcb_info.modules[0].levels);
    std::ranges::reverse(scene.qe_identity.levels);
    CHECK(scene.outcome() == "genuine");
    CHECK(scene.verify().tcb->status == "UpToDate");
}

TEST_CASE("dcap.tcb.level: module and QE count at, above and below their levels") {
    const std::pair<std::uint8_t, const char*> modules[] = {{255, "UpToDate"},
                                                            {5, "UpToDate"},
                                                            {4, "OutOfDate"},
                                                            {3, "OutOfDate"},
                                                            {2, "NotSupported"}};
    for (const auto& [svn, status] : modules) {
        IntelPlatform platform;
        platform.quote.td->tee_tcb_svn[0] = svn;
        CHECK(status_of(platform) == status);
    }
    const std::pair<std::uint16_t, const char*> enclaves[] = {{65535, "UpToDate"},
                                                              {6, "UpToDate"},
                                                              {5, "OutOfDate"},
                                                              {4, "OutOfDate"},
                                                              {3, "NotSupported"}};
    for (const auto& [svn, status] : enclaves) {
        IntelPlatform platform;
        platform.quote.qe_report.isv_svn = svn;
        CHECK(status_of(platform) == status);
    }
}

TEST_CASE("dcap.tcb.level: a module of version 0 has no level of its own") {
    IntelPlatform platform;
    platform.quote.td->tee_tcb_svn = {5, 0, 6};
    platform.tcb_info.modules[0].levels[0].facts.status = TcbStatus::revoked;
    const auto verdict = evaluate(platform);
    REQUIRE(verdict);
    CHECK(verdict->status == TcbStatus::up_to_date);
    CHECK_FALSE(verdict->module);
}

TEST_CASE("dcap.tcb.level: a module that was updated under the TD advises a relaunch") {
    CHECK(status_of(relaunch()) == "TDRelaunchAdvised");
    IntelPlatform configured = relaunch();
    configured.tcb_info.levels[1].facts.status = TcbStatus::out_of_date_configuration_needed;
    CHECK(status_of(configured) == "TDRelaunchAdvisedConfigurationNeeded");
    configured = relaunch();
    configured.tcb_info.levels[0].facts.status = TcbStatus::configuration_needed;
    CHECK(status_of(configured) == "TDRelaunchAdvisedConfigurationNeeded");
    configured.tcb_info.levels[0].facts.status = TcbStatus::configuration_and_sw_hardening_needed;
    CHECK(status_of(configured) == "TDRelaunchAdvisedConfigurationNeeded");
    configured.tcb_info.levels[0].facts.status = TcbStatus::sw_hardening_needed;
    CHECK(status_of(configured) == "TDRelaunchAdvised");
}

TEST_CASE("dcap.tcb.level: every condition of a relaunch counts") {
    const auto with = [](const std::function<void(IntelPlatform&)>& change) {
        IntelPlatform platform = relaunch();
        change(platform);
        return status_of(platform);
    };
    using Platform = IntelPlatform;
    // Only a report of TDX 1.5 says what runs now.
    CHECK(with([](Platform& p) { p.quote.td->v15.reset(); }) == "OutOfDate");
    // What runs now is the newest: module, and component 2.
    const auto now = [&](std::uint8_t svn, std::uint8_t version, std::uint8_t third) {
        return with([=](Platform& p) { p.quote.td->v15->tee_tcb_svn_2 = {svn, version, third}; });
    };
    CHECK(now(6, 1, 7) == "TDRelaunchAdvised");
    CHECK(now(4, 1, 6) == "OutOfDate");
    CHECK(now(5, 1, 5) == "OutOfDate");
    // A module of version 0 is measured by component 0 of the newest level.
    CHECK(now(5, 0, 6) == "TDRelaunchAdvised");
    CHECK(now(4, 0, 6) == "OutOfDate");
    CHECK(now(5, 0, 5) == "OutOfDate");
    // A version that has no identity.
    CHECK(now(5, 2, 6) == "NotSupported");
    // The module at launch is out of date, and nothing else is.
    CHECK(with([](Platform& p) { p.quote.td->tee_tcb_svn[0] = 5; }) == "OutOfDate");
    CHECK(with([](Platform& p) {
              p.tcb_info.modules[0].levels[1].facts.status = TcbStatus::up_to_date;
          }) == "OutOfDate");
    CHECK(with([](Platform& p) { p.quote.td->tee_tcb_svn = {3, 0, 5}; }) == "OutOfDate");
    // The QE is good.
    CHECK(with([](Platform& p) { p.quote.qe_report.isv_svn = 4; }) == "OutOfDate");
    CHECK(with([](Platform& p) { p.qe_identity.levels[0].facts.status = TcbStatus::revoked; }) ==
          "Revoked");
    // So is the platform below TDX.
    CHECK(with([](Platform& p) { p.tcb_info.levels[0].facts.status = TcbStatus::out_of_date; }) ==
          "OutOfDate");
    CHECK(with([](Platform& p) {
              p.tcb_info.levels[0].facts.status = TcbStatus::out_of_date_configuration_needed;
          }) == "OutOfDate");
    CHECK(with([](Platform& p) { p.pck.components[3] = 4; }) == "NotSupported");
    CHECK(with([](Platform& p) {
              p.pck.components[3] = 4;
              p.tcb_info.levels[1].sgx.fill(4);
          }) == "OutOfDate");
    // Revoked stays revoked.
    CHECK(with([](Platform& p) { p.tcb_info.levels[1].facts.status = TcbStatus::revoked; }) ==
          "Revoked");
    CHECK(with([](Platform& p) {
              p.tcb_info.modules[0].levels[1].facts.status = TcbStatus::revoked;
          }) == "Revoked");
}

TEST_CASE("dcap.tcb.level: a relaunch is advised also where only the module was behind") {
    IntelPlatform platform = relaunch();
    platform.quote.td->tee_tcb_svn = {3, 1, 6};  // the platform's level is the newest
    CHECK(status_of(platform) == "TDRelaunchAdvised");
    platform.tcb_info.levels[0].facts.status = TcbStatus::configuration_needed;
    CHECK(status_of(platform) == "TDRelaunchAdvisedConfigurationNeeded");
}

TEST_CASE("dcap.tcb.level: advisories of all parts, in order, each once") {
    IntelPlatform platform;
    platform.tcb_info.levels[0].facts.advisories = {"INTEL-SA-00003", "INTEL-SA-00001"};
    platform.tcb_info.modules[0].levels[0].facts.advisories = {"INTEL-SA-00001", "INTEL-SA-00002"};
    platform.qe_identity.levels[0].facts.advisories = {"INTEL-SA-00004", "INTEL-SA-00003"};
    const auto verdict = evaluate(platform);
    REQUIRE(verdict);
    CHECK(verdict->advisories == std::vector<std::string>{"INTEL-SA-00003", "INTEL-SA-00001",
                                                          "INTEL-SA-00002", "INTEL-SA-00004"});
}

TEST_CASE("dcap.tcb.level: the date is the oldest of the levels that fit") {
    CHECK(evaluate(IntelPlatform())->date == kIntelNow - 300 * kDay);
    IntelPlatform module;
    module.quote.td->tee_tcb_svn[0] = 3;
    CHECK(evaluate(module)->date == kIntelNow - 600 * kDay);
    IntelPlatform qe;
    qe.quote.qe_report.isv_svn = 4;
    CHECK(evaluate(qe)->date == kIntelNow - 500 * kDay);
    IntelPlatform platform;
    platform.pck.pce_svn = 12;
    CHECK(evaluate(platform)->date == kIntelNow - 700 * kDay);
}

TEST_CASE("dcap.tcb.level: a part is out of date since the first level above it that is not") {
    CHECK_FALSE(evaluate(IntelPlatform())->out_of_date_since);
    IntelPlatform module;
    module.quote.td->tee_tcb_svn[0] = 4;
    CHECK(evaluate(module)->out_of_date_since == kIntelNow - 200 * kDay);
    IntelPlatform qe;
    qe.quote.qe_report.isv_svn = 5;
    CHECK(evaluate(qe)->out_of_date_since == kIntelNow - 100 * kDay);
    IntelPlatform platform;
    platform.pck.components[0] = 4;
    CHECK(evaluate(platform)->out_of_date_since == kIntelNow - 300 * kDay);
    // Between this level and the newest there is one that is good, and one that is not.
    dcap::TcbLevel between = platform.tcb_info.levels[0];
    between.sgx[0] = 5;
    between.pce_svn = 12;
    between.facts = {TcbStatus::sw_hardening_needed, kIntelNow - 400 * kDay, {}};
    dcap::TcbLevel bad = between;
    bad.pce_svn = 11;
    bad.facts = {TcbStatus::out_of_date, kIntelNow - 450 * kDay, {}};
    platform.tcb_info.levels.insert(platform.tcb_info.levels.begin() + 1, {between, bad});
    CHECK(evaluate(platform)->out_of_date_since == kIntelNow - 400 * kDay);
    // All parts behind: since the first of them was.
    platform.quote.td->tee_tcb_svn[0] = 3;
    platform.quote.qe_report.isv_svn = 4;
    CHECK(evaluate(platform)->out_of_date_since == kIntelNow - 400 * kDay);
}

TEST_CASE("dcap.tcb.level: what is behind is named, with what would be newest") {
    CHECK(evaluate(IntelPlatform())->behind.empty());
    IntelPlatform platform;
    platform.pck.components[6] = 4;
    platform.pck.pce_svn = 12;
    platform.quote.td->tee_tcb_svn = {4, 1, 5};
    platform.quote.qe_report.isv_svn = 5;
    CHECK(evaluate(platform)->behind ==
          "SGX component 7 is 4, newest 5; TDX component 3 is 5, newest 6; "
          "PCESVN is 12, newest 13; TDX module has ISVSVN 4, newest 5; "
          "QE has ISVSVN 5, newest 6");
}

TEST_CASE("dcap.tcb.level: what the whole would be otherwise is said of what is out of date only") {
    using enum TcbStatus;
    const std::pair<TcbStatus, TcbStatus> levels[] = {
        {up_to_date, up_to_date},
        {sw_hardening_needed, sw_hardening_needed},
        {configuration_needed, configuration_needed},
        {configuration_and_sw_hardening_needed, configuration_and_sw_hardening_needed},
        {out_of_date, up_to_date},
        {out_of_date_configuration_needed, configuration_needed}};
    for (const auto& [level, otherwise] : levels) {
        CAPTURE(dcap::status_name(level));
        IntelPlatform platform;
        platform.tcb_info.levels[0].facts.status = level;
        const bool behind = level == out_of_date || level == out_of_date_configuration_needed;
        CHECK(evaluate(platform)->otherwise.has_value() == behind);
        platform.quote.td->tee_tcb_svn[0] = 4;
        CHECK(evaluate(platform)->otherwise == otherwise);
        platform.tcb_info.levels[0].facts.status = revoked;
        CHECK_FALSE(evaluate(platform)->otherwise);
    }
    IntelPlatform advised = relaunch();
    CHECK(evaluate(advised)->otherwise == up_to_date);
    advised.tcb_info.levels[0].facts.status = sw_hardening_needed;
    CHECK(evaluate(advised)->otherwise == sw_hardening_needed);
    advised.tcb_info.levels[1].facts.status = out_of_date_configuration_needed;
    CHECK(evaluate(advised)->otherwise == configuration_and_sw_hardening_needed);
}
