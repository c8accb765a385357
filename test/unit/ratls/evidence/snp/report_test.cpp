#include "ratls/evidence/snp/report.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/fake/pretended_tee.h"
#include "test/support/refusal.h"
#include "test/support/snp_pki.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Bytes good_report() {
    std::array<std::uint8_t, 64> data{};
    data[0] = 0xaa;
    data[63] = 0xbb;
    return test::PretendedTee(test::snp_pki_folder()).report(data);
}

/// The report with some bytes replaced; parsing looks at the form only.
Result<snp::Report> with(std::size_t at, const Bytes& bytes) {
    Bytes report = good_report();
    std::ranges::copy(bytes, report.begin() + static_cast<std::ptrdiff_t>(at));
    return snp::parse_report(report);
}

}  // namespace

TEST_CASE("snp.report: a report gives its fields") {
    test::PretendedTee tee(test::snp_pki_folder());
    tee.fields.guest_svn = 7;
    tee.fields.policy = 0x3001f;
    tee.fields.vmpl = 2;
    tee.fields.measurement.fill(0x11);
    tee.fields.host_data.fill(0x22);
    tee.fields.family_id.fill(0x33);
    std::array<std::uint8_t, 64> data{};
    data.fill(0x44);
    const auto report = snp::parse_report(tee.report(data));
    REQUIRE(report);
    CHECK(report->version == 3);
    CHECK(report->guest_svn == 7);
    CHECK(report->policy == 0x3001f);
    CHECK(report->abi_minor() == 0x1f);
    CHECK(report->abi_major() == 0);
    CHECK(report->policy_bit(snp::policy_bit::kSmt));
    CHECK_FALSE(report->policy_bit(snp::policy_bit::kDebug));
    CHECK(report->platform_bit(snp::platform_bit::kAliasCheckComplete));
    CHECK_FALSE(report->platform_bit(snp::platform_bit::kTsme));
    CHECK(report->vmpl == 2);
    CHECK(report->signing_key == snp::SigningKey::vcek);
    CHECK(report->report_data == data);
    CHECK(report->measurement == tee.fields.measurement);
    CHECK(report->host_data == tee.fields.host_data);
    CHECK(report->family_id == tee.fields.family_id);
    CHECK(report->chip_id == tee.fields.chip_id);
    CHECK(report->cpuid_fam_id == 0x19);
    CHECK(report->cpuid_mod_id == 0x11);
    CHECK(snp::parse_tcb(report->reported_tcb, snp::Line::genoa));
}

TEST_CASE("snp.report: every truncation is refused, and the message names a field") {
    const Bytes good = good_report();
    for (std::size_t n = 0; n < good.size(); ++n) {
        const auto report = snp::parse_report(ByteView(good).first(n));
        REQUIRE_FALSE(report);
        CHECK(report.error().where.starts_with("snp.report: "));
    }
}

TEST_CASE("snp.report: a trailing byte is refused") {
    Bytes report = good_report();
    report.push_back(0);
    CHECK(refusal(snp::parse_report(report)) == says("snp.report: end: 1 trailing bytes"));
}

TEST_CASE("snp.report: versions 2 to 5 are known, others are not") {
    for (const std::uint8_t version : std::initializer_list<std::uint8_t>{3, 4, 5}) {
        CHECK(with(0, {version}));
    }
    CHECK(refusal(with(0, {1})) == says("VERSION: 2 to 5 wanted, 1 found"));
    CHECK(refusal(with(0, {6})) == says("VERSION: 2 to 5 wanted, 6 found"));
    // Version 2 has no processor: the same bytes are reserved there.
    CHECK(refusal(with(0, {2})) == says("reserved at 0x188: zero bytes wanted"));
    Bytes second = good_report();
    second[0] = 2;
    std::fill_n(second.begin() + 0x188, 24, std::uint8_t{0});
    CHECK(snp::parse_report(second));
}

TEST_CASE("snp.report: what is reserved must be zero") {
    // Offsets of AMD 56860: 0x4c, the rest behind CPUID_STEP, firmware versions, the end of the
    // body, the tail of R, of S and of the signature.
    for (const std::size_t at :
         {0x4cU, 0x4fU, 0x18bU, 0x19fU, 0x1ebU, 0x1efU, 0x1f8U, 0x200U, 0x208U, 0x29fU, 0x2a0U + 48,
          0x2a0U + 71, 0x2e8U + 48, 0x330U, 0x49fU}) {
        CAPTURE(at);
        CHECK(refusal(with(at, {1})) == says(": zero bytes wanted, others found"));
    }
    Bytes fifth = good_report();
    fifth[0] = 5;
    fifth[0x1f8] = 1;  // LAUNCH_MIT_VECTOR, from version 5 on
    fifth[0x200] = 3;
    const auto report = snp::parse_report(fifth);
    REQUIRE(report);
    CHECK(report->launch_mit_vector == 1);
    CHECK(report->current_mit_vector == 3);
}

