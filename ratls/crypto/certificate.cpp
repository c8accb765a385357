#include "ratls/crypto/certificate.h"

#include <algorithm>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/x509_parts.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxExtensions = 64;
constexpr std::string_view kName = "certificate";

using x509::read_oid;
using x509::read_scheme;
using x509::read_time;

constexpr std::array<std::uint8_t, 2> kOidX520 = {0x55, 0x04};  // 2.5.4
constexpr std::array<std::uint8_t, 3> kOidCommonName = {0x55, 0x04, 0x03};

/// Calls `visit(oid, value)` for each attribute of a Name, with the content of its type; the value
/// is shown as text.
template <typename Visit>
Status walk_name(ByteView name, Visit visit) {
    constexpr std::uint8_t kSet = 0x31;
    der::Parser outer(name, "name");
    der::Parser rdns = outer.sequence("RDNSequence");
    while (rdns.ok() && !rdns.at_end()) {
        der::Parser rdn = rdns.nested(rdns.element(kSet, "RelativeDistinguishedName"));
        while (rdn.ok() && !rdn.at_end()) {
            der::Parser attribute = rdn.sequence("AttributeTypeAndValue");
            const ByteView oid = attribute.element(der::kOid, "type");
            if (auto status = der::check_oid(oid); attribute.ok() && !status) {
                attribute.fail("type", status.error().what);
            }
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

/// Empty if there is none or more than one.
Result<std::string_view> find_common_name(ByteView name) {
    std::string_view out;
    int count = 0;
    auto status = walk_name(name, [&](ByteView oid, std::string_view value) {
        if (equal(oid, kOidCommonName)) {
            out = value;
            ++count;
        }
    });
    if (!status) {
        return std::unexpected(std::move(status).error().in(kName));
    }
    return count == 1 ? out : std::string_view();
}

}  // namespace

Result<Certificate> Certificate::parse(ByteView der) {
    return parse(der, Use::any);
}

Result<Certificate> Certificate::parse_anchor(ByteView der) {
    der::Parser outer(der, kName);
    const ByteView whole = outer.whole(der::kSequence, "Certificate");
    const ByteView rest = outer.ok() ? der.subspan(whole.size()) : ByteView();
    const bool padded = !rest.empty() && (rest[0] == 0 || rest[0] == 0xff) &&
                        std::ranges::all_of(rest, [&](std::uint8_t b) { return b == rest[0]; });
    return parse(padded ? whole : der, Use::anchor);
}

Result<Certificate> Certificate::parse(ByteView der, Use use) {
    if (der.size() > kMaxBytes) {
        return fail(Code::too_large, "certificate",
                    "at most " + std::to_string(kMaxBytes) + " bytes wanted");
    }
    const auto parsed = std::make_shared<Parsed>();
    Parsed& out = *parsed;
    out.der = to_bytes(der);
    der::Parser outer(out.der, kName);
    der::Parser certificate = outer.sequence("Certificate");
    out.tbs = certificate.whole(der::kSequence, "tbsCertificate");
    const ByteView outer_algorithm = certificate.whole(der::kSequence, "signatureAlgorithm");
    const ByteView signature = certificate.element(der::kBitString, "signatureValue");
    outer.absorb(certificate);
    RATLS_CHECK(outer.finish());

    der::Parser tbs_outer(out.tbs, kName);
    der::Parser tbs = tbs_outer.sequence("tbsCertificate");
    der::Parser version = tbs.nested(tbs.element(der::context(0), "version"));
    if (version.uint("version") != 2) {
        version.fail("version", "version 3 wanted");
    }
    tbs.absorb(version);
    out.serial = tbs.element(der::kInteger, "serialNumber");
    const ByteView inner_algorithm = tbs.whole(der::kSequence, "signature");
    out.issuer = tbs.whole(der::kSequence, "issuer");
    der::Parser validity = tbs.sequence("validity");
    out.not_before = read_time(validity, "notBefore");
    out.not_after = read_time(validity, "notAfter");
    tbs.absorb(validity);
    out.subject = tbs.whole(der::kSequence, "subject");
    out.spki = tbs.whole(der::kSequence, "subjectPublicKeyInfo");
    tbs.optional(0x81, "issuerUniqueID");
    tbs.optional(0x82, "subjectUniqueID");
    const auto extensions = tbs.optional(der::context(3), "extensions");
    tbs_outer.absorb(tbs);
    RATLS_CHECK(tbs_outer.finish());

    if (out.serial.empty() || out.serial.size() > 21 ||
        (out.serial.size() > 1 && out.serial[0] == 0 && (out.serial[1] & 0x80) == 0)) {
        return fail(Code::malformed, "certificate: serialNumber",
                    "1 to 20 bytes in shortest form wanted");
    }
    if (!equal(outer_algorithm, inner_algorithm)) {
        return fail(Code::malformed, "certificate: signatureAlgorithm",
                    "differs between certificate and tbsCertificate");
    }
    if (auto scheme = read_scheme(inner_algorithm)) {
        out.scheme = *scheme;
    } else if (use == Use::anchor && scheme.error().code == Code::unsupported) {
        out.scheme.kind = SignatureScheme::Kind::unsupported;
    } else {
        return std::unexpected(std::move(scheme).error());
    }
    if (signature.empty() || signature[0] != 0) {
        return fail(Code::malformed, "certificate: signatureValue", "whole bytes wanted");
    }
    out.signature = signature.subspan(1);
    auto key = PublicKey::from_spki(out.spki);
    if (!key) {
        return std::unexpected(std::move(key).error().in(kName));
    }
    out.public_key = *std::move(key);
    if (auto status = walk_name(out.issuer, [](auto, auto) {}); !status) {
        return std::unexpected(std::move(status).error().in(kName));
    }
    RATLS_TRY(out.common_name, find_common_name(out.subject));
    if (extensions) {
        RATLS_CHECK(out.parse_extensions(*extensions));
    }
    return Certificate(parsed);
}

Status Certificate::Parsed::parse_extensions(ByteView content) {
    der::Parser outer(content, kName);
    der::Parser list = outer.sequence("extensions");
    while (list.ok() && !list.at_end()) {
        Extension extension = x509::read_extension(list);
        if (!list.ok()) {
            break;
        }
        if (std::ranges::find(extensions, extension.oid, &Extension::oid) != extensions.end()) {
            return fail(Code::malformed, "certificate: extensions",
                        "extension " + extension.oid + " occurs twice");
        }
        if (extensions.size() == kMaxExtensions) {
            return fail(Code::too_large, "certificate: extensions", "more than 64");
        }
        RATLS_CHECK(parse_known(extension));
        extensions.push_back(std::move(extension));
    }
    outer.absorb(list);
    return outer.finish();
}

Status Certificate::Parsed::parse_known(const Extension& extension) {
    der::Parser value(extension.value, kName);
    if (extension.oid == oid::kBasicConstraints) {
        der::Parser constraints = value.sequence("basicConstraints");
        if (const auto ca = constraints.optional(der::kBoolean, "cA")) {
            // FALSE is the default and so must not be written, but widely is.
            if (ca->size() != 1 || ((*ca)[0] != 0xff && (*ca)[0] != 0)) {
                constraints.fail("cA", "a boolean wanted");
            }
            is_ca = !ca->empty() && (*ca)[0] == 0xff;
        }
        if (!constraints.at_end()) {
            const std::uint64_t length = constraints.uint("pathLenConstraint");
            if (!is_ca || length > 16) {
                constraints.fail("pathLenConstraint", "0 to 16, and only for a CA, wanted");
            }
            path_length = static_cast<int>(std::min<std::uint64_t>(length, 16));
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
            key_usage = usage;
        }
    } else if (extension.oid == oid::kSubjectAltName) {
        constexpr std::uint8_t kDns = 0x82;
        constexpr std::uint8_t kIp = 0x87;
        der::Parser names = value.sequence("subjectAltName");
        while (names.ok() && !names.at_end()) {
            const std::uint8_t tag = names.peek().value_or(0);
            const ByteView name = names.element(tag, "GeneralName");
            if (tag == kDns) {
                dns_names.emplace_back(as_text(name));
            } else if (tag == kIp) {
                if (name.size() != 4 && name.size() != 16) {
                    names.fail("iPAddress", "4 or 16 bytes wanted");
                }
                ip_addresses.push_back(to_bytes(name));
            }
        }
        value.absorb(names);
    } else if (extension.oid == oid::kExtendedKeyUsage) {
        der::Parser usages = value.sequence("extKeyUsage");
        while (usages.ok() && !usages.at_end()) {
            extended_key_usages.push_back(read_oid(usages, "KeyPurposeId"));
        }
        value.absorb(usages);
    } else {
        return {};
    }
    return value.finish();
}

const Extension* Certificate::extension(std::string_view oid) const {
    const auto found = std::ranges::find(extensions(), oid, &Extension::oid);
    return found == extensions().end() ? nullptr : &*found;
}

Status Certificate::verify_signature(const PublicKey& key) const {
    return x509::verify(key, scheme(), parsed_->tbs, parsed_->signature);
}

std::string_view common_name(ByteView name) {
    return find_common_name(name).value_or(std::string_view());
}

std::string name_key(ByteView name) {
    std::vector<std::string> attributes;
    const auto status = walk_name(name, [&](ByteView oid, std::string_view value) {
        std::string attribute = hex(oid);
        attribute += '=';
        attribute += hex(as_bytes(value));
        attributes.push_back(std::move(attribute));
    });
    std::string out;
    if (status) {
        std::ranges::sort(attributes);
        for (const std::string& attribute : attributes) {
            out += attribute + ",";
        }
    }
    return out;
}

std::string name_text(ByteView name) {
    // By the last arc of 2.5.4.x.
    constexpr std::array<std::pair<std::uint8_t, std::string_view>, 6> kShort = {
        {{3, "CN"}, {6, "C"}, {7, "L"}, {8, "ST"}, {10, "O"}, {11, "OU"}}};
    std::string out;
    const auto status = walk_name(name, [&](ByteView content, std::string_view value) {
        const bool of_x520 = content.size() == 3 && equal(content.first(2), kOidX520);
        const auto* known =
            of_x520 ? std::ranges::find(kShort, content[2], [](const auto& p) { return p.first; })
                    : kShort.end();
        out += out.empty() ? "" : ", ";
        out += known == kShort.end() ? der::oid_text(content).value_or("?")
                                     : std::string(known->second);
        out += '=';
        out += std::string_view(quoted(value)).substr(1);
        out.pop_back();
    });
    return status ? out : "(malformed)";
}

Result<Certificate> parse_anchor_file(ByteView file) {
    if (!looks_like_pem(file)) {
        return Certificate::parse_anchor(file);
    }
    RATLS_TRY(const std::vector<PemBlock> blocks, parse_pem(as_text(file)));
    if (blocks.size() != 1 || blocks.front().label != "CERTIFICATE") {
        return fail(
            Code::malformed, "certificate",
            "one CERTIFICATE block wanted, " + std::to_string(blocks.size()) + " blocks found");
    }
    return Certificate::parse_anchor(blocks.front().der);
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

Status refuse_unknown_critical(const Certificate& certificate) {
    constexpr std::array kKnown = {oid::kBasicConstraints, oid::kKeyUsage, oid::kSubjectAltName,
                                   oid::kExtendedKeyUsage};
    for (const Extension& extension : certificate.extensions()) {
        if (extension.critical && std::ranges::find(kKnown, extension.oid) == kKnown.end()) {
            return fail(Code::untrusted, "chain",
                        "unknown critical extension " + extension.oid + " in " +
                            quoted(certificate.common_name()));
        }
    }
    return {};
}

Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below) {
    for (const Certificate* certificate : {&child, &issuer}) {
        RATLS_CHECK(refuse_unknown_critical(*certificate));
    }
    constexpr std::uint16_t kKeyCertSign = 1U << 5;
    const auto who = [&] { return quoted(issuer.common_name()); };
    if (!equal(child.issuer(), issuer.subject())) {
        return fail(
            Code::untrusted, "chain",
            "issuer " + quoted(name_text(child.issuer()), 200) + " wanted, " + who() + " found");
    }
    if (!issuer.is_ca()) {
        return fail(Code::untrusted, "chain", who() + " is not a CA");
    }
    if (issuer.key_usage() && (*issuer.key_usage() & kKeyCertSign) == 0) {
        return fail(Code::untrusted, "chain", who() + " may not sign certificates");
    }
    if (issuer.path_length() >= 0 && cas_below > issuer.path_length()) {
        return fail(Code::untrusted, "chain", "path too long below " + who());
    }
    if (auto status = child.verify_signature(issuer.public_key()); !status) {
        return fail(Code::untrusted, "chain",
                    quoted(child.common_name()) + " is not signed by " + who());
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
