#include "ratls/crypto/x509_parts.h"

#include <algorithm>
#include <utility>

#include "ratls/base/text.h"

namespace ratls::x509 {
namespace {

constexpr std::string_view kName = "x509";

/// Object identifiers by the content of their DER, as text: they are compared for each certificate.
struct KnownScheme {
    std::string_view oid;
    SignatureScheme scheme;
};

constexpr std::array kSchemes = {
    // 1.2.840.10045.4.3.2 to 4
    KnownScheme{"\x2a\x86\x48\xce\x3d\x04\x03\x02",
                {SignatureScheme::Kind::ecdsa, HashAlg::sha256, -1}},
    KnownScheme{"\x2a\x86\x48\xce\x3d\x04\x03\x03",
                {SignatureScheme::Kind::ecdsa, HashAlg::sha384, -1}},
    KnownScheme{"\x2a\x86\x48\xce\x3d\x04\x03\x04",
                {SignatureScheme::Kind::ecdsa, HashAlg::sha512, -1}},
    // 1.2.840.113549.1.1.11 to 13
    KnownScheme{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b",
                {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha256, -1}},
    KnownScheme{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c",
                {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha384, -1}},
    KnownScheme{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d",
                {SignatureScheme::Kind::rsa_pkcs1, HashAlg::sha512, -1}},
};
constexpr std::array<std::string_view, 3> kSha1Schemes = {"1.2.840.113549.1.1.5",
                                                          "1.2.840.10045.4.1", "1.3.14.3.2.29"};
constexpr std::string_view kOidPss =
    "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";  // 1.2.840.113549.1.1.10
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
        return fail(Code::unsupported, "x509: RSASSA-PSS-params",
                    "SHA-256, 384 or 512, MGF1 with the same hash, a salt of at most 512 bytes "
                    "wanted");
    }
    return SignatureScheme{SignatureScheme::Kind::rsa_pss, *hash, static_cast<int>(salt)};
}

}  // namespace

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

Result<SignatureScheme> read_scheme(ByteView identifier) {
    der::Parser outer(identifier, kName);
    der::Parser algorithm = outer.sequence("signatureAlgorithm");
    const std::string_view oid = as_text(algorithm.element(der::kOid, "signatureAlgorithm"));
    SignatureScheme scheme;
    if (oid == kOidPss) {
        RATLS_TRY(scheme, read_pss(algorithm));
    } else {
        const auto* known = std::ranges::find(kSchemes, oid, &KnownScheme::oid);
        if (algorithm.ok() && known == kSchemes.end()) {
            RATLS_TRY(const std::string text, der::oid_text(as_bytes(oid)));
            const bool sha1 = std::ranges::find(kSha1Schemes, text) != kSha1Schemes.end();
            return fail(Code::unsupported, "x509: signatureAlgorithm",
                        quoted(text) + (sha1 ? ", with SHA-1, which is too weak" : ""));
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
    const std::string_view text = as_text(parser.element(utc ? kUtcTime : kGeneralizedTime, field));
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
        int number = 0;
        for (const char c : text.substr(at, count)) {
            number = number * 10 + (c - '0');
        }
        return number;
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

Extension read_extension(der::Parser& list) {
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
    return extension;
}

Status verify(const PublicKey& key, const SignatureScheme& scheme, ByteView message,
              ByteView signature) {
    switch (scheme.kind) {
        case SignatureScheme::Kind::ecdsa: {
            RATLS_TRY(const EcdsaSignature parts, parse_ecdsa_der(signature));
            return key.verify_ecdsa(scheme.hash, message, parts.r, parts.s);
        }
        case SignatureScheme::Kind::rsa_pkcs1:
            return key.verify_rsa_pkcs1(scheme.hash, message, signature);
        case SignatureScheme::Kind::rsa_pss:
            return key.verify_rsa_pss(scheme.hash, scheme.salt_size, message, signature);
        case SignatureScheme::Kind::unsupported:
            return fail(Code::untrusted, "x509",
                        "a signature of an algorithm that is not verified");
    }
    return fail(Code::internal, "x509", "no signature scheme");
}

}  // namespace ratls::x509
