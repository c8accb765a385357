#include "ratls/endorse/amd.h"

#include "ratls/codec/hex.h"
#include "test/fake/pretended_tee.h"
#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;

namespace {

constexpr const char* kServer = "https://kds.example";

/// A report of this processor; 0x19, 0x11 is a Genoa.
snp::Report report_of(std::uint32_t version, std::array<std::uint8_t, 3> cpuid) {
    snp::Report report;
    report.version = version;
    report.cpuid_fam_id = cpuid[0];
    report.cpuid_mod_id = cpuid[1];
    report.cpuid_step = cpuid[2];
    report.chip_id.fill(0xab);
    report.reported_tcb = {3, 0, 0, 0, 0, 0, 8, 115};
    return report;
}

snp::Report turin_report() {
    snp::Report report = report_of(3, {0x1a, 0x02, 0x01});
    report.reported_tcb = {1, 2, 3, 4, 0, 0, 0, 200};
    report.chip_id = {1, 2, 3, 4, 5, 6, 7, 8};
    return report;
}

std::vector<std::string> urls(const Plan& plan) {
    std::vector<std::string> out;
    for (const Source& source : plan.sources) {
        out.push_back(source.url);
    }
    return out;
}

Plan plan_of(const snp::Report& report, std::optional<snp::Line> product = std::nullopt) {
    const auto key = amd_key(report, product);
    REQUIRE(key);
    auto plan = amd_plan(*key, kServer);
    REQUIRE(plan);
    return *std::move(plan);
}

std::string repeated(const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
        out += text;
    }
    return out;
}

}  // namespace

TEST_CASE("endorse.amd: what a Milan asks for") {
    const Plan plan = plan_of(report_of(3, {0x19, 0x01, 0x01}));
    const std::string chip = repeated("ab", 64);
    CHECK(urls(plan) == std::vector<std::string>{
                            "https://kds.example/vcek/v1/Milan/" + chip +
                                "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115",
                            "https://kds.example/vcek/v1/Milan/cert_chain",
                            "https://kds.example/vcek/v1/Milan/crl",
                        });
    CHECK(plan.key == "amd/Milan/" + chip + "-0300000000000873");
    CHECK(plan.not_fetched.empty());
}

TEST_CASE("endorse.amd: what a Genoa asks for, and that Bergamo and Siena are one") {
    for (const auto model : std::to_array<std::uint8_t>({0x11, 0xa0, 0xaf})) {
        const Plan plan = plan_of(report_of(5, {0x19, model, 0x01}));
        CHECK(urls(plan)[0] == "https://kds.example/vcek/v1/Genoa/" + repeated("ab", 64) +
                                   "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115");
        CHECK(urls(plan)[2] == "https://kds.example/vcek/v1/Genoa/crl");
    }
}

TEST_CASE("endorse.amd: a Turin has a short HWID, and its fmcSPL comes first") {
    const Plan plan = plan_of(turin_report());
    CHECK(urls(plan)[0] ==
          "https://kds.example/vcek/v1/Turin/"
          "0102030405060708?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=200");
    CHECK(plan.key == "amd/Turin/0102030405060708-01020304000000c8");
}

TEST_CASE("endorse.amd: a VLEK is nothing to ask for, its chain and list are") {
    snp::Report report = report_of(3, {0x19, 0x11, 0x01});
    report.signing_key = snp::SigningKey::vlek;
    report.chip_id.fill(0);
    const Plan plan = plan_of(report);
    CHECK(urls(plan) == std::vector<std::string>{
                            "https://kds.example/vlek/v1/Genoa/cert_chain",
                            "https://kds.example/vlek/v1/Genoa/crl",
                        });
    CHECK(plan.key == "amd/Genoa/vlek");
    REQUIRE(plan.not_fetched.size() == 1);
    CHECK(plan.not_fetched[0].find("VLEK") != std::string::npos);
    CHECK(source_of(plan, "cert_chain.pem").body.check(collateral("vlek-chain.pem")));
    CHECK(code_of(source_of(plan, "cert_chain.pem").body.check(snp_pki("chain.pem"))) ==
          Code::mismatch);
}

