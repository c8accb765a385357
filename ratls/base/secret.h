// A byte string that must not leak: it moves, never copies, and wipes itself.
#pragma once

#include <utility>

#include "ratls/base/bytes.h"

namespace ratls {

/// Overwrites memory in a way that the compiler does not remove. A size of 0 is fine.
void secure_wipe(void* data, std::size_t size);

class Secret {
  public:
    explicit Secret(std::size_t size) : bytes_(size) {}
    /// Takes the bytes over; the caller's copy is gone afterwards.
    explicit Secret(Bytes&& bytes) : bytes_(std::move(bytes)) {}
    Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            bytes_ = std::exchange(other.bytes_, {});
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    std::span<std::uint8_t> writable() { return bytes_; }
    ByteView reveal() const { return bytes_; }  // a name that is easy to search for in review

  private:
    void wipe() { secure_wipe(bytes_.data(), bytes_.size()); }

    Bytes bytes_;
};

}  // namespace ratls
