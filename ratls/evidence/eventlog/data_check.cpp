// Whether the data of an event is what was hashed.
#include <algorithm>
#include <array>
#include <string_view>

#include "ratls/evidence/eventlog/decode.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"

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

/// shim 15 and before log some bytes more than the variable has, and hash one less than they log.
bool is_old_shim(const Event& event) {
    const auto variable = parse_variable(event.data);
    return event.type == kEfiVariableAuthority && variable && variable->size < event.data.size() &&
           covers(event, event.data.first(event.data.size() - 1));
}

bool holds(const Event& event) {
    if (std::ranges::find(kDataIsHashed, event.type) != kDataIsHashed.end()) {
        return covers(event, event.data) || is_old_shim(event);
    }
    if (event.type == kIpl) {
        for (const std::string_view prefix : kGrubPrefixes) {
            if (as_text(event.data).starts_with(prefix)) {
                ByteView text = event.data.subspan(prefix.size());
                if (!text.empty() && text.back() == 0) {
                    text = text.first(text.size() - 1);
                }
                return covers(event, text);
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
