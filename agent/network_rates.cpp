#include "agent/network_rates.h"

namespace ratls::agent {
namespace {

constexpr std::chrono::seconds kCleaning{1};  // not at each request of a crowd

}  // namespace

std::optional<std::chrono::seconds> NetworkRates::take(const std::string& network,
                                                       std::chrono::milliseconds now) {
    const std::lock_guard lock(mutex_);
    return bucket_of(network, now).take(now);
}

TokenBucket& NetworkRates::bucket_of(const std::string& network, std::chrono::milliseconds now) {
    const auto known = buckets_.find(network);
    if (known != buckets_.end()) {
        return known->second;
    }
    if (buckets_.size() >= kMaxNetworks && now - cleaned_ >= kCleaning) {
        cleaned_ = now;
        std::erase_if(buckets_, [now](auto& item) { return item.second.full(now); });
    }
    return buckets_.size() >= kMaxNetworks
               ? others_
               : buckets_.try_emplace(network, burst_, per_minute_).first->second;
}

}  // namespace ratls::agent
