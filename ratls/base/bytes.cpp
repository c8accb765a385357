#include "ratls/base/bytes.h"

#include <algorithm>

namespace ratls {

ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool equal_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) {
        return false;
    }
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned>(a[i] ^ b[i]);
    }
    return difference == 0;
}

bool contains(const std::vector<Bytes>& values, ByteView wanted) {
    return std::ranges::any_of(values, [&](const Bytes& value) { return equal(value, wanted); });
}

}  // namespace ratls
