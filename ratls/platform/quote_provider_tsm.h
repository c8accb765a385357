// TEE evidence through the kernel's configfs-tsm.
#pragma once

#include <optional>

#include "ratls/platform/files.h"
#include "ratls/platform/quote_provider.h"

namespace ratls {

/// An SVSM at VMPL 0 that makes the report in the place of the guest, with a list of its services.
/// Source: AMD 58019 (SVSM), section 7, attestation protocol.
struct SvsmService {
    std::string guid = {};                                    ///< one service; empty: all
    std::optional<unsigned> manifest_version = std::nullopt;  ///< for one service only
};

/// Linux 6.7 and later, with an SVSM 6.11. Each quote uses an entry of its own under a random name,
/// and removes it. Source: Linux, Documentation/ABI/testing/configfs-tsm.
class TsmQuoteProvider : public QuoteProvider {
  public:
    static constexpr const char* kDirectory = "/sys/kernel/config/tsm/report";

    /// `privlevel`: the VMPL that the report speaks for, 0 to 3; if none, the kernel's own. Below
    /// that of the guest it is `denied`. `svsm`: who makes the report; if none, the guest's kernel.
    explicit TsmQuoteProvider(Files& files, std::string directory = kDirectory,
                              std::optional<unsigned> privlevel = std::nullopt,
                              std::optional<SvsmService> svsm = std::nullopt)
        : files_(files),
          directory_(std::move(directory)),
          privlevel_(privlevel),
          svsm_(std::move(svsm)) {}

    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override;

  private:
    Result<TeeQuote> attempt(const std::array<std::uint8_t, 64>& report_data);
    Result<TeeQuote> fill(const std::string& entry,
                          const std::array<std::uint8_t, 64>& report_data);
    /// Each gives the number of its writes.
    Result<unsigned> write_options(const std::string& entry);
    Result<unsigned> write_svsm(const std::string& entry);
    Status check_privlevel(const std::string& entry);
    Result<std::uint64_t> number(const std::string& entry, const std::string& attribute);

    Files& files_;
    std::string directory_;
    std::optional<unsigned> privlevel_;
    std::optional<SvsmService> svsm_;
};

}  // namespace ratls
