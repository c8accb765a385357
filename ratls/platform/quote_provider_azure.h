// TEE evidence of a confidential VM under Azure's paravisor.
#pragma once

#include "ratls/evidence/hcl/report.h"
#include "ratls/platform/clock.h"
#include "ratls/platform/http_client.h"
#include "ratls/platform/quote_provider.h"
#include "ratls/platform/tpm.h"
#include "ratls/platform/waiter.h"

namespace ratls {

/// The guest has no device of the TEE: the paravisor leaves a report in the virtual TPM and renews
/// it when the guest has written 64 bytes beside it. What signs it comes from the metadata service
/// of the host: the TDX quote, without which there is no evidence, or the certificates of the AMD
/// processor, without which the table is empty.
/// Source: Microsoft, "Azure confidential VM guest attestation".
class AzureQuoteProvider : public QuoteProvider {
  public:
    static constexpr std::uint32_t kReportIndex = 0x01400001;
    static constexpr std::uint32_t kUserDataIndex = 0x01400002;
    static constexpr std::uint32_t kAkHandle = 0x81000003;  ///< the AK that the report names
    static constexpr const char* kCertificationUrl =
        "http://169.254.169.254/metadata/THIM/amd/certification";
    static constexpr const char* kTdQuoteUrl = "http://169.254.169.254/acc/tdquote";
    static constexpr std::chrono::seconds kRenewalLimit{30};  ///< it takes about three seconds

    AzureQuoteProvider(Tpm& tpm, HttpClient& http, const Clock& clock, Waiter& waiter)
        : tpm_(tpm), http_(http), clock_(clock), waiter_(waiter) {}

    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override;

  private:
    Status write_user_data(const std::array<std::uint8_t, 64>& user_data);
    Result<hcl::Report> renewed(const std::array<std::uint8_t, 64>& user_data, Bytes& raw);
    /// As of this moment; a failure if it does not have this user data.
    Result<hcl::Report> current(const std::array<std::uint8_t, 64>& user_data, Bytes& raw);
    Bytes certificates();
    Result<Bytes> td_quote(ByteView td_report);
    Result<Bytes> ask(FetchRequest request);

    Tpm& tpm_;
    HttpClient& http_;
    const Clock& clock_;
    Waiter& waiter_;
};

}  // namespace ratls
