#include "test/fake/fake_ek.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"

namespace ratls::test {
namespace {

constexpr std::size_t kModulus = 256;
constexpr std::string_view kIdentity{"IDENTITY\0", 9};
constexpr std::string_view kStorage{"STORAGE\0", 8};
constexpr std::string_view kIntegrity{"INTEGRITY\0", 10};

struct Free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
    void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
};
template <typename T>
using Ptr = std::unique_ptr<T, Free>;

void check(bool good) {
    if (!good) {
        throw std::runtime_error("libcrypto: EK");
    }
}

Bytes joined(std::initializer_list<ByteView> pieces) {
    Writer out;
    for (const ByteView piece : pieces) {
        out.bytes(piece);
    }
    return out.take();
}

Bytes u32(std::size_t value) {
    return Writer().u32_be(static_cast<std::uint32_t>(value)).take();
}

Bytes mac(const EVP_MD* md, ByteView key, ByteView message) {
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    check(HMAC(md, key.data(), static_cast<int>(key.size()), message.data(), message.size(),
               out.data(), &size) != nullptr);
    out.resize(size);
    return out;
}

Bytes derive_a(const EVP_MD* md, ByteView key, std::string_view label, ByteView context,
               std::size_t size) {
    Bytes out = mac(md, key, joined({u32(1), as_bytes(label), context, u32(size * 8)}));
    out.resize(size);
    return out;
}

Bytes decrypt_cfb(ByteView key, ByteView message) {
    const Ptr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
    const Bytes iv(16);
    Bytes out(message.size());
    int size = 0;
    check(EVP_DecryptInit_ex(context.get(),
                             key.size() == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128(),
                             nullptr, key.data(), iv.data()) == 1 &&
          EVP_DecryptUpdate(context.get(), out.data(), &size, message.data(),
                            static_cast<int>(message.size())) == 1);
    return out;
}

std::optional<ByteView> content(ByteView sized) {
    Reader r(sized, "TPM2B");
    const ByteView out = r.bytes_u16_be("buffer");
    return r.finish(0) ? std::optional(out) : std::nullopt;
}

}  // namespace

struct FakeEk::Impl {
    KeyKind kind;
    Ptr<EVP_PKEY> key;

    bool p384() const { return kind == KeyKind::p384; }
    const EVP_MD* md() const { return p384() ? EVP_sha384() : EVP_sha256(); }
    std::size_t aes_size() const { return p384() ? 32 : 16; }
    Bytes spki() const {
        unsigned char* der = nullptr;
        const int size = i2d_PUBKEY(key.get(), &der);
        check(size > 0);
        Bytes out(der, der + size);
        OPENSSL_free(der);
        return out;
    }
    std::optional<Bytes> rsa_seed(ByteView encrypted) const;
    std::optional<Bytes> ecc_seed(ByteView encrypted) const;
};

FakeEk::FakeEk(KeyKind kind) : impl_(std::make_unique<Impl>()) {
    impl_->kind = kind;
    impl_->key.reset(kind == KeyKind::rsa ? EVP_RSA_gen(2048)
                                          : EVP_EC_gen(kind == KeyKind::p256 ? "P-256" : "P-384"));
    check(impl_->key != nullptr);
    if (kind == KeyKind::p384) {
        attributes |= 1U << 6;  // userWithAuth
    }
}

FakeEk::~FakeEk() = default;
FakeEk::FakeEk(FakeEk&&) noexcept = default;

KeyKind FakeEk::kind() const {
    return impl_->kind;
}

PublicKey FakeEk::key() const {
    return PublicKey::from_spki(impl_->spki()).value();
}

