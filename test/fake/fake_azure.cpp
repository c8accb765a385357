#include "test/fake/fake_azure.h"

#include "ratls/base/writer.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"
#include "ratls/evidence/dcap/qgs.h"
#include "test/fake/fake_tdx_guest.h"

namespace ratls::test {
namespace {

FetchResponse json_response(Json json) {
    return {.status = 200,
            .headers = {{"content-type", "application/json"}},
            .body = to_bytes(as_bytes(json.canonical()))};
}

bool is_metadata_request(const FetchRequest& request) {
    return std::ranges::any_of(request.headers, [](const http::Header& header) {
        return header.name == "Metadata" && header.value == "true";
    });
}

const FetchResponse kNoHeader{.status = 400};

/// Signs nothing; header and body are those of a quote.
Result<FetchResponse> td_quote(const FetchRequest& request) {
    if (!is_metadata_request(request) || request.method != "POST") {
        return kNoHeader;
    }
    RATLS_TRY(const Json json, parse_json(as_text(request.body)));
    const Json* report = json.find("report");
    if (report == nullptr || report->if_string() == nullptr) {
        return kNoHeader;
    }
    RATLS_TRY(const Bytes td_report, parse_base64url(*report->if_string()));
    if (td_report.size() != dcap::kTdReportSize) {
        return kNoHeader;
    }
    RATLS_TRY(const Bytes quote, dcap::parse_qgs_response(FakeQgs::answer(td_report)));
    return json_response(Json::Object{{"quote", base64url(quote)}});
}

}  // namespace

FakeAzure::FakeAzure(PretendedTee& tee, hcl::ReportType type)
    : tee_(tee), type_(type), user_data_(128, '0') {
    tpm.after_nv_write = [this](std::uint32_t index, ByteView content) {
        if (index == AzureQuoteProvider::kUserDataIndex && !ignores_user_data) {
            next_ = hex(content);
        }
    };
    tpm.before_nv_read = [this](std::uint32_t index) {
        if (index == AzureQuoteProvider::kReportIndex) {
            before_read();
        }
    };
    before_read();
    http.serve(AzureQuoteProvider::kCertificationUrl,
               [this](const FetchRequest& request) -> Result<FetchResponse> {
                   if (!is_metadata_request(request)) {
                       return kNoHeader;
                   }
                   return json_response(Json::Object{
                       {"vcekCert", pem("CERTIFICATE", tee_.vcek())},
                       {"tcbm", "DB18000000000004"},
                       {"certificateChain",
                        pem("CERTIFICATE", tee_.ask()) + pem("CERTIFICATE", tee_.ark())},
                       {"cacheControl", "86400"}});
               });
    http.serve(AzureQuoteProvider::kTdQuoteUrl, td_quote);
}

void FakeAzure::before_read() {
    const bool renews = !next_.empty() && slow_reads == 0;
    const bool torn = renews && torn_reads > 0;
    if (torn) {
        --torn_reads;
    } else if (renews) {
        user_data_ = std::exchange(next_, {});
    } else if (!next_.empty()) {
        --slow_reads;
    }
    Bytes content = report(torn ? next_ : user_data_);
    if (torn) {
        content.resize(content.size() / 2);
    }
    content.resize(std::max(content.size(), nv_size));
    tpm.put_nv(AzureQuoteProvider::kReportIndex, std::move(content));
}

Bytes FakeAzure::report(const std::string& user_data) const {
    const std::string modulus = base64url(Bytes(256, 0xc1));
    const Json runtime = Json::Object{
        {"keys", Json::Array{Json::Object{{"kid", "HCLAkPub"},
                                          {"key_ops", Json::Array{"sign"}},
                                          {"kty", "RSA"},
                                          {"e", "AQAB"},
                                          {"n", modulus}}}},
        {"vm-configuration",
         Json::Object{{"console-enabled", true}, {"secure-boot", true}, {"tpm-enabled", true}}},
        {"user-data", user_data}};
    const std::string text = runtime.canonical();
    std::array<std::uint8_t, 64> report_data{};
    std::ranges::copy(sha256(as_bytes(text)), report_data.begin());
    Bytes hardware = type_ == hcl::ReportType::snp ? tee_.report(report_data)
                                                   : FakeTdxGuest::td_report(report_data);
    hardware.resize(hcl::kHardwareReportSize);
    const auto json_size = static_cast<std::uint32_t>(text.size());
    return Writer()
        .bytes(as_bytes("HCLA"))
        .u32_le(2)
        .u32_le(32 + 1184 + 20 + json_size)
        .u32_le(2)
        .u32_le(0)
        .zeros(12)
        .bytes(hardware)
        .u32_le(20 + json_size)
        .u32_le(1)
        .u32_le(type_ == hcl::ReportType::snp ? 2 : 4)
        .u32_le(1)  // SHA-256
        .u32_le(json_size)
        .bytes(as_bytes(text))
        .take();
}

}  // namespace ratls::test
