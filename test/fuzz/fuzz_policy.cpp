// A policy that is read is written and read again as the same policy.
#include "verify/appraise/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::verify;
    if (const auto policy = parse_policy(ratls::as_text({data, size}))) {
        const std::string written = policy_json(*policy).canonical();
        const auto again = parse_policy(written);
        if (!again || policy_json(*again).canonical() != written) {
            __builtin_trap();
        }
    }
    return 0;
}
