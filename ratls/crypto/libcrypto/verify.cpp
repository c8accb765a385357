#include <mbedtls/version.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <string>
#include <vector>

#include "ratls/codec/der.h"
#include "ratls/crypto/provider.h"
#include "ratls/crypto/provider_impl.h"

namespace ratls {

std::string_view crypto_provider() {
    static const std::string name = std::string("libcrypto ") +
                                    OpenSSL_version(OPENSSL_VERSION_STRING) +
                                    ", mbedtls " MBEDTLS_VERSION_STRING;
    return name;
}

namespace provider {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free>;

/// The errors of this library's calls are not left behind: libcurl uses the same queue.
class ErrorScope {
  public:
    ErrorScope() { ERR_set_mark(); }
    ~ErrorScope() { ERR_pop_to_mark(); }
    ErrorScope(const ErrorScope&) = delete;
    ErrorScope& operator=(const ErrorScope&) = delete;
};

/// A library context of our own reads no openssl.cnf and no OPENSSL_CONF: neither a policy of the
/// system nor the environment has a say in a verdict. It lives as long as the program.
OSSL_LIB_CTX* library() {
    static OSSL_LIB_CTX* const context = OSSL_LIB_CTX_new();
    return context;
}

/// libcrypto takes the text by non-const pointer and only reads it.
OSSL_PARAM text_param(const char* name, const char* text) {
    return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(text), 0);
}

/// For OSSL_PARAM_construct_BN.
Bytes in_native_order(ByteView big_endian) {
    Bytes out = to_bytes(big_endian);
    if constexpr (std::endian::native == std::endian::little) {
        std::ranges::reverse(out);
    }
    return out;
}

Key from_params(const char* type, int selection, OSSL_PARAM* params) {
    const Context context(EVP_PKEY_CTX_new_from_name(library(), type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
        EVP_PKEY_fromdata(context.get(), &key, selection, params) <= 0) {
        return nullptr;
    }
    return Key(key);
}

/// A context that verifies under the key. Each verification uses a copy: to copy one costs nearly
/// nothing, and it changes nothing that threads share.
Context verifier(const Key& key) {
    Context context(EVP_PKEY_CTX_new_from_pkey(library(), key.get(), nullptr));
    return context && EVP_PKEY_verify_init(context.get()) > 0 ? std::move(context) : nullptr;
}

bool verify_with(const Context& context, ByteView signature, const Digest& digest) {
    return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.view().data(),
                           digest.size()) == 1;
}

/// A key on a curve with what verifies under it.
struct EcObject {
    Key key;
    Context verifier;  ///< shares the point of `key`, whichever it is
};

/// Objects of one curve that no key of ours uses now. libcrypto makes one in the time in which it
/// sets the point of five, and most of a verification's keys live for that verification only.
class EcPool {
  public:
    explicit EcPool(const char* group) : group_(group) { idle_.reserve(kMaxIdle); }

    static EcPool& of(KeyKind curve) {
        static auto& p256 = *new EcPool("P-256");  // as long as `library`
        static auto& p384 = *new EcPool("P-384");
        return curve == KeyKind::p256 ? p256 : p384;
    }

    /// An object with this point, which is checked; null if it is not on the curve.
    std::unique_ptr<EcObject> take(ByteView point) {
        std::unique_ptr<EcObject> object = take_any();
        if (object == nullptr) {
            object = make();
        }
        if (object == nullptr ||
            EVP_PKEY_set1_encoded_public_key(object->key.get(), point.data(), point.size()) <= 0) {
            return nullptr;
        }
        return object;
    }

