#include "ratls/endorse/document.h"

#include <limits>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/crl.h"

namespace ratls::endorse {
namespace {

constexpr std::size_t kSignatureSize = 64;  // R and S of P-256
constexpr unsigned kMaxDepth = 16;

Validity common_validity(const std::vector<Certificate>& certificates) {
    Validity out{std::numeric_limits<UnixTime>::min(), std::numeric_limits<UnixTime>::max()};
    for (const Certificate& certificate : certificates) {
        out.not_before = std::max(out.not_before, certificate.not_before());
        out.not_after = std::min(out.not_after, certificate.not_after());
    }
    return out;
}

Result<std::string> string_member(const Json& object, std::string_view key) {
    const Json* member = object.find(key);
    if (member == nullptr || member->if_string() == nullptr) {
        return fail(Code::malformed, std::string(key), "a string wanted");
    }
    return *member->if_string();
}

Result<UnixTime> time_member(const Json& object, std::string_view key) {
    RATLS_TRY(const std::string text, string_member(object, key));
    auto time = parse_rfc3339(text);
    if (!time) {
        return std::unexpected(std::move(time).error().in(key));
    }
    return time;
}

/// The object that Intel signed, once its signature has the right form.
Result<Json> signed_object(ByteView text, std::string_view key) {
    RATLS_TRY(const Json json,
              parse_json(as_text(text), {.max_bytes = kMaxDocument, .max_depth = kMaxDepth}));
    RATLS_TRY(const std::string signature, string_member(json, "signature"));
    if (auto bytes = parse_hex(signature, kSignatureSize); !bytes) {
        return std::unexpected(std::move(bytes).error().in("signature"));
    }
    const Json* object = json.find(key);
    if (object == nullptr || object->if_object() == nullptr) {
        return fail(Code::malformed, std::string(key), "an object wanted");
    }
    return *object;
}

Result<Validity> json_validity(const Json& object) {
    Validity out;
    RATLS_TRY(out.not_before, time_member(object, "issueDate"));
    RATLS_TRY(out.not_after, time_member(object, "nextUpdate"));
    return out;
}

Status check_id(const Json& object, std::string_view wanted) {
    RATLS_TRY(const std::string id, string_member(object, "id"));
    if (id != wanted) {
        return fail(Code::mismatch, "id", quoted(wanted) + " wanted, " + quoted(id) + " found");
    }
    return {};
}

Result<Validity> tcb_info_validity(ByteView json, std::string_view id, ByteView fmspc) {
    RATLS_TRY(const Json info, signed_object(json, "tcbInfo"));
    RATLS_CHECK(check_id(info, id));
    RATLS_TRY(const std::string found, string_member(info, "fmspc"));
    const auto bytes = parse_hex(found);  // the case of the digits varies
    if (!bytes || !equal(*bytes, fmspc)) {
        return fail(Code::mismatch, "fmspc", hex(fmspc) + " wanted, " + quoted(found) + " found");
    }
    return json_validity(info);
}

Result<Validity> qe_identity_validity(ByteView json, std::string_view id) {
    RATLS_TRY(const Json identity, signed_object(json, "enclaveIdentity"));
    RATLS_CHECK(check_id(identity, id));
    return json_validity(identity);
}

/// Adds what the document should have been to an error.
Result<Validity> named(Result<Validity> validity, std::string_view what) {
    if (!validity) {
        return std::unexpected(std::move(validity).error().in(what));
    }
    return validity;
}

Result<Description> describe_json(ByteView content) {
    if (const auto info = signed_object(content, "tcbInfo")) {
        RATLS_TRY(const Validity validity, json_validity(*info));
        return Description{Kind::tcb_info, validity};
    }
    RATLS_TRY(const Json identity, signed_object(content, "enclaveIdentity"));
    RATLS_TRY(const Validity validity, json_validity(identity));
    return Description{Kind::qe_identity, validity};
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
    if (as_text(content).starts_with('{')) {
        return describe_json(content);
    }
    if (const auto certificates = parse_certificates(content)) {
        return Description{Kind::certificates, common_validity(*certificates)};
    }
    if (const auto crl = Crl::parse(content)) {
        return Description{Kind::crl, {crl->this_update(), crl->next_update()}};
    }
    return fail(Code::malformed, "document",
                "certificates, a revocation list, TCB info or a QE identity wanted");
}

Result<Validity> check_chain(ByteView pem, const std::vector<std::string>& names) {
    constexpr std::string_view kWhat = "certificate chain";
    if (!looks_like_pem(pem)) {
        return fail(Code::malformed, std::string(kWhat), "PEM wanted");
    }
    auto certificates = parse_certificates(pem);
    if (!certificates) {
        return std::unexpected(std::move(certificates).error().in(kWhat));
    }
    if (certificates->size() != names.size()) {
        return fail(Code::malformed, std::string(kWhat),
                    std::to_string(names.size()) + " certificates wanted, " +
                        std::to_string(certificates->size()) + " found");
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string_view found = (*certificates)[i].common_name();
        if (found != names[i]) {
            return fail(Code::mismatch, std::string(kWhat),
                        quoted(names[i]) + " wanted, " + quoted(found) + " found");
        }
    }
    return common_validity(*certificates);
}

Result<Validity> check_crl(ByteView der, std::string_view issuer) {
    constexpr std::string_view kWhat = "revocation list";
    auto crl = Crl::parse(der);
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
