#include "ratls/evidence/eventlog/decode.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/device_path.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"
#include "test/support/eventlog_builder.h"

using namespace ratls;
using eventlog::decode;
using eventlog::Decoded;
using eventlog::Event;
using eventlog::Field;
using test::EventLogBuilder;

namespace {

const Bytes kOther = {9, 9, 9};
constexpr std::string_view kX509 = "a159c0a5e494a74a87b5ab155c2bf072";  // as it stands in a list
constexpr std::string_view kSha256 = "2616c4c14c509240aca941f936934328";
constexpr std::string_view kOwner = "00112233445566778899aabbccddeeff";
constexpr std::string_view kOwnerText = "33221100-5544-7766-8899-aabbccddeeff";

Bytes text(std::string_view value, bool nul = false) {
    Bytes out = to_bytes(as_bytes(value));
    if (nul) {
        out.push_back(0);
    }
    return out;
}

Bytes bytes_of(std::string_view digits) {
    return parse_hex(digits).value();
}

/// One event in a log of two banks, as it is decoded.
std::optional<Decoded> decoded(std::uint32_t index, std::uint32_t type, ByteView data,
                               ByteView hashed) {
    EventLogBuilder log({HashAlg::sha1, HashAlg::sha256});
    log.add(index, type, data, hashed);
    const auto parsed = eventlog::parse_log(log.log(), eventlog::Kind::tcg);
    REQUIRE(parsed);
    return decode(parsed->events[1]);
}

std::optional<Decoded> decoded(std::uint32_t index, std::uint32_t type, ByteView data) {
    return decoded(index, type, data, data);
}

/// "name=value", with a ! behind it if the digest does not cover it; one line for each field.
std::string summary(const std::optional<Decoded>& event) {
    if (!event) {
        return "not understood";
    }
    std::string out = event->kind;
    for (const Field& field : event->fields) {
        out += "\n" + field.name + "=" + field.value + (field.covered ? "" : "!");
    }
    return out;
}

Bytes variable(std::string_view name, ByteView value) {
    Bytes out = test::uefi_variable(name, value);
    const Bytes guid = bytes_of("61dfe48bca93d211aa0d00e098032b8c");
    std::ranges::copy(guid, out.begin());
    return out;
}

Bytes signature_list(std::string_view type, ByteView data, std::size_t count = 1) {
    Writer out;
    const auto size = static_cast<std::uint32_t>(16 + data.size());
    out.bytes(bytes_of(type)).u32_le(static_cast<std::uint32_t>(28 + count * size)).u32_le(0);
    out.u32_le(size);
    for (std::size_t i = 0; i < count; ++i) {
        out.bytes(bytes_of(kOwner)).bytes(data);
    }
    return out.take();
}

Bytes node(std::uint8_t type, std::uint8_t subtype, ByteView body) {
    Writer out;
    out.u8(type).u8(subtype).u16_le(static_cast<std::uint16_t>(4 + body.size()));
    return out.bytes(body).take();
}

Bytes end_node() {
    return node(0x7f, 0xff, {});
}

Bytes disk_path() {
    Bytes out = node(2, 1, Writer().u32_le(0x0a0341d0).u32_le(0).view());
    append(out, node(1, 1, Bytes{0, 3}));
    append(out, node(4, 1,
                     Writer()
                         .u32_le(15)
                         .u64_le(0x2800)
                         .u64_le(0x35000)
                         .bytes(bytes_of(kOwner))
                         .u8(2)
                         .u8(2)
                         .view()));
    append(out, node(4, 4, eventlog::utf8_to_utf16("\\EFI\\BOOT\\BOOTX64.EFI")));
    append(out, end_node());
    return out;
}

Bytes image(ByteView path) {
    return Writer().u64_le(0x1000).u64_le(4096).u64_le(0).u64_le(path.size()).bytes(path).take();
}

Bytes tagged(std::uint32_t id, ByteView data) {
    return Writer().u32_le(id).u32_le(static_cast<std::uint32_t>(data.size())).bytes(data).take();
}

Bytes gpt(std::uint64_t count) {
    Writer out;
    out.bytes(as_bytes("EFI PART")).zeros(48).bytes(bytes_of(kOwner)).zeros(20).u64_le(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        Bytes name = eventlog::utf8_to_utf16("root");
        name.resize(72);
        out.zeros(16).bytes(bytes_of(kOwner)).zeros(24).bytes(name);
    }
    return out.take();
}

/// Every kind of event that has a form, by its type.
std::vector<std::pair<std::uint32_t, Bytes>> formed_events() {
    Bytes option = Writer().u32_le(1).u16_le(static_cast<std::uint16_t>(disk_path().size())).take();
    append(option, eventlog::utf8_to_utf16("Linux"));
    append(option, disk_path());
    return {
        {eventlog::kEfiVariableDriverConfig, variable("SecureBoot", Bytes{1})},
        {eventlog::kEfiVariableDriverConfig, variable("db", signature_list(kX509, Bytes(40, 7)))},
        {eventlog::kEfiVariableDriverConfig,
         variable("dbx", signature_list(kSha256, Bytes(32, 7), 3))},
        {eventlog::kEfiVariableBoot, variable("BootOrder", Bytes{1, 0, 0xab, 0})},
        {eventlog::kEfiVariableBoot2, variable("Boot0001", option)},
        {eventlog::kEfiVariableAuthority, variable("SbatLevel", text("sbat,1,2021030218\n"))},
        {eventlog::kEfiBootServicesApplication, image(disk_path())},
        {eventlog::kEfiGptEvent, gpt(2)},
        {eventlog::kEfiPlatformFirmwareBlob, Writer().u64_le(0x820000).u64_le(0xe0000).take()},
        {eventlog::kEfiPlatformFirmwareBlob2,
         Writer().u8(2).bytes(as_bytes("Fv")).u64_le(1).u64_le(2).take()},
        {eventlog::kEventTag, tagged(0x8f3b22ec, text("Linux initrd", true))},
        {eventlog::kSeparator, Bytes(4)},
        {eventlog::kIpl, eventlog::utf8_to_utf16("root=/dev/vda1 quiet")},
        {eventlog::kIpl, text("kernel_cmdline: /vmlinuz quiet", true)},
        {eventlog::kNoAction, EventLogBuilder::spec_id({{11, 32}})},
    };
}

}  // namespace

