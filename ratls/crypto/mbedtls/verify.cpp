#include <mbedtls/ecdsa.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "ratls/crypto/mbedtls_md.h"
#include "ratls/crypto/provider.h"
#include "ratls/crypto/provider_impl.h"

namespace ratls {

std::string_view crypto_provider() {
    return "mbedtls " MBEDTLS_VERSION_STRING;  // linked statically: no other at run time
}

namespace provider {
namespace {

struct Mpi {
    Mpi() { mbedtls_mpi_init(&value); }
    ~Mpi() { mbedtls_mpi_free(&value); }
    Mpi(const Mpi&) = delete;
    Mpi& operator=(const Mpi&) = delete;
    mbedtls_mpi value;
};

// mbedTLS takes keys by non-const pointer also where it only reads; it locks what it changes.

class MbedtlsEcKey final : public EcKey {
  public:
    MbedtlsEcKey() {
        mbedtls_ecp_group_init(&group_);
        mbedtls_ecp_point_init(&point_);
    }
    ~MbedtlsEcKey() override {
        mbedtls_ecp_group_free(&group_);
        mbedtls_ecp_point_free(&point_);
    }
    MbedtlsEcKey(const MbedtlsEcKey&) = delete;
    MbedtlsEcKey& operator=(const MbedtlsEcKey&) = delete;

    bool load(KeyKind curve, ByteView point) {
        return mbedtls_ecp_group_load(&group_, curve == KeyKind::p256
                                                   ? MBEDTLS_ECP_DP_SECP256R1
                                                   : MBEDTLS_ECP_DP_SECP384R1) == 0 &&
               mbedtls_ecp_point_read_binary(&group_, &point_, point.data(), point.size()) == 0 &&
               mbedtls_ecp_check_pubkey(&group_, &point_) == 0;
    }

    bool verify(const Digest& digest, ByteView r, ByteView s) const override {
        Mpi r_number;
        Mpi s_number;
        return mbedtls_mpi_read_binary(&r_number.value, r.data(), r.size()) == 0 &&
               mbedtls_mpi_read_binary(&s_number.value, s.data(), s.size()) == 0 &&
               mbedtls_ecdsa_verify(&group_, digest.view().data(), digest.size(), &point_,
                                    &r_number.value, &s_number.value) == 0;
    }

  private:
    mutable mbedtls_ecp_group group_;
    mutable mbedtls_ecp_point point_;
};

class MbedtlsRsaKey final : public RsaKey {
  public:
    MbedtlsRsaKey() { mbedtls_rsa_init(&rsa_); }
    ~MbedtlsRsaKey() override { mbedtls_rsa_free(&rsa_); }
    MbedtlsRsaKey(const MbedtlsRsaKey&) = delete;
    MbedtlsRsaKey& operator=(const MbedtlsRsaKey&) = delete;

    bool load(ByteView modulus, ByteView exponent) {
        return mbedtls_rsa_import_raw(&rsa_, modulus.data(), modulus.size(), nullptr, 0, nullptr, 0,
                                      nullptr, 0, exponent.data(), exponent.size()) == 0 &&
               mbedtls_rsa_complete(&rsa_) == 0 && mbedtls_rsa_check_pubkey(&rsa_) == 0;
    }

    bool verify_pkcs1(HashAlg alg, const Digest& digest, ByteView signature) const override {
        return mbedtls_rsa_rsassa_pkcs1_v15_verify(&rsa_, md_type(alg),
                                                   static_cast<unsigned>(digest.size()),
                                                   digest.view().data(), signature.data()) == 0;
    }

    bool verify_pss(HashAlg alg, const Digest& digest, int salt_size,
                    ByteView signature) const override {
        return mbedtls_rsa_rsassa_pss_verify_ext(
                   &rsa_, md_type(alg), static_cast<unsigned>(digest.size()), digest.view().data(),
                   md_type(alg), salt_size < 0 ? MBEDTLS_RSA_SALT_LEN_ANY : salt_size,
                   signature.data()) == 0;
    }

  private:
    mutable mbedtls_rsa_context rsa_;
};

}  // namespace

std::unique_ptr<const EcKey> make_ec_key(KeyKind curve, ByteView point) {
    auto key = std::make_unique<MbedtlsEcKey>();
    return key->load(curve, point) ? std::move(key) : nullptr;
}

std::unique_ptr<const RsaKey> make_rsa_key(ByteView modulus, ByteView exponent) {
    auto key = std::make_unique<MbedtlsRsaKey>();
    return key->load(modulus, exponent) ? std::move(key) : nullptr;
}

}  // namespace provider
}  // namespace ratls
