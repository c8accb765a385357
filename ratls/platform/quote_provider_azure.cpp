#include "ratls/platform/quote_provider_azure.h"

#include "ratls/evidence/hcl/metadata.h"
#include "ratls/evidence/snp/cert_table.h"

namespace ratls {
namespace {

constexpr std::chrono::milliseconds kPause{500};

std::unexpected<Error> azure_failure(Error error) {
    return std::unexpected(std::move(error).in("azure"));
}

}  // namespace

Result<TeeQuote> AzureQuoteProvider::quote(const std::array<std::uint8_t, 64>& report_data) {
    if (Status written = write_user_data(report_data); !written) {
        return azure_failure(std::move(written).error());
    }
    TeeQuote out;
    auto report = renewed(report_data, out.hcl);
    if (!report) {
        return azure_failure(std::move(report).error());
    }
    if (report->type == hcl::ReportType::snp) {
        out.kind = "azure_snp";
        out.report = std::move(report->hardware_report);
        out.aux = certificates();
        return out;
    }
    out.kind = "azure_tdx";
    auto quote = td_quote(report->hardware_report);
    if (!quote) {
        return azure_failure(std::move(quote).error());
    }
    out.report = *std::move(quote);
    return out;
}

/// The index is the guest's: nobody makes it before.
Status AzureQuoteProvider::write_user_data(const std::array<std::uint8_t, 64>& user_data) {
    const Status written = tpm_.write_nv(kUserDataIndex, user_data);
    if (written || written.error().code != Code::unavailable) {
        return written;
    }
    RATLS_CHECK(tpm_.define_nv(kUserDataIndex, user_data.size()));
    return tpm_.write_nv(kUserDataIndex, user_data);
}

Result<hcl::Report> AzureQuoteProvider::renewed(const std::array<std::uint8_t, 64>& user_data,
                                                Bytes& raw) {
    const std::chrono::milliseconds start = clock_.monotonic();
    for (;;) {
        auto report = current(user_data, raw);
        // It may be read while it is written: then it has no form, or does not fit together.
        const bool may_come = !report && (report.error().code == Code::malformed ||
                                          report.error().code == Code::mismatch);
        if (report || !may_come) {
            return report;
        }
        if (clock_.monotonic() - start + kPause > kRenewalLimit) {
            return fail(
                report.error().code == Code::mismatch ? Code::unavailable : report.error().code,
                "report of the paravisor", "not renewed in time: " + report.error().text());
        }
        waiter_.wait(kPause);
    }
}

Result<hcl::Report> AzureQuoteProvider::current(const std::array<std::uint8_t, 64>& user_data,
                                                Bytes& raw) {
    RATLS_TRY(raw, tpm_.read_nv(kReportIndex));
    RATLS_TRY(hcl::Report report, hcl::parse_report(raw));
    if (report.runtime.user_data != user_data) {
        return fail(Code::mismatch, "user-data", "is not what was written");
    }
    if (!equal(report.report_data(), report.expected_report_data())) {
        return fail(Code::mismatch, "report data", "is not the hash of the runtime data");
    }
    raw.resize(report.size());  // the index is larger
    return report;
}

/// A table as other hosts give it. Whoever verifies can get the certificates from AMD, too.
Bytes AzureQuoteProvider::certificates() {
    const auto body = ask({.url = kCertificationUrl, .timeout = std::chrono::seconds(5)});
    auto known = body ? hcl::parse_certification(*body)
                      : Result<hcl::Certification>(std::unexpected(body.error()));
    if (!known) {
        return {};
    }
    return snp::encode_cert_table({{snp::kGuidVcek, std::move(known->vcek)},
                                   {snp::kGuidAsk, std::move(known->ask)},
                                   {snp::kGuidArk, std::move(known->ark)}});
}

Result<Bytes> AzureQuoteProvider::td_quote(ByteView td_report) {
    FetchRequest request{.method = "POST", .url = kTdQuoteUrl};
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = to_bytes(as_bytes(hcl::encode_td_quote_request(td_report)));
    RATLS_TRY(const Bytes body, ask(std::move(request)));
    return hcl::parse_td_quote_response(body);
}

Result<Bytes> AzureQuoteProvider::ask(FetchRequest request) {
    request.headers.push_back({"Metadata", "true"});
    request.max_bytes = hcl::kMaxMetadata;
    RATLS_TRY(FetchResponse response, http_.fetch(request));
    if (response.status != 200) {
        // The service limits how often it is asked, and answers so while it starts.
        const bool later = response.status == 429 || response.status == 503;
        return fail(later ? Code::unavailable : Code::io, request.url,
                    "status 200 wanted, " + std::to_string(response.status) + " found");
    }
    return std::move(response.body);
}

}  // namespace ratls
