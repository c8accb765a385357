// Logs that somebody made to break the reader: refused, in memory that the input bounds.
#include <doctest/doctest.h>

#include "ratls/evidence/ima/prefix.h"
#include "test/support/ima_builder.h"
#include "test/support/memory_count.h"

using namespace ratls;
using test::ImaBuilder;

namespace {

/// What one error message and the hashers may take; nothing of it depends on the log.
constexpr std::size_t kSomeMemory = 64 * 1024;

ImaBuilder make_log() {
    ImaBuilder out;
    out.add("boot_aggregate", Bytes(32, 1));
    out.add_signed("/usr/bin/signed", Bytes(32, 2), Bytes(70, 3));
    out.add_fields("ima-ngv2", {test::digest_field("sha256", Bytes(32, 4), "ima"),
                                test::name_field("/usr/bin/typed")});
    return out.add_legacy("/sbin/init", Bytes(20, 5));
}

/// Replays a log and looks that this takes no memory worth mentioning.
Status replayed(ByteView log, std::size_t* entries = nullptr) {
    ima::Replay replay({{HashAlg::sha256}});
    test::count_memory();
    Status status = ima::replay_log(log, replay);
    const test::MemoryCount memory = test::counted_memory();
    CHECK(memory.peak <= kSomeMemory);
    if (entries != nullptr) {
        *entries = replay.count();
    }
    return status;
}

/// Where the lengths of the entry at `start` stand: of the template name, of the data, of fields.
std::vector<std::size_t> length_offsets(const Bytes& log, std::size_t start) {
    const auto u32_at = [&](std::size_t at) {
        std::uint32_t out = 0;
        for (std::size_t i = 4; i > 0; --i) {
            out = (out << 8) | log[at + i - 1];
        }
        return out;
    };
    std::vector<std::size_t> out = {start + 24};
    const std::size_t name = start + 28;
    const std::size_t data = name + u32_at(out[0]);
    if (as_text(ByteView(log).subspan(name, u32_at(out[0]))) == "ima") {
        out.push_back(data + 20);
        return out;
    }
    out.push_back(data);
    for (std::size_t at = data + 4; at < data + 4 + u32_at(data); at += 4 + u32_at(at)) {
        out.push_back(at);
    }
    return out;
}

void put_u32(Bytes& log, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
        log[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

}  // namespace

TEST_CASE("ima: every truncation of a log ends at an entry or is refused, in little memory") {
    const ImaBuilder made = make_log();
    std::size_t whole = 0;
    for (std::size_t size = 0; size <= made.log().size(); ++size) {
        CAPTURE(size);
        const bool between = size == made.offset(whole);
        std::size_t entries = 0;
        const Status status = replayed(ByteView(made.log()).first(size), &entries);
        CHECK(status.has_value() == between);
        whole += between ? 1 : 0;
        CHECK(entries == whole - 1);
    }
    CHECK(whole == made.size() + 1);
}

TEST_CASE("ima: every length that is not the right one is refused, in little memory") {
    const ImaBuilder made = make_log();
    std::size_t lengths = 0;
    for (std::size_t entry = 0; entry < made.size(); ++entry) {
        for (const std::size_t at : length_offsets(made.log(), made.offset(entry))) {
            ++lengths;
            const std::uint32_t right = made.log()[at];
            for (const std::uint32_t wrong :
                 {0U, right + 1, right - 1, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
                CAPTURE(at);
                CAPTURE(wrong);
                Bytes log = made.log();
                put_u32(log, at, wrong);
                CHECK_FALSE(replayed(log));
            }
        }
    }
    CHECK(lengths == 4 + 5 + 4 + 2);
}

TEST_CASE("ima: an entry at the limit of its data is read, one beyond it is refused") {
    const auto with_buffer = [](std::size_t data_size) {
        const Bytes name = test::name_field("/module");
        const Bytes digest = test::digest_field("sha256", Bytes(32, 6));
        const std::size_t rest = data_size - 20 - digest.size() - name.size();
        return ImaBuilder()
            .add_fields("ima-modsig", {digest, name, Bytes{}, Bytes{}, Bytes(rest, 7)})
            .log();
    };
    CHECK(replayed(with_buffer(ima::kMaxTemplateData)));
    const Status beyond = replayed(with_buffer(ima::kMaxTemplateData + 1));
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().code == Code::too_large);
}

TEST_CASE("ima: a million entries take no more memory than one") {
    constexpr std::size_t kEntries = 1'000'000;
    ImaBuilder part;
    for (std::size_t i = 0; i < 1000; ++i) {
        part.add("/usr/bin/" + std::to_string(i), Bytes(32, 8));
    }
    Bytes log;
    log.reserve(part.log().size() * (kEntries / part.size()));
    while (log.size() < log.capacity()) {
        append(log, part.log());
    }
    std::size_t entries = 0;
    CHECK(replayed(log, &entries));
    CHECK(entries == kEntries);
}
