#include "ratls/platform/quote_provider_sev.h"

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"

namespace ratls {
namespace {

constexpr const char* kKind = "sev_guest";
constexpr std::size_t kPage = 4096;
constexpr int kRounds = 3;  // the table may grow while we ask: the host has renewed it

/// struct snp_ext_report_req, 112 bytes.
Bytes extended_request(const std::array<std::uint8_t, 64>& report_data, unsigned vmpl,
                       const Bytes& certificates) {
    const std::uint64_t address =
        certificates.empty() ? 0 : reinterpret_cast<std::uintptr_t>(certificates.data());
    return Writer()
        .bytes(snp::encode_report_request(report_data, vmpl))
        .u64_le(address)
        .u32_le(static_cast<std::uint32_t>(certificates.size()))
        .zeros(4)
        .take();
}

/// certs_len, in which the driver says how much it wants.
std::size_t wanted_length(ByteView request) {
    Reader r(request, "sev-guest");
    r.bytes(104, "request");
    return r.u32_le("certs_len");
}

}  // namespace

Result<TeeQuote> SevGuestQuoteProvider::quote(const std::array<std::uint8_t, 64>& report_data) {
    if (vmpl_ > kMaxVmpl) {
        return fail(Code::usage, "sev-guest: vmpl", "0 to 3 wanted");
    }
    RATLS_TRY(std::optional<TeeQuote> with_certificates, extended(report_data));
    if (with_certificates) {
        return *std::move(with_certificates);
    }
    RATLS_TRY(Bytes plain, report(report_data));
    return TeeQuote{.kind = kKind, .report = std::move(plain)};
}

Result<Bytes> SevGuestQuoteProvider::report(const std::array<std::uint8_t, 64>& report_data) {
    Bytes request = snp::encode_report_request(report_data, vmpl_);
    Bytes response(snp::kReportResponseSize);
    RATLS_TRY(const SevGuest::Outcome outcome,
              guest_.call(sev_guest::kGetReport, 1, request, response));
    if (outcome != SevGuest::Outcome::answered) {
        return fail(Code::malformed, "sev-guest", "a length refused in a request that has none");
    }
    return snp::parse_report_response(response);
}

Result<std::optional<TeeQuote>> SevGuestQuoteProvider::extended(
    const std::array<std::uint8_t, 64>& report_data) {
    Bytes certificates;  // the first round only asks for the length
    for (int round = 0; round < kRounds; ++round) {
        Bytes request = extended_request(report_data, vmpl_, certificates);
        Bytes response(snp::kReportResponseSize);
        const auto outcome = guest_.call(sev_guest::kGetExtendedReport, 1, request, response);
        if (!outcome) {
            if (outcome.error().code == Code::unsupported) {
                break;
            }
            return std::unexpected(outcome.error());
        }
        if (*outcome == SevGuest::Outcome::answered) {
            RATLS_TRY(Bytes report, snp::parse_report_response(response));
            return TeeQuote{
                .kind = kKind, .report = std::move(report), .aux = std::move(certificates)};
        }
        const std::size_t wanted = wanted_length(request);
        if (wanted <= certificates.size() || wanted % kPage != 0 || wanted > kMaxCertificates) {
            break;
        }
        certificates.assign(wanted, 0);
    }
    return std::nullopt;
}

}  // namespace ratls
