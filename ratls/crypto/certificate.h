// X.509 certificates, read strictly.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/base/time.h"
#include "ratls/crypto/public_key.h"

namespace ratls {

struct Extension {
    std::string oid;  ///< dotted
    bool critical = false;
    ByteView value;  ///< content of extnValue
};

/// How a certificate is signed. Source: RFC 5280, 4.1.1.2; RFC 4055, 3.1; RFC 5758, 3.2.
struct SignatureScheme {
    /// `unsupported`: of an anchor, and never verified.
    enum class Kind : std::uint8_t { ecdsa, rsa_pkcs1, rsa_pss, unsupported };
    Kind kind = Kind::ecdsa;
    HashAlg hash = HashAlg::sha256;
    int salt_size = -1;  ///< kind rsa_pss

    friend bool operator==(const SignatureScheme&, const SignatureScheme&) = default;
};

/// A parsed X.509 v3 certificate. Form only: nothing here says that anybody should believe it.
/// It owns its bytes; all views point into them, and copies share everything.
class Certificate {
  public:
    static constexpr std::size_t kMaxBytes = 64 * 1024;

    /// One DER certificate that fills the input. Refused: another version than 3, an extension that
    /// occurs twice, two signature algorithms that differ, trailing bytes, DER that is not DER.
    /// Source: RFC 5280, section 4.1. A serial number 0 is allowed, since AMD uses it.
    static Result<Certificate> parse(ByteView der);
    /// The same for a certificate that is trusted as it is, so that its own signature says nothing:
    /// it may be of any algorithm, as SHA-1, and bytes 0xff or 0 may follow, as in an NV index.
    static Result<Certificate> parse_anchor(ByteView der);

    ByteView der() const { return parsed_->der; }
    ByteView serial() const { return parsed_->serial; }    ///< content of the INTEGER
    ByteView issuer() const { return parsed_->issuer; }    ///< DER Name
    ByteView subject() const { return parsed_->subject; }  ///< DER Name
    /// The value of the subject's one commonName; empty if there is none or more than one.
    std::string_view common_name() const { return parsed_->common_name; }
    UnixTime not_before() const { return parsed_->not_before; }
    UnixTime not_after() const { return parsed_->not_after; }
    const PublicKey& public_key() const { return *parsed_->public_key; }
    ByteView spki() const { return parsed_->spki; }  ///< as it stands in the certificate
    const SignatureScheme& scheme() const { return parsed_->scheme; }
    const std::vector<Extension>& extensions() const { return parsed_->extensions; }
    const Extension* extension(std::string_view oid) const;

    /// basicConstraints: CA. `path_length` is -1 if there is no limit.
    bool is_ca() const { return parsed_->is_ca; }
    int path_length() const { return parsed_->path_length; }
    /// keyUsage, bit 0 = digitalSignature ... bit 5 = keyCertSign, bit 6 = cRLSign; none if absent.
    std::optional<std::uint16_t> key_usage() const { return parsed_->key_usage; }
    const std::vector<std::string>& dns_names() const { return parsed_->dns_names; }
    const std::vector<Bytes>& ip_addresses() const {
        return parsed_->ip_addresses;
    }  ///< 4 or 16 bytes
    const std::vector<std::string>& extended_key_usages() const {
        return parsed_->extended_key_usages;
    }

    /// The signature, under this key. Nothing else.
    Status verify_signature(const PublicKey& key) const;

  private:
    struct Parsed {
        Bytes der;
        ByteView tbs, serial, issuer, subject, spki, signature;
        std::string_view common_name;
        UnixTime not_before = 0;
        UnixTime not_after = 0;
        std::optional<PublicKey> public_key;
        SignatureScheme scheme;
        std::vector<Extension> extensions;
        bool is_ca = false;
        int path_length = -1;
        std::optional<std::uint16_t> key_usage;
        std::vector<std::string> dns_names;
        std::vector<Bytes> ip_addresses;
        std::vector<std::string> extended_key_usages;

        Status parse_extensions(ByteView content);
        Status parse_known(const Extension& extension);
    };

    enum class Use : std::uint8_t { any, anchor };
    static Result<Certificate> parse(ByteView der, Use use);

    explicit Certificate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

    std::shared_ptr<const Parsed> parsed_;
};

namespace oid {
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kSubjectAltName = "2.5.29.17";
inline constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";
}  // namespace oid

/// The value of the one commonName of a DER Name; empty if there is none or more than one. A view
/// into `name`.
std::string_view common_name(ByteView name);

/// What a DER Name says, whatever the string types and the order of its attributes: equal for two
/// names that mean the same. Empty if it is malformed.
std::string name_key(ByteView name);

/// A DER Name as text for people: "CN=SEV-Milan, O=Advanced Micro Devices".
std::string name_text(ByteView name);

/// The one certificate of a file that names an anchor, PEM or DER.
Result<Certificate> parse_anchor_file(ByteView file);

/// All certificates of a file, PEM or DER.
Result<std::vector<Certificate>> parse_certificates(ByteView file);

/// That `issuer` may have issued `child` and did: names equal byte by byte, issuer is a CA that may
/// sign certificates, `cas_below` within its path length, no unknown critical extension in either,
/// signature. Not the dates, not `issuer`
/// itself, not whether anybody trusts it. Source: RFC 5280, section 6.1.
Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below);

/// Fails for a critical extension that nobody here understands. Source: RFC 5280, section 4.2.
Status refuse_unknown_critical(const Certificate& certificate);

/// notBefore <= time <= notAfter.
Status verify_dates(const Certificate& certificate, UnixTime time, std::string_view who);

}  // namespace ratls
