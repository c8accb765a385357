#include "ratls/evidence/snp/cert_table.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"

using namespace ratls;
using snp::CertTable;
using snp::parse_cert_table;

namespace {

constexpr std::size_t kEntrySize = 24;

struct Entry {
    snp::Guid guid;
    std::size_t offset;
    std::size_t length;
};

/// A table of these entries, the last of zeros, then `contents`.
Bytes table_of(const std::vector<Entry>& entries, ByteView contents) {
    Writer out;
    for (const Entry& entry : entries) {
        out.bytes(entry.guid)
            .u32_le(static_cast<std::uint32_t>(entry.offset))
            .u32_le(static_cast<std::uint32_t>(entry.length));
    }
    return out.zeros(kEntrySize).bytes(contents).take();
}

snp::Guid guid(std::uint8_t fill) {
    snp::Guid out{};
    out.fill(fill);
    return out;
}

void refused(const Bytes& table, Code code, std::string_view where) {
    const auto result = parse_cert_table(table);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == code);
    CHECK(result.error().where == where);
}

const Bytes kContents = {'V', 'C', 'E', 'K', 'A', 'S', 'K'};
constexpr std::size_t kHeader = 3 * kEntrySize;  // two entries and the last
const std::vector<Entry> kTwo = {{snp::kGuidVcek, kHeader, 4}, {snp::kGuidAsk, kHeader + 4, 3}};

}  // namespace

TEST_CASE("snp.cert_table: the GUIDs are those of the specification") {
    CHECK(hex(snp::kGuidArk) == "c0b406a4a803495297433fb6014cd0ae");
    CHECK(hex(snp::kGuidAsk) == "4ab7b379bbac4fe4a02f05aef327c782");
    CHECK(hex(snp::kGuidVcek) == "63da758de6644564adc5f4b93be8accd");
    CHECK(hex(snp::kGuidVlek) == "a8074bc2a25a483eaae639c045a0b8a1");
    CHECK(hex(snp::kGuidCrl) == "92f81bc358114d3d97ffd19f88dc67ea");
}

TEST_CASE("snp.cert_table: contents are found by GUID, known or not") {
    const CertTable expected = {{snp::kGuidVcek, {'V', 'C', 'E', 'K'}},
                                {snp::kGuidAsk, {'A', 'S', 'K'}}};
    CHECK(parse_cert_table(table_of(kTwo, kContents)).value() == expected);
    const auto other = parse_cert_table(table_of({{guid(1), 48, 7}}, kContents));
    REQUIRE(other);
    CHECK(other->at(guid(1)) == kContents);
}

TEST_CASE("snp.cert_table: padding after the contents, and between them, is nobody's") {
    Bytes padded = table_of(kTwo, kContents);
    padded.resize(4096);
    CHECK(parse_cert_table(padded).value().size() == 2);
    const auto apart = parse_cert_table(table_of({{guid(1), 49, 1}, {guid(2), 78, 1}}, kContents));
    CHECK_FALSE(apart);  // 49 is inside the entries
    CHECK(parse_cert_table(table_of({{guid(1), 73, 1}, {guid(2), 78, 1}}, kContents)).value() ==
          CertTable{{guid(1), {'C'}}, {guid(2), {'K'}}});
}

TEST_CASE("snp.cert_table: a table without entries is one, no bytes are not") {
    CHECK(parse_cert_table(Bytes(kEntrySize)).value().empty());
    CHECK(parse_cert_table(Bytes(4096)).value().empty());
    CHECK_FALSE(parse_cert_table({}));
}

TEST_CASE("snp.cert_table: every truncation is refused, and the message names a field") {
    const Bytes good = table_of(kTwo, kContents);
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        const auto table = parse_cert_table(ByteView(good).first(n));
        REQUIRE_FALSE(table);
        CHECK(table.error().where.starts_with("snp.cert_table: "));
    }
}

TEST_CASE("snp.cert_table: a content may touch the entries and the end, but not cross them") {
    const std::size_t header = 2 * kEntrySize;
    const auto one = [&](std::size_t offset, std::size_t length) {
        return table_of({{guid(1), offset, length}}, kContents);
    };
    CHECK(parse_cert_table(one(header, 7)));
    CHECK(parse_cert_table(one(header + 7, 0)));
    refused(one(header - 1, 7), Code::malformed, "snp.cert_table: offset");
    refused(one(0, 7), Code::malformed, "snp.cert_table: offset");
    refused(one(header, 8), Code::malformed, "snp.cert_table: offset");
    refused(one(header + 8, 0), Code::malformed, "snp.cert_table: offset");
    refused(one(header + 1, 7), Code::malformed, "snp.cert_table: offset");
    refused(one(0xffffffff, 1), Code::malformed, "snp.cert_table: offset");
    refused(one(header, 0xffffffff), Code::malformed, "snp.cert_table: offset");
    refused(one(0xfffffff0, 0x20), Code::malformed, "snp.cert_table: offset");
}

TEST_CASE("snp.cert_table: entries cannot make more of the bytes than there are") {
    const std::size_t header = 3 * kEntrySize;
    CHECK(parse_cert_table(table_of({{guid(1), header, 4}, {guid(2), header + 3, 3}}, kContents)));
    refused(table_of({{guid(1), header, 4}, {guid(2), header + 3, 4}}, kContents), Code::malformed,
            "snp.cert_table: length");
}

TEST_CASE("snp.cert_table: a GUID that occurs twice is refused") {
    refused(table_of({{guid(1), kHeader, 1}, {guid(1), kHeader + 1, 1}}, kContents),
            Code::malformed, "snp.cert_table: guid");
}

TEST_CASE("snp.cert_table: 32 entries are read, 33 are too many") {
    const auto many = [](std::uint8_t count) {
        std::vector<Entry> entries;
        for (std::uint8_t i = 1; i <= count; ++i) {
            entries.push_back({guid(i), (count + std::size_t{1}) * kEntrySize, 0});
        }
        return table_of(entries, kContents);
    };
    CHECK(parse_cert_table(many(32)).value().size() == 32);
    refused(many(33), Code::too_large, "snp.cert_table: entries");
}

TEST_CASE("snp.cert_table: the last entry is zero in all its parts") {
    Bytes table = table_of(kTwo, kContents);
    table[kHeader - 8] = 1;
    refused(table, Code::malformed, "snp.cert_table: offset of the last entry");
    table[kHeader - 8] = 0;
    table[kHeader - 1] = 1;
    refused(table, Code::malformed, "snp.cert_table: length of the last entry");
}

TEST_CASE("snp.cert_table: what is encoded is parsed as it was") {
    const CertTable table = {
        {snp::kGuidArk, Bytes(1000, 1)}, {snp::kGuidVlek, {}}, {snp::kGuidCrl, Bytes(5, 2)}};
    const Bytes bytes = snp::encode_cert_table(table);
    CHECK(bytes.size() == 4 * kEntrySize + 1005);
    CHECK(parse_cert_table(bytes).value() == table);
    CHECK(parse_cert_table(snp::encode_cert_table({})).value().empty());
}
