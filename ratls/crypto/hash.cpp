#include "ratls/crypto/hash.h"

#include "ratls/crypto/provider_impl.h"

namespace ratls {

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
    reset();
}

void Hasher::reset() {
    provider::hash_start(alg_, state_);
}

Hasher& Hasher::update(ByteView bytes) {
    provider::hash_update(alg_, state_, bytes);
    return *this;
}

Digest Hasher::finish() {
    Digest out(digest_size(alg_));
    provider::hash_finish(alg_, state_, out.writable());
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
