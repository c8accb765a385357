#include "ratls/codec/hex.h"

namespace ratls {
namespace {

int nibble(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

}  // namespace

std::string hex(ByteView bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out(bytes.size() * 2, '\0');
    auto place = out.begin();
    for (const std::uint8_t b : bytes) {
        *place++ = kDigits[b >> 4];
        *place++ = kDigits[b & 15];
    }
    return out;
}

Result<Bytes> parse_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return fail(Code::malformed, "hex",
                    "an even number of digits wanted, " + std::to_string(text.size()) + " found");
    }
    Bytes out(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = nibble(text[i]);
        const int low = nibble(text[i + 1]);
        if (high < 0 || low < 0) {
            return fail(
                Code::malformed, "hex",
                "not a hexadecimal digit at position " + std::to_string(high < 0 ? i : i + 1));
        }
        out[i / 2] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return out;
}

Result<Bytes> parse_hex(std::string_view text, std::size_t size) {
    if (text.size() != size * 2) {
        return fail(Code::malformed, "hex",
                    std::to_string(size * 2) + " hex digits wanted, " +
                        std::to_string(text.size()) + " found");
    }
    return parse_hex(text);
}

Result<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto byte = parse_hex(text.substr(i + 1, 2), 1);
        if (!byte) {
            return fail(Code::malformed, "URL encoding",
                        "two hex digits wanted after % at " + std::to_string(i));
        }
        out += as_text(*byte);
        i += 2;
    }
    return out;
}

}  // namespace ratls
