#include "ratls/crypto/hmac.h"

#include <cstdlib>

#include "ratls/crypto/mbedtls_md.h"

namespace ratls {
namespace {

void must(int status) {
    if (status != 0) {
        std::abort();  // only memory can be short
    }
}

}  // namespace

Digest hmac(HashAlg alg, ByteView key, std::initializer_list<ByteView> pieces) {
    Digest out(digest_size(alg));
    mbedtls_md_context_t context;
    mbedtls_md_init(&context);
    must(mbedtls_md_setup(&context, mbedtls_md_info_from_type(md_type(alg)), 1));
    must(mbedtls_md_hmac_starts(&context, key.data(), key.size()));
    for (const ByteView piece : pieces) {
        must(mbedtls_md_hmac_update(&context, piece.data(), piece.size()));
    }
    must(mbedtls_md_hmac_finish(&context, out.writable().data()));
    mbedtls_md_free(&context);
    return out;
}

}  // namespace ratls
