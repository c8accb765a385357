#include "ratls/codec/base64.h"

namespace ratls {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
    Bytes out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::size_t count = 4;
        if (i + 4 == text.size() && text[i + 3] == '=') {
            count = text[i + 2] == '=' ? 2 : 3;
        }
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t value = k < count ? kAlphabet.find(text[i + k]) : 0;
            if (value == std::string_view::npos) {
                return fail(Code::malformed, "base64",
                            "not a base64 character at position " + std::to_string(i + k));
            }
            group = (group << 6) | static_cast<std::uint32_t>(value);
        }
        if ((count == 2 && (group & 0xffff) != 0) || (count == 3 && (group & 0xff) != 0)) {
            return fail(Code::malformed, "base64",
                        "the unused bits of the last character are not zero");
        }
        for (std::size_t k = 0; k + 1 < count; ++k) {
            out.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * k)));
        }
    }
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
