// What parses survives both ways of writing: the values are the same, the canonical text is fixed.
#include "ratls/base/bytes.h"
#include "ratls/codec/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = ratls::parse_json(ratls::as_text({data, size}), {.max_depth = 8});
    if (json) {
        const std::string canonical = json->canonical();
        const auto again = ratls::parse_json(canonical);
        const auto pretty = ratls::parse_json(json->pretty());
        if (!again || again->canonical() != canonical || !pretty ||
            pretty->canonical() != canonical) {
            __builtin_trap();
        }
    }
    return 0;
}