TEST_CASE("eventlog.decode: Secure Boot variables, and their fields are covered") {
    CHECK(
        summary(decoded(7, eventlog::kEfiVariableDriverConfig, variable("SecureBoot", Bytes{1}))) ==
        "variable\nname=SecureBoot\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c\nvalue=on");
    CHECK(summary(decoded(7, eventlog::kEfiVariableDriverConfig, variable("SecureBoot", {}))) ==
          "variable\nname=SecureBoot\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c\nvalue=off");
    CHECK(
        summary(decoded(7, eventlog::kEfiVariableDriverConfig, variable("SecureBoot", Bytes{2}))) ==
        "variable\nname=SecureBoot\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c\nvalue=0x2");
    CHECK(summary(decoded(7, eventlog::kEfiVariableAuthority,
                          variable("SbatLevel", text("sbat,1,2021\n")))) ==
          "variable\nname=SbatLevel\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c\n"
          "value=sbat,1,2021\n");
}

TEST_CASE("eventlog.decode: data that the digest does not cover is marked") {
    CHECK(summary(decoded(7, eventlog::kEfiVariableDriverConfig, variable("SecureBoot", Bytes{1}),
                          variable("SecureBoot", Bytes{0}))) ==
          "variable\nname=SecureBoot!\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c!\nvalue=on!");
}