Bytes FakeEk::public_area() const {
    const bool rsa = kind() == KeyKind::rsa;
    const std::size_t digest = impl_->p384() ? 48 : 32;
    Writer out;
    out.u16_be(rsa ? 0x0001 : 0x0023).u16_be(impl_->p384() ? 0x000c : 0x000b).u32_be(attributes);
    out.u16_be(static_cast<std::uint16_t>(digest)).zeros(digest);  // authPolicy
    out.u16_be(0x0006).u16_be(static_cast<std::uint16_t>(impl_->aes_size() * 8)).u16_be(0x0043);
    out.u16_be(0x0010);  // scheme
    const Bytes spki = impl_->spki();
    if (rsa) {
        // ... modulus, then INTEGER 65537.
        out.u16_be(2048).u32_be(0).u16_be(kModulus);
        return out.bytes(ByteView(spki).last(kModulus + 5).first(kModulus)).take();
    }
    const std::size_t size = coordinate_size(kind());
    out.u16_be(impl_->p384() ? 0x0004 : 0x0003).u16_be(0x0010);  // curve, kdf
    out.u16_be(static_cast<std::uint16_t>(size)).bytes(ByteView(spki).last(2 * size).first(size));
    return out.u16_be(static_cast<std::uint16_t>(size)).bytes(ByteView(spki).last(size)).take();
}

std::optional<Bytes> FakeEk::Impl::rsa_seed(ByteView encrypted) const {
    const Ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
    auto* label = static_cast<unsigned char*>(OPENSSL_memdup(kIdentity.data(), kIdentity.size()));
    check(EVP_PKEY_decrypt_init(context.get()) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
          EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label,
                                           static_cast<int>(kIdentity.size())) == 1);
    Bytes out(kModulus);
    std::size_t size = out.size();
    if (EVP_PKEY_decrypt(context.get(), out.data(), &size, encrypted.data(), encrypted.size()) !=
        1) {
        return std::nullopt;
    }
    out.resize(size);
    return out;
}

std::optional<Bytes> FakeEk::Impl::ecc_seed(ByteView encrypted) const {
    const std::size_t size = coordinate_size(kind);
    Reader r(encrypted, "TPMS_ECC_POINT");
    const ByteView x = r.bytes_u16_be("x");
    const ByteView y = r.bytes_u16_be("y");
    if (!r.finish(0) || x.size() != size || y.size() != size) {
        return std::nullopt;
    }
    const Ptr<EVP_PKEY> peer(EVP_PKEY_new());
    const Bytes point = joined({Bytes{4}, x, y});
    if (EVP_PKEY_copy_parameters(peer.get(), key.get()) != 1 ||
        EVP_PKEY_set1_encoded_public_key(peer.get(), point.data(), point.size()) != 1) {
        return std::nullopt;
    }
    const Ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
    Bytes z(size);
    std::size_t z_size = z.size();
    check(EVP_PKEY_derive_init(context.get()) == 1 &&
          EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
          EVP_PKEY_derive(context.get(), z.data(), &z_size) == 1 && z_size == size);
    const Bytes own = spki();
    const Bytes input =
        joined({u32(1), z, as_bytes(kIdentity), x, ByteView(own).last(2 * size).first(size)});
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned out_size = 0;
    check(EVP_Digest(input.data(), input.size(), out.data(), &out_size, md(), nullptr) == 1);
    out.resize(out_size);
    return out;
}

std::optional<Bytes> FakeEk::activate(ByteView name, ByteView id_object,
                                      ByteView encrypted_secret) const {
    const auto blob = content(id_object);
    const auto encrypted = content(encrypted_secret);
    if (!blob || !encrypted) {
        return std::nullopt;
    }
    const auto seed =
        kind() == KeyKind::rsa ? impl_->rsa_seed(*encrypted) : impl_->ecc_seed(*encrypted);
    Reader r(*blob, "TPMS_ID_OBJECT");
    const ByteView integrity = r.bytes_u16_be("integrityHMAC");
    const ByteView identity = r.bytes(r.left(), "encIdentity");
    if (!seed || !r.finish(0)) {
        return std::nullopt;
    }
    const std::size_t digest = impl_->p384() ? 48 : 32;
    const Bytes mac_key = derive_a(impl_->md(), *seed, kIntegrity, {}, digest);
    if (!equal(mac(impl_->md(), mac_key, joined({identity, name})), integrity)) {
        return std::nullopt;
    }
    const Bytes plain =
        decrypt_cfb(derive_a(impl_->md(), *seed, kStorage, name, impl_->aes_size()), identity);
    const auto secret = content(plain);
    return secret ? std::optional(to_bytes(*secret)) : std::nullopt;
}

}  // namespace ratls::test
