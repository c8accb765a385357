#include "verify/formats/pcr_values.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)ratls::verify::parse_pcr_values({data, size});
    return 0;
}
