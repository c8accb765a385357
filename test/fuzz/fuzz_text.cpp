// The small readers of text: hex, base64, times. What parses is written back to the same value.
#include "ratls/base/text.h"
#include "ratls/base/time.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = ratls::as_text({data, size});
    const auto bytes = ratls::parse_hex(text);
    const auto decoded = ratls::parse_base64(text);
    const auto time = ratls::parse_rfc3339(text);
    if ((bytes && ratls::hex(*bytes) != ratls::lower(text)) ||
        (decoded && ratls::base64(*decoded) != text) ||
        (time && *time >= -62167219200 && *time < 253402300800 &&
         ratls::parse_rfc3339(ratls::format_rfc3339(*time)) != *time)) {
        __builtin_trap();
    }
    return 0;
}
