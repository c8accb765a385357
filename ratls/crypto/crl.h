// Certificate revocation lists, read strictly.
#pragma once

#include <vector>

#include "ratls/crypto/certificate.h"

namespace ratls {

/// A parsed v2 CRL. Form only. It owns its bytes; views point into them.
class Crl {
  public:
    static constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;

    /// One DER CertificateList that fills the input. Refused: a critical extension that we do not
    /// know, two signature algorithms that differ, a missing nextUpdate, trailing bytes.
    /// Source: RFC 5280, section 5.1.
    static Result<Crl> parse(ByteView der);

    ByteView der() const { return *der_; }
    ByteView issuer() const { return issuer_; }  ///< DER Name
    UnixTime this_update() const { return this_update_; }
    UnixTime next_update() const { return next_update_; }
    /// `serial` is the content of the INTEGER, as Certificate gives it.
    bool lists(ByteView serial) const;
    std::size_t size() const { return serials_.size(); }
    const SignatureScheme& scheme() const { return scheme_; }

    /// Signed by `issuer`, whose name it carries and who may sign CRLs. Not the dates.
    Status verify_issued_by(const Certificate& issuer) const;

  private:
    Crl() = default;

    std::shared_ptr<const Bytes> der_;
    ByteView tbs_, issuer_, signature_;
    UnixTime this_update_ = 0;
    UnixTime next_update_ = 0;
    SignatureScheme scheme_;
    std::vector<ByteView> serials_;  // sorted
};

}  // namespace ratls
