#include <cstdlib>

#include "ratls/evidence/dcap/qgs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in{data, size};
    const auto length = ratls::dcap::parse_qgs_length(in.first(std::min<std::size_t>(size, 4)));
    if (length && (*length == 0 || *length > ratls::dcap::kMaxQgsMessage)) {
        std::abort();
    }
    const auto quote = ratls::dcap::parse_qgs_response(in);
    if (quote && (quote->empty() || quote->size() > size)) {
        std::abort();
    }
    static_cast<void>(ratls::dcap::parse_tdx_attest_conf(ratls::as_text(in)));
    return 0;
}
