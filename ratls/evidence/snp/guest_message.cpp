#include "ratls/evidence/snp/guest_message.h"

#include <cstdio>

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"
#include "ratls/evidence/snp/report.h"

namespace ratls::snp {
namespace {

constexpr std::size_t kHeaderSize = 32;
constexpr std::uint32_t kInvalidParameters = 0x16;
constexpr std::uint32_t kInvalidKey = 0x27;

void expect_success(Reader& r) {
    const std::uint32_t status = r.u32_le("status");
    if (r.ok() && status != 0) {
        std::array<char, 16> number{};
        std::snprintf(number.data(), number.size(), "0x%x", status);
        r.fail(Code::io, "status",
               std::string("the firmware refused the request: ") + number.data() +
                   (status == kInvalidParameters ? " (invalid parameters)"
                    : status == kInvalidKey      ? " (no such key)"
                                                 : ""));
    }
}

}  // namespace

Bytes encode_report_request(const std::array<std::uint8_t, 64>& report_data, std::uint32_t vmpl) {
    return Writer().bytes(report_data).u32_le(vmpl).zeros(28).take();
}

Result<Bytes> parse_report_response(ByteView in) {
    Reader r(in, "snp.report_response");
    if (in.size() != kReportResponseSize) {
        r.fail(Code::malformed, "size",
               std::to_string(kReportResponseSize) + " bytes wanted, " + std::to_string(in.size()) +
                   " found");
    }
    expect_success(r);
    r.expect(r.u32_le("report size"), kReportSize, "report size");
    r.bytes(kHeaderSize - 8, "reserved");
    Bytes report = to_bytes(r.bytes(kReportSize, "report"));
    r.bytes(r.left(), "rest of the buffer");
    return r.finish(std::move(report));
}

Bytes encode_key_request(const KeyRequest& request) {
    const KeyFields& fields = request.fields;
    std::uint64_t selected = 0;
    unsigned bit = 0;
    for (const bool field :
         {fields.guest_policy, fields.image_id, fields.family_id, fields.measurement,
          fields.guest_svn, fields.tcb_version, fields.launch_mit_vector}) {
        selected |= std::uint64_t{field} << bit++;
    }
    Writer out;
    out.u32_le(static_cast<std::uint32_t>(request.root))
        .u32_le(0)
        .u64_le(selected)
        .u32_le(request.vmpl)
        .u32_le(request.guest_svn)
        .u64_le(request.tcb_version);
    if (request.message_version() == 2) {
        out.u64_le(request.launch_mit_vector);
    }
    return out.take();
}

Result<Secret> parse_key_response(ByteView in) {
    Reader r(in, "snp.key_response");
    expect_success(r);
    r.bytes(kHeaderSize - 4, "reserved");
    const ByteView key = r.bytes(kDerivedKeySize, "key");
    if (r.ok() && all_zero(key)) {
        r.fail(Code::malformed, "key", "is zero");
    }
    RATLS_TRY(const ByteView sound, r.finish(key));
    Secret out(sound.size());
    std::ranges::copy(sound, out.writable().begin());
    return out;
}

}  // namespace ratls::snp
