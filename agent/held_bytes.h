// How much memory the responses of all clients may take together.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace ratls::agent {

/// A number of bytes that is shared out. Any thread may call.
class HeldBytes {
  public:
    /// Bytes that were taken; given back when it goes.
    class Share {
      public:
        Share() = default;
        Share(HeldBytes& owner, std::size_t bytes) : owner_(&owner), bytes_(bytes) {}
        Share(Share&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), bytes_(other.bytes_) {}
        Share& operator=(Share&& other) noexcept {
            std::swap(owner_, other.owner_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        ~Share() {
            if (owner_ != nullptr) {
                owner_->held_ -= bytes_;
            }
        }
        /// False: there were not so many left.
        explicit operator bool() const { return owner_ != nullptr; }

      private:
        HeldBytes* owner_ = nullptr;
        std::size_t bytes_ = 0;
    };

    explicit HeldBytes(std::size_t most) : most_(most) {}

    Share take(std::size_t bytes) {
        for (std::size_t held = held_; bytes <= most_ - held;) {
            if (held_.compare_exchange_weak(held, held + bytes)) {
                return Share(*this, bytes);
            }
        }
        return {};
    }

  private:
    const std::size_t most_;
    std::atomic<std::size_t> held_ = 0;
};

}  // namespace ratls::agent