    void give_back(std::unique_ptr<EcObject> object) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < kMaxIdle) {
            idle_.push_back(std::move(object));
        }
    }

  private:
    static constexpr std::size_t kMaxIdle = 64;

    std::unique_ptr<EcObject> take_any() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) {
            return nullptr;
        }
        std::unique_ptr<EcObject> object = std::move(idle_.back());
        idle_.pop_back();
        return object;
    }

    std::unique_ptr<EcObject> make() const {
        std::array params = {text_param(OSSL_PKEY_PARAM_GROUP_NAME, group_),
                             OSSL_PARAM_construct_end()};
        Key key = from_params("EC", EVP_PKEY_KEY_PARAMETERS, params.data());
        Context context = key ? verifier(key) : nullptr;
        return context ? std::make_unique<EcObject>(std::move(key), std::move(context)) : nullptr;
    }

    const char* group_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<EcObject>> idle_;
};

class LibcryptoEcKey final : public EcKey {
  public:
    LibcryptoEcKey(EcPool& pool, std::unique_ptr<EcObject> object)
        : pool_(pool), object_(std::move(object)) {}
    ~LibcryptoEcKey() override { pool_.give_back(std::move(object_)); }
    LibcryptoEcKey(const LibcryptoEcKey&) = delete;
    LibcryptoEcKey& operator=(const LibcryptoEcKey&) = delete;

    bool verify(const Digest& digest, ByteView r, ByteView s) const override {
        const ErrorScope errors;
        Bytes numbers = der::encode_uint(r);
        append(numbers, der::encode_uint(s));
        const Context context(EVP_PKEY_CTX_dup(object_->verifier.get()));
        return context && verify_with(context, der::encode(der::kSequence, numbers), digest);
    }

  private:
    EcPool& pool_;
    std::unique_ptr<EcObject> object_;
};

class LibcryptoRsaKey final : public RsaKey {
  public:
    explicit LibcryptoRsaKey(Context verifier) : verifier_(std::move(verifier)) {}

    bool verify_pkcs1(HashAlg alg, const Digest& digest, ByteView signature) const override {
        return verify(alg, digest, signature, OSSL_PKEY_RSA_PAD_MODE_PKCSV15,
                      OSSL_PARAM_construct_end());
    }

    bool verify_pss(HashAlg alg, const Digest& digest, int salt_size,
                    ByteView signature) const override {
        int salt = salt_size < 0 ? RSA_PSS_SALTLEN_AUTO : salt_size;
        return verify(alg, digest, signature, OSSL_PKEY_RSA_PAD_MODE_PSS,
                      OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt));
    }

  private:
    /// All parameters in one call: one by one they cost a microsecond more.
    bool verify(HashAlg alg, const Digest& digest, ByteView signature, const char* padding,
                OSSL_PARAM salt) const {
        const ErrorScope errors;
        const Context context(EVP_PKEY_CTX_dup(verifier_.get()));
        std::array params = {
            text_param(OSSL_SIGNATURE_PARAM_DIGEST, hash_name(alg).data()),
            text_param(OSSL_SIGNATURE_PARAM_PAD_MODE, padding),
            salt,
            OSSL_PARAM_construct_end(),
        };
        return context && EVP_PKEY_CTX_set_params(context.get(), params.data()) > 0 &&
               verify_with(context, signature, digest);
    }

    Context verifier_;
};

}  // namespace

std::unique_ptr<const EcKey> make_ec_key(KeyKind curve, ByteView point) {
    const ErrorScope errors;
    EcPool& pool = EcPool::of(curve);
    auto object = pool.take(point);
    return object ? std::make_unique<LibcryptoEcKey>(pool, std::move(object)) : nullptr;
}

std::unique_ptr<const RsaKey> make_rsa_key(ByteView modulus, ByteView exponent) {
    const ErrorScope errors;
    Bytes n = in_native_order(modulus);
    Bytes e = in_native_order(exponent);
    std::array params = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n.data(), n.size()),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e.data(), e.size()),
        OSSL_PARAM_construct_end(),
    };
    const Key key = from_params("RSA", EVP_PKEY_PUBLIC_KEY, params.data());
    Context context = key ? verifier(key) : nullptr;
    return context ? std::make_unique<LibcryptoRsaKey>(std::move(context)) : nullptr;
}

}  // namespace provider
}  // namespace ratls
