#include "ratls/crypto/hash.h"

#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include <new>

namespace ratls {
namespace {

template <typename Context>
Context& in_place(std::array<std::byte, 240>& state) {
    static_assert(sizeof(Context) <= 240 && alignof(Context) <= 16);
    return *std::launder(reinterpret_cast<Context*>(state.data()));
}

}  // namespace

std::size_t digest_size(HashAlg alg) {
    switch (alg) {
        case HashAlg::sha1:
            return 20;
        case HashAlg::sha256:
            return 32;
        case HashAlg::sha384:
            return 48;
        case HashAlg::sha512:
            return 64;
    }
    return 0;
}

std::string_view hash_name(HashAlg alg) {
    switch (alg) {
        case HashAlg::sha1:
            return "sha1";
        case HashAlg::sha256:
            return "sha256";
        case HashAlg::sha384:
            return "sha384";
        case HashAlg::sha512:
            return "sha512";
    }
    return "";
}

std::optional<HashAlg> hash_from_name(std::string_view name) {
    for (const HashAlg alg : kAllHashAlgs) {
        if (hash_name(alg) == name) {
            return alg;
        }
    }
    return std::nullopt;
}

Digest::Digest(ByteView bytes) : size_(std::min(bytes.size(), bytes_.size())) {
    std::copy_n(bytes.begin(), size_, bytes_.begin());
}

Hasher::Hasher(HashAlg alg) : alg_(alg) {
    switch (alg_) {
        case HashAlg::sha1:
            mbedtls_sha1_init(new (state_.data()) mbedtls_sha1_context);
            break;
        case HashAlg::sha256:
            mbedtls_sha256_init(new (state_.data()) mbedtls_sha256_context);
            break;
        default:
            mbedtls_sha512_init(new (state_.data()) mbedtls_sha512_context);
    }
    reset();
}

// The software implementations of mbedTLS return no error for these calls.
void Hasher::reset() {
    switch (alg_) {
        case HashAlg::sha1:
            mbedtls_sha1_starts(&in_place<mbedtls_sha1_context>(state_));
            break;
        case HashAlg::sha256:
            mbedtls_sha256_starts(&in_place<mbedtls_sha256_context>(state_), 0);
            break;
        default:
            mbedtls_sha512_starts(&in_place<mbedtls_sha512_context>(state_),
                                  alg_ == HashAlg::sha384 ? 1 : 0);
    }
}

Hasher& Hasher::update(ByteView bytes) {
    switch (alg_) {
        case HashAlg::sha1:
            mbedtls_sha1_update(&in_place<mbedtls_sha1_context>(state_), bytes.data(),
                                bytes.size());
            break;
        case HashAlg::sha256:
            mbedtls_sha256_update(&in_place<mbedtls_sha256_context>(state_), bytes.data(),
                                  bytes.size());
            break;
        default:
            mbedtls_sha512_update(&in_place<mbedtls_sha512_context>(state_), bytes.data(),
                                  bytes.size());
    }
    return *this;
}

Digest Hasher::finish() {
    Digest out(digest_size(alg_));
    switch (alg_) {
        case HashAlg::sha1:
            mbedtls_sha1_finish(&in_place<mbedtls_sha1_context>(state_), out.writable().data());
            break;
        case HashAlg::sha256:
            mbedtls_sha256_finish(&in_place<mbedtls_sha256_context>(state_), out.writable().data());
            break;
        default: {
            std::array<std::uint8_t, 64> full{};
            mbedtls_sha512_finish(&in_place<mbedtls_sha512_context>(state_), full.data());
            std::copy_n(full.begin(), out.size(), out.writable().begin());
        }
    }
    return out;
}

Digest hash(HashAlg alg, ByteView bytes) {
    return Hasher(alg).update(bytes).finish();
}

Sha256Digest sha256(ByteView bytes) {
    return sha256({bytes});
}

Sha256Digest sha256(std::initializer_list<ByteView> pieces) {
    Hasher hasher(HashAlg::sha256);
    for (const ByteView piece : pieces) {
        hasher.update(piece);
    }
    Sha256Digest out{};
    std::ranges::copy(hasher.finish().view(), out.begin());
    return out;
}

}  // namespace ratls
