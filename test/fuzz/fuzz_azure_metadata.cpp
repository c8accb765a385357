#include <cstdlib>

#include "ratls/evidence/hcl/metadata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in{data, size};
    static_cast<void>(ratls::hcl::parse_certification(in));
    const auto quote = ratls::hcl::parse_td_quote_response(in);
    if (quote && (quote->empty() || quote->size() >= size)) {
        std::abort();
    }
    return 0;
}
