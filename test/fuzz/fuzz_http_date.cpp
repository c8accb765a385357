// A date in a header.
#include "ratls/base/bytes.h"
#include "ratls/http/date.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto date = ratls::http::parse_date(ratls::as_text({data, size}));
    if (date && (size != 29 || *date < -62'167'219'200 || *date > 253'402'300'799)) {
        __builtin_trap();  // years 0 to 9999
    }
    return 0;
}
