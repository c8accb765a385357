#include "ratls/crypto/certificate.h"

#include <algorithm>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/codec/der.h"
#include "ratls/codec/pem.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxExtensions = 64;
constexpr std::string_view kName = "certificate";

struct KnownScheme {
    std::string_view oid;
    SignatureScheme scheme;
};

constexpr std::array kSchemes = {
    KnownScheme{"1.2.840.10045.4.3.2", {SignatureScheme::Kind::ecdsa, HashAlg::sha256, -1}},
    KnownScheme{"1.2.840.10045.4.3.3", {SignatureScheme::Kind::ecdsa, HashAlg::sha384, -1}},
    KnownScheme{"1.2.840.10045.4.3.4", {SignatureScheme::Kind::ecdsa, HashAlg::sha512, -1}},
    KnownScheme{"1.2.840.113549.1.1.11", {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha256, -1}},
    KnownScheme{"1.2.840.113549.1.1.12", {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha384, -1}},
    KnownScheme{"1.2.840.113549.1.1.13", {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha512, -1}},
};
constexpr std::string_view kOidPss = "1.2.840.113549.1.1.10";
constexpr std::string_view kOidMgf1 = "1.2.840.113549.1.1.8";

std::optional<HashAlg> hash_from_oid(std::string_view oid) {
    constexpr std::array<std::pair<std::string_view, HashAlg>, 3> kHashes = {{
        {"2.16.840.1.101.3.4.2.1", HashAlg::sha256},
        {"2.16.840.1.101.3.4.2.2", HashAlg::sha384},
        {"2.16.840.1.101.3.4.2.3", HashAlg::sha512},
    }};
    for (const auto& [text, alg] : kHashes) {
        if (text == oid) {
            return alg;
        }
    }
    return std::nullopt;
}

std::string read_oid(der::Parser& parser, std::string_view field) {
    const ByteView content = parser.element(der::kOid, field);
    if (!parser.ok()) {
        return {};
    }
    auto text = der::oid_text(content);
    if (!text) {
        parser.fail(field, text.error().what);
        return {};
    }
    return *std::move(text);
}

/// AlgorithmIdentifier of a hash, whose parameters are absent or NULL (RFC 4055, section 2.1).
std::optional<HashAlg> read_hash(der::Parser& parser, std::string_view field) {
    der::Parser algorithm = parser.sequence(field);
    const std::string oid = read_oid(algorithm, field);
    algorithm.optional(der::kNull, "parameters");
    parser.absorb(algorithm);
    return hash_from_oid(oid);
}

/// RSASSA-PSS-params. Every field must be there, since the default hash is SHA-1; the trailer field
/// may be explicit if it says 1, as AMD writes it. Source: RFC 4055, section 3.1.
Result<SignatureScheme> read_pss(der::Parser& algorithm) {
    der::Parser params = algorithm.sequence("RSASSA-PSS-params");
    der::Parser hash_field = params.nested(params.element(der::context(0), "hashAlgorithm"));
    const auto hash = read_hash(hash_field, "hashAlgorithm");
    params.absorb(hash_field);
    der::Parser mgf_field = params.nested(params.element(der::context(1), "maskGenAlgorithm"));
    der::Parser mgf = mgf_field.sequence("maskGenAlgorithm");
    const std::string mgf_oid = read_oid(mgf, "maskGenAlgorithm");
    const auto mgf_hash = read_hash(mgf, "maskGenAlgorithm");
    mgf_field.absorb(mgf);
    params.absorb(mgf_field);
    der::Parser salt_field = params.nested(params.element(der::context(2), "saltLength"));
    const std::uint64_t salt = salt_field.uint("saltLength");
    params.absorb(salt_field);
    if (const auto trailer = params.optional(der::context(3), "trailerField")) {
        der::Parser trailer_field = params.nested(*trailer);
        if (trailer_field.uint("trailerField") != 1) {
            trailer_field.fail("trailerField", "1 wanted");
        }
        params.absorb(trailer_field);
    }
    algorithm.absorb(params);
    if (!algorithm.ok()) {
        return std::unexpected(algorithm.finish().error());
    }
    if (!hash || mgf_hash != hash || mgf_oid != kOidMgf1 || salt > 512) {
        return fail(Code::unsupported, "certificate: RSASSA-PSS-params",
                    "SHA-256, 384 or 512, MGF1 with the same hash wanted");
    }
    return SignatureScheme{SignatureScheme::Kind::rsa_pss, *hash, static_cast<int>(salt)};
}

