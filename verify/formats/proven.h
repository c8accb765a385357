// What was verified about signatures before, so that it need not be done again.
#pragma once

#include <set>

#include "ratls/crypto/crl.h"

namespace ratls::verify {

/// Remembers which certificate has issued which, which lists an issuer signed, and which documents
/// a key signed, by the hashes of both. Dates and trust are no part of it: whoever uses it checks
/// them each time. Only successes are kept. One thread at a time.
class ProvenSignatures {
  public:
    static constexpr std::size_t kMax = 4096;

    /// Remembers at most so many, then it starts anew; 0 for nothing.
    explicit ProvenSignatures(std::size_t max = kMax) : max_(max) {}

    /// As ratls::verify_issued_by.
    Status verify_issued_by(const Certificate& child, const Certificate& issuer, int cas_below);
    /// As Crl::verify_issued_by.
    Status verify_issued_by(const Crl& list, const Certificate& issuer);
    /// As PublicKey::verify_ecdsa, with SHA-256 and a signature that is r and s.
    Status verify_ecdsa(const PublicKey& key, ByteView message, ByteView signature);

  private:
    /// `name()` gives what the proof is remembered by.
    template <typename Name, typename Verify>
    Status once(const Name& name, const Verify& verify);

    std::size_t max_;
    std::set<Sha256Digest> known_;
};

}  // namespace ratls::verify
