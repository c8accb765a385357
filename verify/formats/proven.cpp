#include "verify/formats/proven.h"

namespace ratls::verify {

Status ProvenIssuers::verify_issued_by(const Certificate& child, const Certificate& issuer,
                                       int cas_below) {
    const std::array<std::uint8_t, 1> depth = {static_cast<std::uint8_t>(cas_below)};
    const Sha256Digest key = sha256({sha256(child.der()), sha256(issuer.der()), depth});
    if (known_.contains(key)) {
        return {};
    }
    RATLS_CHECK(ratls::verify_issued_by(child, issuer, cas_below));
    if (known_.size() >= kMax) {
        known_.clear();
    }
    known_.insert(key);
    return {};
}

}  // namespace ratls::verify