Result<SignatureScheme> read_scheme(ByteView identifier) {
    der::Parser outer(identifier, kName);
    der::Parser algorithm = outer.sequence("signatureAlgorithm");
    const std::string oid = read_oid(algorithm, "signatureAlgorithm");
    SignatureScheme scheme;
    if (oid == kOidPss) {
        RATLS_TRY(scheme, read_pss(algorithm));
    } else {
        const auto* known = std::ranges::find(kSchemes, oid, &KnownScheme::oid);
        if (algorithm.ok() && known == kSchemes.end()) {
            return fail(Code::unsupported, "certificate: signatureAlgorithm", quoted(oid));
        }
        if (known != kSchemes.end()) {
            scheme = known->scheme;
            if (scheme.kind == SignatureScheme::Kind::rsa_pkcs1) {
                algorithm.optional(der::kNull, "parameters");
            }
        }
    }
    outer.absorb(algorithm);
    RATLS_CHECK(outer.finish());
    return scheme;
}

UnixTime read_time(der::Parser& parser, std::string_view field) {
    constexpr std::uint8_t kUtcTime = 0x17;
    constexpr std::uint8_t kGeneralizedTime = 0x18;
    const bool utc = parser.peek() == kUtcTime;
    const std::string_view text =
        as_text(parser.element(utc ? kUtcTime : kGeneralizedTime, field));
    const std::size_t year_digits = utc ? 2 : 4;
    if (!parser.ok()) {
        return 0;
    }
    const bool form = text.size() == year_digits + 11 && text.back() == 'Z' &&
                      std::ranges::all_of(text.substr(0, text.size() - 1),
                                          [](char c) { return c >= '0' && c <= '9'; });
    if (!form) {
        parser.fail(field, "YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ wanted");
        return 0;
    }
    const auto digits = [&](std::size_t at, std::size_t count) {
        return std::stoi(std::string(text.substr(at, count)));
    };
    int year = digits(0, year_digits);
    if (utc) {
        year += year < 50 ? 2000 : 1900;  // RFC 5280, 4.1.2.5.1
    }
    const auto time = make_time(year, digits(year_digits, 2), digits(year_digits + 2, 2),
                                digits(year_digits + 4, 2), digits(year_digits + 6, 2),
                                digits(year_digits + 8, 2));
    if (!time) {
        parser.fail(field, time.error().what);
        return 0;
    }
    return *time;
}

/// Calls `visit(oid, value)` for each attribute of a Name; the value is shown as text.
template <typename Visit>
Status walk_name(ByteView name, Visit visit) {
    constexpr std::uint8_t kSet = 0x31;
    der::Parser outer(name, "name");
    der::Parser rdns = outer.sequence("RDNSequence");
    while (rdns.ok() && !rdns.at_end()) {
        der::Parser rdn = rdns.nested(rdns.element(kSet, "RelativeDistinguishedName"));
        while (rdn.ok() && !rdn.at_end()) {
            der::Parser attribute = rdn.sequence("AttributeTypeAndValue");
            const std::string oid = read_oid(attribute, "type");
            const auto tag = attribute.peek();
            const ByteView value = attribute.element(tag.value_or(0), "value");
            rdn.absorb(attribute);
            if (rdn.ok()) {
                visit(oid, as_text(value));
            }
        }
        rdns.absorb(rdn);
    }
    outer.absorb(rdns);
    return outer.finish();
}

}  // namespace

Result<Certificate> Certificate::parse(ByteView der) {
    if (der.size() > kMaxBytes) {
        return fail(Code::too_large, "certificate",
                    "at most " + std::to_string(kMaxBytes) + " bytes wanted");
    }
    Certificate out;
    out.der_ = std::make_shared<const Bytes>(to_bytes(der));
    der::Parser outer(*out.der_, kName);
    der::Parser certificate = outer.sequence("Certificate");
    out.tbs_ = certificate.whole(der::kSequence, "tbsCertificate");
    const ByteView outer_algorithm = certificate.whole(der::kSequence, "signatureAlgorithm");
    const ByteView signature = certificate.element(der::kBitString, "signatureValue");
    outer.absorb(certificate);
    RATLS_CHECK(outer.finish());

    der::Parser tbs_outer(out.tbs_, kName);
    der::Parser tbs = tbs_outer.sequence("tbsCertificate");
    der::Parser version = tbs.nested(tbs.element(der::context(0), "version"));
    if (version.uint("version") != 2) {
        version.fail("version", "version 3 wanted");
    }
    tbs.absorb(version);
    out.serial_ = tbs.element(der::kInteger, "serialNumber");
    const ByteView inner_algorithm = tbs.whole(der::kSequence, "signature");
    out.issuer_ = tbs.whole(der::kSequence, "issuer");
    der::Parser validity = tbs.sequence("validity");
    out.not_before_ = read_time(validity, "notBefore");
    out.not_after_ = read_time(validity, "notAfter");
    tbs.absorb(validity);
    out.subject_ = tbs.whole(der::kSequence, "subject");
    out.spki_ = tbs.whole(der::kSequence, "subjectPublicKeyInfo");
    tbs.optional(0x81, "issuerUniqueID");
    tbs.optional(0x82, "subjectUniqueID");
    const auto extensions = tbs.optional(der::context(3), "extensions");
    tbs_outer.absorb(tbs);
    RATLS_CHECK(tbs_outer.finish());

    if (out.serial_.empty() || out.serial_.size() > 21) {
        return fail(Code::malformed, "certificate: serialNumber", "1 to 20 bytes wanted");
    }
    if (!equal(outer_algorithm, inner_algorithm)) {
        return fail(Code::malformed, "certificate: signatureAlgorithm",
                    "differs between certificate and tbsCertificate");
    }
    RATLS_TRY(out.scheme_, read_scheme(inner_algorithm));
    if (signature.empty() || signature[0] != 0) {
        return fail(Code::malformed, "certificate: signatureValue", "whole bytes wanted");
    }
    out.signature_ = signature.subspan(1);
    auto key = PublicKey::from_spki(out.spki_);
    if (!key) {
        return std::unexpected(std::move(key).error().in(kName));
    }
    out.public_key_ = *std::move(key);
    for (const ByteView name : {out.issuer_, out.subject_}) {
        if (auto status = walk_name(name, [](const auto&, auto) {}); !status) {
            return std::unexpected(std::move(status).error().in(kName));
        }
    }
    if (extensions) {
        RATLS_CHECK(out.parse_extensions(*extensions));
    }
    return out;
}

