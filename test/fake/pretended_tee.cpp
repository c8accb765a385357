#include "test/fake/pretended_tee.h"

#include <stdexcept>

#include "ratls/base/writer.h"
#include "ratls/crypto/certificate.h"
#include "ratls/evidence/snp/cert_table.h"
#include "ratls/platform/files.h"

namespace ratls::test {
namespace {

constexpr std::size_t kSignedSize = 0x2a0;
constexpr std::size_t kReportSize = 0x4a0;
constexpr std::size_t kComponentSize = 72;  // of R and S: P-521 would fit
const std::string kAmd = "1.3.6.1.4.1.3704.1.";

template <typename T>
T take(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().text());
    }
    return *std::move(result);
}

Bytes read_file(const std::string& path) {
    return take(LinuxFiles().read(path, 1024 * 1024));
}

ByteView extension(const Certificate& vcek, const std::string& suffix) {
    const Extension* found = vcek.extension(kAmd + suffix);
    if (found == nullptr || found->value.empty()) {
        throw std::runtime_error("the VCEK has no extension " + suffix);
    }
    return found->value;
}

/// As TCB_VERSION of Milan and Genoa: boot loader, TEE, four reserved, SNP, microcode.
std::array<std::uint8_t, 8> tcb_of(const Certificate& vcek) {
    const auto spl = [&](const char* suffix) { return extension(vcek, suffix).back(); };
    return {spl("3.1"), spl("3.2"), 0, 0, 0, 0, spl("3.3"), spl("3.8")};
}

void write_component(Writer& out, ByteView big_endian) {
    out.bytes(Bytes(big_endian.rbegin(), big_endian.rend()))
        .zeros(kComponentSize - big_endian.size());
}

void write_version(Writer& out) {
    out.u8(38).u8(55).u8(1).u8(0);  // build, minor, major: 1.55.38 sets ALIAS_CHECK_COMPLETE
}

}  // namespace

PretendedTee::PretendedTee(const std::string& pki_folder)
    : ark_(read_file(pki_folder + "/ark.der")),
      ask_(read_file(pki_folder + "/ask.der")),
      vcek_(read_file(pki_folder + "/vcek.der")),
      crl_(read_file(pki_folder + "/crl.der")),
      key_(take(PrivateKey::parse(read_file(pki_folder + "/vcek.key.pem")))) {
    const Certificate vcek = take(Certificate::parse(vcek_));
    const ByteView chip_id = extension(vcek, "4");
    std::ranges::copy(chip_id.first(fields.chip_id.size()), fields.chip_id.begin());
    fields.current_tcb = fields.reported_tcb = tcb_of(vcek);
    fields.committed_tcb = fields.launch_tcb = tcb_of(vcek);
    fields.measurement.fill(0x4d);
    fields.report_id.fill(0x1d);
}

Bytes PretendedTee::report(const std::array<std::uint8_t, 64>& report_data) const {
    Writer out;
    out.u32_le(fields.version)
        .u32_le(fields.guest_svn)
        .u64_le(fields.policy)
        .bytes(fields.family_id)
        .bytes(fields.image_id)
        .u32_le(fields.vmpl)
        .u32_le(1)  // SIGNATURE_ALGO: ECDSA P-384 with SHA-384
        .bytes(fields.current_tcb)
        .u64_le(fields.platform_info)
        .u32_le(fields.key_info)
        .u32_le(0)
        .bytes(report_data)
        .bytes(fields.measurement)
        .bytes(fields.host_data)
        .bytes(fields.id_key_digest)
        .bytes(fields.author_key_digest)
        .bytes(fields.report_id)
        .bytes(Bytes(32, 0xff))  // REPORT_ID_MA: no migration agent
        .bytes(fields.reported_tcb)
        .bytes(fields.cpuid)
        .zeros(21)
        .bytes(fields.chip_id)
        .bytes(fields.committed_tcb);
    write_version(out);  // CURRENT
    write_version(out);  // COMMITTED
    out.bytes(fields.launch_tcb);
    out.zeros(kSignedSize - out.size());

    const Bytes rs = take(key_.sign_ecdsa(HashAlg::sha384, out.view()));
    write_component(out, ByteView(rs).first(48));
    write_component(out, ByteView(rs).last(48));
    return out.zeros(kReportSize - out.size()).take();
}

Bytes PretendedTee::cert_table() const {
    return snp::encode_cert_table({{snp::kGuidAsk, ask_}, {snp::kGuidVcek, vcek_}});
}

}  // namespace ratls::test
