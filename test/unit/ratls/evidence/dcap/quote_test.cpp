#include "ratls/evidence/dcap/quote.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/intel_pki.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;
using dcap::Tee;

namespace {

// Offsets. Source: Intel TDX DCAP Quoting Library API, appendix A.3.
constexpr std::size_t kVersion = 0, kKeyType = 2, kTeeType = 4, kVendor = 12, kBody = 48;
constexpr std::size_t kBodyType = 48, kBodySize = 50;
constexpr std::size_t kSignature = 64, kKey = 64, kQeReport = 384;

struct Kind {
    Tee tee;
    std::uint16_t version;
    bool td15;
};
constexpr Kind kKinds[] = {{Tee::sgx, 3, false}, {Tee::sgx, 4, false}, {Tee::sgx, 5, false},
                           {Tee::tdx, 4, false}, {Tee::tdx, 5, false}, {Tee::tdx, 5, true}};

/// A whole quote of this kind, signed but with a short certificate chain.
IntelPlatform platform_of(const Kind& kind) {
    IntelPlatform out(kind.tee, kind.version);
    if (kind.version == 5 && kind.tee == Tee::tdx && !kind.td15) {
        out.quote.td->v15.reset();
    }
    out.quote.certification_data = Bytes(100, 'c');
    return out;
}

/// Where the lengths of a quote of this kind stand.
struct Lengths {
    std::size_t data, outer_type, outer, auth, type, certification, end;
};

Lengths lengths_of(const IntelPlatform& platform) {
    Lengths out{};
    out.data = quote_start(platform.quote).size();
    out.outer_type = out.data + 4 + kSignature + kKey;
    out.outer = out.outer_type + 2;
    const std::size_t qe = platform.quote.version == 3 ? out.outer_type : out.outer + 4;
    out.auth = qe + kQeReport + kSignature;
    out.type = out.auth + 2 + platform.quote.qe_auth_data.size();
    out.certification = out.type + 2;
    out.end = out.certification + 4 + platform.quote.certification_data.size();
    return out;
}

Bytes with(Bytes quote, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        quote[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return quote;
}

std::uint64_t number(const Bytes& quote, std::size_t at, std::size_t size) {
    std::uint64_t out = 0;
    for (std::size_t i = size; i > 0; --i) {
        out = out << 8 | quote[at + i - 1];
    }
    return out;
}

std::string parses(const Bytes& quote) {
    return refusal(dcap::parse_quote(quote));
}

/// Bytes of a body that must be zero: from, count.
constexpr std::pair<std::size_t, std::size_t> kEnclaveReserved[] = {
    {20, 12}, {96, 32}, {160, 32}, {262, 42}};

}  // namespace

TEST_CASE("dcap.quote: an SGX quote gives its fields") {
    for (const Kind& kind : kKinds) {
        if (kind.tee != Tee::sgx) {
            continue;
        }
        CAPTURE(kind.version);
        const Bytes bytes = platform_of(kind).make_quote();
        const auto quote = dcap::parse_quote(bytes);
        REQUIRE(quote);
        CHECK(quote->version == kind.version);
        CHECK(quote->tee == Tee::sgx);
        CHECK(quote->qe_svn == 0x0708);
        CHECK(quote->pce_svn == 0x090a);
        CHECK(hex(quote->user_data) == "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3");
        CHECK_FALSE(quote->td);
        REQUIRE(quote->enclave);
        const dcap::EnclaveReport& report = *quote->enclave;
        CHECK(hex(report.cpu_svn) == "101112131415161718191a1b1c1d1e1f");
        CHECK(report.misc_select == 0);
        CHECK(hex(report.isv_ext_prod_id) == "18191a1b1c1d1e1f2021222324252627");
        CHECK(hex(report.attributes) == "0500000000000000e700000000000000");
        CHECK(report.mr_enclave[0] == 0x40);
        CHECK(report.mr_enclave[31] == 0x5f);
        CHECK(report.mr_signer[0] == 0x60);
        CHECK(report.mr_signer[31] == 0x7f);
        CHECK(report.config_id[0] == 0x70);
        CHECK(report.config_id[63] == 0xaf);
        CHECK(report.isv_prod_id == 0x0102);
        CHECK(report.isv_svn == 0x0304);
        CHECK(report.config_svn == 0x0506);
        CHECK(hex(report.isv_family_id) == "909192939495969798999a9b9c9d9e9f");
        CHECK(report.report_data[0] == 0xc0);
        CHECK(report.report_data[63] == 0xff);
        CHECK(quote->report_data() == report.report_data);
        CHECK(equal(quote->signed_bytes,
                    ByteView(bytes).first(kind.version == 5 ? 54 + 384 : 48 + 384)));
        CHECK(quote->size == bytes.size());
    }
}

TEST_CASE("dcap.quote: a TDX quote gives its fields") {
    for (const Kind& kind : kKinds) {
        if (kind.tee != Tee::tdx) {
            continue;
        }
        CAPTURE(kind.version);
        const Bytes bytes = platform_of(kind).make_quote();
        const auto quote = dcap::parse_quote(bytes);
        REQUIRE(quote);
        CHECK(quote->version == kind.version);
        CHECK(quote->tee == Tee::tdx);
        CHECK_FALSE(quote->enclave);
        REQUIRE(quote->td);
        const dcap::TdReport& td = *quote->td;
        CHECK(hex(td.tee_tcb_svn) == "05010600000000000000000000000000");
        CHECK(td.mr_seam[0] == 0x30);
        CHECK(td.mr_seam[47] == 0x5f);
        CHECK(all_zero(td.mr_signer_seam));
        CHECK(all_zero(td.seam_attributes));
        CHECK(hex(td.td_attributes) == "0000001000000000");
        CHECK(hex(td.xfam) == "e702060000000000");
        CHECK(td.mr_td[0] == 0x40);
        CHECK(td.mr_td[47] == 0x6f);
        CHECK(td.mr_config_id[0] == 0x50);
        CHECK(td.mr_owner[0] == 0x60);
        CHECK(td.mr_owner_config[0] == 0x70);
        CHECK(td.mr_owner_config[47] == 0x9f);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(td.rtmr[i][0] == 0x80 + 0x10 * i);
            CHECK(td.rtmr[i][47] == 0xaf + 0x10 * i);
        }
        CHECK(td.report_data[0] == 0xc0);
        CHECK(td.report_data[63] == 0xff);
        CHECK(quote->report_data() == td.report_data);
        CHECK(td.v15.has_value() == kind.td15);
        if (td.v15) {
            CHECK(td.v15->tee_tcb_svn_2 == td.tee_tcb_svn);
            CHECK(all_zero(td.v15->mr_service_td));
        }
        const std::size_t start = (kind.version == 5 ? 54U : 48U) + (kind.td15 ? 648U : 584U);
        CHECK(equal(quote->signed_bytes, ByteView(bytes).first(start)));
    }
}

