// The mbedTLS side of PrivateKey, for ratls/crypto and the TLS adaptor only.
#pragma once

#include <mbedtls/pk.h>

#include <optional>

#include "ratls/crypto/private_key.h"

namespace ratls {

struct PrivateKey::Impl {
    Impl() { mbedtls_pk_init(&pk); }
    ~Impl() { mbedtls_pk_free(&pk); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    mutable mbedtls_pk_context pk;  // taken by non-const pointer also where it is only read
    std::optional<PublicKey> public_key;
};

/// Our generator in the form that mbedTLS asks for.
int mbedtls_random(void* unused, unsigned char* out, std::size_t size);

}  // namespace ratls
