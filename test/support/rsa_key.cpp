#include "test/support/rsa_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "ratls/base/writer.h"

namespace ratls::test {
namespace {

void check(bool good) {
    if (!good) {
        throw std::runtime_error("libcrypto: RSA");
    }
}

}  // namespace

struct RsaKey::Impl {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    Impl() = default;
    ~Impl() { EVP_PKEY_free(key); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

RsaKey::RsaKey() : impl_(std::make_unique<Impl>()), modulus_(256) {
    BIGNUM* number = nullptr;
    check(impl_->key != nullptr &&
          EVP_PKEY_get_bn_param(impl_->key, OSSL_PKEY_PARAM_RSA_N, &number) == 1);
    BN_bn2bin(number, modulus_.data());
    BN_free(number);
}

RsaKey::~RsaKey() = default;

Bytes RsaKey::ak_public() const {
    Writer out;
    out.u16_be(0x0001).u16_be(0x000b).u32_be(0x00050072).u16_be(0);
    out.u16_be(0x0010).u16_be(0x0014).u16_be(0x000b).u16_be(2048).u32_be(0);
    return out.u16_be(256).bytes(modulus_).take();
}

Bytes RsaKey::sign(ByteView message) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    Bytes out(256);
    std::size_t size = out.size();
    check(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key) == 1 &&
          EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1 &&
          size == out.size());
    return out;
}

}  // namespace ratls::test
