#include "ratls/crypto/encrypt.h"

#include <mbedtls/aes.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include <cassert>
#include <cstdlib>

#include "ratls/crypto/mbedtls_md.h"
#include "ratls/crypto/private_key_impl.h"

namespace ratls {
namespace {

std::unexpected<Error> refused(std::string_view what) {
    return fail(Code::unsupported, "encrypt", std::string(what));
}

struct Pk {
    mbedtls_pk_context context;
    Pk() { mbedtls_pk_init(&context); }
    ~Pk() { mbedtls_pk_free(&context); }
    Pk(const Pk&) = delete;
    Pk& operator=(const Pk&) = delete;
};

/// The numbers of an agreement; all of them wipe themselves.
struct Agreement {
    mbedtls_ecp_group group;
    mbedtls_mpi secret, shared;
    mbedtls_ecp_point own, peer;
    Agreement() {
        mbedtls_ecp_group_init(&group);
        mbedtls_mpi_init(&secret);
        mbedtls_mpi_init(&shared);
        mbedtls_ecp_point_init(&own);
        mbedtls_ecp_point_init(&peer);
    }
    ~Agreement() {
        mbedtls_ecp_group_free(&group);
        mbedtls_mpi_free(&secret);
        mbedtls_mpi_free(&shared);
        mbedtls_ecp_point_free(&own);
        mbedtls_ecp_point_free(&peer);
    }
    Agreement(const Agreement&) = delete;
    Agreement& operator=(const Agreement&) = delete;
};

}  // namespace

Result<Bytes> rsa_oaep_encrypt(const PublicKey& key, HashAlg alg, ByteView label,
                               const Secret& message) {
    Pk pk;
    if (key.kind() != KeyKind::rsa ||
        mbedtls_pk_parse_public_key(&pk.context, key.spki().data(), key.spki().size()) != 0) {
        return refused("an RSA key wanted");
    }
    mbedtls_rsa_context* rsa = mbedtls_pk_rsa(pk.context);
    Bytes out(mbedtls_rsa_get_len(rsa));
    if (mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, md_type(alg)) != 0 ||
        mbedtls_rsa_rsaes_oaep_encrypt(rsa, mbedtls_random, nullptr, label.data(), label.size(),
                                       message.reveal().size(), message.reveal().data(),
                                       out.data()) != 0) {
        return refused("the message does not fit the key");
    }
    return out;
}

Result<EphemeralAgreement> agree_with(const PublicKey& peer) {
    if (peer.kind() == KeyKind::rsa) {
        return refused("an elliptic curve key wanted");
    }
    const std::size_t size = coordinate_size(peer.kind());
    const ByteView point = ByteView(peer.spki()).last(1 + 2 * size);  // 04 || x || y
    Agreement numbers;
    Bytes own(1 + 2 * size);
    std::size_t written = 0;
    Secret shared(size);
    const bool agreed =
        mbedtls_ecp_group_load(&numbers.group, peer.kind() == KeyKind::p256
                                                   ? MBEDTLS_ECP_DP_SECP256R1
                                                   : MBEDTLS_ECP_DP_SECP384R1) == 0 &&
        mbedtls_ecp_point_read_binary(&numbers.group, &numbers.peer, point.data(), point.size()) ==
            0 &&
        mbedtls_ecp_check_pubkey(&numbers.group, &numbers.peer) == 0 &&
        mbedtls_ecdh_gen_public(&numbers.group, &numbers.secret, &numbers.own, mbedtls_random,
                                nullptr) == 0 &&
        mbedtls_ecdh_compute_shared(&numbers.group, &numbers.shared, &numbers.peer, &numbers.secret,
                                    mbedtls_random, nullptr) == 0 &&
        mbedtls_ecp_point_write_binary(&numbers.group, &numbers.own, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                       &written, own.data(), own.size()) == 0 &&
        mbedtls_mpi_write_binary(&numbers.shared, shared.writable().data(), size) == 0;
    if (!agreed || written != own.size()) {
        return refused("no agreement with this key");
    }
    return EphemeralAgreement{to_bytes(ByteView(own).subspan(1, size)),
                              to_bytes(ByteView(own).last(size)), std::move(shared)};
}

Bytes aes_cfb_encrypt_once(const Secret& key, ByteView message) {
    assert(key.reveal().size() == 16 || key.reveal().size() == 32);
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    std::array<std::uint8_t, 16> iv{};
    std::size_t offset = 0;
    Bytes out(message.size());
    const bool done = mbedtls_aes_setkey_enc(&aes, key.reveal().data(),
                                             static_cast<unsigned>(key.reveal().size() * 8)) == 0 &&
                      mbedtls_aes_crypt_cfb128(&aes, MBEDTLS_AES_ENCRYPT, message.size(), &offset,
                                               iv.data(), message.data(), out.data()) == 0;
    mbedtls_aes_free(&aes);
    if (!done) {
        std::abort();  // only a key of another size is refused
    }
    return out;
}

}  // namespace ratls
