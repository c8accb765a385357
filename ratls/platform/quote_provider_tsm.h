// TEE evidence through the kernel's configfs-tsm.
#pragma once

#include <optional>

#include "ratls/platform/files.h"
#include "ratls/platform/quote_provider.h"

namespace ratls {

/// Linux 6.7 and later. Each quote uses an entry of its own under a random name, and removes it.
/// Source: Linux, Documentation/ABI/testing/configfs-tsm.
class TsmQuoteProvider : public QuoteProvider {
  public:
    static constexpr const char* kDirectory = "/sys/kernel/config/tsm/report";

    /// `privlevel`: the VMPL that the report speaks for, 0 to 3; if none, the kernel's own.
    explicit TsmQuoteProvider(Files& files, std::string directory = kDirectory,
                              std::optional<unsigned> privlevel = std::nullopt)
        : files_(files), directory_(std::move(directory)), privlevel_(privlevel) {}

    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override;

  private:
    Result<TeeQuote> attempt(const std::array<std::uint8_t, 64>& report_data);
    Result<TeeQuote> fill(const std::string& entry,
                          const std::array<std::uint8_t, 64>& report_data);
    Result<std::uint64_t> generation(const std::string& entry);

    Files& files_;
    std::string directory_;
    std::optional<unsigned> privlevel_;
};

}  // namespace ratls
