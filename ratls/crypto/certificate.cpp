#include "ratls/crypto/certificate.h"

#include <algorithm>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/x509_parts.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxExtensions = 64;
constexpr std::string_view kName = "certificate";

using x509::read_oid;
using x509::read_scheme;
using x509::read_time;

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

    if (out.serial_.empty() || out.serial_.size() > 21 ||
        (out.serial_.size() > 1 && out.serial_[0] == 0 && (out.serial_[1] & 0x80) == 0)) {
        return fail(Code::malformed, "certificate: serialNumber",
                    "1 to 20 bytes in shortest form wanted");
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
        Extension extension = x509::read_extension(list);
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
                if (name.size() != 4 && name.size() != 16) {
                    names.fail("iPAddress", "4 or 16 bytes wanted");
                }
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
    return x509::verify(key, scheme_, tbs_, signature_);
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

Status refuse_unknown_critical(const Certificate& certificate) {
    constexpr std::array kKnown = {oid::kBasicConstraints, oid::kKeyUsage, oid::kSubjectAltName,
                                   oid::kExtendedKeyUsage};
    for (const Extension& extension : certificate.extensions()) {
        if (extension.critical && std::ranges::find(kKnown, extension.oid) == kKnown.end()) {
            return fail(Code::untrusted, "chain",
                        "unknown critical extension " + extension.oid + " in " +
                            quoted(common_name(certificate.subject())));
        }
    }
    return {};
}

Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below) {
    for (const Certificate* certificate : {&child, &issuer}) {
        RATLS_CHECK(refuse_unknown_critical(*certificate));
    }
    constexpr std::uint16_t kKeyCertSign = 1U << 5;
    const auto who = [&] { return quoted(common_name(issuer.subject())); };
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
                    quoted(common_name(child.subject())) + " is not signed by " + who());
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
