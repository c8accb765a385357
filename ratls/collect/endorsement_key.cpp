#include "ratls/collect/endorsement_key.h"

#include <algorithm>

#include "ratls/cert/activation.h"
#include "ratls/crypto/certificate.h"
#include "ratls/evidence/tpm/public_area.h"

namespace ratls {
namespace {

/// To use an RSA key, and before that to make it, takes a TPM longest.
constexpr std::array kPreferred = {EkKind::p256, EkKind::p384, EkKind::rsa};

std::optional<EkKind> kind_of(const PublicKey& key) {
    switch (key.kind()) {
        case KeyKind::rsa:
            return key.bits() == 2048 ? std::optional(EkKind::rsa) : std::nullopt;
        case KeyKind::p256:
            return EkKind::p256;
        case KeyKind::p384:
            return EkKind::p384;
    }
    return std::nullopt;
}

/// The public area of the EK that this certificate is about.
Result<Bytes> certified_area(Tpm& tpm, EkKind kind, const Certificate& certificate) {
    RATLS_TRY(Bytes area, tpm.ek_public(kind));
    RATLS_TRY(const tpm::PublicArea parsed, tpm::parse_public_area(area));
    if (parsed.key.spki_sha256() != certificate.public_key().spki_sha256()) {
        return fail(Code::mismatch, "EK", "its certificate is about another key");
    }
    return area;
}

}  // namespace

Result<EndorsementKey> find_endorsement_key(Tpm& tpm, const std::vector<Bytes>& chain) {
    std::vector<EkCertificate> known;
    bool whole_chain = false;
    if (!chain.empty()) {
        RATLS_TRY(const Certificate first, Certificate::parse(chain.front()));
        const std::optional<EkKind> kind = kind_of(first.public_key());
        if (kind && !first.is_ca()) {
            known = {{*kind, chain.front()}};
            whole_chain = true;
        }
    }
    if (!whole_chain) {
        RATLS_TRY(known, ek_certificates(tpm));
    }
    Error error{Code::unavailable, "EK", "the TPM has no certificate of its maker"};
    for (const EkKind kind : kPreferred) {
        const auto found = std::ranges::find(known, kind, &EkCertificate::kind);
        if (found == known.end()) {
            continue;
        }
        const auto certificate = Certificate::parse(found->der);
        auto area = certificate ? certified_area(tpm, kind, *certificate)
                                : Result<Bytes>(std::unexpected(certificate.error()));
        if (!area) {
            error = std::move(area).error().in("EK certificate");
            continue;
        }
        EndorsementKey out{kind, *std::move(area), {std::move(found->der)}};
        out.certificates.insert(out.certificates.end(), chain.begin() + (whole_chain ? 1 : 0),
                                chain.end());
        if (out.certificates.size() > cert::kMaxEkCertificates) {
            return fail(Code::too_large, "EK certificate",
                        "at most " + std::to_string(cert::kMaxEkCertificates) +
                            " certificates in its chain wanted");
        }
        return out;
    }
    return std::unexpected(std::move(error));
}

}  // namespace ratls
