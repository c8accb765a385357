// A collection that parses is written again as one that means the same.
#include "ratls/cert/collection.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::cert;
    if (const auto collection = parse_collection({data, size})) {
        const ratls::Bytes written = encode_collection(*collection);
        const auto again = parse_collection(written);
        if (written.size() <= kMaxCollectionBytes && (!again || *again != *collection)) {
            __builtin_trap();
        }
        if (collection->eventlog) {
            (void)event_log(*collection->eventlog);
        }
    }
    return 0;
}