TEST_CASE("dcap.quote: what TDX 1.5 adds stands behind the report data") {
    IntelPlatform platform = platform_of({Tee::tdx, 5, true});
    platform.quote.td->v15->tee_tcb_svn_2 = {1, 2, 3};
    platform.quote.td->v15->mr_service_td[47] = 9;
    const auto quote = dcap::parse_quote(platform.make_quote());
    REQUIRE(quote);
    CHECK(hex(quote->td->v15->tee_tcb_svn_2) == "01020300000000000000000000000000");
    CHECK(quote->td->v15->mr_service_td[47] == 9);
}

TEST_CASE("dcap.quote: the signature data gives its fields") {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.version);
        const IntelPlatform platform = platform_of(kind);
        const Bytes bytes = platform.make_quote();
        const auto quote = dcap::parse_quote(bytes);
        REQUIRE(quote);
        const Lengths at = lengths_of(platform);
        CHECK(equal(quote->signature, ByteView(bytes).subspan(at.data + 4, 64)));
        CHECK(equal(quote->attestation_key, ByteView(bytes).subspan(at.data + 68, 64)));
        CHECK(equal(quote->qe_report_bytes, ByteView(bytes).subspan(at.auth - 448, 384)));
        CHECK(equal(quote->qe_report_signature, ByteView(bytes).subspan(at.auth - 64, 64)));
        CHECK(quote->qe_report.isv_prod_id == 2);
        CHECK(quote->qe_report.isv_svn == 6);
        CHECK(quote->qe_report.mr_signer[0] == 0x8c);
        CHECK(quote->qe_auth_data == platform.quote.qe_auth_data);
        CHECK(quote->certification == dcap::CertificationData::pck_chain);
        CHECK(quote->certification_data == Bytes(100, 'c'));
    }
}

