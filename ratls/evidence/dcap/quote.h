// Quotes of Intel SGX and TDX, as the data center attestation primitives (DCAP) make them.
#pragma once

#include <array>
#include <optional>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::dcap {

enum class Tee : std::uint8_t { sgx, tdx };

std::string_view tee_name(Tee tee);  ///< "SGX", "TDX"

/// A quote with the zero bytes that some platforms put behind it.
inline constexpr std::size_t kMaxPaddedQuote = 8192;

/// sgx_report_body_t, 384 bytes. What is reserved is zero.
/// Source: Intel SDM vol. 3D, 39.15 REPORT; SGX SDK, sgx_report.h.
struct EnclaveReport {
    static constexpr std::size_t kSize = 384;

    std::array<std::uint8_t, 16> cpu_svn{};
    std::uint32_t misc_select = 0;
    std::array<std::uint8_t, 16> isv_ext_prod_id{};
    std::array<std::uint8_t, 16> attributes{};
    std::array<std::uint8_t, 32> mr_enclave{};
    std::array<std::uint8_t, 32> mr_signer{};
    std::array<std::uint8_t, 64> config_id{};
    std::uint16_t isv_prod_id = 0;
    std::uint16_t isv_svn = 0;
    std::uint16_t config_svn = 0;
    std::array<std::uint8_t, 16> isv_family_id{};
    std::array<std::uint8_t, 64> report_data{};
};

/// What TDX 1.5 adds to a TD report.
struct TdReport15 {
    std::array<std::uint8_t, 16> tee_tcb_svn_2{};
    std::array<std::uint8_t, 48> mr_service_td{};
};

/// TD report of a quote: 584 bytes, with TDX 1.5 648.
/// Source: Intel TDX DCAP Quoting Library API, A.3.2 TD Quote Body.
struct TdReport {
    static constexpr std::size_t kSize = 584;
    static constexpr std::size_t kSize15 = 648;

    std::array<std::uint8_t, 16> tee_tcb_svn{};
    std::array<std::uint8_t, 48> mr_seam{};
    std::array<std::uint8_t, 48> mr_signer_seam{};
    std::array<std::uint8_t, 8> seam_attributes{};
    std::array<std::uint8_t, 8> td_attributes{};
    std::array<std::uint8_t, 8> xfam{};
    std::array<std::uint8_t, 48> mr_td{};
    std::array<std::uint8_t, 48> mr_config_id{};
    std::array<std::uint8_t, 48> mr_owner{};
    std::array<std::uint8_t, 48> mr_owner_config{};
    std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
    std::array<std::uint8_t, 64> report_data{};
    std::optional<TdReport15> v15;
};

/// Kinds of certification data. Source: the same, A.3.9.
enum class CertificationData : std::uint16_t {
    plain_ppid = 1,
    ppid_rsa2048 = 2,
    ppid_rsa3072 = 3,
    pck_leaf = 4,
    pck_chain = 5,
};

/// A quote, by field. Nobody should believe it before its signatures are verified.
struct Quote {
    std::uint16_t version = 0;  ///< 3 (SGX), 4, 5
    Tee tee = Tee::sgx;
    std::uint16_t qe_svn = 0;
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 20> user_data{};
    std::optional<EnclaveReport> enclave;  ///< SGX
    std::optional<TdReport> td;            ///< TDX
    Bytes signed_bytes;                    ///< header and body, as received

    std::array<std::uint8_t, 64> signature{};        ///< r || s, big-endian, P-256
    std::array<std::uint8_t, 64> attestation_key{};  ///< x || y, big-endian, P-256
    std::array<std::uint8_t, EnclaveReport::kSize> qe_report_bytes{};
    EnclaveReport qe_report;
    std::array<std::uint8_t, 64> qe_report_signature{};
    Bytes qe_auth_data;
    CertificationData certification = CertificationData::pck_chain;
    Bytes certification_data;
    std::size_t size = 0;  ///< bytes without the padding

    const std::array<std::uint8_t, 64>& report_data() const {
        return td ? td->report_data : enclave->report_data;
    }
};

/// Parses a quote of version 3, 4 or 5 with an ECDSA P-256 attestation key, made by Intel's quoting
/// enclave. Form only: every length is bounded, every reserved byte zero, and behind the quote
/// there are only zeros, up to `kMaxPaddedQuote` bytes in all.
/// Source: Intel TDX DCAP Quoting Library API, appendix A.3 and A.4; Intel SGX ECDSA
/// QuoteLibReference, appendix A.4. Integers are little-endian.
Result<Quote> parse_quote(ByteView in);

/// The PEM text of certification data of type 5, without the NUL bytes that often end it.
ByteView pck_chain_text(const Quote& quote);

}  // namespace ratls::dcap
