// What only the provider with libcrypto has to take care of.
#include <openssl/err.h>

#include "test/unit/ratls/crypto/pki.h"

using namespace ratls;
using test::pki;
using test::pki_key;

TEST_CASE("crypto.libcrypto: what is refused leaves the error queue of the thread as it was") {
    const Bytes message = pki("message");
    const auto refuse = [&] {
        const Bytes wrong(256, 0xff);
        CHECK_FALSE(pki_key("rsa2048").verify_rsa_pkcs1(HashAlg::sha256, message, wrong));
        CHECK_FALSE(pki_key("rsa2048").verify_rsa_pss(HashAlg::sha256, 32, message, wrong));
        CHECK_FALSE(
            pki_key("p256").verify_ecdsa(HashAlg::sha256, message, Bytes(32, 0xff), Bytes{1}));
        CHECK_FALSE(PublicKey::from_point(KeyKind::p256, Bytes{1}, Bytes{1}));
    };
    ERR_clear_error();
    refuse();
    CHECK(ERR_peek_error() == 0);
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    const unsigned long before = ERR_peek_last_error();
    refuse();
    CHECK(ERR_peek_last_error() == before);
    ERR_clear_error();
}
