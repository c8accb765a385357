#include "ratls/http/syntax.h"

#include <algorithm>
#include <charconv>

#include "ratls/base/text.h"

namespace ratls::http {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kWhite = " \t";
    const std::size_t first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

Result<std::uint64_t> read_length(std::string_view text, std::string_view where) {
    constexpr std::size_t kMaxDigits = 18;  // fits in 63 bits
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (text.size() > kMaxDigits || error != std::errc() || at != end ||
        (text.size() > 1 && text.front() == '0')) {
        return fail(Code::malformed, std::string(where) + ": content-length",
                    "a decimal number wanted, " + quoted(text) + " found");
    }
    return value;
}

}  // namespace

bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_text(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

bool breaks_line_rules(char before, char next) {
    return next == '\0' || (before == '\r') != (next == '\n');
}

Result<std::vector<Header>> read_headers(std::string_view lines, std::size_t max_count,
                                         std::string_view where) {
    std::vector<Header> out;
    while (!lines.empty()) {
        const std::size_t end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
            return fail(Code::malformed, std::string(where),
                        "\"name: value\" wanted, " + quoted(line) + " found");
        }
        const std::string_view value = trim(line.substr(colon + 1));
        if (!is_field_text(value)) {
            return fail(Code::malformed, std::string(where),
                        "a control character in " + quoted(line));
        }
        if (out.size() == max_count) {
            return fail(Code::too_large, std::string(where),
                        "more than " + std::to_string(max_count) + " header lines");
        }
        out.push_back({lower(line.substr(0, colon)), std::string(value)});
    }
    return out;
}

Result<Framing> read_framing(const std::vector<Header>& headers, std::string_view where) {
    Framing out;
    bool coded = false;
    for (const Header& header : headers) {
        if (header.name == "content-length") {
            if (out.content_length) {
                return fail(Code::malformed, std::string(where) + ": content-length", "twice");
            }
            RATLS_TRY(out.content_length, read_length(header.value, where));
        } else if (header.name == "transfer-encoding") {
            if (coded || lower(header.value) != "chunked") {
                return fail(Code::unsupported, std::string(where) + ": transfer-encoding",
                            "one \"chunked\" wanted, " + quoted(header.value) + " found");
            }
            coded = true;
            out.chunked = true;
        } else if (header.name == "connection") {
            for (const std::string_view option : split(header.value, ',')) {
                const std::string name = lower(trim(option));
                out.close = out.close || name == "close";
                out.keep_alive = out.keep_alive || name == "keep-alive";
            }
        }
    }
    if (out.chunked && out.content_length) {
        return fail(Code::malformed, std::string(where),
                    "both content-length and transfer-encoding");
    }
    return out;
}

}  // namespace ratls::http
