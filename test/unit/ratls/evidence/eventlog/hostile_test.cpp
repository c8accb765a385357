// Logs that somebody made to break the parser: refused, in memory that the input bounds.
#include <doctest/doctest.h>

#include "ratls/evidence/eventlog/log.h"
#include "test/support/eventlog_builder.h"
#include "test/support/memory_count.h"

using namespace ratls;
using test::EventLogBuilder;

namespace {

constexpr std::uint32_t kAction = 5;
/// What one error message may take; nothing of it depends on the lengths that a log claims.
constexpr std::size_t kSomeMemory = 64 * 1024;

bool accepts(ByteView log) {
    test::count_memory();
    const bool out = eventlog::parse_log(log, eventlog::Kind::tcg).has_value();
    CHECK(test::counted_memory().largest <= kSomeMemory);
    return out;
}

}  // namespace

TEST_CASE("eventlog: every truncation ends at an event or is refused, in little memory") {
    EventLogBuilder made({HashAlg::sha1, HashAlg::sha256});
    std::vector<std::size_t> ends = {made.log().size()};
    for (unsigned index = 0; index < 4; ++index) {
        made.add(index, kAction, test::uefi_variable("name", Bytes(index, 1)));
        ends.push_back(made.log().size());
    }
    for (std::size_t size = 0; size <= made.log().size(); ++size) {
        CAPTURE(size);
        const bool whole = std::ranges::find(ends, size) != ends.end();
        CHECK(accepts(ByteView(made.log()).first(size)) == whole);
    }
}

TEST_CASE("eventlog: a length that is not the right one is refused, in little memory") {
    const Bytes data(20, 7);
    EventLogBuilder made({HashAlg::sha1, HashAlg::sha256});
    const std::size_t header = made.log().size();
    made.add(0, kAction, data);
    // pcrIndex, eventType | digest count | two algorithms with their digests | eventSize
    const std::size_t count = header + 8;
    const std::size_t event_size = count + 4 + 2 + 20 + 2 + 32;
    CHECK(accepts(made.log()));
    for (const std::size_t at : {std::size_t{28}, count, event_size}) {  // 28: of the header event
        const std::uint32_t right = made.log()[at];
        for (const std::uint32_t wrong :
             {0U, right + 1, right - 1, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
            CAPTURE(at);
            CAPTURE(wrong);
            Bytes log = made.log();
            for (std::size_t i = 0; i < 4; ++i) {
                log[at + i] = static_cast<std::uint8_t>(wrong >> (8 * i));
            }
            CHECK_FALSE(accepts(log));
        }
    }
}

TEST_CASE("eventlog: event data beyond the limit is refused") {
    EventLogBuilder made({HashAlg::sha256});
    made.add(0, kAction, Bytes(eventlog::kMaxEventData));
    CHECK(accepts(made.log()));
    EventLogBuilder beyond({HashAlg::sha256});
    beyond.add(0, kAction, Bytes(eventlog::kMaxEventData + 1));
    const auto parsed = eventlog::parse_log(beyond.log(), eventlog::Kind::tcg);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::too_large);
}
