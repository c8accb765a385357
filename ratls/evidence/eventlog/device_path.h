// Device paths: where firmware found the image that it started.
#pragma once

#include <optional>
#include <string>

#include "ratls/base/bytes.h"

namespace ratls::eventlog {

/// The text of an EFI_DEVICE_PATH_PROTOCOL, as "PciRoot(0x0)/Pci(0x3,0x0)/HD(1,GPT,..)/\EFI\..".
/// Nodes of kinds that are seldom stand as "Path(type,subtype,hex)". Nothing if it is empty, does
/// not end with its end node, or a length does not fit. Source: UEFI 2.10, sections 10.3 and 10.6.
std::optional<std::string> device_path_text(ByteView path);

}  // namespace ratls::eventlog