TEST_CASE("dcap.quote: every truncation is refused, and the message names a field") {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.version);
        const Bytes good = platform_of(kind).make_quote();
        for (std::size_t n = 0; n < good.size(); ++n) {
            CAPTURE(n);
            const auto quote = dcap::parse_quote(ByteView(good).first(n));
            REQUIRE_FALSE(quote);
            CHECK(quote.error().where.starts_with("dcap.quote: "));
        }
    }
}

TEST_CASE("dcap.quote: every length that does not fit is refused") {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.version);
        const IntelPlatform platform = platform_of(kind);
        const Bytes good = platform.make_quote();
        const Lengths at = lengths_of(platform);
        CHECK(at.end == good.size());
        std::vector<std::pair<std::size_t, std::size_t>> fields = {
            {at.data, 4}, {at.auth, 2}, {at.certification, 4}};
        if (kind.version > 3) {
            fields.emplace_back(at.outer, 4);
        }
        if (kind.version == 5) {
            fields.emplace_back(kBodySize, 4);
        }
        for (const auto& [place, size] : fields) {
            CAPTURE(place);
            const std::uint64_t value = number(good, place, size);
            CHECK(parses(with(good, place, value, size)) == kAccepted);
            for (const std::uint64_t wrong :
                 {std::uint64_t{0}, value - 1, value + 1, std::uint64_t{0xffff},
                  std::uint64_t{0xffffffff}, std::uint64_t{0x80000000} | value}) {
                if (size == 2 && (wrong & 0xffff) == value) {
                    continue;
                }
                CAPTURE(wrong);
                CHECK(parses(with(good, place, wrong, size)) == says("dcap.quote: "));
            }
        }
    }
}

TEST_CASE("dcap.quote: other versions, keys, TEEs and vendors are refused") {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.version);
        const Bytes good = platform_of(kind).make_quote();
        for (std::uint64_t version = 0; version < 8; ++version) {
            if (version != kind.version) {
                CHECK(parses(with(good, kVersion, version, 2)) == says("dcap.quote: "));
            }
        }
        CHECK(parses(with(good, kVersion, 0x0100U | kind.version, 2)) ==
              says("dcap.quote: version: 3 to 5 wanted, 2"));
        for (const std::uint64_t key : {0U, 1U, 3U, 0x0102U}) {
            CHECK(parses(with(good, kKeyType, key, 2)) ==
                  says("dcap.quote: attestation key type: 2 wanted, "));
        }
        for (const std::uint64_t tee : {1U, 0x80U, 0x82U, 0x0100U, 0x81000000U, 0x01000081U}) {
            CHECK(parses(with(good, kTeeType, tee, 4)) ==
                  says("dcap.quote: TEE type: 0 (SGX) or 0x81 (TDX) wanted"));
        }
        CHECK(parses(with(good, kTeeType, kind.tee == Tee::sgx ? 0x81 : 0, 4)) ==
              says("dcap.quote: "));
        for (std::size_t i = 0; i < 16; ++i) {
            CHECK(parses(with(good, kVendor + i, good[kVendor + i] ^ 1U, 1)) ==
                  says("dcap.quote: QE vendor id: Intel's wanted"));
        }
    }
}

TEST_CASE("dcap.quote: version 3 has no TDX quotes, whatever the body") {
    IntelPlatform platform = platform_of({Tee::tdx, 4, false});
    platform.quote.version = 3;
    CHECK(parses(platform.make_quote()) ==
          says("dcap.quote: TEE type: version 3 has quotes of SGX only"));
}

TEST_CASE("dcap.quote: the body type of version 5 fits the TEE and the size") {
    for (const Kind& kind : kKinds) {
        if (kind.version != 5) {
            continue;
        }
        const Bytes good = platform_of(kind).make_quote();
        const std::uint64_t type = number(good, kBodyType, 2);
        CHECK(type == (kind.tee == Tee::sgx ? 1 : kind.td15 ? 3 : 2));
        for (const std::uint64_t wrong : {0U, 1U, 2U, 3U, 4U, 5U, 0x0102U}) {
            if (wrong != type) {
                CAPTURE(wrong);
                CHECK(parses(with(good, kBodyType, wrong, 2)) == says("dcap.quote: body "));
            }
        }
    }
}

