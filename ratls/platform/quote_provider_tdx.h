// TEE evidence through /dev/tdx_guest and the quote generation service of the host.
#pragma once

#include "ratls/platform/device.h"
#include "ratls/platform/files.h"
#include "ratls/platform/quote_provider.h"
#include "ratls/platform/stream.h"

namespace ratls {

/// For kernels before 6.7, which have no configfs-tsm. The quote comes from the host over vsock; it
/// is not looked at.
class TdxGuestQuoteProvider : public QuoteProvider {
  public:
    static constexpr const char* kPath = "/dev/tdx_guest";
    static constexpr const char* kConfiguration = "/etc/tdx-attest.conf";
    /// TDX_CMD_GET_REPORT0 of struct tdx_report_req. Source: Linux, include/uapi/linux/tdx-guest.h.
    static constexpr unsigned long kGetReport = 0xc4405401;
    static constexpr std::chrono::seconds kTimeout{30};  ///< of the service

    TdxGuestQuoteProvider(std::unique_ptr<Device> device, Files& files, ConnectVsock connect)
        : device_(std::move(device)), files_(files), connect_(std::move(connect)) {}

    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override;

  private:
    Result<Bytes> td_report(const std::array<std::uint8_t, 64>& report_data);
    Result<std::uint32_t> port();
    Result<Bytes> ask_service(ByteView td_report, std::uint32_t port);

    std::unique_ptr<Device> device_;
    Files& files_;
    ConnectVsock connect_;
};

}  // namespace ratls
