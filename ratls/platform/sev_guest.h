// The firmware of an AMD SEV-SNP processor, through /dev/sev-guest.
#pragma once

#include "ratls/evidence/snp/guest_message.h"
#include "ratls/platform/clock.h"
#include "ratls/platform/device.h"
#include "ratls/platform/waiter.h"

namespace ratls {

/// Source: Linux, include/uapi/linux/sev-guest.h.
namespace sev_guest {
inline constexpr unsigned long kGetReport = 0xc0205300;
inline constexpr unsigned long kGetDerivedKey = 0xc0205301;
inline constexpr unsigned long kGetExtendedReport = 0xc0205302;
inline constexpr std::size_t kArgumentSize = 32;  ///< struct snp_guest_request_ioctl
inline constexpr std::uint32_t kVmmInvalidLength = 1;
inline constexpr std::uint32_t kVmmBusy = 2;
}  // namespace sev_guest

/// Asks the firmware. Calls block, at most for about `kBusyLimit` while the host says that it is
/// busy; one thread at a time. Failures: those of `Device`, `unavailable` when the host stayed
/// busy, `io` when firmware or host refuse, `malformed` when the answer is none.
class SevGuest {
  public:
    static constexpr const char* kPath = "/dev/sev-guest";
    static constexpr std::chrono::seconds kBusyLimit{30};

    SevGuest(std::unique_ptr<Device> device, const Clock& clock, Waiter& waiter)
        : device_(std::move(device)), clock_(clock), waiter_(waiter) {}

    enum class Outcome { answered, length_refused };

    /// One request, the same bytes again while the host is busy: a request whose answer was lost
    /// must not come back changed, as the key that protects it would be used twice for one number.
    /// `request` ends as the driver left it, `response` has the answer, zeros where it wrote none.
    Result<Outcome> call(unsigned long number, std::uint8_t message_version, Bytes& request,
                         std::span<std::uint8_t> response);

    /// A key of this processor and this guest, 32 bytes: the same each time for the same request,
    /// another one for another guest as far as `fields` say. Nobody but the guest and the firmware
    /// knows it.
    Result<Secret> derived_key(const snp::KeyRequest& request);

  private:
    std::unique_ptr<Device> device_;
    const Clock& clock_;
    Waiter& waiter_;
};

}  // namespace ratls
