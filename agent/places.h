// How many connections each client may have.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace ratls::agent {

/// Counts connections by network. Any thread may call.
class Places {
  public:
    /// `most` for one network, 0: any number. `proxies`: numeric addresses behind which there are
    /// many clients, so that they may have any number.
    Places(std::size_t most, std::vector<std::string> proxies)
        : most_(most), proxies_(std::move(proxies)) {}

    /// `address` and `network` as in Peer.
    bool full(const std::string& address, const std::string& network) const;
    void enter(const std::string& network);
    void leave(const std::string& network);

  private:
    const std::size_t most_;
    const std::vector<std::string> proxies_;
    mutable std::mutex mutex_;
    std::map<std::string, std::size_t> taken_;
};

}  // namespace ratls::agent
