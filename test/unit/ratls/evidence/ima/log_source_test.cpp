// Lists that come in pieces are read as those that come whole.
#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"
#include "test/support/ima_builder.h"
#include "test/support/piece_log.h"

using namespace ratls;
using ima::kMaxEntryBytes;
using test::ImaBuilder;
using test::PieceLog;

namespace {

constexpr std::size_t kPiece = kMaxEntryBytes + kMaxEntryBytes / 4;

/// Longer than several pieces.
const ImaBuilder& sample() {
    static const ImaBuilder log = [] {
        ImaBuilder out;
        for (std::size_t i = 0; out.log().size() < 3 * kMaxEntryBytes + kMaxEntryBytes / 2; ++i) {
            out.add("/usr/lib/" + std::string(1 + i % 900, 'x') + std::to_string(i),
                    sha256(as_bytes(std::to_string(i))));
        }
        return out;
    }();
    return log;
}

std::size_t count(ima::LogSource& log, std::uint64_t offset = 0, std::size_t first = 0) {
    std::size_t out = 0;
    CHECK(ima::read_log(log, offset, first, [&](const ima::Entry&) -> Result<bool> {
        ++out;
        return true;
    }));
    return out;
}

std::string failure(ima::LogSource& log) {
    const Status status =
        ima::read_log(log, 0, 0, [](const ima::Entry&) -> Result<bool> { return true; });
    REQUIRE_FALSE(status);
    return status.error().text();
}

}  // namespace

TEST_CASE("ima.pieces: replay and digests are those of the list in one piece") {
    const ImaBuilder& log = sample();
    // Where entries are cut off, and where they are not.
    for (const std::size_t size : {kPiece, kPiece + 1, kPiece + 777, 2 * kPiece}) {
        PieceLog pieces(log.log(), size);
        ima::Replay replay({{HashAlg::sha256}, {HashAlg::sha384}});
        std::vector<std::size_t> counts;
        for (std::size_t n = 0; n <= log.size(); n += 97) {
            counts.push_back(n);
        }
        counts.push_back(log.size());
        ima::PrefixDigests digests(counts);
        REQUIRE(ima::replay_log(
            pieces, 0, replay,
            [&](const ima::Entry& entry, const ima::Replay&) { digests.add(entry); },
            [&] { digests.settle(); }));
        CHECK(pieces.pieces() > 1);
        CHECK(replay.count() == log.size());
        CHECK(equal(replay.value(0, ima::kImaPcr).view(), log.pcr()));
        for (const std::size_t n : counts) {
            const Sha256Digest wanted = sha256(ByteView(log.log()).first(log.offset(n)));
            REQUIRE(digests.at(n));
            CHECK(hex(*digests.at(n)) == hex(wanted));
        }
    }
}

TEST_CASE("ima.pieces: a list goes on from any entry") {
    const ImaBuilder& log = sample();
    PieceLog pieces(log.log(), kPiece);
    for (const std::size_t n : {std::size_t{0}, log.size() / 2, log.size() - 1, log.size()}) {
        CHECK(count(pieces, log.offset(n), n) == log.size() - n);
    }
    CHECK(count(pieces, log.log().size() + 1000) == 0);
    ima::MemoryLog memory(log.log());
    CHECK(count(memory, log.log().size() + 1000) == 0);
}

TEST_CASE("ima.pieces: a list that is cut off or wrong is refused with the index of its entry") {
    Bytes log = sample().log();
    log.pop_back();
    PieceLog cut(log, kPiece);
    ima::MemoryLog whole(log);
    const std::string says = failure(cut);
    CHECK(says == failure(whole));
    CHECK(says.contains("entry " + std::to_string(sample().size() - 1)));
    log[sample().offset(sample().size() - 2) + 3] = 0xff;  // a PCR that does not exist
    PieceLog wrong(log, kPiece);
    CHECK(failure(wrong).contains("entry " + std::to_string(sample().size() - 2)));
}

TEST_CASE("ima.pieces: a piece that is too small, and a list that never ends, are refused") {
    PieceLog small(sample().log(), kMaxEntryBytes - 1);
    CHECK(failure(small).contains("too small"));

    /// The same entries again and again.
    class Endless : public ima::LogSource {
      public:
        Result<Piece> at(std::uint64_t offset) override {
            read_ = offset;
            return Piece{piece_, false};
        }
        std::uint64_t read() const { return read_; }

      private:
        static Bytes make() {
            ImaBuilder log;
            log.add("/a", Bytes(32));
            Bytes out;
            while (out.size() < 16 * kMaxEntryBytes) {
                append(out, log.log());
            }
            return out;
        }
        Bytes piece_ = make();
        std::uint64_t read_ = 0;
    } endless;
    CHECK(failure(endless).contains("256 MiB"));
    CHECK(endless.read() <= ima::kMaxLogBytes);
}

TEST_CASE("ima.pieces: a source that fails, and a visitor that does, end the pass") {
    class Broken : public ima::LogSource {
      public:
        Result<Piece> at(std::uint64_t) override { return fail(Code::io, "log", "no disk"); }
    } broken;
    CHECK(failure(broken) == "log: no disk");
    ima::MemoryLog log(sample().log());
    std::size_t seen = 0;
    const auto deny = [&](const ima::Entry&) -> Result<bool> {
        ++seen;
        return fail(Code::denied, "visitor", "no");
    };
    CHECK_FALSE(ima::read_log(log, 0, 0, deny));
    CHECK(seen == 1);
    const auto stop = [&](const ima::Entry&) -> Result<bool> { return ++seen < 4; };
    CHECK(ima::read_log(log, 0, 0, stop));
    CHECK(seen == 4);
}

TEST_CASE("ima.pieces: no entry is longer than what a piece must hold") {
    for (const std::uint32_t size : {ima::kMaxTemplateData, ima::kMaxTemplateData + 1}) {
        ImaBuilder log;
        log.add_data("ima-buf", Bytes(size), ima::kImaPcr, false);
        ima::LogReader reader(log.log());
        ima::Entry entry;
        CHECK_FALSE(reader.next(entry));  // its fields are nonsense
        const bool too_long = reader.status().error().text().contains("at most");
        CHECK(too_long == (size > ima::kMaxTemplateData));
        CHECK((log.log().size() <= kMaxEntryBytes || too_long));
    }
}
