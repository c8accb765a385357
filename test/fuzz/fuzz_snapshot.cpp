// What is signed does not change when it is written in its canonical form, and is that of the tree;
// a snapshot that is read is written and read again as the same snapshot.
#include "ratls/codec/json.h"
#include "verify/appraise/snapshot.h"

namespace {

using namespace ratls;
using namespace ratls::verify;

void check_signed(std::string_view text, const SnapshotText& read) {
    constexpr std::size_t kDomain = 20;
    const Bytes bytes = read.signed_bytes();
    const std::string_view content = as_text(bytes).substr(kDomain);
    const auto again = SnapshotText::read(to_bytes(as_bytes(content)));
    const auto tree = parse_json(text, {.max_depth = kMaxSnapshotDepth});
    if (!again || again->signed_bytes() != bytes || !tree) {
        __builtin_trap();
    }
    Json::Object members = *tree->if_object();
    std::erase_if(members, [](const auto& member) { return member.first == "signatures"; });
    if (Json(members).canonical() != content) {
        __builtin_trap();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    const auto read = SnapshotText::read(to_bytes(as_bytes(text)));
    if (!read) {
        return 0;
    }
    check_signed(text, *read);
    if (const auto snapshot = parse_snapshot(*read)) {
        const std::string written = snapshot_to_text(*snapshot);
        const auto again = parse_snapshot(written);
        if (!again || snapshot_to_text(*again) != written) {
            __builtin_trap();
        }
    }
    return 0;
}
