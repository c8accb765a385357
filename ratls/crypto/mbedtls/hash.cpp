#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include <new>

#include "ratls/crypto/provider_impl.h"

// The software implementations of mbedTLS return no error for these calls.
namespace ratls::provider {
namespace {

template <typename Context>
Context* begin(HashState state) {
    static_assert(sizeof(Context) <= kHashStateSize && alignof(Context) <= 16);
    static_assert(std::is_trivially_copyable_v<Context>);
    return new (state.data()) Context;
}

template <typename Context>
Context* in_place(HashState state) {
    return std::launder(reinterpret_cast<Context*>(state.data()));
}

}  // namespace

void hash_start(HashAlg alg, HashState state) {
    switch (alg) {
        case HashAlg::sha1: {
            auto* context = begin<mbedtls_sha1_context>(state);
            mbedtls_sha1_init(context);
            mbedtls_sha1_starts(context);
            break;
        }
        case HashAlg::sha256: {
            auto* context = begin<mbedtls_sha256_context>(state);
            mbedtls_sha256_init(context);
            mbedtls_sha256_starts(context, 0);
            break;
        }
        case HashAlg::sha384:
        case HashAlg::sha512: {
            auto* context = begin<mbedtls_sha512_context>(state);
            mbedtls_sha512_init(context);
            mbedtls_sha512_starts(context, alg == HashAlg::sha384 ? 1 : 0);
        }
    }
}

void hash_update(HashAlg alg, HashState state, ByteView bytes) {
    switch (alg) {
        case HashAlg::sha1:
            mbedtls_sha1_update(in_place<mbedtls_sha1_context>(state), bytes.data(), bytes.size());
            break;
        case HashAlg::sha256:
            mbedtls_sha256_update(in_place<mbedtls_sha256_context>(state), bytes.data(),
                                  bytes.size());
            break;
        case HashAlg::sha384:
        case HashAlg::sha512:
            mbedtls_sha512_update(in_place<mbedtls_sha512_context>(state), bytes.data(),
                                  bytes.size());
    }
}

void hash_finish(HashAlg alg, HashState state, std::span<std::uint8_t> out) {
    switch (alg) {
        case HashAlg::sha1:
            mbedtls_sha1_finish(in_place<mbedtls_sha1_context>(state), out.data());
            break;
        case HashAlg::sha256:
            mbedtls_sha256_finish(in_place<mbedtls_sha256_context>(state), out.data());
            break;
        case HashAlg::sha384:
        case HashAlg::sha512:
            // Of SHA-384 it writes 48 bytes.
            mbedtls_sha512_finish(in_place<mbedtls_sha512_context>(state), out.data());
    }
}

}  // namespace ratls::provider
