// An ascii list never becomes twice as long as its text, and never one that looks like ascii again.
#include "ratls/evidence/ima/log.h"
#include "ratls/evidence/ima/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView text(data, size);
    const auto binary = ratls::ima::ascii_to_binary(ratls::as_text(text));
    if (!binary) {
        return 0;
    }
    if (binary->size() > 2 * size + 64 || ratls::ima::looks_like_ascii(*binary)) {
        __builtin_trap();
    }
    static_cast<void>(ratls::ima::summarize(*binary));
    return 0;
}
