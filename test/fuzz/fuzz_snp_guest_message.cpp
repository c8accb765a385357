#include <cstdlib>

#include "ratls/evidence/snp/guest_message.h"
#include "ratls/evidence/snp/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in{data, size};
    const auto report = ratls::snp::parse_report_response(in);
    if (report && report->size() != ratls::snp::kReportSize) {
        std::abort();
    }
    const auto key = ratls::snp::parse_key_response(in);
    if (key && key->reveal().size() != ratls::snp::kDerivedKeySize) {
        std::abort();
    }
    return 0;
}
