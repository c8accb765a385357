// A request, whole and byte by byte: both readings must agree.
#include "ratls/http/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in(data, size);
    ratls::http::RequestParser whole(1000);
    ratls::http::RequestParser slow(1000);
    const auto head = whole.feed(in);
    bool ok = true;
    std::size_t at = 0;
    for (; ok && at < size && !slow.head_complete(); ++at) {
        ok = slow.feed(in.subspan(at, 1)).has_value();
    }
    const auto parsed = ratls::http::parse_request_head(ratls::as_text(in));
    if (ok != head.has_value() || (head && at != *head) ||
        (ok && slow.head_complete() != whole.head_complete()) || (parsed && head && at != size)) {
        __builtin_trap();
    }
    return 0;
}
