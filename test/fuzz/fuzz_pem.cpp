// What parses is found again in what we write.
#include "ratls/codec/pem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto blocks = ratls::parse_pem(ratls::as_text({data, size}));
    if (blocks) {
        std::string text;
        for (const auto& block : *blocks) {
            text += ratls::pem(block.label, block.der);
        }
        const auto again = ratls::parse_pem(text);
        if (!again || again->size() != blocks->size() || again->back().der != blocks->back().der) {
            __builtin_trap();
        }
    }
    return 0;
}
