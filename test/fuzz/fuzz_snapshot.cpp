// A snapshot that is read is written and read again as the same snapshot.
#include "verify/appraise/snapshot.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::verify;
    if (const auto snapshot = parse_snapshot(ratls::as_text({data, size}))) {
        const std::string written = snapshot_json(*snapshot).canonical();
        const auto again = parse_snapshot(written);
        if (!again || snapshot_json(*again).canonical() != written) {
            __builtin_trap();
        }
    }
    return 0;
}
