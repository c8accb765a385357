#include "ratls/cert/native.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"

namespace ratls::cert {
namespace {

constexpr std::string_view kServerAuth = "1.3.6.1.5.5.7.3.1";
constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
constexpr std::uint16_t kDigitalSignature = 1U << 0;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280, ub-common-name
constexpr std::size_t kMaxDnsName = 253;

Check compare(std::string_view part, bool holds, std::string expected, std::string actual) {
    return {part, holds, std::move(expected), std::move(actual)};
}

Check check_self_signed(const Certificate& c) {
    constexpr std::string_view kPart = "self-signed";
    std::string expected = "its own name as issuer, signed with ECDSA by its own key";
    if (!equal(c.issuer(), c.subject())) {
        return compare(kPart, false, std::move(expected), "issuer " + name_text(c.issuer()));
    }
    if (c.scheme().kind != SignatureScheme::Kind::ecdsa || c.scheme().hash == HashAlg::sha1) {
        return compare(kPart, false, std::move(expected), "another signature algorithm");
    }
    const Status status = c.verify_signature(c.public_key());
    return compare(kPart, status.has_value(), std::move(expected),
                   status ? "as expected" : status.error().what);
}

Check check_not_ca(const Certificate& c) {
    const Extension* constraints = c.extension(oid::kBasicConstraints);
    const bool critical = constraints != nullptr && constraints->critical;
    return compare("CA", critical && !c.is_ca(), "basicConstraints critical, CA:FALSE",
                   constraints == nullptr ? "no basicConstraints"
                                          : std::string(critical ? "" : "not ") + "critical, " +
                                                (c.is_ca() ? "CA:TRUE" : "CA:FALSE"));
}

std::string join(const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& item : list) {
        out += (out.empty() ? "" : ", ") + item;
    }
    return out.empty() ? "none" : out;
}

std::string period(UnixTime from, UnixTime to) {
    return format_rfc3339(from) + " to " + format_rfc3339(to);
}

/// Letters, digits, hyphens and dots, a wildcard only as the whole first label.
bool is_dns_name(std::string_view name) {
    const std::string_view rest = name.starts_with("*.") ? name.substr(2) : name;
    return !rest.empty() && name.size() <= kMaxDnsName && rest.front() != '.' &&
           rest.back() != '.' && rest.find("..") == std::string_view::npos &&
           std::ranges::all_of(rest, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.';
           });
}

Status check_request(const IssueRequest& request) {
    if (request.dns_names.empty() && request.ip_addresses.empty()) {
        return fail(Code::usage, "certificate: names", "a DNS name or an address wanted");
    }
    for (const std::string& name : request.dns_names) {
        if (!is_dns_name(name)) {
            return fail(Code::usage, "certificate: names", quoted(name) + " is no DNS name");
        }
    }
    for (const Bytes& address : request.ip_addresses) {
        if (address.size() != 4 && address.size() != 16) {
            return fail(Code::usage, "certificate: names", "addresses of 4 or 16 bytes wanted");
        }
    }
    return {};
}

std::string common_name_for(const IssueRequest& request) {
    const auto fits = std::ranges::find_if(
        request.dns_names, [](const std::string& name) { return name.size() <= kMaxCommonName; });
    return fits == request.dns_names.end() ? "ratls-vm" : *fits;
}

}  // namespace

bool has_collection(const Certificate& certificate) {
    return certificate.extension(kCmwOid) != nullptr;
}

Result<NativeCertificate> parse_native(const Certificate& certificate) {
    // Certificate::parse has refused a second extension of the same kind.
    const Extension* extension = certificate.extension(kCmwOid);
    if (extension == nullptr) {
        return fail(Code::malformed, "certificate: extension",
                    "id-pe-cmw " + std::string(kCmwOid) + " wanted, not found");
    }
    if (extension->critical) {
        return fail(Code::malformed, "certificate: extension", "id-pe-cmw is critical");
    }
    der::Parser value(extension->value, "certificate: extension");
    const ByteView content = value.element(der::kOctetString, "CMW");
    RATLS_CHECK(value.finish());
    RATLS_TRY(Collection collection, parse_collection(content));
    RATLS_TRY(Claims claims, parse_claims(collection.claims_buffer));
    RATLS_CHECK(check_presence(collection, claims));
    return NativeCertificate{certificate, std::move(collection), std::move(claims)};
}

