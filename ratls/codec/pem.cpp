#include "ratls/codec/pem.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/base64.h"

namespace ratls {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kMaxBlocks = 64;
constexpr std::size_t kMaxLabel = 64;

bool is_space(char c) {
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

bool all_space(std::string_view text) {
    return std::ranges::all_of(text, is_space);
}

/// Line by line: there is hardly any other space in such a text.
std::string without_space(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        out += line;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    std::erase_if(out, is_space);
    return out;
}

}  // namespace

bool looks_like_pem(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    const std::size_t begin = text.find(kBegin);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return begin != std::string_view::npos && text[first] != '{' && is_utf8(text.substr(0, begin));
}

Result<std::vector<PemBlock>> parse_pem(std::string_view text, PemText around) {
    std::vector<PemBlock> blocks;
    for (;;) {
        const std::size_t begin = text.find(kBegin);
        if (around == PemText::refused && !all_space(text.substr(0, begin))) {
            return fail(Code::malformed, "pem", "text outside of the blocks");
        }
        if (text.substr(0, begin).contains(kEnd)) {
            return fail(Code::malformed, "pem", "an END line without its BEGIN line");
        }
        if (begin == std::string_view::npos) {
            break;
        }
        text.remove_prefix(begin + kBegin.size());
        const std::size_t label_end = text.find(kDashes);
        if (label_end == std::string_view::npos || label_end > kMaxLabel) {
            return fail(Code::malformed, "pem", "a BEGIN line that does not end in dashes");
        }
        const std::string label(text.substr(0, label_end));
        text.remove_prefix(label_end + kDashes.size());
        const std::string end = std::string(kEnd) + label + std::string(kDashes);
        const std::size_t stop = text.find(end);
        if (stop == std::string_view::npos) {
            return fail(Code::malformed, "pem", "no END line for " + quoted(label));
        }
        auto der = parse_base64(without_space(text.substr(0, stop)));
        text.remove_prefix(stop + end.size());
        if (!der) {
            return std::unexpected(std::move(der).error().in("pem"));
        }
        if (blocks.size() == kMaxBlocks) {
            return fail(Code::too_large, "pem", "more than 64 blocks");
        }
        blocks.push_back({label, *std::move(der)});
    }
    if (blocks.empty()) {
        return fail(Code::malformed, "pem", "no BEGIN line");
    }
    return blocks;
}

std::string pem(std::string_view label, ByteView der) {
    std::string out = std::string(kBegin) + std::string(label) + std::string(kDashes) + "\n";
    const std::string body = base64(der);
    for (std::size_t i = 0; i < body.size(); i += 64) {
        out += body.substr(i, 64) + "\n";
    }
    return out + std::string(kEnd) + std::string(label) + std::string(kDashes) + "\n";
}

}  // namespace ratls
