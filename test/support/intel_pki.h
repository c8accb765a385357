// A pretended Intel in memory: certificates, revocation lists, TCB info, QE identity and quotes,
// made from plain fields that a test may change before they are signed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/crypto/private_key.h"
#include "ratls/evidence/dcap/collateral.h"
#include "ratls/evidence/dcap/pck.h"
#include "ratls/evidence/dcap/quote.h"

namespace ratls::test {

/// When all that is made here is valid, in the middle of every period.
inline constexpr UnixTime kIntelNow = 1'748'779'200;  // 2025-06-01T12:00:00Z

/// P-256 keys, made once in a process.
struct IntelKeys {
    PrivateKey root, platform_ca, processor_ca, tcb_signer, pck, attestation, stranger;
};
const IntelKeys& intel_keys();

inline constexpr std::string_view kRootName = "Intel SGX Root CA";
inline constexpr std::string_view kPlatformCaName = "Intel SGX PCK Platform CA";
inline constexpr std::string_view kProcessorCaName = "Intel SGX PCK Processor CA";
inline constexpr std::string_view kTcbSignerName = "Intel SGX TCB Signing";
inline constexpr std::string_view kPckName = "Intel SGX PCK Certificate";

/// A Name as Intel writes it: "C=US, ST=CA, L=Santa Clara, O=Intel Corporation" and this CN.
Bytes intel_name(std::string_view common_name);

/// An Extension, whole. `oid` is the content of the OBJECT IDENTIFIER.
Bytes x509_extension(const Bytes& oid, bool critical, const Bytes& value);

/// One certificate of the profile. Source: Intel SGX PCK Certificate and CRL Profile
/// Specification, 1.3.
struct CertificateFields {
    std::string subject;  ///< commonName
    std::string issuer;   ///< commonName
    Bytes serial;         ///< content of the INTEGER
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    const PrivateKey* key = nullptr;     ///< of the subject
    const PrivateKey* signer = nullptr;  ///< of the issuer
    bool is_ca = false;
    int path_length = 0;            ///< of a CA; none if negative
    std::uint8_t key_usage = 0xc0;  ///< bit 0 is the highest bit
    Bytes sgx_extension = {};       ///< content of extnValue; none if empty
    std::vector<Bytes> more = {};   ///< more extensions, whole

    Bytes der() const;
};

struct CrlFields {
    std::string issuer;
    UnixTime this_update = 0;
    UnixTime next_update = 0;
    std::vector<Bytes> serials;  ///< content of the INTEGERs
    const PrivateKey* signer = nullptr;
    std::vector<Bytes> more = {};  ///< more extensions, whole

    Bytes der() const;
};

/// One field of the SGX extension, of its TCB or of its configuration: the number that ends its
/// OID, and the value as a whole element.
struct SgxField {
    unsigned number = 0;
    Bytes value;
};
std::vector<SgxField> sgx_fields(const dcap::Pck& pck);
std::vector<SgxField> tcb_fields(const dcap::Pck& pck);
std::vector<SgxField> configuration_fields(const dcap::Pck& pck);
/// `parent` is the number of the field that holds these; 0 for the extension itself.
Bytes encode_sgx_fields(unsigned parent, const std::vector<SgxField>& fields);

Bytes enclave_report(const dcap::EnclaveReport& report);
Bytes td_report(const dcap::TdReport& report);
/// Header and body. A TDX 1.5 report needs version 5.
Bytes quote_start(const dcap::Quote& quote);
/// The whole quote from its fields, as they are.
Bytes encode_quote(const dcap::Quote& quote);

/// The value of "tcbInfo", of "enclaveIdentity".
Json tcb_info_json(const dcap::TcbInfo& info);
Json qe_identity_json(const dcap::QeIdentity& identity);
/// {"NAME": VALUE, "signature": "..."}
std::string signed_document(std::string_view name, std::string_view value,
                            const PrivateKey& signer);

/// Replaces the first occurrence, which must exist.
void replace(std::string& text, std::string_view from, std::string_view to);

/// A platform with its certificates and what Intel says about it. All of it is good as it is made.
class IntelPlatform {
  public:
    /// Version 3 has quotes of SGX, 5 for TDX a report of TDX 1.5.
    explicit IntelPlatform(dcap::Tee tee = dcap::Tee::tdx, std::uint16_t version = 4);

    CertificateFields root, ca, leaf, tcb_signer;
    CrlFields root_crl, pck_crl;
    dcap::Pck pck;  ///< what the leaf says, unless it has an extension already
    dcap::TcbInfo tcb_info;
    dcap::QeIdentity qe_identity;
    dcap::Quote quote;
    const PrivateKey* tcb_info_signer;
    const PrivateKey* qe_identity_signer;
    const PrivateKey* qe_report_signer;
    const PrivateKey* quote_signer;

    /// What to change in bytes and texts. All but `quote` come before the signature.
    struct Edits {
        std::function<void(std::string& json)> tcb_info, qe_identity;
        std::function<void(Bytes& report)> qe_report;
        std::function<void(Bytes& start)> start;
        std::function<void(std::string& pem)> chain;
        std::function<void(Bytes& quote)> quote;
    };
    Edits edits;

    /// The certificates are those of the Processor CA, whose PCKs have fewer fields.
    void use_processor_ca();
    Bytes leaf_der() const;
    std::string chain_pem() const;  ///< leaf, CA, root
    std::string tcb_info_text() const;
    std::string qe_identity_text() const;
    /// The quote with all signatures.
    Bytes make_quote() const;
};

}  // namespace ratls::test
