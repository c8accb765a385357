#include "ratls/evidence/eventlog/decode.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/device_path.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"

namespace ratls::eventlog {
namespace {

constexpr std::size_t kMaxText = 16384;   // bytes of a text that is shown
constexpr std::size_t kMaxEntries = 256;  // certificates or partitions that are shown
constexpr std::uint32_t kUkiPcr = 11;
constexpr std::uint32_t kShimPcr = 14;
constexpr std::uint32_t kGrubFilePcr = 9;
constexpr std::uint32_t kFileImr = 3;  // RTMR2, which stands for PCR 8 to 15
constexpr std::string_view kTheData = "the event's data";

ByteView without_nul(ByteView text) {
    return !text.empty() && text.back() == 0 ? text.first(text.size() - 1) : text;
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n'; });
}

/// Text that cannot move a cursor.
std::string shown(std::string_view text) {
    return is_plain(text) && text.size() <= kMaxText ? std::string(text) : quoted(text, kMaxText);
}

std::string number(std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

/// Printable ASCII with or without a NUL at the end, or nothing.
std::optional<std::string> ascii_text(ByteView data) {
    const std::string_view text = as_text(without_nul(data));
    return !text.empty() && is_plain(text) ? std::optional(shown(text)) : std::nullopt;
}

/// The same in UTF-16; what is not ASCII is escaped.
std::optional<std::string> wide_text(ByteView data) {
    const auto text = utf16_to_utf8(data);
    return text && !text->empty() ? std::optional(shown(*text)) : std::nullopt;
}

std::optional<Decoded> one_text(const Event& event, std::string_view kind,
                                const std::optional<std::string>& text) {
    if (!text) {
        return std::nullopt;
    }
    return Decoded{
        std::string(kind), std::string(kTheData), {{"text", *text, covers(event, event.data)}}};
}

// Variables.

void add_signatures(ByteView value, bool covered, std::vector<Field>& out) {
    const auto lists = parse_signature_lists(value);
    if (!lists) {
        return;
    }
    std::size_t shown_entries = 0;
    for (const SignatureList& list : *lists) {
        if (list.type != "x509") {
            const std::string owner = list.entries.empty() ? "" : list.entries.front().owner;
            out.push_back({"signatures",
                           list.type + ", " + std::to_string(list.entries.size()) +
                               (owner.empty() ? "" : ", the first of owner " + owner),
                           covered});
            continue;
        }
        for (const SignatureList::Entry& entry : list.entries) {
            if (shown_entries++ < kMaxEntries) {
                out.push_back({"certificate",
                               "sha256 " + hex(sha256(entry.data)) + ", owner " + entry.owner,
                               covered});
            }
        }
    }
    if (shown_entries > kMaxEntries) {
        out.push_back({"more_certificates", std::to_string(shown_entries - kMaxEntries), covered});
    }
}

void add_boot_order(ByteView value, bool covered, std::vector<Field>& out) {
    Reader r(value, "BootOrder");
    std::string text;
    while (r.ok() && r.left() > 0) {
        const std::uint16_t entry = r.u16_le("entry");
        const Bytes big = {static_cast<std::uint8_t>(entry >> 8),
                           static_cast<std::uint8_t>(entry & 0xff)};
        text += (text.empty() ? "" : ",") + hex(big);
    }
    if (r.ok() && text.size() <= kMaxText) {
        out.push_back({"order", text, covered});
    }
}

/// EFI_LOAD_OPTION: attributes, length of the path, description, path.
void add_load_option(ByteView value, bool covered, std::vector<Field>& out) {
    Reader r(value, "EFI_LOAD_OPTION");
    r.u32_le("Attributes");
    const std::uint16_t path_length = r.u16_le("FilePathListLength");
    Bytes description;
    while (r.ok()) {
        const ByteView unit = r.bytes(2, "Description");
        if (!r.ok() || all_zero(unit)) {
            break;
        }
        append(description, unit);
    }
    const ByteView path = r.bytes(path_length, "FilePathList");
    if (!r.ok()) {
        return;
    }
    if (const auto text = wide_text(description)) {
        out.push_back({"description", *text, covered});
    }
    if (const auto text = device_path_text(path)) {
        out.push_back({"path", shown(*text), covered});
    }
}

bool is_boot_entry(std::string_view name) {
    return name.size() == 8 && name.starts_with("Boot") && parse_hex(name.substr(4), 2);
}

bool has_signatures(std::string_view name) {
    return name == "PK" || name == "KEK" || name == "db" || name == "dbx" || name == "MokList" ||
           name == "MokListX" || name == "MokListRT" || name == "MokListXRT";
}

/// An event of the variable that verified an image has one entry of its list, without the head.
void add_authority(ByteView value, bool covered, std::vector<Field>& out) {
    constexpr std::size_t kOwner = 16;
    constexpr std::uint8_t kDerSequence = 0x30;
    if (value.size() > kOwner && value[kOwner] == kDerSequence) {
        out.push_back({"certificate",
                       "sha256 " + hex(sha256(value.subspan(kOwner))) + ", owner " +
                           guid_text(value.first(kOwner)),
                       covered});
    }
}

std::optional<Decoded> variable(const Event& event) {
    const auto data = parse_variable(event.data);
    if (!data) {
        return std::nullopt;
    }
    // Some firmware hashes the value of boot variables only. Shim 15 and before log some bytes more
    // than the variable has, and hash one less than they log.
    const bool all = covers(event, event.data) ||
                     (event.type == kEfiVariableAuthority && data->size < event.data.size() &&
                      covers(event, event.data.first(event.data.size() - 1)));
    const bool value_only = !all && covers(event, data->value);
    const bool covered = all || value_only;
    Decoded out{"variable",
                std::string(value_only ? std::string_view("the variable's value") : kTheData),
                {{"name", shown(data->name), all}, {"guid", data->guid, all}}};
    if (has_signatures(data->name) && event.type != kEfiVariableAuthority) {
        add_signatures(data->value, covered, out.fields);
    } else if (has_signatures(data->name)) {
        add_authority(data->value, covered, out.fields);
    } else if (data->name == "BootOrder") {
        add_boot_order(data->value, covered, out.fields);
    } else if (is_boot_entry(data->name)) {
        add_load_option(data->value, covered, out.fields);
    } else if (data->value.size() <= 1) {
        const bool on = !data->value.empty() && data->value.front() != 0;
        const bool state = data->value.empty() || data->value.front() <= 1;
        out.fields.push_back(
            {"value", state ? (on ? "on" : "off") : number(data->value.front()), covered});
    } else if (const auto text = ascii_text(data->value)) {
        out.fields.push_back({"value", *text, covered});
    }
    return out;
}

// Images and tables.

/// UEFI_IMAGE_LOAD_EVENT.
std::optional<Decoded> image(const Event& event) {
    Reader r(event.data, "UEFI_IMAGE_LOAD_EVENT");
    r.bytes(8, "ImageLocationInMemory");
    const std::uint64_t length = r.u64_le("ImageLengthInMemory");
    r.bytes(8, "ImageLinkTimeAddress");
    const std::uint64_t path_length = r.u64_le("LengthOfDevicePath");
    if (!r.ok() || path_length > r.left()) {
        return std::nullopt;
    }
    Decoded out{event.type == kEfiBootServicesApplication ? "application" : "driver",
                "the image, as Authenticode hashes it",
                {{"bytes", std::to_string(length), false}}};
    if (const auto path =
            device_path_text(r.bytes(static_cast<std::size_t>(path_length), "DevicePath"))) {
        out.fields.push_back({"path", shown(*path), false});
    }
    return out;
}

/// UEFI_GPT_DATA: the header, the number of partitions, their entries.
std::optional<Decoded> gpt(const Event& event) {
    constexpr std::uint32_t kHeader = 92;
    constexpr std::uint32_t kEntry = 128;
    Reader r(event.data, "UEFI_GPT_DATA");
    if (as_text(r.bytes(8, "Signature")) != "EFI PART") {
        return std::nullopt;
    }
    r.bytes(48, "Revision to LastUsableLBA");
    const ByteView disk = r.bytes(16, "DiskGUID");
    r.bytes(kHeader - 72, "PartitionEntryLBA to PartitionEntryArrayCRC32");
    const std::uint64_t count = r.u64_le("NumberOfPartitions");
    if (!r.ok() || count > kMaxEntries || r.left() != count * kEntry) {
        return std::nullopt;
    }
    const bool covered = covers(event, event.data);
    Decoded out{"gpt", std::string(kTheData), {{"disk", guid_text(disk), covered}}};
    for (std::uint64_t i = 0; i < count; ++i) {
        const ByteView type = r.bytes(16, "PartitionTypeGUID");
        const ByteView unique = r.bytes(16, "UniquePartitionGUID");
        r.bytes(24, "StartingLBA, EndingLBA, Attributes");
        ByteView wide = r.bytes(72, "PartitionName");
        std::size_t used = 0;
        while (used < wide.size() && !all_zero(wide.subspan(used, 2))) {
            used += 2;
        }
        const auto name = wide_text(wide.first(used));
        out.fields.push_back(
            {"partition",
             guid_text(unique) + ", type " + guid_text(type) + (name ? ", " + *name : ""),
             covered});
    }
    return out;
}

/// UEFI_PLATFORM_FIRMWARE_BLOB, with a description in the second version.
std::optional<Decoded> blob(const Event& event) {
    Reader r(event.data, "UEFI_PLATFORM_FIRMWARE_BLOB");
    Decoded out{"blob", "the blob", {}};
    if (event.type == kEfiPlatformFirmwareBlob2) {
        const auto text = ascii_text(r.bytes(r.u8("BlobDescriptionSize"), "BlobDescription"));
        if (text) {
            out.fields.push_back({"description", *text, false});
        }
    }
    const std::uint64_t base = r.u64_le("BlobBase");
    const std::uint64_t length = r.u64_le("BlobLength");
    out.fields.push_back({"base", number(base), false});
    out.fields.push_back({"bytes", std::to_string(length), false});
    const auto done = r.finish(std::move(out));
    return done ? std::optional(*done) : std::nullopt;
}

std::optional<Decoded> post_code(const Event& event) {
    if (const auto text = ascii_text(event.data)) {
        const bool covered = covers(event, event.data);
        return Decoded{"text",
                       covered ? std::string(kTheData) : "code or a table",
                       {{"text", *text, covered}}};
    }
    return blob(event);
}

std::optional<Decoded> separator(const Event& event) {
    const bool covered = covers(event, event.data);
    Reader r(event.data, "EV_SEPARATOR");
    const std::uint32_t value = r.u32_le("value");
    if (r.finish(true) && (value == 0 || value == 0xffffffff || value == 1)) {
        return Decoded{"separator",
                       std::string(kTheData),
                       {{"value", value == 1 ? "error" : number(value), covered}}};
    }
    return one_text(event, "separator", ascii_text(event.data));
}

// Boot loaders and kernels.

std::string_view tag_name(std::uint32_t id) {
    struct Named {
        std::uint32_t id;
        std::string_view name;
    };
    static constexpr std::array<Named, 10> kTags = {{
        {0x8f3b22ec, "Linux: initrd"},
        {0x8f3b22ed, "Linux: command line"},
        {0xf5bc582a, "systemd-boot: loader.conf"},
        {0x6c46f751, "systemd-stub: device tree addon"},
        {0x49dffe0f, "systemd-stub: initrd addon"},
        {0xdac08e1a, "systemd-stub: microcode addon"},
        {0x13aed6db, "systemd-stub: UKI profile"},
        {0xd5cb7cbc, "systemd-stub: SMBIOS type 1"},
        {0xe0d47bc8, "systemd-stub: SMBIOS type 2"},
        {0xc0b3bd23, "systemd-stub: SMBIOS type 11"},
    }};
    const auto* found = std::ranges::find(kTags, id, &Named::id);
    return found == kTags.end() ? std::string_view() : found->name;
}

/// TCG_PCClientTaggedEvent; Windows puts several into one event, which are left alone.
std::optional<Decoded> tagged(const Event& event) {
    Reader r(event.data, "TCG_PCClientTaggedEvent");
    const std::uint32_t id = r.u32_le("taggedEventID");
    const ByteView data = r.bytes_u32_le("taggedEventData");
    if (!r.finish(true)) {
        return std::nullopt;
    }
    const bool covered = covers(event, event.data);
    const std::string_view name = tag_name(id);
    Decoded out{"tagged",
                covered         ? std::string(kTheData)
                : !name.empty() ? "what the tag names"
                                : "not known",
                {{"id", number(id), covered}}};
    if (!name.empty()) {
        out.fields.push_back({"meaning", std::string(name), covered});
    }
    auto text = ascii_text(data);
    if (!text) {
        text = wide_text(data);
    }
    if (text) {
        out.fields.push_back({"text", *text, covered || covers(event, data)});
    }
    return out;
}

/// GRUB's texts: the prefix is not hashed, nor is the NUL at the end. Red Hat's GRUB 2.02 has them
/// without colon.
std::optional<Decoded> grub_text(const Event& event) {
    struct Prefix {
        std::string_view text, kind;
    };
    static constexpr std::array<Prefix, 6> kPrefixes = {{
        {"grub_cmd: ", "grub command"},
        {"kernel_cmdline: ", "kernel command line"},
        {"module_cmdline: ", "module command line"},
        {"grub_cmd ", "grub command"},
        {"grub_kernel_cmdline ", "kernel command line"},
        {"grub_linuxefi ", "grub linuxefi"},
    }};
    for (const Prefix& prefix : kPrefixes) {
        if (!as_text(event.data).starts_with(prefix.text)) {
            continue;
        }
        const ByteView text = without_nul(event.data.subspan(prefix.text.size()));
        const bool file = prefix.kind == "grub linuxefi";
        return Decoded{std::string(prefix.kind),
                       file ? "the file" : "the text behind the prefix, without NUL",
                       {{"text", shown(as_text(text)), !file && covers(event, text)}}};
    }
    return std::nullopt;
}

/// systemd-stub measures the name of a section in ASCII with its NUL, then the section; the log
/// names both in UTF-16 or ASCII.
std::optional<Decoded> uki_section(const Event& event, const std::string& name) {
    Bytes measured = to_bytes(as_bytes(name));
    measured.push_back(0);
    const bool is_name = covers(event, measured);
    return Decoded{is_name ? "uki section name" : "uki section",
                   is_name ? "the name in ASCII, with NUL" : "the content of the section",
                   {{"section", name, is_name}}};
}

/// Words that systemd-pcrphase extends PCR 11 with.
bool is_phase(std::string_view text) {
    static constexpr std::array<std::string_view, 6> kPhases = {
        "enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown", "final"};
    return std::ranges::find(kPhases, text) != kPhases.end();
}

std::optional<Decoded> ipl(const Event& event) {
    if (auto grub = grub_text(event)) {
        return grub;
    }
    const ByteView bare = without_nul(event.data);
    const auto ascii = ascii_text(event.data);
    const auto text = ascii ? ascii : wide_text(event.data);
    if (!text) {
        return std::nullopt;
    }
    if (event.index == kUkiPcr && text->starts_with('.')) {
        return uki_section(event, *text);
    }
    if (event.index == kUkiPcr && is_phase(*text)) {
        return Decoded{"systemd phase", "the word", {{"text", *text, covers(event, bare)}}};
    }
    if (!ascii) {
        const bool covered = covers(event, event.data);
        return Decoded{"wide text",
                       covered ? std::string(kTheData) : "what the text names or is",
                       {{"text", *text, covered}}};
    }
    if ((event.index == kShimPcr || event.index == kFileImr) && text->starts_with("Mok")) {
        return Decoded{"shim variable", "the variable's value", {{"name", *text, false}}};
    }
    if ((event.index == kGrubFilePcr || event.index == kFileImr) &&
        (text->starts_with('(') || text->starts_with('/'))) {
        return Decoded{"file", "the file", {{"path", *text, false}}};
    }
    const bool covered = covers(event, event.data) || covers(event, bare);
    return Decoded{
        "text", covered ? "the text" : "what the text names or is", {{"text", *text, covered}}};
}

// Events about the log itself.

std::optional<Decoded> no_action(const Event& event) {
    Reader r(event.data, "EV_NO_ACTION");
    const std::string_view signature = as_text(r.bytes(16, "signature"));
    if (signature == std::string_view("StartupLocality\0", 16)) {
        const std::uint8_t locality = r.u8("locality");
        if (!r.finish(true)) {
            return std::nullopt;
        }
        return Decoded{"startup locality",
                       "nothing: PCR 0 starts with it",
                       {{"locality", std::to_string(locality), false}}};
    }
    if (signature != std::string_view("Spec ID Event03\0", 16)) {
        return std::nullopt;
    }
    r.u32_le("platformClass");
    const std::uint8_t minor = r.u8("specVersionMinor");
    const std::uint8_t major = r.u8("specVersionMajor");
    const std::uint8_t errata = r.u8("specErrata");
    if (!r.ok()) {
        return std::nullopt;
    }
    return Decoded{"spec id",
                   "nothing: it is not extended",
                   {{"version",
                     std::to_string(major) + "." + std::to_string(minor) + ", errata " +
                         std::to_string(errata),
                     false}}};
}

}  // namespace

bool covers(const Event& event, ByteView bytes) {
    return event.type != kNoAction && event.digests.size() > 0 &&
           std::ranges::all_of(event.digests, [bytes](const EventDigest& digest) {
               return equal(hash(digest.alg, bytes).view(), digest.value);
           });
}

std::optional<Decoded> decode(const Event& event) {
    switch (event.type) {
        case kNoAction:
            return no_action(event);
        case kSeparator:
            return separator(event);
        case kPostCode:
            return post_code(event);
        case kEventTag:
            return tagged(event);
        case kIpl:
            return ipl(event);
        case kSCrtmVersion:
            return event.data.size() == 16
                       ? one_text(event, "firmware version", guid_text(event.data))
                       : one_text(event, "firmware version", wide_text(event.data));
        case kSCrtmContents:
        case kPlatformConfigFlags:
        case kAction:
        case kEfiAction:
            return one_text(event,
                            event.type == kPlatformConfigFlags ? "platform configuration"
                            : event.type == kSCrtmContents     ? "firmware"
                                                               : "action",
                            ascii_text(event.data));
        case kEfiVariableDriverConfig:
        case kEfiVariableBoot:
        case kEfiVariableBoot2:
        case kEfiVariableAuthority:
            return variable(event);
        case kEfiBootServicesApplication:
        case kEfiBootServicesDriver:
        case kEfiRuntimeServicesDriver:
            return image(event);
        case kEfiGptEvent:
        case kEfiGptEvent2:
            return gpt(event);
        case kEfiPlatformFirmwareBlob:
        case kEfiPlatformFirmwareBlob2:
            return blob(event);
        default:
            return std::nullopt;
    }
}

}  // namespace ratls::eventlog
