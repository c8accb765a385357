// Only inputs of the exact size parse.
#include "ratls/evidence/snp/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (ratls::snp::parse_report({data, size}) && size != 1184) {
        __builtin_trap();
    }
    return 0;
}
