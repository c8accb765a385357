#include "verify/formats/pcr_values.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"

namespace ratls::verify {
namespace {

constexpr std::size_t kMaxPcrFile = 256 * 1024;

Status add_value(std::vector<tpm::PcrValue>& out, HashAlg bank, std::string_view index_text,
                 std::string_view hex_text) {
    if (index_text.empty() || index_text.size() > 2 ||
        !std::ranges::all_of(index_text, [](char c) { return c >= '0' && c <= '9'; })) {
        return fail(Code::malformed, "pcrs", "PCR index 0 to 23 wanted, " + quoted(index_text));
    }
    const auto index = static_cast<unsigned>(std::stoul(std::string(index_text)));
    if (hex_text.starts_with("0x") || hex_text.starts_with("0X")) {
        hex_text.remove_prefix(2);
    }
    auto value = parse_hex(hex_text, digest_size(bank));
    if (!value) {
        return std::unexpected(std::move(value).error().in("pcrs: " + std::string(hash_name(bank)) +
                                                           ":" + std::string(index_text)));
    }
    const bool twice = std::ranges::any_of(
        out, [&](const tpm::PcrValue& v) { return v.bank == bank && v.index == index; });
    if (index >= tpm::kPcrCount || twice) {
        return fail(Code::malformed, "pcrs",
                    "PCR index 0 to 23, once each, wanted, " + std::to_string(index) + " found");
    }
    out.push_back({bank, index, *std::move(value)});
    return {};
}

Result<std::vector<tpm::PcrValue>> parse_pcr_json(std::string_view text) {
    const auto parsed = parse_json(text, {.max_bytes = kMaxPcrFile, .max_depth = 4});
    if (!parsed) {
        return std::unexpected(Error(parsed.error()).in("pcrs"));
    }
    const Json& json = *parsed;
    std::vector<tpm::PcrValue> out;
    if (const Json::Array* list = json.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string* value = (*list)[i].if_string();
            if (value == nullptr || list->size() != tpm::kPcrCount) {
                return fail(Code::malformed, "pcrs", "a list of 24 hex texts wanted");
            }
            RATLS_CHECK(add_value(out, HashAlg::sha256, std::to_string(i), *value));
        }
        return out;
    }
    if (json.if_object() == nullptr) {
        return fail(Code::malformed, "pcrs", "bank -> index -> hex wanted");
    }
    for (const auto& [bank_name, values] : *json.if_object()) {
        const auto bank = hash_from_name(bank_name);
        if (!bank || values.if_object() == nullptr) {
            return fail(Code::unsupported, "pcrs", "unknown bank " + quoted(bank_name));
        }
        for (const auto& [index, value] : *values.if_object()) {
            if (value.if_string() == nullptr) {
                return fail(Code::malformed, "pcrs", "a hex text wanted at " + quoted(index));
            }
            RATLS_CHECK(add_value(out, *bank, index, *value.if_string()));
        }
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// What `tpm2_quote` prints has the values in the middle of it.
std::string_view values_of_quote(std::string_view text) {
    constexpr std::string_view kBegin = "\npcrs:";
    const std::size_t begin = text.find(kBegin);
    if (!text.starts_with("quoted:") || begin == std::string_view::npos) {
        return text;
    }
    text.remove_prefix(begin + kBegin.size());
    return text.substr(0, text.find("\ncalcDigest:"));
}

/// As `tpm2_pcrread` prints: "  sha256:" and below it "    0 : 0x00..".
Result<std::vector<tpm::PcrValue>> parse_pcr_tools(std::string_view text) {
    std::vector<tpm::PcrValue> out;
    std::optional<HashAlg> bank;
    for (const std::string_view line : split(values_of_quote(text), '\n')) {
        const std::string_view content = trim(line);
        if (content.empty()) {
            continue;
        }
        const std::size_t colon = content.find(':');
        if (colon == std::string_view::npos) {
            return fail(Code::malformed, "pcrs", "not a line of tpm2_pcrread: " + quoted(content));
        }
        const std::string_view key = trim(content.substr(0, colon));
        const std::string_view value = trim(content.substr(colon + 1));
        if (value.empty()) {
            bank = hash_from_name(key);
            if (!bank) {
                return fail(Code::unsupported, "pcrs", "unknown bank " + quoted(key));
            }
        } else if (!bank) {
            return fail(Code::malformed, "pcrs", "a value before the first bank");
        } else {
            RATLS_CHECK(add_value(out, *bank, key, value));
        }
    }
    return out;
}

// What `tpm2_quote --pcr FILE` writes: TPML_PCR_SELECTION as in memory, then lists of values.
constexpr std::size_t kBanks = 16;
constexpr std::size_t kListValues = 8;
constexpr std::size_t kSelectionBytes = 4 + kBanks * 8;
constexpr std::size_t kValueBytes = 64;
constexpr std::size_t kListBytes = 4 + kListValues * (2 + kValueBytes);
constexpr std::size_t kMaxLists = kBanks * tpm::kPcrCount / kListValues;

bool looks_serialized(ByteView file) {
    return file.size() >= kSelectionBytes + 4 + kListBytes &&
           (file.size() - kSelectionBytes - 4) % kListBytes == 0 && file[0] != 0 &&
           file[0] <= kBanks && all_zero(file.subspan(1, 3));
}

/// Banks and PCRs in the order of their values.
std::vector<std::pair<HashAlg, unsigned>> read_selection(Reader& r) {
    constexpr std::uint8_t kMaxSelect = 4;
    std::vector<std::pair<HashAlg, unsigned>> out;
    const std::uint32_t count = r.u32_le("selection.count");
    for (std::size_t i = 0; r.ok() && i < kBanks; ++i) {
        const std::uint16_t id = r.u16_le("selection.hash");
        const std::uint8_t size = r.u8("selection.sizeofSelect");
        const std::uint32_t mask = r.u32_le("selection.pcrSelect");
        r.bytes(1, "padding");
        if (i >= count) {
            continue;  // what the memory happened to hold
        }
        const auto bank = tpm::hash_from_id(id);
        if (!bank || size > kMaxSelect || (mask >> tpm::kPcrCount) != 0) {
            r.fail(
                Code::unsupported, "selection",
                "a bank that is known, with PCR 0 to 23, wanted, " + std::to_string(id) + " found");
            break;
        }
        for (unsigned index = 0; index < tpm::kPcrCount; ++index) {
            if (index / 8 < size && ((mask >> index) & 1) != 0) {
                out.emplace_back(*bank, index);
            }
        }
    }
    return out;
}

Result<std::vector<tpm::PcrValue>> parse_pcr_serialized(ByteView file) {
    Reader r(file, "pcrs");
    const auto selected = read_selection(r);
    const std::uint32_t lists = r.u32_le("count");
    if (r.ok() && lists > kMaxLists) {
        r.fail(Code::too_large, "count", std::to_string(lists));
    }
    std::vector<tpm::PcrValue> out;
    for (std::uint32_t list = 0; r.ok() && list < lists; ++list) {
        const std::uint32_t count = r.u32_le("digests.count");
        for (std::size_t i = 0; r.ok() && i < kListValues; ++i) {
            const std::uint16_t size = r.u16_le("digest.size");
            const ByteView value = r.bytes(kValueBytes, "digest");
            if (i >= count) {
                continue;
            }
            if (out.size() == selected.size() || size != digest_size(selected[out.size()].first)) {
                r.fail(Code::malformed, "digest.size",
                       "the size of its bank, and one for each PCR, wanted, " +
                           std::to_string(size) + " found");
                break;
            }
            const auto& [bank, index] = selected[out.size()];
            const bool twice = std::ranges::any_of(
                out, [&](const tpm::PcrValue& v) { return v.bank == bank && v.index == index; });
            if (twice) {
                r.fail(Code::malformed, "selection", "a bank twice");
            }
            out.push_back({bank, index, to_bytes(value.first(size))});
        }
    }
    if (r.ok() && out.size() != selected.size()) {
        r.fail(Code::malformed, "digests",
               std::to_string(selected.size()) + " values wanted, " + std::to_string(out.size()) +
                   " found");
    }
    return r.finish(std::move(out));
}

}  // namespace

Result<std::vector<tpm::PcrValue>> parse_pcr_values(ByteView file) {
    const std::string_view text = as_text(file);
    if (text.size() > kMaxPcrFile) {
        return fail(Code::too_large, "pcrs", "at most 256 KiB wanted");
    }
    if (looks_serialized(file)) {
        return parse_pcr_serialized(file);
    }
    if (!is_utf8(text) || text.contains('\0')) {
        return fail(Code::malformed, "pcrs",
                    "what tpm2_pcrread prints, JSON, or the file of tpm2_quote --pcr wanted; bare "
                    "values do not say which PCRs they are of");
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
        return parse_pcr_json(text);
    }
    return parse_pcr_tools(text);
}

}  // namespace ratls::verify
