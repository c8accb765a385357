#include "ratls/evidence/tpm/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)ratls::tpm::parse_signature({data, size});
    return 0;
}
