// Whether the data of an event is what was hashed.
#include <algorithm>
#include <array>
#include <string_view>

#include "ratls/base/reader.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/log.h"

namespace ratls::eventlog {
namespace {

// Not EV_PLATFORM_CONFIG_FLAGS: OVMF measures ACPI tables with it, and logs a name for them.
constexpr std::array kDataIsHashed = {kSeparator,        kAction,
                                      kSCrtmVersion,     kEfiVariableDriverConfig,
                                      kEfiVariableBoot2, kEfiVariableAuthority,
                                      kEfiGptEvent,      kEfiAction};

/// GRUB's texts: the prefix is not hashed, nor is the NUL at the end.
constexpr std::array<std::string_view, 3> kGrubPrefixes = {
    "grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "};

bool all_digests(const Event& event, ByteView data) {
    return std::ranges::all_of(event.digests, [data](const EventDigest& digest) {
        return equal(hash(digest.alg, data).view(), digest.value);
    });
}

/// Bytes of the UEFI_VARIABLE_DATA at the beginning of some data, 0 if there is none: a GUID, the
/// length of the name in UTF-16 units, that of the value in bytes, both.
/// Source: TCG PFP 1.06, section 10.2.6.
std::size_t variable_size(ByteView data) {
    Reader r(data, "UEFI_VARIABLE_DATA");
    r.bytes(16, "VariableName");
    const std::uint64_t name = r.u64_le("UnicodeNameLength");
    const std::uint64_t value = r.u64_le("VariableDataLength");
    if (!r.ok() || name > r.left() / 2 || value > r.left() - 2 * name) {
        return 0;
    }
    return static_cast<std::size_t>(r.offset() + 2 * name + value);
}

/// shim 15 and before log some bytes more than the variable has, and hash one less than they log.
bool is_old_shim(const Event& event) {
    const std::size_t size = variable_size(event.data);
    return event.type == kEfiVariableAuthority && size > 0 && size < event.data.size() &&
           all_digests(event, event.data.first(event.data.size() - 1));
}

bool holds(const Event& event) {
    if (std::ranges::find(kDataIsHashed, event.type) != kDataIsHashed.end()) {
        return all_digests(event, event.data) || is_old_shim(event);
    }
    if (event.type == kIpl) {
        for (const std::string_view prefix : kGrubPrefixes) {
            if (as_text(event.data).starts_with(prefix)) {
                ByteView text = event.data.subspan(prefix.size());
                if (!text.empty() && text.back() == 0) {
                    text = text.first(text.size() - 1);
                }
                return all_digests(event, text);
            }
        }
    }
    return true;
}

}  // namespace

std::vector<std::size_t> data_mismatches(const Log& log) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < log.events.size(); ++i) {
        if (!holds(log.events[i])) {
            out.push_back(i);
        }
    }
    return out;
}

}  // namespace ratls::eventlog