TEST_CASE("eventlog.decode: signature lists give type, owner and certificates") {
    Bytes lists = signature_list(kX509, Bytes(40, 7));
    append(lists, signature_list(kSha256, Bytes(32, 1), 371));
    const auto event = decoded(7, eventlog::kEfiVariableDriverConfig, variable("db", lists));
    REQUIRE(event);
    REQUIRE(event->fields.size() == 4);
    CHECK(event->fields[2].name == "certificate");
    CHECK(event->fields[2].value ==
          "sha256 " + hex(sha256(Bytes(40, 7))) + ", owner " + std::string(kOwnerText));
    CHECK(event->fields[3].value == "sha256, 371, the first of owner " + std::string(kOwnerText));
    CHECK(event->fields[3].covered);
}

TEST_CASE("eventlog.decode: the certificate that verified an image") {
    Bytes value = bytes_of(kOwner);
    value.insert(value.end(), {0x30, 0x03, 0x02, 0x01, 0x05});
    const auto event = decoded(7, eventlog::kEfiVariableAuthority, variable("db", value));
    REQUIRE(event);
    CHECK(event->fields.back().name == "certificate");
    CHECK(event->fields.back().value.ends_with(std::string(kOwnerText)));
}

TEST_CASE("eventlog.decode: a boot entry whose value alone was hashed does not prove its name") {
    const Bytes value = {1, 0, 0xab, 0};
    CHECK(summary(decoded(1, eventlog::kEfiVariableBoot, variable("BootOrder", value), value)) ==
          "variable\nname=BootOrder!\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c!\n"
          "order=0001,00ab");
    CHECK(summary(decoded(1, eventlog::kEfiVariableBoot, formed_events()[4].second)) ==
          "variable\nname=Boot0001\nguid=8be4df61-93ca-11d2-aa0d-00e098032b8c\n"
          "description=Linux\npath=PciRoot(0x0)/Pci(0x3,0x0)/HD(15,GPT," +
              std::string(kOwnerText) + ",0x2800,0x35000)/\\EFI\\BOOT\\BOOTX64.EFI");
}

TEST_CASE("eventlog.decode: the digest of an image does not cover where it came from") {
    CHECK(summary(decoded(4, eventlog::kEfiBootServicesApplication, image(disk_path()), kOther)) ==
          "application\nbytes=4096!\npath=PciRoot(0x0)/Pci(0x3,0x0)/HD(15,GPT," +
              std::string(kOwnerText) + ",0x2800,0x35000)/\\EFI\\BOOT\\BOOTX64.EFI!");
    CHECK(summary(decoded(4, eventlog::kEfiBootServicesDriver, image({}), kOther)) ==
          "driver\nbytes=4096!");
}

TEST_CASE("eventlog.decode: device paths of other kinds, and of none") {
    const auto path = [](Bytes first) {
        append(first, end_node());
        return eventlog::device_path_text(first).value_or("none");
    };
    CHECK(path(node(3, 0x12, Bytes{1, 0, 0xff, 0xff, 0, 0})) == "Sata(0x1,0xffff,0x0)");
    CHECK(path(node(3, 0x17, Bytes{1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})) ==
          "NVMe(0x1,0102030405060708)");
    CHECK(path(node(4, 6, bytes_of(kOwner))) == "FvFile(" + std::string(kOwnerText) + ")");
    CHECK(path(node(9, 9, Bytes{1})) == "Path(9,9,01)");
    CHECK(path(node(4, 1, Bytes{1})) == "Path(4,1,01)");
    CHECK(path({}) == "none");
    CHECK_FALSE(eventlog::device_path_text({}));
    CHECK_FALSE(eventlog::device_path_text(node(1, 1, Bytes{0, 3})));
    Bytes short_node = {1, 1, 3, 0};
    append(short_node, end_node());
    CHECK_FALSE(eventlog::device_path_text(short_node));
    Bytes trailing = disk_path();
    trailing.push_back(0);
    CHECK_FALSE(eventlog::device_path_text(trailing));
    Bytes many;
    for (int i = 0; i < 64; ++i) {
        append(many, node(1, 1, Bytes{0, 3}));
    }
    append(many, end_node());
    CHECK_FALSE(eventlog::device_path_text(many));
}

