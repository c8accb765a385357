#include "ratls/evidence/dcap/qgs.h"

#include <cassert>
#include <charconv>
#include <optional>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"

namespace ratls::dcap {
namespace {

constexpr std::uint16_t kMajorVersion = 1;
constexpr std::uint32_t kGetQuoteRequest = 0;
constexpr std::uint32_t kGetQuoteResponse = 1;
constexpr std::uint32_t kHeaderSize = 16;
constexpr std::uint32_t kNoPort = 0xffffffff;  // VMADDR_PORT_ANY

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    const auto last = text.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? "" : text.substr(first, last - first + 1);
}

std::optional<std::uint32_t> parse_port(std::string_view digits) {
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0 ||
        port == kNoPort) {
        return std::nullopt;
    }
    return port;
}

}  // namespace

Bytes encode_qgs_request(ByteView td_report) {
    assert(td_report.size() == kTdReportSize);
    const auto report_size = static_cast<std::uint32_t>(td_report.size());
    const std::uint32_t size = kHeaderSize + 4 + 4 + report_size;
    return Writer()
        .u32_be(size)
        .u16_le(kMajorVersion)
        .u16_le(0)  // minor version
        .u32_le(kGetQuoteRequest)
        .u32_le(size)
        .u32_le(0)  // error
        .u32_le(report_size)
        .u32_le(0)  // id_list_size: any quoting enclave
        .bytes(td_report)
        .take();
}

Result<std::size_t> parse_qgs_length(ByteView in) {
    Reader r(in, "qgs.length");
    const std::uint32_t length = r.u32_be("length");
    if (r.ok() && length == 0) {
        r.fail(Code::malformed, "length", "0 found");
    }
    if (r.ok() && length > kMaxQgsMessage) {
        r.fail(Code::too_large, "length",
               "at most " + std::to_string(kMaxQgsMessage) + " wanted, " + std::to_string(length) +
                   " found");
    }
    return r.finish(std::size_t{length});
}

Result<Bytes> parse_qgs_response(ByteView in) {
    Reader r(in, "qgs.response");
    r.expect(r.u16_le("major_version"), kMajorVersion, "major_version");
    r.u16_le("minor_version");  // compatible within the major one
    r.expect(r.u32_le("type"), kGetQuoteResponse, "type");
    const std::uint32_t size = r.u32_le("size");
    if (r.ok() && size != in.size()) {
        r.fail(Code::malformed, "size",
               std::to_string(in.size()) + " wanted, " + std::to_string(size) + " found");
    }
    const std::uint32_t error = r.u32_le("error_code");
    if (r.ok() && error != 0) {
        r.fail(Code::io, "error_code",
               "the service says error 0x" + hex(Writer().u32_be(error).view()));
    }
    const std::uint32_t id_size = r.u32_le("selected_id_size");
    const std::uint32_t quote_size = r.u32_le("quote_size");
    if (r.ok() && quote_size > kMaxQgsQuote) {
        r.fail(Code::too_large, "quote_size",
               "at most " + std::to_string(kMaxQgsQuote) + " wanted, " +
                   std::to_string(quote_size) + " found");
    }
    if (r.ok() && quote_size == 0) {
        r.fail(Code::malformed, "quote_size", "0 found");
    }
    r.bytes(id_size, "selected_id");
    Bytes quote = to_bytes(r.bytes(quote_size, "quote"));
    return r.finish(std::move(quote));
}

Result<std::uint32_t> parse_tdx_attest_conf(std::string_view text) {
    std::optional<std::uint32_t> port;
    for (const std::string_view whole : split(text, '\n')) {
        const std::string_view line = trimmed(whole.substr(0, whole.find('#')));
        if (line.empty()) {
            continue;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            return fail(Code::malformed, "tdx-attest.conf", "no NAME = VALUE: " + quoted(line));
        }
        if (trimmed(line.substr(0, equals)) != "port") {
            continue;
        }
        if (port) {
            return fail(Code::malformed, "tdx-attest.conf", "two ports");
        }
        port = parse_port(trimmed(line.substr(equals + 1)));
        if (!port) {
            return fail(Code::malformed, "tdx-attest.conf", "no port: " + quoted(line));
        }
    }
    return port.value_or(kDefaultQgsPort);
}

}  // namespace ratls::dcap
