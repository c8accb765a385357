#include "ratls/evidence/snp/cert_table.h"

#include "ratls/base/reader.h"
#include "ratls/base/writer.h"

namespace ratls::snp {
namespace {

constexpr std::size_t kMaxEntries = 32;  // hosts send up to 7
constexpr std::size_t kEntrySize = 16 + 4 + 4;

struct Entry {
    Guid guid;
    std::uint32_t offset;  // from the start of the table
    std::uint32_t length;
};

}  // namespace

Result<CertTable> parse_cert_table(ByteView in) {
    Reader r(in, "snp.cert_table");
    std::vector<Entry> entries;
    while (r.ok()) {
        const Entry entry{r.array<16>("guid"), r.u32_le("offset"), r.u32_le("length")};
        if (all_zero(entry.guid)) {
            r.expect(entry.offset, 0, "offset of the last entry");
            r.expect(entry.length, 0, "length of the last entry");
            break;
        }
        if (entries.size() == kMaxEntries) {
            r.fail(Code::too_large, "entries", "more than " + std::to_string(kMaxEntries));
        }
        entries.push_back(entry);
    }
    const std::size_t header_size = r.offset();
    std::size_t room = r.left();
    CertTable table;
    for (const Entry& entry : entries) {
        if (!r.ok()) {
            break;
        }
        if (entry.offset < header_size || entry.offset > in.size() ||
            entry.length > in.size() - entry.offset) {
            r.fail(Code::malformed, "offset",
                   std::to_string(entry.offset) + " and length " + std::to_string(entry.length) +
                       " do not lie in bytes " + std::to_string(header_size) + " to " +
                       std::to_string(in.size()));
        } else if (entry.length > room) {
            r.fail(Code::malformed, "length", "contents that overlap");
        } else if (!table.emplace(entry.guid, to_bytes(in.subspan(entry.offset, entry.length)))
                        .second) {
            r.fail(Code::malformed, "guid", "occurs twice");
        }
        room -= std::min<std::size_t>(room, entry.length);
    }
    r.bytes(r.left(), "contents");
    return r.finish(std::move(table));
}

Bytes encode_cert_table(const CertTable& table) {
    Writer entries;
    Writer contents;
    const std::size_t header_size = (table.size() + 1) * kEntrySize;
    for (const auto& [guid, content] : table) {
        entries.bytes(guid)
            .u32_le(static_cast<std::uint32_t>(header_size + contents.size()))
            .u32_le(static_cast<std::uint32_t>(content.size()));
        contents.bytes(content);
    }
    return entries.zeros(kEntrySize).bytes(contents.view()).take();
}

}  // namespace ratls::snp
