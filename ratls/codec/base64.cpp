#include "ratls/codec/base64.h"

namespace ratls {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> out{};
    out.fill(kNoDigit);
    for (std::size_t value = 0; value < kAlphabet.size(); ++value) {
        out[static_cast<std::uint8_t>(kAlphabet[value])] = static_cast<std::uint8_t>(value);
    }
    return out;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

}  // namespace

std::string base64(ByteView bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = (group << 8) | (k < count ? bytes[i + k] : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out += k <= count ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=';
        }
    }
    return out;
}

Result<Bytes> parse_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return fail(Code::malformed, "base64",
                    "a multiple of 4 characters wanted, " + std::to_string(text.size()) + " found");
    }
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    const std::string_view digits = text.substr(0, text.size() - padding);
    Bytes out(text.size() / 4 * 3);
    const auto digit = [&](std::size_t i) {
        return std::uint32_t{kValues[static_cast<std::uint8_t>(digits[i])]};
    };
    auto place = out.begin();
    std::size_t i = 0;
    std::uint32_t seen = 0;  // what is no digit sets bits that digits do not have
    for (; digits.size() - i >= 4; i += 4) {
        const std::uint32_t a = digit(i), b = digit(i + 1), c = digit(i + 2), d = digit(i + 3);
        seen |= a | b | c | d;
        const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
        *place++ = static_cast<std::uint8_t>(group >> 16);
        *place++ = static_cast<std::uint8_t>(group >> 8);
        *place++ = static_cast<std::uint8_t>(group);
    }
    std::uint32_t group = 0;
    for (; i < digits.size(); ++i) {
        seen |= digit(i);
        group = (group << 6) | digit(i);
    }
    if ((seen & ~63U) != 0) {
        const auto bad = std::ranges::find(
            digits, kNoDigit, [](char c) { return kValues[static_cast<std::uint8_t>(c)]; });
        return fail(Code::malformed, "base64",
                    "not a base64 character at position " + std::to_string(bad - digits.begin()));
    }
    // The last group is not full: of its digits, 4 or 2 bits are no byte.
    const std::uint32_t last = group << (6 * padding) & 0xffffff;
    if (padding > 0 && (last & ((1U << (8 * padding)) - 1)) != 0) {
        return fail(Code::malformed, "base64",
                    "the unused bits of the last character are not zero");
    }
    for (std::size_t k = 0; padding > 0 && k + padding < 3; ++k) {
        *place++ = static_cast<std::uint8_t>(last >> (16 - 8 * k));
    }
    out.resize(out.size() - padding);
    return out;
}

std::string base64url(ByteView bytes) {
    std::string out = base64(bytes);
    std::ranges::replace(out, '+', '-');
    std::ranges::replace(out, '/', '_');
    out.erase(out.find_last_not_of('=') + 1);
    return out;
}

Result<Bytes> parse_base64url(std::string_view text) {
    std::string standard(text);
    for (char& c : standard) {
        if (c == '+' || c == '/' || c == '=') {
            return fail(Code::malformed, "base64url", "a character of plain base64");
        }
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    standard.append((4 - standard.size() % 4) % 4, '=');
    return parse_base64(standard);
}

}  // namespace ratls
