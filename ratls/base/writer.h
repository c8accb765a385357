// Builds byte strings field by field; the mirror of Reader.
#pragma once

#include <concepts>

#include "ratls/base/bytes.h"

namespace ratls {

class Writer {
  public:
    Writer& u8(std::uint8_t value) { return little(value); }
    Writer& u16_le(std::uint16_t value) { return little(value); }
    Writer& u32_le(std::uint32_t value) { return little(value); }
    Writer& u64_le(std::uint64_t value) { return little(value); }
    Writer& u16_be(std::uint16_t value) { return big(value); }
    Writer& u32_be(std::uint32_t value) { return big(value); }
    Writer& u64_be(std::uint64_t value) { return big(value); }
    Writer& bytes(ByteView view) {
        append(out_, view);
        return *this;
    }
    Writer& zeros(std::size_t count) {
        out_.insert(out_.end(), count, 0);
        return *this;
    }

    std::size_t size() const { return out_.size(); }
    const Bytes& view() const { return out_; }
    Bytes take() { return std::move(out_); }

  private:
    template <std::unsigned_integral T>
    Writer& little(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
        }
        return *this;
    }

    template <std::unsigned_integral T>
    Writer& big(T value) {
        for (std::size_t i = sizeof(T); i > 0; --i) {
            out_.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
        }
        return *this;
    }

    Bytes out_;
};

}  // namespace ratls
