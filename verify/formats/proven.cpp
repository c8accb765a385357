#include "verify/formats/proven.h"

namespace ratls::verify {
namespace {

/// What is remembered, so that one kind never stands for another.
enum class Kind : std::uint8_t { certificate, list, document };

/// The pieces are digests.
Sha256Digest name_of(Kind kind, std::uint8_t detail, ByteView first, ByteView second) {
    const std::array<std::uint8_t, 2> head = {static_cast<std::uint8_t>(kind), detail};
    return sha256({head, first, second});
}

}  // namespace

template <typename Verify>
Status ProvenSignatures::once(const Sha256Digest& what, const Verify& verify) {
    if (known_.contains(what)) {
        return {};
    }
    RATLS_CHECK(verify());
    if (known_.size() >= kMax) {
        known_.clear();
    }
    known_.insert(what);
    return {};
}

Status ProvenSignatures::verify_issued_by(const Certificate& child, const Certificate& issuer,
                                          int cas_below) {
    return once(name_of(Kind::certificate, static_cast<std::uint8_t>(cas_below), child.sha256(),
                        issuer.sha256()),
                [&] { return ratls::verify_issued_by(child, issuer, cas_below); });
}

Status ProvenSignatures::verify_issued_by(const Crl& list, const Certificate& issuer) {
    return once(name_of(Kind::list, 0, sha256(list.der()), issuer.sha256()),
                [&] { return list.verify_issued_by(issuer); });
}

Status ProvenSignatures::verify_ecdsa(const PublicKey& key, ByteView message, ByteView signature) {
    const Digest digest = hash(HashAlg::sha256, message);
    const Sha256Digest signer = sha256({key.spki_sha256(), signature});
    return once(name_of(Kind::document, 0, digest.view(), signer), [&] {
        const std::size_t half = signature.size() / 2;
        return key.verify_ecdsa_digest(digest, signature.first(half), signature.subspan(half));
    });
}

}  // namespace ratls::verify
