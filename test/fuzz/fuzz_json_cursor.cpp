// What is JSON to the tree is so to the cursor, and the text of a member is that of its value.
#include <limits>

#include "ratls/base/bytes.h"
#include "ratls/codec/json.h"

namespace {

using namespace ratls;

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

void read_value(JsonCursor& at) {
    switch (at.kind()) {
        case JsonCursor::Kind::null:
            at.null();
            break;
        case JsonCursor::Kind::boolean:
            at.boolean();
            break;
        case JsonCursor::Kind::integer:
            at.integer(-JsonCursor::kMaxInteger, JsonCursor::kMaxInteger);
            break;
        case JsonCursor::Kind::string:
            at.string();
            break;
        case JsonCursor::Kind::array:
            at.items(kAny, [&] { read_value(at); });
            break;
        case JsonCursor::Kind::object:
            at.any_members([&](std::string_view) { read_value(at); });
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    const auto whole = parse_json(text);
    JsonCursor at(text, "");
    if (at.kind() != JsonCursor::Kind::object) {
        return 0;
    }
    std::vector<std::pair<std::string_view, std::string_view>> members;
    at.any_members([&](std::string_view name) {
        members.emplace_back(name, at.text_of([&] { read_value(at); }));
    });
    const bool good = at.finish().has_value();
    if (whole && (!good || members.size() != whole->if_object()->size())) {
        __builtin_trap();
    }
    for (std::size_t i = 0; whole && i < members.size(); ++i) {
        const auto alone = parse_json("[" + std::string(members[i].second) + "]");
        const auto& [name, value] = (*whole->if_object())[i];
        if (name != members[i].first || !alone || alone->if_array()->size() != 1 ||
            alone->if_array()->front().canonical() != value.canonical()) {
            __builtin_trap();
        }
    }
    return 0;
}
