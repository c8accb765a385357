// Entries follow each other without gaps; a list that replays has a prefix for its last value.
#include "ratls/evidence/ima/log.h"
#include "ratls/evidence/ima/prefix.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ratls::ByteView log(data, size);
    ratls::Hasher hasher(ratls::HashAlg::sha256);
    ratls::ima::LogReader reader(log);
    std::size_t bytes = 0;
    for (ratls::ima::Entry entry; reader.next(entry); bytes += entry.raw.size()) {
        template_hash(entry, hasher);
    }
    const auto match = ratls::ima::match_prefix_if(log, hasher.alg(), [](auto) { return true; });
    if (bytes != reader.offset() || (reader.status() && bytes != size) || (match && !*match) ||
        (match && !ratls::ima::prefix_digest(log, (*match)->total))) {
        __builtin_trap();
    }
    return 0;
}
