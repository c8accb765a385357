#include "ratls/evidence/eventlog/variable.h"

#include <array>

#include "ratls/base/reader.h"
#include "ratls/codec/hex.h"

namespace ratls::eventlog {
namespace {

constexpr std::size_t kGuid = 16;
constexpr std::size_t kMaxNameBytes = 2048;
constexpr char32_t kFirstPlane = 0x10000;

/// Source: UEFI 2.10, section 32.4.1, signature types.
std::string signature_type(ByteView guid) {
    struct Named {
        std::string_view guid, name;
    };
    static constexpr std::array<Named, 7> kTypes = {{
        {"a5c059a1-94e4-4aa7-87b5-ab155c2bf072", "x509"},
        {"c1c41626-504c-4092-aca9-41f936934328", "sha256"},
        {"3c5766e8-269c-4e34-aa14-ed776e85b3b6", "rsa2048"},
        {"826ca512-cf10-4ac9-b187-be01496631bd", "sha1"},
        {"ff3e5307-9fd0-48c9-85f1-8ad56c701e01", "sha384"},
        {"093e0fae-a6c4-4f50-9f1b-d41e2b89c19a", "sha512"},
        {"3bd2a492-96c0-4079-b420-fcf98ef103ed", "x509-sha256"},
    }};
    const std::string text = guid_text(guid);
    const auto* found = std::ranges::find(kTypes, std::string_view(text), &Named::guid);
    return found == kTypes.end() ? text : std::string(found->name);
}

void append_utf8(std::string& out, char32_t point) {
    const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | (point >> 6));
        put(0x80 | (point & 0x3f));
    } else if (point < kFirstPlane) {
        put(0xe0 | (point >> 12));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | (point >> 18));
        put(0x80 | ((point >> 12) & 0x3f));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

}  // namespace

std::string guid_text(ByteView guid) {
    if (guid.size() != kGuid) {
        return {};
    }
    static constexpr std::array<std::size_t, kGuid> kOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                              8, 9, 10, 11, 12, 13, 14, 15};
    Bytes ordered;
    for (const std::size_t at : kOrder) {
        ordered.push_back(guid[at]);
    }
    const std::string digits = hex(ordered);
    return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
           digits.substr(16, 4) + "-" + digits.substr(20);
}

std::optional<std::string> utf16_to_utf8(ByteView text) {
    Reader r(text, "UTF-16");
    std::string out;
    while (r.ok() && r.left() > 0) {
        const char32_t unit = r.u16_le("unit");
        if (!r.ok() || (unit == 0 && r.left() > 0)) {
            return std::nullopt;
        }
        if (unit == 0) {
            return out;
        }
        if (unit < 0xd800 || unit > 0xdfff) {
            append_utf8(out, unit);
            continue;
        }
        const char32_t low = r.u16_le("low surrogate");
        if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) {
            return std::nullopt;
        }
        append_utf8(out, kFirstPlane + ((unit - 0xd800) << 10) + (low - 0xdc00));
    }
    return out;
}

Bytes utf8_to_utf16(std::string_view text) {
    Bytes out;
    const auto put = [&out](char32_t unit) {
        out.push_back(static_cast<std::uint8_t>(unit & 0xff));
        out.push_back(static_cast<std::uint8_t>(unit >> 8));
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i++]);
        const unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        char32_t point = more == 0 ? lead : lead & (0x3fU >> more);
        for (unsigned k = 0; k < more && i < text.size(); ++k) {
            point = (point << 6) | (static_cast<unsigned char>(text[i++]) & 0x3fU);
        }
        if (point < kFirstPlane) {
            put(point);
        } else {
            put(0xd800 + ((point - kFirstPlane) >> 10));
            put(0xdc00 + ((point - kFirstPlane) & 0x3ff));
        }
    }
    put(0);
    return out;
}

std::optional<Variable> parse_variable(ByteView data) {
    Reader r(data, "UEFI_VARIABLE_DATA");
    Variable out;
    out.guid = guid_text(r.bytes(kGuid, "VariableName"));
    const std::uint64_t name = r.u64_le("UnicodeNameLength");
    const std::uint64_t value = r.u64_le("VariableDataLength");
    if (!r.ok() || name > kMaxNameBytes / 2 || name > r.left() / 2 || value > r.left() - 2 * name) {
        return std::nullopt;
    }
    const auto text = utf16_to_utf8(r.bytes(static_cast<std::size_t>(2 * name), "UnicodeName"));
    if (!text) {
        return std::nullopt;
    }
    out.name = *text;
    out.value = r.bytes(static_cast<std::size_t>(value), "VariableData");
    out.size = r.offset();
    return out;
}

std::optional<std::vector<SignatureList>> parse_signature_lists(ByteView value) {
    std::vector<SignatureList> out;
    std::size_t total = 0;
    Reader r(value, "EFI_SIGNATURE_LIST");
    while (r.ok() && r.left() > 0) {
        constexpr std::uint32_t kHead = kGuid + 3 * 4;
        SignatureList list;
        list.type = signature_type(r.bytes(kGuid, "SignatureType"));
        const std::uint32_t list_size = r.u32_le("SignatureListSize");
        const std::uint32_t header = r.u32_le("SignatureHeaderSize");
        const std::uint32_t size = r.u32_le("SignatureSize");
        if (!r.ok() || list_size < kHead || header > list_size - kHead || size <= kGuid ||
            (list_size - kHead - header) % size != 0) {
            return std::nullopt;
        }
        const std::uint32_t count = (list_size - kHead - header) / size;
        total += count;
        if (total > kMaxSignatures) {
            return std::nullopt;
        }
        r.bytes(header, "SignatureHeader");
        for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
            std::string owner = guid_text(r.bytes(kGuid, "SignatureOwner"));
            list.entries.push_back({std::move(owner), r.bytes(size - kGuid, "SignatureData")});
        }
        out.push_back(std::move(list));
    }
    if (!r.ok()) {
        return std::nullopt;
    }
    return out;
}

}  // namespace ratls::eventlog
