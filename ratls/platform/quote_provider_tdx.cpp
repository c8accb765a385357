#include "ratls/platform/quote_provider_tdx.h"

#include "ratls/evidence/dcap/qgs.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxConfiguration = 64 * 1024;

std::unexpected<Error> service_failure(Error error) {
    return std::unexpected(std::move(error).in("quote generation service"));
}

}  // namespace

Result<TeeQuote> TdxGuestQuoteProvider::quote(const std::array<std::uint8_t, 64>& report_data) {
    RATLS_TRY(const std::uint32_t service_port, port());
    RATLS_TRY(const Bytes report, td_report(report_data));
    auto quote = ask_service(report, service_port);
    if (!quote) {
        return service_failure(std::move(quote).error());
    }
    return TeeQuote{.kind = "tdx_guest", .report = *std::move(quote)};
}

Result<Bytes> TdxGuestQuoteProvider::td_report(const std::array<std::uint8_t, 64>& report_data) {
    Bytes argument(report_data.size() + dcap::kTdReportSize);
    std::ranges::copy(report_data, argument.begin());
    if (const auto done = device_->ioctl(kGetReport, argument); !done) {
        return std::unexpected(Error(done.error()).in("tdx-guest"));
    }
    Bytes report = to_bytes(ByteView(argument).last(dcap::kTdReportSize));
    if (!equal(ByteView(report).subspan(dcap::kTdReportDataAt, report_data.size()), report_data)) {
        return fail(Code::malformed, "tdx-guest", "a TDREPORT that does not have the question");
    }
    return report;
}

Result<std::uint32_t> TdxGuestQuoteProvider::port() {
    const auto text = files_.read(kConfiguration, kMaxConfiguration);
    if (!text && text.error().code == Code::unavailable) {
        return dcap::kDefaultQgsPort;
    }
    if (!text) {
        return std::unexpected(text.error());
    }
    return dcap::parse_tdx_attest_conf(as_text(*text));
}

Result<Bytes> TdxGuestQuoteProvider::ask_service(ByteView td_report, std::uint32_t port) {
    RATLS_TRY(const std::unique_ptr<Stream> stream, connect_(kVsockHost, port, kTimeout));
    RATLS_CHECK(stream->write(dcap::encode_qgs_request(td_report)));
    std::array<std::uint8_t, 4> frame{};
    RATLS_CHECK(stream->read(frame));
    RATLS_TRY(const std::size_t length, dcap::parse_qgs_length(frame));
    Bytes message(length);
    RATLS_CHECK(stream->read(message));
    return dcap::parse_qgs_response(message);
}

}  // namespace ratls
