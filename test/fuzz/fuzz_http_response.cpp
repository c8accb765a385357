// A response, whole and byte by byte: both readings must agree, and the body stays in its bound.
#include "ratls/http/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in(data, size);
    ratls::http::ResponseParser whole(ratls::http::Method::get, 1000);
    ratls::http::ResponseParser slow(ratls::http::Method::get, 1000);
    const auto fed = whole.feed(in);
    bool ok = true;
    for (std::size_t at = 0; ok && at < size && !slow.complete(); ++at) {
        ok = slow.feed(in.subspan(at, 1)).has_value();
    }
    const bool finished = whole.finish().has_value();
    if (ok != fed.has_value() || slow.finish().has_value() != finished ||
        (finished && (whole.take().body != slow.take().body))) {
        __builtin_trap();
    }
    return 0;
}
