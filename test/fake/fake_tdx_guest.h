// /dev/tdx_guest and the quote generation service of its host, in memory. Nothing in it is signed.
#pragma once

#include <optional>

#include "ratls/platform/quote_provider_tdx.h"

namespace ratls::test {

/// Source: Linux, include/uapi/linux/tdx-guest.h.
class FakeTdxGuest : public Device {
  public:
    Result<int> ioctl(unsigned long request, std::span<std::uint8_t> argument) override;

    /// REPORTMACSTRUCT, TEE_TCB_INFO and TD_INFO, as far as a quote repeats them.
    static Bytes td_report(ByteView report_data);

    std::optional<Code> failure;  ///< of the ioctl
    bool stale = false;           ///< the report has another REPORTDATA
};

/// One service. Source: Intel TDX DCAP, QGS message library.
class FakeQgs {
  public:
    /// Offset of REPORTDATA in its quotes, of version 4.
    static constexpr std::size_t kReportDataAt = 48 + 520;

    ConnectVsock connector();

    /// An answer without its frame, whose quote is for that TDREPORT.
    static Bytes answer(ByteView td_report);

    std::vector<std::pair<std::uint32_t, std::uint32_t>> connections;  ///< CID and port
    std::vector<Bytes> requests;                                       ///< with their frames

    // What can go wrong; free to change.
    std::optional<Code> refuses;              ///< the connection
    std::function<void(Bytes&)> change;       ///< the answer, before its length is known
    std::optional<std::uint32_t> length;      ///< in the frame, instead of the true one
    std::optional<std::size_t> ends_after;    ///< so many bytes, the connection ends
    std::optional<std::size_t> silent_after;  ///< so many bytes, nothing comes any more
};

}  // namespace ratls::test
