#include <doctest/doctest.h>

#include "ratls/evidence/eventlog/log.h"
#include "test/support/eventlog_builder.h"

using namespace ratls;
using eventlog::data_mismatches;
using eventlog::Kind;
using eventlog::parse_log;
using test::EventLogBuilder;

namespace {

const Bytes kData = {1, 2, 3};
const Bytes kOther = {1, 2, 4};
constexpr std::uint32_t kIpl = 0x0d;
constexpr std::uint32_t kAuthority = 0x800000e0;

std::vector<std::size_t> mismatches(const EventLogBuilder& log) {
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    return data_mismatches(*parsed);
}

/// An event in PCR 7 whose digests are over `hashed`.
bool holds(std::uint32_t type, ByteView data, ByteView hashed) {
    EventLogBuilder log({HashAlg::sha1, HashAlg::sha256});
    return mismatches(log.add(7, type, data, hashed)).empty();
}

Bytes text(std::string_view value) {
    return to_bytes(as_bytes(value));
}

}  // namespace

TEST_CASE("eventlog.data: changed data under kept digests is found where data is what is hashed") {
    for (const std::uint32_t type :
         {0x04U, 0x05U, 0x08U, 0x80000001U, 0x8000000cU, 0x80000006U, 0x80000007U, kAuthority}) {
        CAPTURE(type);
        CHECK(holds(type, kData, kData));
        CHECK_FALSE(holds(type, kOther, kData));
    }
}

TEST_CASE("eventlog.data: the digest of an image, blob or table is not that of the event") {
    for (const std::uint32_t type : {0x03U, 0x01U, 0x06U, 0x0aU, 0x80000003U, 0x80000008U}) {
        CAPTURE(type);
        CHECK(holds(type, kOther, kData));
    }
}

TEST_CASE("eventlog.data: the indexes of all events that differ come out, in order") {
    EventLogBuilder log({HashAlg::sha256});
    log.add(7, 5, kData, kOther).add(7, 5, kData).add(7, 4, kData, kOther);
    CHECK(mismatches(log) == std::vector<std::size_t>{1, 3});
}

TEST_CASE("eventlog.data: one bank that differs is enough") {
    Bytes log = EventLogBuilder({HashAlg::sha1, HashAlg::sha256}).add(7, 5, kData).log();
    log[log.size() - 4 - 3 - 1] ^= 1;  // last byte of the SHA-256 digest
    const auto parsed = parse_log(log, Kind::tcg);
    REQUIRE(parsed);
    CHECK(data_mismatches(*parsed) == std::vector<std::size_t>{1});
}

TEST_CASE("eventlog.data: GRUB hashes its text without prefix and NUL") {
    using namespace std::string_view_literals;
    for (const std::string prefix : {"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "}) {
        CHECK(holds(kIpl, text(prefix + "linux /vmlinuz" + '\0'), text("linux /vmlinuz")));
        CHECK(holds(kIpl, text(prefix + "linux /vmlinuz"), text("linux /vmlinuz")));
        CHECK(holds(kIpl, text(prefix), {}));
        CHECK_FALSE(holds(kIpl, text(prefix + "linux /other" + '\0'), text("linux /vmlinuz")));
    }
    CHECK(holds(kIpl, text("MokList\0"sv), kData));
    CHECK(holds(kIpl, text(".linux\0"sv), kData));
}

TEST_CASE("eventlog.data: an old shim may leave out one byte behind the variable, none of it") {
    Bytes padded = test::uefi_variable("Shim", kData);
    const Bytes exact = padded;
    padded.insert(padded.end(), 6, 0);
    CHECK(holds(kAuthority, padded, ByteView(padded).first(padded.size() - 1)));
    CHECK_FALSE(holds(kAuthority, padded, ByteView(padded).first(padded.size() - 2)));
    CHECK_FALSE(holds(kAuthority, exact, ByteView(exact).first(exact.size() - 1)));
    CHECK_FALSE(holds(0x80000001, padded, ByteView(padded).first(padded.size() - 1)));
    Bytes changed = padded;
    changed[exact.size() - 1] ^= 1;
    CHECK_FALSE(holds(kAuthority, changed, ByteView(padded).first(padded.size() - 1)));
}

TEST_CASE("eventlog.data: lengths in a variable that point outside are only a difference") {
    for (const std::uint64_t huge : {std::uint64_t{4}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        Writer name;
        name.zeros(16).u64_le(huge).u64_le(0).zeros(3);
        CHECK_FALSE(holds(kAuthority, name.view(), ByteView(name.view()).first(34)));
        Writer value;
        value.zeros(16).u64_le(0).u64_le(huge).zeros(3);
        CHECK_FALSE(holds(kAuthority, value.view(), ByteView(value.view()).first(34)));
    }
}
