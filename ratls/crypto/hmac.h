// Message authentication under a secret key.
#pragma once

#include <initializer_list>

#include "ratls/crypto/hash.h"

namespace ratls {

/// HMAC over pieces, as if they were one after the other. Source: FIPS 198-1.
Digest hmac(HashAlg alg, ByteView key, std::initializer_list<ByteView> pieces);

}  // namespace ratls
