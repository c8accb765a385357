// A message of credential activation that parses is written again as one that means the same.
#include "ratls/cert/activation.h"

namespace {

using namespace ratls;

template <typename Parse, typename Encode>
void round_trip(ByteView in, Parse parse, Encode encode) {
    const auto message = parse(in);
    if (message) {
        const auto again = parse(encode(*message));
        if (!again || *again != *message) {
            __builtin_trap();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView in(data, size);
    round_trip(in, cert::parse_ek_answer, cert::encode_ek_answer);
    round_trip(in, cert::parse_activation_request, cert::encode_activation_request);
    round_trip(in, cert::parse_activation_answer, cert::encode_activation_answer);
    return 0;
}