TEST_CASE("eventlog.decode: GRUB's commands and command lines are covered without prefix") {
    const Bytes line = text("/vmlinuz root=/dev/vda1");
    CHECK(summary(decoded(8, eventlog::kIpl, text("kernel_cmdline: /vmlinuz root=/dev/vda1", true),
                          line)) == "kernel command line\ntext=/vmlinuz root=/dev/vda1");
    CHECK(summary(decoded(8, eventlog::kIpl, text("grub_cmd: linux /vmlinuz", true), line)) ==
          "grub command\ntext=linux /vmlinuz!");
    CHECK(summary(decoded(9, eventlog::kIpl, text("(hd0,gpt16)/grub/grub.cfg", true), kOther)) ==
          "file\npath=(hd0,gpt16)/grub/grub.cfg!");
    CHECK(summary(decoded(9, eventlog::kIpl, text("grub_linuxefi Kernel", true), kOther)) ==
          "grub linuxefi\ntext=Kernel!");
}

TEST_CASE("eventlog.decode: systemd's command line, sections and phases") {
    const Bytes line = eventlog::utf8_to_utf16("root=/dev/vda1 quiet");
    CHECK(summary(decoded(12, eventlog::kIpl, line)) == "wide text\ntext=root=/dev/vda1 quiet");
    CHECK(summary(decoded(12, eventlog::kIpl, line, kOther)) ==
          "wide text\ntext=root=/dev/vda1 quiet!");
    const Bytes section = eventlog::utf8_to_utf16(".linux");
    CHECK(summary(decoded(11, eventlog::kIpl, section, text(".linux", true))) ==
          "uki section name\nsection=.linux");
    CHECK(summary(decoded(11, eventlog::kIpl, section, kOther)) == "uki section\nsection=.linux!");
    CHECK(summary(decoded(11, eventlog::kIpl, text("enter-initrd"), text("enter-initrd"))) ==
          "systemd phase\ntext=enter-initrd");
}

TEST_CASE("eventlog.decode: tagged events") {
    CHECK(summary(decoded(9, eventlog::kEventTag,
                          tagged(0x8f3b22ed, text("LOADED_IMAGE::LoadOptions", true)), kOther)) ==
          "tagged\nid=0x8f3b22ed!\nmeaning=Linux: command line!\n"
          "text=LOADED_IMAGE::LoadOptions!");
    CHECK(summary(decoded(5, eventlog::kEventTag,
                          tagged(0xf5bc582a, eventlog::utf8_to_utf16("loader.conf")), kOther)) ==
          "tagged\nid=0xf5bc582a!\nmeaning=systemd-boot: loader.conf!\ntext=loader.conf!");
    CHECK(summary(decoded(5, eventlog::kEventTag, tagged(1, Bytes{0xff}))) == "tagged\nid=0x1");
}

TEST_CASE("eventlog.decode: shim, firmware and the log's own events") {
    CHECK(summary(decoded(14, eventlog::kIpl, text("MokList", true), kOther)) ==
          "shim variable\nname=MokList!");
    CHECK(summary(decoded(0, eventlog::kSeparator, Bytes(4))) == "separator\nvalue=0x0");
    CHECK(summary(decoded(0, eventlog::kSeparator, Bytes{1, 0, 0, 0})) == "separator\nvalue=error");
    CHECK(summary(decoded(12, eventlog::kSeparator, text("WBCL"))) == "separator\ntext=WBCL");
    CHECK(summary(decoded(1, eventlog::kPlatformConfigFlags, text("ACPI DATA"), kOther)) ==
          "platform configuration\ntext=ACPI DATA!");
    CHECK(summary(decoded(4, eventlog::kEfiAction, text("Calling EFI Application"))) ==
          "action\ntext=Calling EFI Application");
    CHECK(summary(decoded(0, eventlog::kPostCode, text("ACPI DATA"), kOther)) ==
          "text\ntext=ACPI DATA!");
    CHECK(summary(decoded(0, eventlog::kPostCode, Writer().u64_le(16).u64_le(32).view(), kOther)) ==
          "blob\nbase=0x10!\nbytes=32!");
    CHECK(summary(decoded(0, eventlog::kEfiPlatformFirmwareBlob2,
                          Writer().u8(2).bytes(as_bytes("Fv")).u64_le(1).u64_le(2).view(),
                          kOther)) == "blob\ndescription=Fv!\nbase=0x1!\nbytes=2!");
    CHECK(summary(decoded(0, eventlog::kSCrtmVersion, eventlog::utf8_to_utf16("v2"))) ==
          "firmware version\ntext=v2");
    CHECK(summary(decoded(0, eventlog::kSCrtmVersion, bytes_of(kOwner))) ==
          "firmware version\ntext=" + std::string(kOwnerText));
    Bytes locality = text("StartupLocality", true);
    locality.push_back(3);
    CHECK(summary(decoded(0, eventlog::kNoAction, locality)) == "startup locality\nlocality=3!");
    CHECK(summary(decoded(0, eventlog::kNoAction, EventLogBuilder::spec_id({{11, 32}}))) ==
          "spec id\nversion=2.0, errata 0!");
}