TEST_CASE(
    "snp.report: reserved bits of KEY_INFO and POLICY bit 17 are form, unknown bits are not") {
    CHECK(refusal(with(0x08, {0, 0, 0x01})) == says("POLICY: bit 17 set wanted"));
    CHECK(with(0x08, {0, 0, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff}));
    CHECK(with(0x40, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    CHECK(with(0x48, {0x07}));  // AUTHOR_KEY_EN, MASK_CHIP_KEY, VLEK
    CHECK(refusal(with(0x48, {0x08})) ==
          says("KEY_INFO: signing key VCEK or VLEK and reserved bits clear wanted"));
    CHECK(refusal(with(0x48, {0x1c})) ==
          says("KEY_INFO: signing key VCEK or VLEK and reserved bits clear wanted"));
    CHECK(refusal(with(0x48, {0x20})) ==
          says("KEY_INFO: signing key VCEK or VLEK and reserved bits clear wanted"));
    CHECK(refusal(with(0x34, {0x02})) == says("SIGNATURE_ALGO: 1 wanted, 2 found"));
}

TEST_CASE("snp.tcb: each product line has its own layout") {
    const snp::RawTcb raw = {3, 1, 0, 0, 0, 0, 8, 115};
    const auto milan = snp::parse_tcb(raw, snp::Line::milan);
    REQUIRE(milan);
    CHECK(snp::tcb_text(*milan) == "bl 3, tee 1, snp 8, ucode 115");
    const snp::RawTcb turin_raw = {0, 1, 0, 2, 0, 0, 0, 71};
    const auto turin = snp::parse_tcb(turin_raw, snp::Line::turin);
    REQUIRE(turin);
    CHECK(snp::tcb_text(*turin) == "fmc 0, bl 1, tee 0, snp 2, ucode 71");
    CHECK(refusal(snp::parse_tcb(turin_raw, snp::Line::genoa)) ==
          says("reserved bytes of a Genoa TCB are not zero"));
    CHECK(refusal(snp::parse_tcb(raw, snp::Line::turin)) ==
          says("reserved bytes of a Turin TCB are not zero"));
}

TEST_CASE("snp.tcb: a version is at least another only if every component is") {
    const snp::Tcb base{std::nullopt, 3, 0, 8, 115};
    CHECK(snp::at_least(base, base));
    for (const snp::Tcb& lower :
         {snp::Tcb{std::nullopt, 2, 9, 9, 200}, snp::Tcb{std::nullopt, 9, 0, 7, 200},
          snp::Tcb{std::nullopt, 9, 9, 9, 114}}) {
        CHECK_FALSE(snp::at_least(lower, base));
    }
    CHECK(snp::at_least(snp::Tcb{std::nullopt, 3, 1, 8, 116}, base));
    CHECK_FALSE(snp::at_least(snp::Tcb{1, 1, 1, 1, 1}, snp::Tcb{2, 1, 1, 1, 1}));
}

TEST_CASE("snp.tcb: processors belong to their line, also at the edges of its models") {
    using snp::Line;
    CHECK(snp::line_from_cpuid(0x19, 0x0f) == Line::milan);
    CHECK(snp::line_from_cpuid(0x19, 0x10) == Line::genoa);
    CHECK(snp::line_from_cpuid(0x19, 0x1f) == Line::genoa);
    CHECK(snp::line_from_cpuid(0x19, 0xa0) == Line::genoa);
    CHECK(snp::line_from_cpuid(0x19, 0xaf) == Line::genoa);
    CHECK(snp::line_from_cpuid(0x1a, 0x11) == Line::turin);
    for (const auto& [family, model] : {std::pair{0x19U, 0x20U},
                                        {0x19U, 0x9fU},
                                        {0x19U, 0xb0U},
                                        {0x1aU, 0x12U},
                                        {0x17U, 0x31U}}) {
        CHECK_FALSE(snp::line_from_cpuid(family, model));
    }
}
