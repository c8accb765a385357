#include "test/fake/fake_sev_guest.h"

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"
#include "ratls/crypto/hash.h"

namespace ratls::test {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kExitInfo = 24;
constexpr std::size_t kReportRequest = 96;
constexpr std::size_t kExtendedRequest = 112;
constexpr std::size_t kCertsAddress = 96;
constexpr std::size_t kCertsLength = 104;

std::span<std::uint8_t> memory(std::uint64_t address, std::size_t size) {
    return {reinterpret_cast<std::uint8_t*>(static_cast<std::uintptr_t>(address)), size};
}

std::uint64_t number_at(ByteView bytes, std::size_t offset, std::size_t size) {
    std::uint64_t out = 0;
    for (std::size_t i = size; i > 0; --i) {
        out = (out << 8) | bytes[offset + i - 1];
    }
    return out;
}

void put(std::span<std::uint8_t> where, std::size_t offset, ByteView what) {
    std::ranges::copy(what, where.subspan(offset).begin());
}

std::size_t request_size(unsigned long request, std::uint8_t version) {
    switch (request) {
        case sev_guest::kGetReport:
            return kReportRequest;
        case sev_guest::kGetExtendedReport:
            return kExtendedRequest;
        default:
            return version == 2 ? 40 : 32;
    }
}

}  // namespace

Result<int> FakeSevGuest::ioctl(unsigned long request, std::span<std::uint8_t> argument) {
    if (argument.size() != sev_guest::kArgumentSize) {
        return fail(Code::io, "fake sev-guest", "an argument of another size");
    }
    if (request < sev_guest::kGetReport || request > sev_guest::kGetExtendedReport ||
        (no_extended && request == sev_guest::kGetExtendedReport)) {
        return fail(Code::unsupported, "fake sev-guest", "Inappropriate ioctl for device");
    }
    const std::uint8_t version = argument[0];
    const auto bytes = memory(number_at(argument, 8, 8), request_size(request, version));
    seen_.push_back({request, version, to_bytes(bytes)});
    if (version == 0) {
        return fail(Code::io, "fake sev-guest", "Invalid argument");
    }
    if (busy > 0) {
        --busy;
        return refuse(argument, std::uint64_t{sev_guest::kVmmBusy} << 32);
    }
    if (failure) {
        return fail(*failure, "fake sev-guest", "failed on purpose");
    }
    if (exitinfo2) {
        return refuse(argument, *exitinfo2);
    }
    if (writes_nothing) {
        return 0;
    }
    if (request == sev_guest::kGetDerivedKey) {
        write_key(bytes, argument);
        return 0;
    }
    const ByteView report_data = bytes.first(64);
    const auto vmpl = static_cast<std::uint32_t>(number_at(bytes, 64, 4));
    if (!all_zero(bytes.subspan(68, 28))) {
        return fail(Code::io, "fake sev-guest", "Invalid argument");
    }
    if (request == sev_guest::kGetExtendedReport) {
        return extended_report(report_data, vmpl, bytes, argument);
    }
    write_report(report_data, vmpl, argument);
    return 0;
}

Result<int> FakeSevGuest::refuse(std::span<std::uint8_t> argument, std::uint64_t info) {
    put(argument, kExitInfo, Writer().u64_le(info).view());
    if (silent) {
        return 0;
    }
    return fail(Code::io, "fake sev-guest", "Input/output error");
}

Result<int> FakeSevGuest::extended_report(ByteView report_data, std::uint32_t vmpl,
                                          std::span<std::uint8_t> request,
                                          std::span<std::uint8_t> argument) {
    const Bytes table = no_certificates ? Bytes() : tee_.cert_table();
    const std::uint64_t address = number_at(request, kCertsAddress, 8);
    const std::uint64_t given = address == 0 ? 0 : number_at(request, kCertsLength, 4);
    if (given != 0 && growths > 0) {
        --growths;
        ++pages_;
    }
    const std::size_t least = (table.size() + kPage - 1) / kPage * kPage;
    const std::size_t needed = no_certificates ? 0 : std::max(least, pages_ * kPage);
    if (given < needed) {
        put(request, kCertsLength,
            Writer().u32_le(wanted_length.value_or(static_cast<std::uint32_t>(needed))).view());
        return refuse(argument, std::uint64_t{sev_guest::kVmmInvalidLength} << 32);
    }
    if (needed != 0) {
        put(memory(address, given), 0, table);
    }
    write_report(report_data, vmpl, argument);
    return 0;
}

void FakeSevGuest::write_report(ByteView report_data, std::uint32_t vmpl,
                                std::span<std::uint8_t> argument) {
    std::array<std::uint8_t, 64> data{};
    std::ranges::copy(report_data, data.begin());
    const std::uint32_t before = tee_.fields.vmpl;
    tee_.fields.vmpl = vmpl;
    const Bytes report = tee_.report(data);
    tee_.fields.vmpl = before;
    const auto response = memory(number_at(argument, 16, 8), snp::kReportResponseSize);
    const auto size = static_cast<std::uint32_t>(report.size());
    put(response, 0, Writer().u32_le(status).u32_le(report_size.value_or(size)).zeros(24).view());
    put(response, 32, report);
}

/// Another key for another request, which is all that a pretended firmware can promise.
void FakeSevGuest::write_key(ByteView request, std::span<std::uint8_t> argument) {
    const auto response = memory(number_at(argument, 16, 8), snp::kKeyResponseSize);
    put(response, 0, Writer().u32_le(status).zeros(28).bytes(sha256(request)).view());
}

}  // namespace ratls::test
