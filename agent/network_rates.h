// How often each client may ask for something.
#pragma once

#include <map>
#include <string>

#include "agent/token_bucket.h"

namespace ratls::agent {

/// A bucket for each network that asks. Those that are full again are forgotten; beyond
/// `kMaxNetworks` that are not, further ones share a bucket. Any thread may call.
class NetworkRates {
  public:
    static constexpr std::size_t kMaxNetworks = 4096;

    NetworkRates(unsigned burst, unsigned per_minute)
        : burst_(burst), per_minute_(per_minute), others_(burst, per_minute) {}

    /// As TokenBucket::take. `network`: Peer::network.
    std::optional<std::chrono::seconds> take(const std::string& network,
                                             std::chrono::milliseconds now);

  private:
    TokenBucket& bucket_of(const std::string& network, std::chrono::milliseconds now);

    const unsigned burst_;
    const unsigned per_minute_;
    std::mutex mutex_;
    std::map<std::string, TokenBucket> buckets_;
    TokenBucket others_;
    std::chrono::milliseconds cleaned_{0};
};

}  // namespace ratls::agent
