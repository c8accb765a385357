// /dev/sev-guest in memory, with the pretended TEE behind it.
#pragma once

#include <optional>
#include <vector>

#include "ratls/platform/sev_guest.h"
#include "test/fake/pretended_tee.h"

namespace ratls::test {

/// Source: Linux, Documentation/virt/coco/sev-guest.rst and include/uapi/linux/sev-guest.h.
class FakeSevGuest : public Device {
  public:
    explicit FakeSevGuest(PretendedTee& tee) : tee_(tee) {}

    Result<int> ioctl(unsigned long request, std::span<std::uint8_t> argument) override;

    struct Seen {
        unsigned long request = 0;
        std::uint8_t message_version = 0;
        Bytes bytes = {};  ///< the request structure
    };
    const std::vector<Seen>& seen() const { return seen_; }

    // What can go wrong; free to change.
    unsigned busy = 0;                       ///< so many calls end with BUSY of the host
    std::optional<std::uint64_t> exitinfo2;  ///< instead of carrying the request out
    std::optional<Code> failure;             ///< of the ioctl itself
    bool silent = false;                     ///< the ioctl succeeds though exitinfo2 has an error
    bool no_extended = false;                ///< a driver without SNP_GET_EXT_REPORT
    bool no_certificates = false;            ///< the host gives none, and asks for no space
    std::optional<std::uint32_t> wanted_length;  ///< what certs_len says, instead of the truth
    unsigned growths = 0;                        ///< so often, the table has grown by a page since
    std::uint32_t status = 0;                    ///< in the response
    std::optional<std::uint32_t> report_size;    ///< in the response, instead of 1184
    bool writes_nothing = false;                 ///< success, but the response stays as it was

  private:
    Result<int> refuse(std::span<std::uint8_t> argument, std::uint64_t info);
    Result<int> extended_report(ByteView report_data, std::uint32_t vmpl,
                                std::span<std::uint8_t> request, std::span<std::uint8_t> argument);
    void write_report(ByteView report_data, std::uint32_t vmpl, std::span<std::uint8_t> argument);
    void write_key(ByteView request, std::span<std::uint8_t> argument);

    PretendedTee& tee_;
    std::vector<Seen> seen_;
    std::size_t pages_ = 1;
};

}  // namespace ratls::test
