// The EVP digests allocate a context for each hash, and an IMA log has millions of small ones.
// These functions keep their state where we want it; they are deprecated in OpenSSL 3 since they
// know no providers, which a hash of public data does not miss.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <new>

#include "ratls/crypto/provider_impl.h"

// None of these calls can fail.
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
        case HashAlg::sha1:
            SHA1_Init(begin<SHA_CTX>(state));
            break;
        case HashAlg::sha256:
            SHA256_Init(begin<SHA256_CTX>(state));
            break;
        case HashAlg::sha384:
            SHA384_Init(begin<SHA512_CTX>(state));
            break;
        case HashAlg::sha512:
            SHA512_Init(begin<SHA512_CTX>(state));
    }
}

void hash_update(HashAlg alg, HashState state, ByteView bytes) {
    switch (alg) {
        case HashAlg::sha1:
            SHA1_Update(in_place<SHA_CTX>(state), bytes.data(), bytes.size());
            break;
        case HashAlg::sha256:
            SHA256_Update(in_place<SHA256_CTX>(state), bytes.data(), bytes.size());
            break;
        case HashAlg::sha384:
            SHA384_Update(in_place<SHA512_CTX>(state), bytes.data(), bytes.size());
            break;
        case HashAlg::sha512:
            SHA512_Update(in_place<SHA512_CTX>(state), bytes.data(), bytes.size());
    }
}

void hash_finish(HashAlg alg, HashState state, std::span<std::uint8_t> out) {
    switch (alg) {
        case HashAlg::sha1:
            SHA1_Final(out.data(), in_place<SHA_CTX>(state));
            break;
        case HashAlg::sha256:
            SHA256_Final(out.data(), in_place<SHA256_CTX>(state));
            break;
        case HashAlg::sha384:
            SHA384_Final(out.data(), in_place<SHA512_CTX>(state));
            break;
        case HashAlg::sha512:
            SHA512_Final(out.data(), in_place<SHA512_CTX>(state));
    }
}

}  // namespace ratls::provider
