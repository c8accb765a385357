#include "ratls/evidence/snp/report.h"

#include <algorithm>

#include "ratls/base/reader.h"

namespace ratls::snp {
namespace {

constexpr std::uint32_t kEcdsaP384Sha384 = 1;

FirmwareVersion read_firmware(Reader& r, std::string_view field) {
    FirmwareVersion version;
    version.build = r.u8(field);
    version.minor = r.u8(field);
    version.major = r.u8(field);
    r.zeros(1, field);
    return version;
}

/// A 384-bit integer, little-endian, extended with zeros to 72 bytes.
std::array<std::uint8_t, 48> read_scalar(Reader& r, std::string_view field) {
    auto scalar = r.array<48>(field);
    r.zeros(72 - 48, field);
    std::ranges::reverse(scalar);
    return scalar;
}

}  // namespace

std::string_view signing_key_name(SigningKey key) {
    return key == SigningKey::vcek ? "VCEK" : "VLEK";
}

std::string FirmwareVersion::text() const {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build);
}

Result<Report> parse_report(ByteView in) {
    Reader r(in, "snp.report");
    Report out;
    out.version = r.u32_le("VERSION");
    if (r.ok() && (out.version < 2 || out.version > 5)) {
        r.fail(Code::unsupported, "VERSION",
               "2 to 5 wanted, " + std::to_string(out.version) + " found");
    }
    out.guest_svn = r.u32_le("GUEST_SVN");
    out.policy = r.u64_le("POLICY");
    if (r.ok() && !out.policy_bit(policy_bit::kReservedOne)) {
        r.fail(Code::malformed, "POLICY", "bit 17 set wanted");
    }
    out.family_id = r.array<16>("FAMILY_ID");
    out.image_id = r.array<16>("IMAGE_ID");
    out.vmpl = r.u32_le("VMPL");
    r.expect(r.u32_le("SIGNATURE_ALGO"), kEcdsaP384Sha384, "SIGNATURE_ALGO");
    out.current_tcb = r.array<8>("CURRENT_TCB");
    out.platform_info = r.u64_le("PLATFORM_INFO");
    const std::uint32_t key_info = r.u32_le("KEY_INFO");
    out.author_key_en = (key_info & 1) != 0;
    out.mask_chip_key = (key_info & 2) != 0;
    const std::uint32_t signing_key = (key_info >> 2) & 7;
    if (r.ok() && (key_info >> 5 != 0 || signing_key > 1)) {
        r.fail(Code::malformed, "KEY_INFO",
               "signing key VCEK or VLEK and reserved bits clear wanted");
    }
    out.signing_key = signing_key == 1 ? SigningKey::vlek : SigningKey::vcek;
    r.zeros(4, "reserved at 0x4c");
    out.report_data = r.array<64>("REPORT_DATA");
    out.measurement = r.array<48>("MEASUREMENT");
    out.host_data = r.array<32>("HOST_DATA");
    out.id_key_digest = r.array<48>("ID_KEY_DIGEST");
    out.author_key_digest = r.array<48>("AUTHOR_KEY_DIGEST");
    out.report_id = r.array<32>("REPORT_ID");
    out.report_id_ma = r.array<32>("REPORT_ID_MA");
    out.reported_tcb = r.array<8>("REPORTED_TCB");
    if (out.version >= 3) {
        out.cpuid_fam_id = r.u8("CPUID_FAM_ID");
        out.cpuid_mod_id = r.u8("CPUID_MOD_ID");
        out.cpuid_step = r.u8("CPUID_STEP");
        r.zeros(21, "reserved at 0x18b");
    } else {
        r.zeros(24, "reserved at 0x188");
    }
    out.chip_id = r.array<64>("CHIP_ID");
    out.committed_tcb = r.array<8>("COMMITTED_TCB");
    out.current = read_firmware(r, "CURRENT version");
    out.committed = read_firmware(r, "COMMITTED version");
    out.launch_tcb = r.array<8>("LAUNCH_TCB");
    if (out.version >= 5) {
        out.launch_mit_vector = r.u64_le("LAUNCH_MIT_VECTOR");
        out.current_mit_vector = r.u64_le("CURRENT_MIT_VECTOR");
        r.zeros(152, "reserved at 0x208");
    } else {
        r.zeros(168, "reserved at 0x1f8");
    }
    out.signature_r = read_scalar(r, "SIGNATURE.R");
    out.signature_s = read_scalar(r, "SIGNATURE.S");
    r.zeros(368, "SIGNATURE reserved");
    if (r.ok()) {
        std::ranges::copy(in.first(kSignedSize), out.signed_bytes.begin());
    }
    return r.finish(out);
}

}  // namespace ratls::snp
