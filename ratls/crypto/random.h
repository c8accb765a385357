// Random bytes from the operating system's generator.
#pragma once

#include "ratls/base/bytes.h"

namespace ratls {

/// Fills `out`; ends the process if the system has no randomness, since nothing can go on then.
void random_bytes(std::span<std::uint8_t> out);

template <std::size_t N>
std::array<std::uint8_t, N> random_array() {
    std::array<std::uint8_t, N> out{};
    random_bytes(out);
    return out;
}

}  // namespace ratls