TEST_CASE("eventlog.decode: partitions") {
    CHECK(summary(decoded(5, eventlog::kEfiGptEvent, gpt(1))) ==
          "gpt\ndisk=" + std::string(kOwnerText) + "\npartition=" + std::string(kOwnerText) +
              ", type 00000000-0000-0000-0000-000000000000, root");
    for (const std::uint64_t count :
         {std::uint64_t{2}, std::uint64_t{257}, std::uint64_t{1} << 57, ~std::uint64_t{0}}) {
        Bytes data = gpt(1);
        std::ranges::copy(Writer().u64_le(count).view(), data.begin() + 92);
        CHECK(summary(decoded(5, eventlog::kEfiGptEvent, data)) == "not understood");
    }
}

TEST_CASE("eventlog.decode: text from outside cannot move a cursor") {
    CHECK(summary(decoded(8, eventlog::kIpl, text("grub_cmd: \x1b[2J\x9b"), text("\x1b[2J\x9b"))) ==
          "grub command\ntext=\"\\x1b[2J\\x9b\"");
    CHECK(summary(decoded(12, eventlog::kIpl, eventlog::utf8_to_utf16("\u202eabc"))) ==
          "wide text\ntext=\"\\xe2\\x80\\xaeabc\"");
    CHECK(summary(decoded(8, eventlog::kIpl, text("\x1b"))) == "not understood");
}

TEST_CASE("eventlog.decode: every truncation of every kind is only less understood") {
    for (const auto& [type, data] : formed_events()) {
        for (std::size_t n = 0; n < data.size(); ++n) {
            for (const std::uint32_t index : {4U, 11U}) {
                EventLogBuilder log({HashAlg::sha256});
                log.add(index, type == eventlog::kSeparator ? eventlog::kIpl : type,
                        ByteView(data).first(n), data);
                const auto parsed = eventlog::parse_log(log.log(), eventlog::Kind::tcg);
                REQUIRE(parsed);
                const auto event = decode(parsed->events[1]);
                for (const Field& field : event ? event->fields : std::vector<Field>()) {
                    CHECK_FALSE(field.covered);
                }
            }
        }
    }
}

