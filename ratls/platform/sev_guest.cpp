#include "ratls/platform/sev_guest.h"

#include <algorithm>

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"

namespace ratls {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kLongestDelay{2000};  // the host lets one request through in about that time

std::uint64_t address_of(std::span<const std::uint8_t> memory) {
    return reinterpret_cast<std::uintptr_t>(memory.data());
}

std::string hex_number(std::uint32_t value) {
    return "0x" + hex(Writer().u32_be(value).view());
}

struct ExitInfo {
    std::uint32_t firmware_error = 0;
    std::uint32_t vmm_error = 0;
};

ExitInfo exit_info_of(ByteView argument) {
    Reader r(argument, "sev-guest");
    r.bytes(sev_guest::kArgumentSize - 8, "addresses");
    ExitInfo out;
    out.firmware_error = r.u32_le("exitinfo2: firmware");
    out.vmm_error = r.u32_le("exitinfo2: VMM");
    return out;
}

}  // namespace

Result<SevGuest::Outcome> SevGuest::call(unsigned long number, std::uint8_t message_version,
                                         Bytes& request, std::span<std::uint8_t> response) {
    const Bytes original = request;
    const milliseconds start = clock_.monotonic();
    for (milliseconds delay = kFirstDelay;; delay = std::min(2 * delay, kLongestDelay)) {
        std::ranges::copy(original, request.begin());
        std::ranges::fill(response, std::uint8_t{0});
        Bytes argument = Writer()
                             .u8(message_version)
                             .zeros(7)
                             .u64_le(address_of(request))
                             .u64_le(address_of(response))
                             .u64_le(0)  // exitinfo2
                             .take();
        const Result<int> done = device_->ioctl(number, argument);
        const ExitInfo exit = exit_info_of(argument);
        if (exit.vmm_error == sev_guest::kVmmBusy) {
            if (clock_.monotonic() - start + delay > kBusyLimit) {
                return fail(Code::unavailable, "sev-guest", "the host stays busy");
            }
            waiter_.wait(delay);
            continue;
        }
        if (exit.vmm_error == sev_guest::kVmmInvalidLength) {
            return Outcome::length_refused;
        }
        if (exit.vmm_error != 0) {
            return fail(Code::io, "sev-guest", "the host says error " + hex_number(exit.vmm_error));
        }
        if (exit.firmware_error != 0) {
            return fail(done ? Code::io : done.error().code, "sev-guest",
                        "the firmware says error " + hex_number(exit.firmware_error) +
                            (done ? "" : ", the system " + done.error().what));
        }
        if (!done) {
            return std::unexpected(Error(done.error()).in("sev-guest"));
        }
        return Outcome::answered;
    }
}

Result<Secret> SevGuest::derived_key(const snp::KeyRequest& request) {
    Bytes bytes = snp::encode_key_request(request);
    Secret response(snp::kKeyResponseSize);
    RATLS_TRY(const Outcome outcome, call(sev_guest::kGetDerivedKey, request.message_version(),
                                          bytes, response.writable()));
    if (outcome != Outcome::answered) {
        return fail(Code::malformed, "sev-guest", "a length refused in a request that has none");
    }
    return snp::parse_key_response(response.reveal());
}

}  // namespace ratls
