// A revocation list, and the serial numbers in it.
#include "ratls/crypto/crl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto crl = ratls::Crl::parse({data, size});
    if (crl) {
        (void)crl->lists(ratls::Bytes{1});
        if (crl->size() > size) {
            __builtin_trap();
        }
    }
    return 0;
}