Status Certificate::parse_extensions(ByteView content) {
    der::Parser outer(content, kName);
    der::Parser list = outer.sequence("extensions");
    while (list.ok() && !list.at_end()) {
        der::Parser item = list.sequence("extension");
        Extension extension;
        extension.oid = read_oid(item, "extnID");
        if (const auto critical = item.optional(der::kBoolean, "critical")) {
            if (critical->size() != 1 || (*critical)[0] != 0xff) {
                item.fail("critical", "TRUE or absent wanted");
            }
            extension.critical = true;
        }
        extension.value = item.element(der::kOctetString, "extnValue");
        list.absorb(item);
        if (!list.ok()) {
            break;
        }
        if (this->extension(extension.oid) != nullptr) {
            return fail(Code::malformed, "certificate: extensions",
                        "extension " + extension.oid + " occurs twice");
        }
        if (extensions_.size() == kMaxExtensions) {
            return fail(Code::too_large, "certificate: extensions", "more than 64");
        }
        RATLS_CHECK(parse_known(extension));
        extensions_.push_back(std::move(extension));
    }
    outer.absorb(list);
    return outer.finish();
}

Status Certificate::parse_known(const Extension& extension) {
    der::Parser value(extension.value, kName);
    if (extension.oid == oid::kBasicConstraints) {
        der::Parser constraints = value.sequence("basicConstraints");
        if (const auto ca = constraints.optional(der::kBoolean, "cA")) {
            // FALSE is the default and so must not be written, but widely is.
            if (ca->size() != 1 || ((*ca)[0] != 0xff && (*ca)[0] != 0)) {
                constraints.fail("cA", "a boolean wanted");
            }
            is_ca_ = !ca->empty() && (*ca)[0] == 0xff;
        }
        if (!constraints.at_end()) {
            const std::uint64_t length = constraints.uint("pathLenConstraint");
            if (!is_ca_ || length > 16) {
                constraints.fail("pathLenConstraint", "0 to 16, and only for a CA, wanted");
            }
            path_length_ = static_cast<int>(std::min<std::uint64_t>(length, 16));
        }
        value.absorb(constraints);
    } else if (extension.oid == oid::kKeyUsage) {
        const ByteView bits = value.element(der::kBitString, "keyUsage");
        if (bits.size() < 2 || bits.size() > 3 || bits[0] > 7) {
            value.fail("keyUsage", "1 to 16 bits wanted");
        } else {
            std::uint16_t usage = 0;
            for (unsigned bit = 0; bit < 8 * (bits.size() - 1); ++bit) {
                if (((bits[1 + bit / 8] >> (7 - bit % 8)) & 1) != 0) {
                    usage = static_cast<std::uint16_t>(usage | (1U << bit));
                }
            }
            key_usage_ = usage;
        }
    } else if (extension.oid == oid::kSubjectAltName) {
        constexpr std::uint8_t kDns = 0x82;
        constexpr std::uint8_t kIp = 0x87;
        der::Parser names = value.sequence("subjectAltName");
        while (names.ok() && !names.at_end()) {
            const std::uint8_t tag = names.peek().value_or(0);
            const ByteView name = names.element(tag, "GeneralName");
            if (tag == kDns) {
                dns_names_.emplace_back(as_text(name));
            } else if (tag == kIp) {
                ip_addresses_.push_back(to_bytes(name));
            }
        }
        value.absorb(names);
    } else if (extension.oid == oid::kExtendedKeyUsage) {
        der::Parser usages = value.sequence("extKeyUsage");
        while (usages.ok() && !usages.at_end()) {
            extended_key_usages_.push_back(read_oid(usages, "KeyPurposeId"));
        }
        value.absorb(usages);
    } else {
        return {};
    }
    return value.finish();
}

