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

template <typename Name, typename Verify>
Status ProvenSignatures::once(const Name& name, const Verify& verify) {
    if (max_ == 0) {
        return verify();
    }
    const Sha256Digest what = name();
    if (known_.contains(what)) {
        return {};
    }
    RATLS_CHECK(verify());
    if (known_.size() >= max_) {
        known_.clear();
    }
    known_.insert(what);
    return {};
}

Status ProvenSignatures::verify_issued_by(const Certificate& child, const Certificate& issuer,
                                          int cas_below) {
    const auto name = [&] {
        return name_of(Kind::certificate, static_cast<std::uint8_t>(cas_below), sha256(child.der()),
                       sha256(issuer.der()));
    };
    return once(name, [&] { return ratls::verify_issued_by(child, issuer, cas_below); });
}

Status ProvenSignatures::verify_issued_by(const Crl& list, const Certificate& issuer) {
    const auto name = [&] {
        return name_of(Kind::list, 0, sha256(list.der()), sha256(issuer.der()));
    };
    return once(name, [&] { return list.verify_issued_by(issuer); });
}

Status ProvenSignatures::verify_ecdsa(const PublicKey& key, ByteView message, ByteView signature) {
    const Digest digest = hash(HashAlg::sha256, message);
    const auto name = [&] {
        return name_of(Kind::document, 0, digest.view(), sha256({key.spki_sha256(), signature}));
    };
    return once(name, [&] {
        const std::size_t half = signature.size() / 2;
        return key.verify_ecdsa_digest(digest, signature.first(half), signature.subspan(half));
    });
}

}  // namespace ratls::verify