TEST_CASE("eventlog.decode: no byte at an extreme does any harm") {
    for (const auto& [type, data] : formed_events()) {
        for (std::size_t at = 0; at < data.size(); ++at) {
            for (const std::size_t width :
                 {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
                for (const std::uint8_t extreme : Bytes{0x00, 0x7f, 0x80, 0xff}) {
                    Bytes changed = data;
                    for (std::size_t k = 0; k < width && at + k < changed.size(); ++k) {
                        changed[at + k] = extreme;
                    }
                    const Event event{.index = 4, .type = type, .digests = {}, .data = changed};
                    const auto result = decode(event);
                    CHECK((!result || !result->kind.empty()));
                }
            }
        }
    }
}

TEST_CASE("eventlog.decode: the lengths of a signature list fit, or there is none") {
    const Bytes good = signature_list(kX509, Bytes(40, 7));
    REQUIRE(eventlog::parse_signature_lists(good));
    CHECK(eventlog::parse_signature_lists({})->empty());
    for (const std::size_t at : {16U, 20U, 24U}) {
        for (const std::uint32_t value :
             {0U, 1U, 16U, 17U, 27U, 28U, 29U, 85U, 0x7fffffffU, 0xffffffe3U, 0xffffffffU}) {
            Bytes wrong = good;
            std::ranges::copy(Writer().u32_le(value).view(),
                              wrong.begin() + static_cast<std::ptrdiff_t>(at));
            const auto lists = eventlog::parse_signature_lists(wrong);
            // Other sizes of an entry may divide the list too.
            const bool other_size = at == 24U && (56U % std::max(value, 1U)) == 0 && value > 16;
            CHECK(lists.has_value() == (wrong == good || other_size));
        }
    }
    for (std::size_t n = 1; n < good.size(); ++n) {
        CHECK_FALSE(eventlog::parse_signature_lists(ByteView(good).first(n)));
    }
    const Bytes most = signature_list(kSha256, Bytes(1), eventlog::kMaxSignatures);
    CHECK(eventlog::parse_signature_lists(most));
    const Bytes more = signature_list(kSha256, Bytes(1), eventlog::kMaxSignatures + 1);
    CHECK_FALSE(eventlog::parse_signature_lists(more));
}

TEST_CASE("eventlog.decode: only so many certificates are shown") {
    const Bytes many = signature_list(kX509, Bytes(1), 300);
    const auto event = decoded(7, eventlog::kEfiVariableDriverConfig, variable("db", many));
    REQUIRE(event);
    CHECK(event->fields.size() == 2 + 256 + 1);
    CHECK(event->fields.back().name == "more_certificates");
    CHECK(event->fields.back().value == "44");
}

TEST_CASE("eventlog.decode: a variable's lengths fit, and its name is UTF-16") {
    const Bytes good = variable("db", Bytes{1, 2});
    const auto parsed = eventlog::parse_variable(good);
    REQUIRE(parsed);
    CHECK(parsed->guid == eventlog::kGlobalVariable);
    CHECK(parsed->name == "db");
    CHECK(hex(parsed->value) == "0102");
    CHECK(parsed->size == good.size());
    for (const std::size_t at : {16U, 24U}) {
        for (const std::uint64_t huge :
             {std::uint64_t{7}, std::uint64_t{1} << 31, std::uint64_t{1} << 63,
              (std::uint64_t{1} << 63) + 1, ~std::uint64_t{0}}) {
            Bytes wrong = good;
            std::ranges::copy(Writer().u64_le(huge).view(),
                              wrong.begin() + static_cast<std::ptrdiff_t>(at));
            CHECK_FALSE(eventlog::parse_variable(wrong));
        }
    }
    Bytes lone = good;
    lone[33] = 0xd8;
    CHECK_FALSE(eventlog::parse_variable(lone));
    lone[33] = 0xdc;
    CHECK_FALSE(eventlog::parse_variable(lone));
}

TEST_CASE("eventlog.decode: UTF-16 and UTF-8 become each other") {
    for (const std::string_view good : {"", "a", "\u00e9\u20ac", "\U0001f600x"}) {
        CHECK(eventlog::utf16_to_utf8(eventlog::utf8_to_utf16(good)) == std::string(good));
    }
    CHECK(hex(eventlog::utf8_to_utf16("\U0001f600")) == "3dd800de0000");
    CHECK_FALSE(eventlog::utf16_to_utf8(Bytes{0x61}));
    CHECK_FALSE(eventlog::utf16_to_utf8(Bytes{0, 0, 0x61, 0}));
    CHECK_FALSE(eventlog::utf16_to_utf8(Bytes{0x3d, 0xd8}));
    CHECK_FALSE(eventlog::utf16_to_utf8(Bytes{0x00, 0xdc, 0x00, 0xdc}));
    CHECK_FALSE(eventlog::utf16_to_utf8(Bytes{0x3d, 0xd8, 0x61, 0}));
}