TEST_CASE("dcap.quote: a reserved byte that is set is refused, in enclave and QE report") {
    const IntelPlatform platform = platform_of({Tee::sgx, 4, false});
    const Bytes good = platform.make_quote();
    const std::size_t qe = lengths_of(platform).auth - kSignature - kQeReport;
    for (const std::size_t start : {kBody, qe}) {
        for (const auto& [from, count] : kEnclaveReserved) {
            for (std::size_t i = 0; i < count; ++i) {
                CAPTURE(from + i);
                CHECK(parses(with(good, start + from + i, 1, 1)) ==
                      says(": zero bytes wanted, others found"));
            }
        }
    }
    const Bytes tdx = platform_of({Tee::tdx, 4, false}).make_quote();
    const std::size_t tdx_qe =
        lengths_of(platform_of({Tee::tdx, 4, false})).auth - kSignature - kQeReport;
    CHECK(parses(with(tdx, tdx_qe + 20, 1, 1)) ==
          says("QE report: QE report: reserved1: zero bytes wanted, others found"));
}

TEST_CASE("dcap.quote: certification data is of type 6 outside and 1 to 5 inside") {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.version);
        const IntelPlatform platform = platform_of(kind);
        const Bytes good = platform.make_quote();
        const Lengths at = lengths_of(platform);
        for (std::uint64_t type = 0; type < 9; ++type) {
            CAPTURE(type);
            const auto quote = dcap::parse_quote(with(good, at.type, type, 2));
            CHECK(quote.has_value() == (type >= 1 && type <= 5));
            if (quote) {
                CHECK(static_cast<std::uint64_t>(quote->certification) == type);
            }
            if (kind.version > 3) {
                const std::string outer = parses(with(good, at.outer_type, type, 2));
                CHECK(outer ==
                      (type == 6 ? says("accepted") : says("certification data type: 6 wanted")));
            }
        }
    }
}

TEST_CASE("dcap.quote: a PCK chain under another type of certification data is refused") {
    const auto with = [](dcap::CertificationData type, const std::string& content) {
        IntelPlatform platform;
        platform.quote.certification = type;
        platform.quote.certification_data = to_bytes(as_bytes(content));
        return dcap::parse_quote(platform.make_quote());
    };
    const std::string one = "-----BEGIN CERTIFICATE-----\n";
    for (const auto type :
         {dcap::CertificationData::plain_ppid, dcap::CertificationData::ppid_rsa2048,
          dcap::CertificationData::ppid_rsa3072}) {
        const auto quote = with(type, one);
        REQUIRE_FALSE(quote);
        CHECK(quote.error().text().contains("certificates under type"));
        CHECK(with(type, "none"));
    }
    CHECK(with(dcap::CertificationData::pck_leaf, one));
    CHECK(refusal(with(dcap::CertificationData::pck_leaf, one + one)) ==
          says("certification data: certificates under type 4"));
}

TEST_CASE("dcap.quote: authentication and certification data may be empty") {
    IntelPlatform platform = platform_of({Tee::tdx, 4, false});
    platform.quote.qe_auth_data.clear();
    CHECK(parses(platform.make_quote()) == kAccepted);
    const Lengths at = lengths_of(platform);
    platform.edits.quote = [at](Bytes& quote) {
        quote.resize(at.end - 100);
        quote = with(quote, at.certification, 0, 4);
        quote = with(quote, at.outer, number(quote, at.outer, 4) - 100, 4);
        quote = with(quote, at.data, number(quote, at.data, 4) - 100, 4);
    };
    const auto quote = dcap::parse_quote(platform.make_quote());
    REQUIRE(quote);
    CHECK(quote->qe_auth_data.empty());
    CHECK(quote->certification_data.empty());
}

TEST_CASE("dcap.quote: padding is zeros, up to 8192 bytes in all; a longer quote has none") {
    IntelPlatform platform = platform_of({Tee::tdx, 4, false});
    const Bytes good = platform.make_quote();
    for (const std::size_t size : {good.size() + 1, std::size_t{8192}}) {
        Bytes padded = good;
        padded.resize(size, 0);
        const auto quote = dcap::parse_quote(padded);
        REQUIRE(quote);
        CHECK(quote->size == good.size());
        padded.back() = 0x80;
        CHECK(parses(padded) == says("dcap.quote: padding: zero bytes wanted, others found"));
    }
    Bytes longer = good;
    longer.resize(8193, 0);
    CHECK(parses(longer) == says("dcap.quote: padding: at most 8192 bytes in all wanted"));
    platform.quote.certification_data = Bytes(20000, 'c');
    Bytes large = platform.make_quote();
    CHECK(parses(large) == kAccepted);
    large.push_back(0);
    CHECK(parses(large) == says("dcap.quote: padding: at most 8192 bytes in all wanted"));
}
