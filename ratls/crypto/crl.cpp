#include "ratls/crypto/crl.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/crypto/x509_parts.h"

namespace ratls {
namespace {

constexpr std::string_view kName = "crl";

bool less(ByteView a, ByteView b) {
    return std::ranges::lexicographical_compare(a, b);
}

/// Extensions of a list or an entry: none of them changes our reading, so an unknown critical one,
/// which might, is refused. Source: RFC 5280, sections 5.2 and 5.3.
void read_extensions(der::Parser& list) {
    constexpr std::string_view kIssuingDistributionPoint = "2.5.29.28";
    while (list.ok() && !list.at_end()) {
        const Extension extension = x509::read_extension(list);
        if (extension.critical) {
            list.fail("extensions", extension.oid == kIssuingDistributionPoint
                                        ? "a partial list (issuingDistributionPoint)"
                                        : "critical extension " + extension.oid);
        }
    }
}

}  // namespace

Result<Crl> Crl::parse(ByteView der) {
    if (der.size() > kMaxBytes) {
        return fail(Code::too_large, "crl",
                    "at most " + std::to_string(kMaxBytes) + " bytes wanted");
    }
    Crl out;
    out.der_ = std::make_shared<const Bytes>(to_bytes(der));
    der::Parser outer(*out.der_, kName);
    der::Parser list = outer.sequence("CertificateList");
    out.tbs_ = list.whole(der::kSequence, "tbsCertList");
    const ByteView outer_algorithm = list.whole(der::kSequence, "signatureAlgorithm");
    const ByteView signature = list.element(der::kBitString, "signatureValue");
    outer.absorb(list);
    RATLS_CHECK(outer.finish());

    der::Parser tbs_outer(out.tbs_, kName);
    der::Parser tbs = tbs_outer.sequence("tbsCertList");
    if (tbs.uint("version") != 1) {
        tbs.fail("version", "version 2 wanted");
    }
    const ByteView inner_algorithm = tbs.whole(der::kSequence, "signature");
    out.issuer_ = tbs.whole(der::kSequence, "issuer");
    out.this_update_ = x509::read_time(tbs, "thisUpdate");
    out.next_update_ = x509::read_time(tbs, "nextUpdate");
    if (const auto revoked = tbs.optional(der::kSequence, "revokedCertificates")) {
        der::Parser entries = tbs.nested(*revoked);
        while (entries.ok() && !entries.at_end()) {
            der::Parser entry = entries.sequence("revokedCertificate");
            out.serials_.push_back(entry.element(der::kInteger, "userCertificate"));
            x509::read_time(entry, "revocationDate");
            if (!entry.at_end()) {
                der::Parser extensions = entry.sequence("crlEntryExtensions");
                read_extensions(extensions);
                entry.absorb(extensions);
            }
            entries.absorb(entry);
        }
        tbs.absorb(entries);
    }
    if (const auto explicit_extensions = tbs.optional(der::context(0), "crlExtensions")) {
        der::Parser wrapper = tbs.nested(*explicit_extensions);
        der::Parser extensions = wrapper.sequence("crlExtensions");
        read_extensions(extensions);
        wrapper.absorb(extensions);
        tbs.absorb(wrapper);
    }
    tbs_outer.absorb(tbs);
    RATLS_CHECK(tbs_outer.finish());
    if (!equal(outer_algorithm, inner_algorithm)) {
        return fail(Code::malformed, "crl: signatureAlgorithm", "differs inside and outside");
    }
    RATLS_TRY(out.scheme_, x509::read_scheme(inner_algorithm));
    if (signature.empty() || signature[0] != 0) {
        return fail(Code::malformed, "crl: signatureValue", "whole bytes wanted");
    }
    out.signature_ = signature.subspan(1);
    std::ranges::sort(out.serials_, less);
    return out;
}

bool Crl::lists(ByteView serial) const {
    return std::ranges::binary_search(serials_, serial, less);
}

Status Crl::verify_issued_by(const Certificate& issuer) const {
    constexpr std::uint16_t kCrlSign = 1U << 6;
    if (!equal(issuer_, issuer.subject())) {
        return fail(Code::untrusted, "crl", "issued by " + quoted(name_text(issuer_), 200));
    }
    if (issuer.key_usage() && (*issuer.key_usage() & kCrlSign) == 0) {
        return fail(Code::untrusted, "crl",
                    quoted(issuer.common_name()) + " may not sign revocation lists");
    }
    return x509::verify(issuer.public_key(), scheme_, tbs_, signature_);
}

}  // namespace ratls
