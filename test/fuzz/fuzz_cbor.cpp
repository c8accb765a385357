// Whatever parses is deterministic: written again by our encoder, it gives the same bytes.
#include "ratls/codec/cbor.h"

namespace {

using ratls::cbor::Value;

void write(ratls::cbor::Encoder& out, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::uint:
            out.uint(value.number());
            break;
        case Value::Kind::bytes:
            out.bytes(value.bytes());
            break;
        case Value::Kind::text:
            out.text(value.text());
            break;
        case Value::Kind::array:
            out.array(value.items().size());
            break;
        case Value::Kind::map:
            out.map(value.items().size() / 2);
            break;
    }
    for (const Value& item : value.items()) {
        write(out, item);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView in(data, size);
    if (const auto value = ratls::cbor::parse(in, "fuzz")) {
        ratls::cbor::Encoder out;
        write(out, *value);
        if (!ratls::equal(out.view(), in)) {
            __builtin_trap();
        }
    }
    return 0;
}
