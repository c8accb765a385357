// Hash functions, one-shot and incremental, without allocation.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "ratls/base/bytes.h"

namespace ratls {

enum class HashAlg : std::uint8_t { sha1, sha256, sha384, sha512 };

inline constexpr std::array kAllHashAlgs = {HashAlg::sha1, HashAlg::sha256, HashAlg::sha384,
                                            HashAlg::sha512};

/// Bytes in a digest: 20, 32, 48, 64.
std::size_t digest_size(HashAlg alg);

/// "sha1", "sha256", "sha384", "sha512", as the kernel and tpm2-tools write them.
std::string_view hash_name(HashAlg alg);
std::optional<HashAlg> hash_from_name(std::string_view name);

using Sha256Digest = std::array<std::uint8_t, 32>;

/// A digest of any of the algorithms, held in place.
class Digest {
  public:
    Digest() = default;
    explicit Digest(std::size_t size) : size_(size) {}
    /// Takes at most 64 bytes.
    explicit Digest(ByteView bytes);

    ByteView view() const { return ByteView(bytes_).first(size_); }
    std::span<std::uint8_t> writable() { return std::span(bytes_).first(size_); }
    std::size_t size() const { return size_; }
    friend bool operator==(const Digest& a, const Digest& b) { return equal(a.view(), b.view()); }

  private:
    std::array<std::uint8_t, 64> bytes_{};
    std::size_t size_ = 0;
};

/// Bytes that hold the state of any of the algorithms, whoever provides them.
inline constexpr std::size_t kHashStateSize = 240;

/// Hashes pieces one after the other. After `finish` it must be `reset` before more is hashed.
/// A copy continues on its own.
class Hasher {
  public:
    explicit Hasher(HashAlg alg);
    void reset();
    Hasher& update(ByteView bytes);
    Digest finish();
    HashAlg alg() const { return alg_; }

  private:
    HashAlg alg_;
    alignas(16) std::array<std::byte, kHashStateSize> state_{};
};

Digest hash(HashAlg alg, ByteView bytes);
Sha256Digest sha256(ByteView bytes);

/// SHA-256 over pieces, as if they were one after the other.
Sha256Digest sha256(std::initializer_list<ByteView> pieces);

}  // namespace ratls
