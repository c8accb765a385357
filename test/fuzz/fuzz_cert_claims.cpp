// Claims that parse are written again as claims that mean the same.
#include "ratls/cert/claims.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto claims = ratls::cert::parse_claims({data, size});
    if (claims) {
        const auto again = ratls::cert::parse_claims(ratls::cert::encode_claims(*claims));
        if (!again || *again != *claims) {
            __builtin_trap();
        }
    }
    return 0;
}