const Extension* Certificate::extension(std::string_view oid) const {
    const auto found = std::ranges::find(extensions_, oid, &Extension::oid);
    return found == extensions_.end() ? nullptr : &*found;
}

Status Certificate::verify_signature(const PublicKey& key) const {
    switch (scheme_.kind) {
        case SignatureScheme::Kind::ecdsa: {
            RATLS_TRY(const EcdsaSignature signature, parse_ecdsa_der(signature_));
            return key.verify_ecdsa(scheme_.hash, tbs_, signature.r, signature.s);
        }
        case SignatureScheme::Kind::rsa_pkcs1:
            return key.verify_rsa_pkcs1(scheme_.hash, tbs_, signature_);
        case SignatureScheme::Kind::rsa_pss:
            return key.verify_rsa_pss(scheme_.hash, scheme_.salt_size, tbs_, signature_);
    }
    return fail(Code::internal, "certificate", "no signature scheme");
}

std::string common_name(ByteView name) {
    std::string out;
    int count = 0;
    const auto status = walk_name(name, [&](const std::string& oid, std::string_view value) {
        if (oid == "2.5.4.3") {
            out = value;
            ++count;
        }
    });
    return status && count == 1 ? out : std::string();
}

std::string name_text(ByteView name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kShort = {{
        {"2.5.4.3", "CN"},
        {"2.5.4.6", "C"},
        {"2.5.4.7", "L"},
        {"2.5.4.8", "ST"},
        {"2.5.4.10", "O"},
        {"2.5.4.11", "OU"},
    }};
    std::string out;
    const auto status = walk_name(name, [&](const std::string& oid, std::string_view value) {
        const auto* known =
            std::ranges::find(kShort, std::string_view(oid), [](const auto& p) { return p.first; });
        const std::string shown = quoted(value);
        out += (out.empty() ? "" : ", ") +
               std::string(known == kShort.end() ? std::string_view(oid) : known->second) + "=" +
               shown.substr(1, shown.size() - 2);
    });
    return status ? out : "(malformed)";
}

Result<std::vector<Certificate>> parse_certificates(ByteView file) {
    std::vector<Certificate> out;
    if (!looks_like_pem(file)) {
        RATLS_TRY(Certificate certificate, Certificate::parse(file));
        out.push_back(std::move(certificate));
        return out;
    }
    RATLS_TRY(const std::vector<PemBlock> blocks, parse_pem(as_text(file)));
    for (const PemBlock& block : blocks) {
        if (block.label == "CERTIFICATE") {
            RATLS_TRY(Certificate certificate, Certificate::parse(block.der));
            out.push_back(std::move(certificate));
        }
    }
    if (out.empty()) {
        return fail(Code::malformed, "certificate", "no CERTIFICATE block");
    }
    return out;
}

Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below) {
    constexpr std::uint16_t kKeyCertSign = 1U << 5;
    const std::string who = quoted(common_name(issuer.subject()));
    if (!equal(child.issuer(), issuer.subject())) {
        return fail(Code::untrusted, "chain",
                    "issuer " + quoted(name_text(child.issuer()), 200) + " wanted, " + who + " found");
    }
    if (!issuer.is_ca()) {
        return fail(Code::untrusted, "chain", who + " is not a CA");
    }
    if (issuer.key_usage() && (*issuer.key_usage() & kKeyCertSign) == 0) {
        return fail(Code::untrusted, "chain", who + " may not sign certificates");
    }
    if (issuer.path_length() >= 0 && cas_below > issuer.path_length()) {
        return fail(Code::untrusted, "chain", "path too long below " + who);
    }
    if (auto status = child.verify_signature(issuer.public_key()); !status) {
        return fail(Code::untrusted, "chain",
                    quoted(common_name(child.subject())) + " is not signed by " + who);
    }
    return {};
}

Status verify_dates(const Certificate& certificate, UnixTime time, std::string_view who) {
    if (time < certificate.not_before() || time > certificate.not_after()) {
        return fail(Code::stale, std::string(who),
                    "valid from " + format_rfc3339(certificate.not_before()) + " to " +
                        format_rfc3339(certificate.not_after()) + ", verified at " +
                        format_rfc3339(time));
    }
    return {};
}

}  // namespace ratls
