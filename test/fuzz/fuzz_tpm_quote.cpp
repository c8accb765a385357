#include "ratls/evidence/tpm/attest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)ratls::tpm::parse_quote({data, size});
    return 0;
}
