#include "agent/token_bucket.h"

#include <algorithm>

namespace ratls::agent {
namespace {

constexpr std::int64_t kToken = 60'000;

}  // namespace

TokenBucket::TokenBucket(unsigned burst, unsigned per_minute)
    : full_(std::int64_t{std::max(1U, burst)} * kToken),
      per_millisecond_(std::max(1U, per_minute)),
      parts_(full_) {}

std::optional<std::chrono::seconds> TokenBucket::take(std::chrono::milliseconds now) {
    const std::lock_guard lock(mutex_);
    parts_ = parts_at(now);
    last_ = std::max(last_, now);
    if (parts_ < kToken) {
        const std::int64_t wait = (kToken - parts_ + per_millisecond_ - 1) / per_millisecond_;
        return std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(wait));
    }
    parts_ -= kToken;
    return std::nullopt;
}

void TokenBucket::give_back() {
    const std::lock_guard lock(mutex_);
    parts_ = std::min(full_, parts_ + kToken);
}

bool TokenBucket::full(std::chrono::milliseconds now) const {
    const std::lock_guard lock(mutex_);
    return parts_at(now) == full_;
}

std::int64_t TokenBucket::parts_at(std::chrono::milliseconds now) const {
    const std::int64_t passed = std::clamp<std::int64_t>((now - last_).count(), 0, full_);
    return std::min(full_, parts_ + passed * per_millisecond_);
}

}  // namespace ratls::agent
