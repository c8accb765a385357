// An RSA key that signs: only TPMs have such ones, so the product has no use for it.
#pragma once

#include <memory>

#include "ratls/base/bytes.h"

namespace ratls::test {

class RsaKey {
  public:
    /// A new key of 2048 bits with the exponent 65537.
    RsaKey();
    ~RsaKey();

    const Bytes& modulus() const { return modulus_; }  ///< 256 bytes, big-endian
    /// TPMT_PUBLIC of a restricted key that signs by RSASSA with SHA-256.
    Bytes ak_public() const;
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Bytes sign(ByteView message) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    Bytes modulus_;
};

}  // namespace ratls::test
