// Fields of bits, for people and policies.
#pragma once

#include <cstdint>
#include <string>

namespace ratls::verify {

/// The bits with these positions, 0 to 63.
std::uint64_t mask_of(const auto& positions) {
    std::uint64_t out = 0;
    for (const auto position : positions) {
        out |= std::uint64_t{1} << position;
    }
    return out;
}

/// The bits that are set, each by `name` of its position, with commas between them.
std::string bits_text(std::uint64_t bits, const auto& name) {
    std::string out;
    for (unsigned position = 0; position < 64; ++position) {
        if (((bits >> position) & 1) != 0) {
            out += out.empty() ? "" : ", ";
            out += name(position);
        }
    }
    return out;
}

}  // namespace ratls::verify
