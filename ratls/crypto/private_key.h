// Private keys: made, stored as PEM, used for signing. Never copied, never printed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/secret.h"
#include "ratls/base/time.h"
#include "ratls/crypto/public_key.h"

namespace ratls {

/// An elliptic curve private key. Moves only.
class PrivateKey {
  public:
    /// A new key from the system's randomness; `kind` is p256 or p384.
    static Result<PrivateKey> generate(KeyKind kind);
    /// From PEM or DER: SEC1 or PKCS#8, without a password.
    static Result<PrivateKey> parse(ByteView file);

    PrivateKey(PrivateKey&&) noexcept;
    PrivateKey& operator=(PrivateKey&&) noexcept;
    ~PrivateKey();

    const PublicKey& public_key() const;
    /// PKCS#8-free SEC1 PEM text.
    Result<Secret> pem() const;
    /// r || s, each `coordinate_size` bytes, big-endian; deterministic (RFC 6979).
    Result<Bytes> sign_ecdsa(HashAlg alg, ByteView message) const;

    struct Impl;
    /// For the TLS adaptor and the certificate writer, which are mbedTLS code too.
    const Impl& impl() const { return *impl_; }

  private:
    explicit PrivateKey(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

struct SelfSignedRequest {
    std::string common_name;
    std::vector<std::string> dns_names;
    std::vector<Bytes> ip_addresses;  ///< 4 or 16 bytes each
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    std::string_view extension_oid;  ///< dotted; none if empty
    Bytes extension_value;           ///< content of extnValue; the extension is not critical
};

/// A self-signed end-entity certificate (DER): random 127-bit serial, CA:FALSE critical,
/// digitalSignature, serverAuth and clientAuth, the names as SAN, one extension of the caller's.
/// Source: RFC 5280; the profile's section "Certificate".
Result<Bytes> write_self_signed(const SelfSignedRequest& request, const PrivateKey& key);

}  // namespace ratls