TEST_CASE("endorse.amd: version 2 needs the product, and others must agree with it") {
    CHECK(code_of(amd_key(report_of(2, {}), std::nullopt)) == Code::usage);
    CHECK(amd_key(report_of(2, {}), snp::Line::milan)->line == snp::Line::milan);
    const auto genoa = report_of(3, {0x19, 0x11, 0x01});
    CHECK(amd_key(genoa, snp::Line::genoa));
    CHECK(code_of(amd_key(genoa, snp::Line::milan)) == Code::usage);
    CHECK(code_of(amd_key(report_of(3, {0x17, 0x31, 0x00}), std::nullopt)) == Code::unsupported);
}

TEST_CASE("endorse.amd: a chip that is hidden, or no Turin's, is said") {
    snp::Report hidden = report_of(3, {0x19, 0x11, 0x01});
    hidden.chip_id.fill(0);
    CHECK(code_of(amd_key(hidden, std::nullopt)) == Code::unavailable);
    snp::Report long_id = turin_report();
    long_id.chip_id[8] = 1;
    CHECK(code_of(amd_key(long_id, std::nullopt)) == Code::mismatch);
    snp::Report reserved = report_of(3, {0x19, 0x11, 0x01});
    reserved.reported_tcb[2] = 1;
    CHECK(code_of(amd_key(reserved, std::nullopt)) == Code::malformed);
}

TEST_CASE("endorse.amd: a VCEK is that of the chip and TCB, or refused") {
    const PretendedTee tee(snp_pki_folder());
    const auto report = snp::parse_report(tee.report({}));
    REQUIRE(report);
    const auto check = source_of(plan_of(*report), "vcek.der").body.check;
    const auto validity = check(snp_pki("vcek.der"));
    REQUIRE(validity);
    CHECK(format_rfc3339(validity->not_before) == "2020-01-01T00:00:00Z");
    CHECK(format_rfc3339(validity->not_after) == "2049-12-31T23:59:59Z");

    CHECK(code_of(check({})) == Code::malformed);
    CHECK(code_of(check(as_bytes("<html>busy</html>"))) == Code::malformed);
    CHECK(code_of(check(snp_pki("ask.der"))) == Code::malformed);
    CHECK(code_of(check(collateral("turin-vcek.der"))) == Code::mismatch);
    const Bytes good = snp_pki("vcek.der");
    for (std::size_t n = 0; n < good.size(); n += 7) {
        CHECK_FALSE(check(ByteView(good).first(n)));
    }

    snp::Report other = *report;
    other.chip_id[0] ^= 1;
    auto refused = source_of(plan_of(other), "vcek.der").body.check(good);
    CHECK(code_of(refused) == Code::mismatch);
    CHECK(refused.error().where.find("hwID") != std::string::npos);
    other = *report;
    other.reported_tcb[7] -= 1;
    refused = source_of(plan_of(other), "vcek.der").body.check(good);
    CHECK(code_of(refused) == Code::mismatch);
    CHECK(refused.error().where.find("TCB") != std::string::npos);
}

TEST_CASE("endorse.amd: the VCEK of a Turin is compared with 8 bytes and its fmcSPL") {
    const Bytes vcek = collateral("turin-vcek.der");
    CHECK(source_of(plan_of(turin_report()), "vcek.der").body.check(vcek));
    snp::Report other = turin_report();
    other.reported_tcb[0] = 0;
    CHECK(code_of(source_of(plan_of(other), "vcek.der").body.check(vcek)) == Code::mismatch);
}

TEST_CASE("endorse.amd: chain and list are those of the line") {
    const Plan plan = plan_of(report_of(3, {0x19, 0x11, 0x01}));
    const auto chain = source_of(plan, "cert_chain.pem").body.check;
    CHECK(chain(snp_pki("chain.pem")));
    CHECK(code_of(chain(snp_pki("ark.pem"))) == Code::malformed);  // the ASK is missing
    CHECK(code_of(chain(snp_pki("ark.der"))) == Code::malformed);
    CHECK(code_of(chain(collateral("platform.chain.pem"))) == Code::mismatch);
    const auto list = source_of(plan, "crl.der").body.check;
    CHECK(list(snp_pki("crl.der")));
    CHECK(code_of(list(collateral("root.crl.der"))) == Code::mismatch);
    CHECK(code_of(list(snp_pki("vcek.der"))) == Code::malformed);
}
