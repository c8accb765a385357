// A quote that parses is as long as its parts say, and what is signed is how it begins.
#include "ratls/evidence/dcap/quote.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls;
    if (const auto quote = dcap::parse_quote({data, size})) {
        const ByteView in(data, size);
        if (quote->size > size || quote->signed_bytes.size() > quote->size ||
            !equal(quote->signed_bytes, in.first(quote->signed_bytes.size())) ||
            !all_zero(in.subspan(quote->size)) ||
            quote->td.has_value() == quote->enclave.has_value()) {
            __builtin_trap();
        }
    }
    return 0;
}
