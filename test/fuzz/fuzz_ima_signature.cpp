// The signature of a file that an entry carries.
#include "ratls/evidence/ima/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto signature = ratls::ima::parse_file_signature({data, size});
    if (signature && (signature->signature.empty() || signature->signature.size() + 9 != size)) {
        __builtin_trap();
    }
    return 0;
}
