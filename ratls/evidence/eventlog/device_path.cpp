#include "ratls/evidence/eventlog/device_path.h"

#include <array>
#include <charconv>

#include "ratls/base/reader.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/variable.h"

namespace ratls::eventlog {
namespace {

constexpr std::size_t kMaxNodes = 64;
constexpr std::size_t kMaxUnknown = 64;  // bytes of a node that is shown in hex
constexpr std::uint16_t kPciRoot = 0x0a03;
constexpr std::uint16_t kPcieRoot = 0x0a08;

// Type in the upper byte, subtype in the lower one.
constexpr std::uint16_t kPci = 0x0101;
constexpr std::uint16_t kMemory = 0x0103;
constexpr std::uint16_t kVendorHardware = 0x0104;
constexpr std::uint16_t kAcpi = 0x0201;
constexpr std::uint16_t kScsi = 0x0302;
constexpr std::uint16_t kVendorMessaging = 0x030a;
constexpr std::uint16_t kSata = 0x0312;
constexpr std::uint16_t kNvme = 0x0317;
constexpr std::uint16_t kHardDrive = 0x0401;
constexpr std::uint16_t kVendorMedia = 0x0403;
constexpr std::uint16_t kFilePath = 0x0404;
constexpr std::uint16_t kFirmwareFile = 0x0406;
constexpr std::uint16_t kFirmwareVolume = 0x0407;
constexpr std::uint16_t kEnd = 0x7fff;
constexpr std::uint16_t kEndInstance = 0x7f01;

std::string number(std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

std::string hard_drive(Reader& r) {
    const std::uint32_t partition = r.u32_le("PartitionNumber");
    const std::uint64_t start = r.u64_le("PartitionStart");
    const std::uint64_t size = r.u64_le("PartitionSize");
    const ByteView signature = r.bytes(16, "PartitionSignature");
    r.u8("PartitionFormat");
    const bool gpt = r.u8("SignatureType") == 2;
    return "HD(" + std::to_string(partition) + "," +
           (gpt ? "GPT," + guid_text(signature) : "MBR," + hex(signature)) + "," + number(start) +
           "," + number(size) + ")";
}

std::string acpi(Reader& r) {
    const std::uint32_t hid = r.u32_le("_HID");
    const std::uint32_t uid = r.u32_le("_UID");
    constexpr std::uint16_t kEisaPnp = 0x41d0;
    const auto device = static_cast<std::uint16_t>(hid >> 16);
    if ((hid & 0xffff) == kEisaPnp && (device == kPciRoot || device == kPcieRoot)) {
        return (device == kPciRoot ? "PciRoot(" : "PcieRoot(") + number(uid) + ")";
    }
    return "Acpi(" + number(hid) + "," + number(uid) + ")";
}

/// The text of one node; an empty one if it is not of a kind that we know or not of its form.
std::string node_text(std::uint16_t kind, ByteView body) {
    Reader r(body, "device path");
    std::string out;
    switch (kind) {
        case kPci: {
            const std::uint8_t function = r.u8("Function");
            out = "Pci(" + number(r.u8("Device")) + "," + number(function) + ")";
            break;
        }
        case kMemory: {
            const std::uint32_t type = r.u32_le("MemoryType");
            const std::uint64_t start = r.u64_le("StartAddress");
            out = "MemoryMapped(" + number(type) + "," + number(start) + "," +
                  number(r.u64_le("EndAddress")) + ")";
            break;
        }
        case kAcpi:
            out = acpi(r);
            break;
        case kScsi: {
            const std::uint16_t target = r.u16_le("Target");
            out = "Scsi(" + number(target) + "," + number(r.u16_le("LUN")) + ")";
            break;
        }
        case kSata: {
            const std::uint16_t port = r.u16_le("HBAPort");
            const std::uint16_t multiplier = r.u16_le("PortMultiplier");
            out = "Sata(" + number(port) + "," + number(multiplier) + "," +
                  number(r.u16_le("LUN")) + ")";
            break;
        }
        case kNvme: {
            const std::uint32_t space = r.u32_le("NamespaceId");
            out = "NVMe(" + number(space) + "," + hex(r.bytes(8, "EUI64")) + ")";
            break;
        }
        case kHardDrive:
            out = hard_drive(r);
            break;
        case kFilePath:
            return utf16_to_utf8(body).value_or("");
        case kFirmwareFile:
            out = "FvFile(" + guid_text(r.bytes(16, "FirmwareFile")) + ")";
            break;
        case kFirmwareVolume:
            out = "Fv(" + guid_text(r.bytes(16, "FirmwareVolume")) + ")";
            break;
        case kVendorHardware:
        case kVendorMessaging:
        case kVendorMedia: {
            const std::string_view name = kind == kVendorHardware    ? "VenHw("
                                          : kind == kVendorMessaging ? "VenMsg("
                                                                     : "VenMedia(";
            out = std::string(name) + guid_text(r.bytes(16, "Vendor_GUID"));
            const ByteView more = r.bytes(std::min(r.left(), kMaxUnknown), "data");
            out += (more.empty() ? "" : "," + hex(more)) + ")";
            break;
        }
        default:
            return {};
    }
    return r.finish(std::move(out)).value_or("");
}

}  // namespace

std::optional<std::string> device_path_text(ByteView path) {
    Reader r(path, "device path");
    std::string out;
    for (std::size_t nodes = 0; nodes < kMaxNodes; ++nodes) {
        const std::uint8_t type = r.u8("Type");
        const std::uint8_t subtype = r.u8("SubType");
        const std::uint16_t length = r.u16_le("Length");
        if (!r.ok() || length < 4) {
            return std::nullopt;
        }
        const ByteView body = r.bytes(length - 4U, "node");
        const auto kind = static_cast<std::uint16_t>((type << 8) | subtype);
        if (!r.ok()) {
            return std::nullopt;
        }
        if (kind == kEnd) {
            return r.left() == 0 && !out.empty() ? std::optional(out) : std::nullopt;
        }
        if (kind == kEndInstance) {
            out += ",";
            continue;
        }
        std::string text = node_text(kind, body);
        if (text.empty()) {
            text = "Path(" + std::to_string(type) + "," + std::to_string(subtype) + "," +
                   hex(body.first(std::min(body.size(), kMaxUnknown))) + ")";
        }
        out += (out.empty() || out.ends_with(',') ? "" : "/") + text;
    }
    return std::nullopt;
}

}  // namespace ratls::eventlog
