// One event: the first byte chooses its type, the second its PCR, the rest is its data. What is
// decoded is text that cannot move a cursor, and nothing is covered by digests that are not there.
#include "ratls/evidence/eventlog/decode.h"

#include "ratls/evidence/eventlog/device_path.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"

namespace {

using namespace ratls::eventlog;

constexpr std::uint32_t kTypes[] = {kPostCode,
                                    kNoAction,
                                    kSeparator,
                                    kAction,
                                    kEventTag,
                                    kSCrtmContents,
                                    kSCrtmVersion,
                                    kPlatformConfigFlags,
                                    kIpl,
                                    kEfiVariableDriverConfig,
                                    kEfiVariableBoot,
                                    kEfiBootServicesApplication,
                                    kEfiGptEvent,
                                    kEfiPlatformFirmwareBlob,
                                    kEfiPlatformFirmwareBlob2,
                                    kEfiVariableAuthority};

bool is_safe(char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n';
}

void look(const Event& event, bool may_be_covered) {
    const auto decoded = decode(event);
    if (!decoded) {
        return;
    }
    for (const Field& field : decoded->fields) {
        for (const char c : field.value) {
            if (!is_safe(c)) {
                __builtin_trap();
            }
        }
        if (field.covered && !may_be_covered) {
            __builtin_trap();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    Event event;
    event.type = kTypes[data[0] % std::size(kTypes)];
    event.index = data[1] % 24U;
    event.data = {data + 2, size - 2};
    look(event, false);
    const auto digest = ratls::hash(ratls::HashAlg::sha256, event.data);
    event.digests.add({ratls::HashAlg::sha256, digest.view()});
    look(event, event.type != kNoAction);
    device_path_text(event.data);
    parse_signature_lists(event.data);
    parse_variable(event.data);
    return 0;
}
