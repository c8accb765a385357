#include "ratls/evidence/tpm/public_area.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)ratls::tpm::parse_public_area({data, size});
    return 0;
}
