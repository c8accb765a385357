// Digests of published keys and certificates, written as hex.
#pragma once

#include "ratls/crypto/hash.h"

namespace ratls::verify {

/// 64 lower-case hex digits.
constexpr Sha256Digest pinned_digest(std::string_view hex_text) {
    const auto nibble = [](char c) {
        return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    Sha256Digest out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] =
            static_cast<std::uint8_t>(nibble(hex_text[2 * i]) * 16 + nibble(hex_text[2 * i + 1]));
    }
    return out;
}

}  // namespace ratls::verify
