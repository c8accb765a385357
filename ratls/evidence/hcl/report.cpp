#include "ratls/evidence/hcl/report.h"

#include <algorithm>

#include "ratls/base/reader.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"

namespace ratls::hcl {
namespace {

constexpr std::string_view kName = "hcl.report";
constexpr std::string_view kAkName = "HCLAkPub";
constexpr std::uint32_t kHeaderSize = 32;
constexpr std::uint32_t kRuntimeHeaderSize = 20;
constexpr std::size_t kSnpReportDataOffset = 0x50;
constexpr std::size_t kTdReportSize = 1024;
constexpr std::size_t kReportDataSize = 64;

std::uint64_t number_of(ByteView big_endian) {
    std::uint64_t out = 0;
    for (const std::uint8_t byte : big_endian) {
        out = out << 8 | byte;
    }
    return out;
}

/// Source: RFC 7518, section 6.3.1.
Result<PublicKey> parse_rsa_jwk(const Json& jwk) {
    const auto text = [&](std::string_view key) {
        const Json* member = jwk.find(key);
        const std::string* value = member != nullptr ? member->if_string() : nullptr;
        return value != nullptr ? *value : std::string();
    };
    if (text("kty") != "RSA") {
        return fail(Code::unsupported, std::string(kAkName), "kty RSA wanted");
    }
    RATLS_TRY(const Bytes modulus, parse_base64url(text("n")));
    RATLS_TRY(const Bytes exponent, parse_base64url(text("e")));
    if (exponent.empty() || exponent.size() > 8) {
        return fail(Code::malformed, std::string(kAkName), "an exponent of 1 to 8 bytes wanted");
    }
    return PublicKey::from_rsa(modulus, number_of(exponent));
}

Result<PublicKey> find_ak(const Json& json) {
    const Json* keys = json.find("keys");
    std::optional<PublicKey> ak;
    if (keys != nullptr && keys->if_array() != nullptr) {
        for (const Json& jwk : *keys->if_array()) {
            const Json* kid = jwk.find("kid");
            if (kid == nullptr || kid->if_string() == nullptr || *kid->if_string() != kAkName) {
                continue;
            }
            if (ak) {
                return fail(Code::malformed, "keys", "two keys HCLAkPub");
            }
            RATLS_TRY(ak, parse_rsa_jwk(jwk));
        }
    }
    if (!ak) {
        return fail(Code::malformed, "keys", "a key HCLAkPub wanted");
    }
    return *ak;
}

std::optional<bool> flag(const Json* object, std::string_view key) {
    const Json* member = object != nullptr ? object->find(key) : nullptr;
    const bool* value = member != nullptr ? member->if_bool() : nullptr;
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

Result<RuntimeData> parse_runtime(ByteView text) {
    RATLS_TRY(const Json json,
              parse_json(as_text(text), {.max_bytes = kMaxReport, .max_depth = 8}));
    RATLS_TRY(PublicKey ak, find_ak(json));
    RuntimeData out{std::move(ak), {}, {}, {}, {}, {}, {}};
    const Json* configuration = json.find("vm-configuration");
    out.secure_boot = flag(configuration, "secure-boot");
    out.tpm_enabled = flag(configuration, "tpm-enabled");
    out.tpm_persisted = flag(configuration, "tpm-persisted");
    out.console_enabled = flag(configuration, "console-enabled");
    if (configuration != nullptr) {
        const Json* id = configuration->find("vmUniqueId");
        out.vm_unique_id = id != nullptr && id->if_string() != nullptr ? *id->if_string() : "";
    }
    if (const Json* user_data = json.find("user-data")) {
        const std::string* digits = user_data->if_string();
        RATLS_TRY(const Bytes bytes, parse_hex(digits != nullptr ? *digits : "", kReportDataSize));
        out.user_data.emplace();
        std::ranges::copy(bytes, out.user_data->begin());
    }
    return out;
}

std::optional<HashAlg> hash_from_type(std::uint32_t type) {
    switch (type) {
        case 1:
            return HashAlg::sha256;
        case 2:
            return HashAlg::sha384;
        case 3:
            return HashAlg::sha512;
        default:
            return std::nullopt;
    }
}

/// Everything but the meaning of the JSON.
void read_frame(Reader& r, Frame& out) {
    if (!equal(r.bytes(4, "signature"), as_bytes("HCLA")) && r.ok()) {
        r.fail(Code::malformed, "signature", "HCLA wanted");
    }
    out.version = r.u32_le("version");
    if (r.ok() && out.version != 1 && out.version != 2) {
        r.fail(Code::unsupported, "version", "1 or 2 wanted, " + std::to_string(out.version));
    }
    const std::uint32_t report_size = r.u32_le("report_size");
    out.request_type = r.u32_le("request_type");
    r.expect(out.request_type, 2, "request_type");
    r.expect(r.u32_le("status"), 0, "status");
    r.zeros(12, "reserved");
    const ByteView hardware = r.bytes(kHardwareReportSize, "hardware report");
    const std::uint32_t data_size = r.u32_le("data_size");
    r.expect(r.u32_le("data version"), 1, "data version");
    const std::uint32_t report_type = r.u32_le("report_type");
    const auto hash = hash_from_type(r.u32_le("report_data_hash_type"));
    const std::uint32_t json_size = r.u32_le("variable_data_size");
    out.runtime_bytes = to_bytes(r.bytes(json_size, "runtime data"));
    // Only the real size gets here, so the sums cannot wrap.
    r.expect(data_size, kRuntimeHeaderSize + json_size, "data_size");
    r.expect(report_size, kHeaderSize + std::uint32_t{kHardwareReportSize} + data_size,
             "report_size");
    if (r.ok() && !hash) {
        r.fail(Code::unsupported, "report_data_hash_type", "1 to 3 wanted");
    }
    out.hash = hash.value_or(HashAlg::sha256);
    constexpr std::uint32_t kSnp = 2;
    constexpr std::uint32_t kTdx = 4;
    if (r.ok() && report_type != kSnp && report_type != kTdx) {
        r.fail(Code::unsupported, "report_type", "2 (SNP) or 4 (TDX) wanted");
    }
    out.type = report_type == kTdx ? ReportType::tdx : ReportType::snp;
    if (!r.ok()) {
        return;
    }
    const bool tdx = out.type == ReportType::tdx;
    out.hardware_report = to_bytes(tdx ? hardware.first(kTdReportSize) : hardware);
    if (tdx && !all_zero(hardware.subspan(kTdReportSize))) {
        r.fail(Code::malformed, "hardware report", "zeros behind a TDREPORT wanted");
    }
}

}  // namespace

std::string_view report_type_name(ReportType type) {
    return type == ReportType::snp ? "SNP" : "TDX";
}

ByteView Frame::report_data() const {
    const std::size_t offset = type == ReportType::snp ? kSnpReportDataOffset : kTdReportDataOffset;
    return ByteView(hardware_report).subspan(offset, kReportDataSize);
}

std::size_t Frame::size() const {
    return kHeaderSize + kHardwareReportSize + kRuntimeHeaderSize + runtime_bytes.size();
}

std::array<std::uint8_t, 64> Frame::expected_report_data() const {
    std::array<std::uint8_t, 64> out{};
    std::ranges::copy(ratls::hash(hash, runtime_bytes).view(), out.begin());
    return out;
}

Result<Report> parse_report(ByteView in) {
    if (in.size() > kMaxReport) {
        return fail(Code::too_large, std::string(kName), "at most 16 KiB wanted");
    }
    Reader r(in, kName);
    Frame frame;
    read_frame(r, frame);
    r.zeros(r.left(), "padding");
    RATLS_TRY(frame, r.finish(std::move(frame)));
    auto runtime = parse_runtime(frame.runtime_bytes);
    if (!runtime) {
        return std::unexpected(std::move(runtime).error().in(kName));
    }
    return Report{std::move(frame), *std::move(runtime)};
}

}  // namespace ratls::hcl
