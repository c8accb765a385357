#include "agent/places.h"

#include <algorithm>

namespace ratls::agent {

bool Places::full(const std::string& address, const std::string& network) const {
    if (most_ == 0 || std::ranges::find(proxies_, address) != proxies_.end()) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(network);
    return found != taken_.end() && found->second >= most_;
}

void Places::enter(const std::string& network) {
    const std::lock_guard lock(mutex_);
    ++taken_[network];
}

void Places::leave(const std::string& network) {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(network);
    if (--found->second == 0) {
        taken_.erase(found);
    }
}

}  // namespace ratls::agent
