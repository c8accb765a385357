#include <cstdlib>

#include "ratls/evidence/snp/cert_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto table = ratls::snp::parse_cert_table({data, size});
    if (table) {
        const auto again = ratls::snp::parse_cert_table(ratls::snp::encode_cert_table(*table));
        if (!again || *again != *table) {
            std::abort();
        }
    }
    return 0;
}