std::vector<Check> check_profile(const Certificate& c, Role role) {
    std::vector<Check> out;
    out.push_back(check_self_signed(c));
    out.push_back(check_not_ca(c));
    const Status critical = refuse_unknown_critical(c);
    out.push_back(compare("critical extensions", critical.has_value(), "only known ones",
                          critical ? "known" : critical.error().what));
    const KeyKind kind = c.public_key().kind();
    out.push_back(compare("key", kind == KeyKind::p256 || kind == KeyKind::p384, "P-256 or P-384",
                          std::string(key_kind_name(kind))));
    const UnixTime seconds = c.not_after() - c.not_before();
    out.push_back(compare("validity", seconds >= 0 && seconds <= kMaxValiditySeconds,
                          "0 to " + std::to_string(kMaxValiditySeconds) + " s",
                          std::to_string(seconds) + " s"));
    out.push_back(compare("key usage", c.key_usage() == kDigitalSignature, "digitalSignature alone",
                          c.key_usage() ? "bits " + std::to_string(*c.key_usage()) : "none"));
    const std::string_view usage = role == Role::server ? kServerAuth : kClientAuth;
    const std::vector<std::string> usages = c.extended_key_usages();
    out.push_back(compare("extended key usage", std::ranges::find(usages, usage) != usages.end(),
                          std::string(usage), join(usages)));
    return out;
}

std::vector<Check> check_binding(const NativeCertificate& native) {
    const Certificate& c = native.certificate;
    const Sha256Digest key = sha256(c.spki());
    std::vector<Check> out;
    out.push_back(compare("key hash", native.claims.pubkey_sha256 == key, hex(key),
                          hex(native.claims.pubkey_sha256)));
    out.push_back(compare(
        "claimed validity",
        native.claims.not_before == c.not_before() && native.claims.not_after == c.not_after(),
        period(c.not_before(), c.not_after()),
        period(native.claims.not_before, native.claims.not_after)));
    return out;
}

Status require(const std::vector<Check>& checks) {
    for (const Check& check : checks) {
        if (!check.holds) {
            return fail(Code::mismatch, "certificate: " + std::string(check.part),
                        check.expected + " wanted, " + check.actual + " found");
        }
    }
    return {};
}

Status check_chain_size(std::size_t der_bytes) {
    if (der_bytes > kMaxChainBytes) {
        return fail(Code::too_large, "certificate",
                    "at most " + std::to_string(kMaxChainBytes) + " bytes wanted, " +
                        std::to_string(der_bytes) + " found");
    }
    return {};
}

Result<Bytes> issue(const IssueRequest& request, const PrivateKey& key) {
    RATLS_CHECK(check_request(request));
    const SelfSignedRequest self_signed{
        .common_name = common_name_for(request),
        .dns_names = request.dns_names,
        .ip_addresses = request.ip_addresses,
        .not_before = request.not_before,
        .not_after = request.not_after,
        .extension_oid = kCmwOid,
        .extension_value = der::encode(der::kOctetString, encode_collection(request.collection)),
    };
    RATLS_CHECK(check_chain_size(self_signed.extension_value.size()));
    RATLS_TRY(Bytes der, write_self_signed(self_signed, key));
    RATLS_CHECK(check_chain_size(der.size()));
    RATLS_TRY(const Certificate certificate, Certificate::parse(der));
    RATLS_TRY(const NativeCertificate native, parse_native(certificate));
    RATLS_CHECK(require(check_profile(certificate, Role::server)));
    RATLS_CHECK(require(check_profile(certificate, Role::client)));
    RATLS_CHECK(require(check_binding(native)));
    return der;
}

}  // namespace ratls::cert
