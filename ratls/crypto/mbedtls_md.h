// Hash functions by mbedTLS's names. For ratls/crypto only.
#pragma once

#include <mbedtls/md.h>

#include "ratls/crypto/hash.h"

namespace ratls {

inline mbedtls_md_type_t md_type(HashAlg alg) {
    switch (alg) {
        case HashAlg::sha1:
            return MBEDTLS_MD_SHA1;
        case HashAlg::sha256:
            return MBEDTLS_MD_SHA256;
        case HashAlg::sha384:
            return MBEDTLS_MD_SHA384;
        case HashAlg::sha512:
            return MBEDTLS_MD_SHA512;
    }
    return MBEDTLS_MD_NONE;
}

}  // namespace ratls
