#include "ratls/evidence/eventlog/event_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "ratls/evidence/eventlog/log.h"

namespace ratls::eventlog {
namespace {

struct TypeName {
    std::uint32_t type;
    std::string_view name;
};

constexpr TypeName kNames[] = {
    {0x00000000, "EV_PREBOOT_CERT"},
    {kPostCode, "EV_POST_CODE"},
    {0x00000002, "EV_UNUSED"},
    {kNoAction, "EV_NO_ACTION"},
    {kSeparator, "EV_SEPARATOR"},
    {kAction, "EV_ACTION"},
    {kEventTag, "EV_EVENT_TAG"},
    {kSCrtmContents, "EV_S_CRTM_CONTENTS"},
    {kSCrtmVersion, "EV_S_CRTM_VERSION"},
    {0x00000009, "EV_CPU_MICROCODE"},
    {kPlatformConfigFlags, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000b, "EV_TABLE_OF_DEVICES"},
    {0x0000000c, "EV_COMPACT_HASH"},
    {kIpl, "EV_IPL"},
    {0x0000000e, "EV_IPL_PARTITION_DATA"},
    {0x0000000f, "EV_NONHOST_CODE"},
    {0x00000010, "EV_NONHOST_CONFIG"},
    {0x00000011, "EV_NONHOST_INFO"},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x00000013, "EV_POST_CODE2"},
    {kEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {kEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    {kEfiBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {kEfiBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {kEfiRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {kEfiGptEvent, "EV_EFI_GPT_EVENT"},
    {kEfiAction, "EV_EFI_ACTION"},
    {kEfiPlatformFirmwareBlob, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {kEfiPlatformFirmwareBlob2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {kEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    {kEfiGptEvent2, "EV_EFI_GPT_EVENT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {kEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
    {0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY"},
    {0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY"},
};

}  // namespace

std::string event_type_name(std::uint32_t type) {
    const auto* known = std::ranges::find(kNames, type, &TypeName::type);
    if (known != std::end(kNames)) {
        return std::string(known->name);
    }
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), type, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

}  // namespace ratls::eventlog
