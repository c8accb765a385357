// What was verified about certificates before, so that it need not be done again.
#pragma once

#include <set>

#include "ratls/crypto/certificate.h"

namespace ratls::verify {

/// Remembers which certificate has issued which, by the hashes of both. Dates and trust are no part
/// of it: whoever uses it checks them each time. Only successes are kept. One thread at a time.
class ProvenIssuers {
  public:
    static constexpr std::size_t kMax = 4096;  ///< then it starts anew

    /// As ratls::verify_issued_by.
    Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below);

  private:
    std::set<Sha256Digest> known_;
};

}  // namespace ratls::verify
