// The RA-TLS certificate of profile ratls-vm/1: read, checked, issued.
#pragma once

#include <string>
#include <vector>

#include "ratls/cert/binding.h"
#include "ratls/cert/collection.h"
#include "ratls/crypto/certificate.h"
#include "ratls/crypto/private_key.h"

namespace ratls::cert {

inline constexpr std::int64_t kMaxValiditySeconds = 24 * 60 * 60;
/// DER bytes of the whole chain: above the first a warning, above the second a refusal. TLS stacks
/// for small devices take 16 KiB for the whole Certificate message.
inline constexpr std::size_t kWarnBytes = std::size_t{12} << 10;
inline constexpr std::size_t kMaxChainBytes = std::size_t{15} << 10;

struct NativeCertificate {
    Certificate certificate;
    Collection collection;
    Claims claims;
};

/// True if the certificate has the extension at all, whatever is in it.
bool has_collection(const Certificate& certificate);

/// Reads the one id-pe-cmw extension: not critical, the CBOR alternative, collection, claims, and
/// the presence rules. Form only: `check_profile` and `check_binding` come next, and nothing here
/// looks at a report, a clock or a name.
Result<NativeCertificate> parse_native(const Certificate& certificate);

/// One check, whichever way it went, for the findings of a verifier.
struct Check {
    std::string_view part;  ///< "self-signed", "CA", "key", ...
    bool holds = false;
    std::string expected;
    std::string actual;
};

/// The form of the certificate: self-signed, no CA, P-256 or P-384, at most 24 hours, key usages.
std::vector<Check> check_profile(const Certificate& certificate, Role role = Role::server);

/// That claims and certificate are about the same key and the same time.
std::vector<Check> check_binding(const NativeCertificate& native);

/// The first check that failed, as an error at "certificate: PART".
Status require(const std::vector<Check>& checks);

/// Fails if a chain of so many DER bytes in all is too large for the profile.
Status check_chain_size(std::size_t der_bytes);

struct IssueRequest {
    std::vector<std::string> dns_names = {};
    std::vector<Bytes> ip_addresses = {};  ///< 4 or 16 bytes each
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    Collection collection;
};

/// A certificate (DER) that passes all checks above, for the key that the claims hash and the
/// validity that they say. Refused: what this library itself would refuse, no name at all, and more
/// than `kMaxChainBytes`. The commonName is the first DNS name of at most 64 characters, or
/// "ratls-vm".
Result<Bytes> issue(const IssueRequest& request, const PrivateKey& key);

}  // namespace ratls::cert
