#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/evidence/snp/cert_table.h"
#include "test/fake/fake_azure.h"
#include "test/fake/fake_tdx_guest.h"
#include "test/fake/fake_waiter.h"
#include "test/support/snp_pki.h"
#include "test/unit/ratls/platform/quote_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

struct Machine {
    explicit Machine(hcl::ReportType type = hcl::ReportType::snp) : azure(tee, type) {}

    PretendedTee tee{snp_pki_folder()};
    FakeAzure azure;
    FakeClock clock;
    FakeWaiter waiter{clock};
    AzureQuoteProvider provider{azure.tpm, azure.http, clock, waiter};

    Result<TeeQuote> quote(std::uint8_t fill = 0x42) { return provider.quote(question(fill)); }
};

hcl::Report parsed(const TeeQuote& quote) {
    auto report = hcl::parse_report(quote.hcl);
    REQUIRE_MESSAGE(report, (report ? "" : report.error().text()));
    CHECK(equal(report->report_data(), report->expected_report_data()));
    return *report;
}

}  // namespace

TEST_CASE("platform.azure: an SNP report comes with the paravisor's, which has the question") {
    Machine machine;
    for (const std::uint8_t fill : Bytes{0x42, 0x43, 0x42}) {
        const auto quote = machine.quote(fill);
        REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
        CHECK(quote->kind == "azure_snp");
        const hcl::Report report = parsed(*quote);
        CHECK(report.runtime.user_data == question(fill));
        CHECK(quote->report == report.hardware_report);
        CHECK(quote->report.size() == 1184);
        CHECK(quote->hcl.back() == '}');  // nothing behind it
    }
}

TEST_CASE("platform.azure: the certificates are a table as other hosts give it") {
    Machine machine;
    const auto quote = machine.quote();
    REQUIRE(quote);
    const auto table = snp::parse_cert_table(quote->aux);
    REQUIRE(table);
    CHECK(*table == snp::CertTable{{snp::kGuidArk, machine.tee.ark()},
                                   {snp::kGuidAsk, machine.tee.ask()},
                                   {snp::kGuidVcek, machine.tee.vcek()}});
    REQUIRE(machine.azure.http.requests().size() == 1);
    CHECK(machine.azure.http.requests()[0].proxy.empty());
}

TEST_CASE("platform.azure: without the metadata service an SNP report has no certificates") {
    for (const FetchResponse& response :
         {FetchResponse{.status = 404}, FetchResponse{.status = 200, .body = {'{', '}'}},
          FetchResponse{.status = 200, .body = Bytes(100'000, ' ')}}) {
        Machine machine;
        machine.azure.http.serve(AzureQuoteProvider::kCertificationUrl, response);
        const auto quote = machine.quote();
        REQUIRE(quote);
        CHECK(quote->aux.empty());
    }
}

TEST_CASE("platform.azure: a TDX quote is what the service says about the report's TDREPORT") {
    Machine machine(hcl::ReportType::tdx);
    const auto quote = machine.quote();
    REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
    CHECK(quote->kind == "azure_tdx");
    CHECK(quote->aux.empty());
    const hcl::Report report = parsed(*quote);
    CHECK(report.runtime.user_data == question());
    CHECK(equal(ByteView(quote->report).subspan(FakeQgs::kReportDataAt, 64), report.report_data()));
    REQUIRE(machine.azure.http.requests().size() == 1);
    const FetchRequest& request = machine.azure.http.requests()[0];
    CHECK(request.method == "POST");
    CHECK(as_text(request.body).starts_with("{\"report\":\""));
}

TEST_CASE("platform.azure: without the quote service there is no TDX evidence") {
    const auto code = [](FetchResponse response) {
        Machine machine(hcl::ReportType::tdx);
        machine.azure.http.serve(AzureQuoteProvider::kTdQuoteUrl, std::move(response));
        return code_of(machine.quote());
    };
    const auto body = [](std::string_view text) { return to_bytes(as_bytes(text)); };
    CHECK(code({.status = 500}) == Code::io);
    CHECK(code({.status = 429}) == Code::unavailable);
    CHECK(code({.status = 200}) == Code::malformed);
    CHECK(code({.status = 200, .body = body("{\"quote\":\"\"}")}) == Code::malformed);
    CHECK(code({.status = 200, .body = body("{\"quote\":7}")}) == Code::malformed);
    CHECK(code({.status = 200, .body = body("{\"quote\":\"a+b/\"}")}) == Code::malformed);
    CHECK(code({.status = 200, .body = Bytes(100'000, ' ')}) == Code::too_large);
    Machine nobody(hcl::ReportType::tdx);
    nobody.azure.http.serve(AzureQuoteProvider::kTdQuoteUrl, [](const FetchRequest&) {
        return Result<FetchResponse>(fail(Code::unavailable, "http", "nobody is there"));
    });
    CHECK(code_of(nobody.quote()) == Code::unavailable);
}

TEST_CASE("platform.azure: a report that is slow or half written is waited for") {
    Machine machine;
    machine.azure.slow_reads = 6;
    SUBCASE("slow") {}
    SUBCASE("half written") {
        machine.azure.torn_reads = 3;
    }
    const auto quote = machine.quote();
    REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
    CHECK(parsed(*quote).runtime.user_data == question());
    CHECK(machine.clock.monotonic() >= std::chrono::seconds(3));
}

TEST_CASE("platform.azure: a report that is never renewed is unavailable after half a minute") {
    Machine machine;
    machine.azure.ignores_user_data = true;
    const auto quote = machine.quote();
    CHECK(code_of(quote) == Code::unavailable);
    CHECK(quote.error().text() ==
          "azure: report of the paravisor: not renewed in time: user-data: is not what was "
          "written");
    CHECK(machine.clock.monotonic() <= AzureQuoteProvider::kRenewalLimit);
    CHECK(machine.clock.monotonic() >= std::chrono::seconds(25));
}

TEST_CASE("platform.azure: a report that stays without form is malformed") {
    Machine machine;
    machine.azure.torn_reads = 1000;
    CHECK(code_of(machine.quote()) == Code::malformed);
}

TEST_CASE("platform.azure: the index for the question is made once, and used as it is") {
    Machine machine;
    CHECK_FALSE(machine.azure.tpm.has_nv(AzureQuoteProvider::kUserDataIndex));
    REQUIRE(machine.quote());
    CHECK(machine.azure.tpm.has_nv(AzureQuoteProvider::kUserDataIndex));
    REQUIRE(machine.quote(1));
    machine.azure.tpm.put_nv(AzureQuoteProvider::kUserDataIndex, Bytes(32));
    CHECK(code_of(machine.quote()) == Code::mismatch);
}

TEST_CASE("platform.azure: a TPM without the report is unavailable") {
    FakeTpm tpm;
    FakeHttpClient http;
    FakeClock clock;
    FakeWaiter waiter(clock);
    CHECK(code_of(AzureQuoteProvider(tpm, http, clock, waiter).quote(question())) ==
          Code::unavailable);
    CHECK(http.requests().empty());
}
