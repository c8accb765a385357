// How often something may be asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace ratls::agent {

/// `burst` times at once, then `per_minute` times; both at least 1. It reads no clock. Any thread
/// may call.
class TokenBucket {
  public:
    TokenBucket(unsigned burst, unsigned per_minute);

    /// Takes a token at this time of a clock that does not go back. If there is none: how long
    /// until there will be one, at least a second.
    std::optional<std::chrono::seconds> take(std::chrono::milliseconds now);
    /// What the token was taken for was not done.
    void give_back();
    /// Nobody took any for as long as it takes to fill it.
    bool full(std::chrono::milliseconds now) const;

  private:
    std::int64_t parts_at(std::chrono::milliseconds now) const;

    mutable std::mutex mutex_;
    const std::int64_t full_;  ///< in parts of a token, 60'000 each: one per minute and millisecond
    const std::int64_t per_millisecond_;
    std::int64_t parts_;
    std::chrono::milliseconds last_{0};
};

}  // namespace ratls::agent
