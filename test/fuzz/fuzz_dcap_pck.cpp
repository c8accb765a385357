// The SGX extension of a certificate: what it says of a platform instance is there as a whole.
#include "ratls/evidence/dcap/pck.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls;
    if (const auto certificate = Certificate::parse({data, size})) {
        (void)dcap::is_pck(*certificate);
        if (const auto pck = dcap::parse_pck(*certificate)) {
            if (pck->sgx_type > 2 ||
                pck->platform_instance_id.has_value() != pck->smt_enabled.has_value()) {
                __builtin_trap();
            }
        }
    }
    return 0;
}
