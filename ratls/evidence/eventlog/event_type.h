// Types of boot events. Source: TCG PC Client Platform Firmware Profile 1.06, section 10.4.1.
#pragma once

#include <cstdint>

namespace ratls::eventlog {

inline constexpr std::uint32_t kPostCode = 0x00000001;
inline constexpr std::uint32_t kNoAction = 0x00000003;
inline constexpr std::uint32_t kSeparator = 0x00000004;
inline constexpr std::uint32_t kAction = 0x00000005;
inline constexpr std::uint32_t kEventTag = 0x00000006;
inline constexpr std::uint32_t kSCrtmContents = 0x00000007;
inline constexpr std::uint32_t kSCrtmVersion = 0x00000008;
inline constexpr std::uint32_t kPlatformConfigFlags = 0x0000000a;
inline constexpr std::uint32_t kIpl = 0x0000000d;
inline constexpr std::uint32_t kEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEfiVariableBoot = 0x80000002;
inline constexpr std::uint32_t kEfiBootServicesApplication = 0x80000003;
inline constexpr std::uint32_t kEfiBootServicesDriver = 0x80000004;
inline constexpr std::uint32_t kEfiRuntimeServicesDriver = 0x80000005;
inline constexpr std::uint32_t kEfiGptEvent = 0x80000006;
inline constexpr std::uint32_t kEfiAction = 0x80000007;
inline constexpr std::uint32_t kEfiPlatformFirmwareBlob = 0x80000008;
inline constexpr std::uint32_t kEfiPlatformFirmwareBlob2 = 0x8000000a;
inline constexpr std::uint32_t kEfiVariableBoot2 = 0x8000000c;
inline constexpr std::uint32_t kEfiGptEvent2 = 0x8000000d;
inline constexpr std::uint32_t kEfiHcrtmEvent = 0x80000010;
inline constexpr std::uint32_t kEfiVariableAuthority = 0x800000e0;

}  // namespace ratls::eventlog
