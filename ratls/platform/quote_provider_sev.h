// TEE evidence through /dev/sev-guest.
#pragma once

#include "ratls/platform/quote_provider.h"
#include "ratls/platform/sev_guest.h"

namespace ratls {

/// For kernels before 6.7, which have no configfs-tsm. The report is what counts: from a host that
/// gives no certificates, or none that fit into `kMaxCertificates`, it comes with an empty table.
class SevGuestQuoteProvider : public QuoteProvider {
  public:
    static constexpr std::size_t kMaxCertificates = 64 * 1024;
    static constexpr unsigned kMaxVmpl = 3;

    /// `vmpl`: what the report speaks for; not below the level at which this guest runs.
    SevGuestQuoteProvider(std::unique_ptr<Device> device, const Clock& clock, Waiter& waiter,
                          unsigned vmpl = 0)
        : guest_(std::move(device), clock, waiter), vmpl_(vmpl) {}

    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override;

  private:
    Result<Bytes> report(const std::array<std::uint8_t, 64>& report_data);
    /// Nothing if it is only the certificates that stand in the way.
    Result<std::optional<TeeQuote>> extended(const std::array<std::uint8_t, 64>& report_data);

    SevGuest guest_;
    unsigned vmpl_;
};

}  // namespace ratls
