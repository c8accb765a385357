#include "ratls/evidence/dcap/quote.h"

#include <algorithm>

#include "ratls/base/reader.h"

namespace ratls::dcap {
namespace {

constexpr std::string_view kName = "dcap.quote";

constexpr std::uint16_t kEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::array<std::uint8_t, 16> kIntelQe = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                                   0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
/// Body types of version 5.
constexpr std::uint16_t kBodySgx = 1;
constexpr std::uint16_t kBodyTd10 = 2;
constexpr std::uint16_t kBodyTd15 = 3;
/// Certification data of version 4 and 5 that holds the QE report and more certification data.
constexpr std::uint16_t kQeReportData = 6;

EnclaveReport read_enclave_report(Reader& r) {
    EnclaveReport out;
    out.cpu_svn = r.array<16>("CPUSVN");
    out.misc_select = r.u32_le("MISCSELECT");
    r.zeros(12, "reserved1");
    out.isv_ext_prod_id = r.array<16>("ISVEXTPRODID");
    out.attributes = r.array<16>("ATTRIBUTES");
    out.mr_enclave = r.array<32>("MRENCLAVE");
    r.zeros(32, "reserved2");
    out.mr_signer = r.array<32>("MRSIGNER");
    r.zeros(32, "reserved3");
    out.config_id = r.array<64>("CONFIGID");
    out.isv_prod_id = r.u16_le("ISVPRODID");
    out.isv_svn = r.u16_le("ISVSVN");
    out.config_svn = r.u16_le("CONFIGSVN");
    r.zeros(42, "reserved4");
    out.isv_family_id = r.array<16>("ISVFAMILYID");
    out.report_data = r.array<64>("REPORTDATA");
    return out;
}

TdReport read_td_report(Reader& r, bool with_15) {
    TdReport out;
    out.tee_tcb_svn = r.array<16>("TEE_TCB_SVN");
    out.mr_seam = r.array<48>("MRSEAM");
    out.mr_signer_seam = r.array<48>("MRSIGNERSEAM");
    out.seam_attributes = r.array<8>("SEAMATTRIBUTES");
    out.td_attributes = r.array<8>("TDATTRIBUTES");
    out.xfam = r.array<8>("XFAM");
    out.mr_td = r.array<48>("MRTD");
    out.mr_config_id = r.array<48>("MRCONFIGID");
    out.mr_owner = r.array<48>("MROWNER");
    out.mr_owner_config = r.array<48>("MROWNERCONFIG");
    for (auto& rtmr : out.rtmr) {
        rtmr = r.array<48>("RTMR");
    }
    out.report_data = r.array<64>("REPORTDATA");
    if (with_15) {
        out.v15 = {r.array<16>("TEE_TCB_SVN_2"), r.array<48>("MRSERVICETD")};
    }
    return out;
}

/// Takes over the failure of a nested reader, or its trailing bytes.
void absorb(Reader& outer, Reader& inner, std::string_view field) {
    if (auto status = inner.finish(true); outer.ok() && !status) {
        outer.fail(status.error().code, field, status.error().text());
    }
}

void read_header(Reader& r, Quote& q) {
    q.version = r.u16_le("version");
    if (r.ok() && (q.version < 3 || q.version > 5)) {
        r.fail(Code::unsupported, "version", "3 to 5 wanted, " + std::to_string(q.version));
    }
    r.expect(r.u16_le("attestation key type"), kEcdsaP256, "attestation key type");
    const std::uint32_t tee = r.u32_le("TEE type");
    q.tee = tee == kTeeTdx ? Tee::tdx : Tee::sgx;
    if (r.ok() && (tee != kTeeSgx && tee != kTeeTdx)) {
        r.fail(Code::unsupported, "TEE type", "0 (SGX) or 0x81 (TDX) wanted");
    }
    if (r.ok() && q.version == 3 && q.tee != Tee::sgx) {
        r.fail(Code::malformed, "TEE type", "version 3 has quotes of SGX only");
    }
    q.qe_svn = r.u16_le("QE SVN");
    q.pce_svn = r.u16_le("PCE SVN");
    if (r.array<16>("QE vendor id") != kIntelQe && r.ok()) {
        r.fail(Code::unsupported, "QE vendor id", "Intel's wanted");
    }
    q.user_data = r.array<20>("user data");
}

void read_body(Reader& r, Quote& q) {
    bool td15 = false;
    if (q.version == 5) {
        const std::uint16_t type = r.u16_le("body type");
        td15 = type == kBodyTd15;
        const bool fits = q.tee == Tee::sgx ? type == kBodySgx : type == kBodyTd10 || td15;
        if (r.ok() && !fits) {
            r.fail(Code::malformed, "body type", std::to_string(type) + " does not fit the TEE");
        }
        const std::size_t size = q.tee == Tee::sgx ? EnclaveReport::kSize
                                 : td15            ? TdReport::kSize15
                                                   : TdReport::kSize;
        r.expect(r.u32_le("body size"), static_cast<std::uint32_t>(size), "body size");
    }
    if (q.tee == Tee::sgx) {
        q.enclave = read_enclave_report(r);
    } else {
        q.td = read_td_report(r, td15);
    }
}

/// Certificates under a type that has none, or several under that of one: a chain that its label
/// would hide.
bool holds_another_kind(const Quote& q) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    const std::string_view text = as_text(q.certification_data);
    const std::size_t first = text.find(kBegin);
    if (q.certification == CertificationData::pck_chain || first == std::string_view::npos) {
        return false;
    }
    return q.certification != CertificationData::pck_leaf ||
           text.substr(first + 1).contains(kBegin);
}

/// The QE report, its signature and authentication data, and what certifies it.
void read_qe(Reader& r, Quote& q) {
    q.qe_report_bytes = r.array<EnclaveReport::kSize>("QE report");
    Reader report(q.qe_report_bytes, "QE report");
    q.qe_report = read_enclave_report(report);
    absorb(r, report, "QE report");
    q.qe_report_signature = r.array<64>("QE report signature");
    q.qe_auth_data =
        to_bytes(r.bytes(r.u16_le("QE authentication data"), "QE authentication data"));
    const std::uint16_t type = r.u16_le("certification data type");
    if (r.ok() && (type < 1 || type > 5)) {
        r.fail(Code::unsupported, "certification data type",
               "1 to 5 wanted, " + std::to_string(type));
    }
    q.certification = static_cast<CertificationData>(type);
    q.certification_data = to_bytes(r.bytes_u32_le("certification data"));
    if (r.ok() && holds_another_kind(q)) {
        r.fail(Code::malformed, "certification data",
               "certificates under type " + std::to_string(type));
    }
}

void read_signature_data(Reader& outer, Quote& q) {
    const ByteView data = outer.bytes_u32_le("signature data");
    Reader r(data, "signature data");
    q.signature = r.array<64>("signature");
    q.attestation_key = r.array<64>("attestation key");
    if (q.version == 3) {
        read_qe(r, q);
    } else {
        r.expect(r.u16_le("certification data type"), kQeReportData, "certification data type");
        const ByteView nested = r.bytes_u32_le("QE report certification data");
        Reader qe(nested, "QE report certification data");
        read_qe(qe, q);
        absorb(r, qe, "certification data");
    }
    absorb(outer, r, "signature data");
}

}  // namespace

std::string_view tee_name(Tee tee) {
    return tee == Tee::sgx ? "SGX" : "TDX";
}

Result<Quote> parse_quote(ByteView in) {
    Reader r(in, kName);
    Quote q;
    read_header(r, q);
    read_body(r, q);
    q.signed_bytes = to_bytes(in.first(r.ok() ? r.offset() : 0));
    read_signature_data(r, q);
    q.size = r.offset();
    if (r.ok() && r.left() > 0 && in.size() > kMaxPaddedQuote) {
        r.fail(Code::too_large, "padding",
               "at most " + std::to_string(kMaxPaddedQuote) + " bytes in all wanted");
    }
    r.zeros(r.left(), "padding");
    return r.finish(std::move(q));
}

ByteView pck_chain_text(const Quote& quote) {
    ByteView text(quote.certification_data);
    while (!text.empty() && text.back() == 0) {
        text = text.first(text.size() - 1);
    }
    return text;
}

}  // namespace ratls::dcap
