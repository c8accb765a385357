// A paravisor's report: what parses hashes its own runtime data.
#include "ratls/evidence/hcl/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto report = ratls::hcl::parse_report({data, size});
    if (report && (report->runtime_bytes.size() > size || report->report_data().size() != 64 ||
                   report->expected_report_data().size() != 64)) {
        __builtin_trap();
    }
    return 0;
}
