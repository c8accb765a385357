// What is imported is a snapshot that can be read, once it has a head.
#include "verify/appraise/snapshot_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::verify;
    if (auto imported = parse_cosmian_snapshot(ratls::as_text({data, size}))) {
        Snapshot& snapshot = imported->snapshot;
        snapshot.name = "x";
        snapshot.dialects = {"ratls-vm/1"};
        if (snapshot.ima) {
            snapshot.ima->require = snapshot.ima->allow;
        }
        if (!parse_snapshot(snapshot_to_text(snapshot))) {
            __builtin_trap();
        }
    }
    return 0;
}
