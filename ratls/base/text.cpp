#include "ratls/base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace ratls {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void append_printable(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
        out += c;
    } else {
        out += "\\x";
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
}

}  // namespace

std::string quoted(std::string_view text, std::size_t limit) {
    std::string out = "\"";
    for (const char c : text.substr(0, limit)) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        append_printable(out, c);
    }
    out += text.size() > limit ? "\"..." : "\"";
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        append_printable(out, c);
    }
    return out;
}

bool is_unseen(char32_t character) {
    constexpr std::array<std::pair<char32_t, char32_t>, 8> kRanges = {{{0, 0x1f},
                                                                       {0x7f, 0x9f},
                                                                       {0xad, 0xad},
                                                                       {0x61c, 0x61c},
                                                                       {0x200b, 0x200f},
                                                                       {0x2028, 0x202e},
                                                                       {0x2060, 0x206f},
                                                                       {0xfeff, 0xfeff}}};
    return std::ranges::any_of(kRanges, [&](const auto& range) {
        return character >= range.first && character <= range.second;
    });
}

std::optional<char32_t> take_utf8(std::string_view& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto lead = static_cast<unsigned char>(text[0]);
    std::size_t more = 0;
    char32_t point = lead;
    char32_t least = 0;
    if (lead >= 0x80) {
        if ((lead & 0xe0) == 0xc0) {
            more = 1;
            point = lead & 0x1fU;
            least = 0x80;
        } else if ((lead & 0xf0) == 0xe0) {
            more = 2;
            point = lead & 0x0fU;
            least = 0x800;
        } else if ((lead & 0xf8) == 0xf0) {
            more = 3;
            point = lead & 0x07U;
            least = 0x10000;
        } else {
            return std::nullopt;
        }
    }
    if (text.size() <= more) {
        return std::nullopt;
    }
    for (std::size_t k = 1; k <= more; ++k) {
        const auto next = static_cast<unsigned char>(text[k]);
        if ((next & 0xc0) != 0x80) {
            return std::nullopt;
        }
        point = (point << 6) | (next & 0x3fU);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return std::nullopt;
    }
    text.remove_prefix(more + 1);
    return point;
}

bool is_utf8(std::string_view text) {
    while (take_utf8(text)) {
    }
    return text.empty();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return out;
}

}  // namespace ratls
