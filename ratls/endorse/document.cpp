#include "ratls/endorse/document.h"

#include <algorithm>
#include <array>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/endorsement/document.h"

namespace ratls::endorse {
namespace {

using endorsement::Collateral;
using endorsement::Document;

template <typename T>
Validity validity_of(const T& document) {
    return {document.issue_date, document.next_update};
}

/// The one document of a file, which must be a T.
template <typename T>
Result<T> read_one(ByteView content, std::string_view wanted) {
    RATLS_TRY(std::vector<Document> documents, endorsement::read_documents(content));
    T* document = documents.size() == 1 ? std::get_if<T>(documents.data()) : nullptr;
    if (document == nullptr) {
        return fail(Code::malformed, "document", std::string(wanted) + " wanted");
    }
    return std::move(*document);
}

Status check_id(dcap::Tee found, std::string_view wanted, std::string_view sgx,
                std::string_view tdx) {
    const std::string_view id = found == dcap::Tee::sgx ? sgx : tdx;
    if (id != wanted) {
        return fail(Code::mismatch, "id", quoted(wanted) + " wanted, " + quoted(id) + " found");
    }
    return {};
}

Result<Validity> tcb_info_validity(ByteView json, std::string_view id, ByteView fmspc) {
    RATLS_TRY(const auto info, read_one<Collateral<dcap::TcbInfo>>(json, "TCB info"));
    RATLS_CHECK(check_id(info.content->tee, id, "SGX", "TDX"));
    if (!equal(info.content->fmspc, fmspc)) {
        return fail(Code::mismatch, "fmspc",
                    hex(fmspc) + " wanted, " + hex(info.content->fmspc) + " found");
    }
    return validity_of(*info.content);
}

Result<Validity> qe_identity_validity(ByteView json, std::string_view id) {
    RATLS_TRY(const auto identity, read_one<Collateral<dcap::QeIdentity>>(json, "QE identity"));
    RATLS_CHECK(check_id(identity.content->tee, id, "QE", "TD_QE"));
    return validity_of(*identity.content);
}

/// Adds what the document should have been to an error.
Result<Validity> named(Result<Validity> validity, std::string_view what) {
    if (!validity) {
        return std::unexpected(std::move(validity).error().in(what));
    }
    return validity;
}

Kind kind_of(const Document& document) {
    constexpr std::array<Kind, 4> kKinds = {Kind::certificates, Kind::crl, Kind::tcb_info,
                                            Kind::qe_identity};
    return kKinds[document.index()];
}

Validity dates_of(const Document& document) {
    if (const auto* certificate = std::get_if<Certificate>(&document)) {
        return {certificate->not_before(), certificate->not_after()};
    }
    if (const auto* crl = std::get_if<Crl>(&document)) {
        return {crl->this_update(), crl->next_update()};
    }
    const auto* info = std::get_if<Collateral<dcap::TcbInfo>>(&document);
    return info != nullptr ? validity_of(*info->content)
                           : validity_of(*std::get<Collateral<dcap::QeIdentity>>(document).content);
}

}  // namespace

std::string_view kind_name(Kind kind) {
    switch (kind) {
        case Kind::certificates:
            return "certificates";
        case Kind::crl:
            return "crl";
        case Kind::tcb_info:
            return "tcb-info";
        case Kind::qe_identity:
            return "qe-identity";
    }
    return "";
}

Result<Description> describe(ByteView content) {
    RATLS_TRY(const std::vector<Document> documents, endorsement::read_documents(content));
    Description out{kind_of(documents.front()), dates_of(documents.front())};
    for (const Document& document : documents) {
        if (kind_of(document) != out.kind) {
            return fail(Code::malformed, "document",
                        "certificates and revocation lists in one file");
        }
        const Validity validity = dates_of(document);
        out.validity.not_before = std::max(out.validity.not_before, validity.not_before);
        out.validity.not_after = std::min(out.validity.not_after, validity.not_after);
    }
    return out;
}

Result<Validity> check_chain(ByteView pem, const std::vector<std::string>& names) {
    constexpr std::string_view kWhat = "certificate chain";
    if (endorsement::form_of(pem) != endorsement::Form::pem) {
        return fail(Code::malformed, std::string(kWhat), "PEM wanted");
    }
    auto documents = endorsement::read_documents(pem);
    if (!documents) {
        return std::unexpected(std::move(documents).error().in(kWhat));
    }
    if (documents->size() != names.size()) {
        return fail(Code::malformed, std::string(kWhat),
                    std::to_string(names.size()) + " certificates wanted, " +
                        std::to_string(documents->size()) + " found");
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto* certificate = std::get_if<Certificate>(&(*documents)[i]);
        const std::string_view found =
            certificate != nullptr ? certificate->common_name() : "a revocation list";
        if (found != names[i]) {
            return fail(Code::mismatch, std::string(kWhat),
                        quoted(names[i]) + " wanted, " + quoted(found) + " found");
        }
    }
    RATLS_TRY(const Description description, describe(pem));
    return description.validity;
}

Result<Validity> check_crl(ByteView der, std::string_view issuer) {
    constexpr std::string_view kWhat = "revocation list";
    auto crl = endorsement::form_of(der) == endorsement::Form::der
                   ? read_one<Crl>(der, "a revocation list")
                   : fail(Code::malformed, "form", "DER wanted");
    if (!crl) {
        return std::unexpected(std::move(crl).error().in(kWhat));
    }
    const std::string_view found = common_name(crl->issuer());
    if (found != issuer) {
        return fail(Code::mismatch, std::string(kWhat),
                    "one of " + quoted(issuer) + " wanted, of " + quoted(found) + " found");
    }
    return Validity{crl->this_update(), crl->next_update()};
}

Result<Validity> check_tcb_info(ByteView json, std::string_view id, ByteView fmspc) {
    return named(tcb_info_validity(json, id, fmspc), "TCB info");
}

Result<Validity> check_qe_identity(ByteView json, std::string_view id) {
    return named(qe_identity_validity(json, id), "QE identity");
}

Status check_current(const Validity& validity, UnixTime now) {
    if (now < validity.not_before) {
        return fail(Code::stale, "dates",
                    "valid from " + format_rfc3339(validity.not_before) + ", and it is " +
                        format_rfc3339(now));
    }
    if (now > validity.not_after) {
        return fail(Code::stale, "dates",
                    "valid until " + format_rfc3339(validity.not_after) + ", and it is " +
                        format_rfc3339(now));
    }
    return {};
}

}  // namespace ratls::endorse
