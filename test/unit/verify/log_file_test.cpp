// Logs that are too long for memory, and those that come piece by piece.
#include "ratls/platform/log_file.h"

#include <doctest/doctest.h>

#include "ratls/evidence/ima/log.h"
#include "test/fake/fake_files.h"
#include "test/support/piece_log.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Bytes counting(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    }
    return out;
}

/// All that a source gives from a place on, and that its pieces are as they must be.
Bytes all_of(ima::LogSource& log, std::uint64_t offset) {
    Bytes out;
    for (;;) {
        const auto piece = log.at(offset + out.size());
        REQUIRE(piece);
        append(out, piece->bytes);
        if (piece->last) {
            return out;
        }
        CHECK(piece->bytes.size() >= ima::kMaxEntryBytes);
    }
}

/// Gives few bytes at a time, and then fails if it shall.
class SlowFile : public OpenFile {
  public:
    SlowFile(Bytes content, std::size_t fails_at) : content_(std::move(content)), end_(fails_at) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        if (offset >= end_) {
            return fail(Code::io, "file", "no disk");
        }
        const ByteView rest = ima::MemoryLog(content_).at(offset)->bytes;
        const std::size_t size = std::min({rest.size(), into.size(), std::size_t{99'991}});
        std::ranges::copy(rest.first(size), into.begin());
        return size;
    }

  private:
    Bytes content_;
    std::size_t end_;
};

}  // namespace

TEST_CASE("log_file: a file gives what is in it, from any place on") {
    FakeFiles files;
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, FileLog::kWindow - 1,
                                   FileLog::kWindow, FileLog::kWindow + 1, 3 * FileLog::kWindow}) {
        const Bytes content = counting(size);
        files.put("/log", content);
        FileLog log(*files.open("/log"));
        CHECK(all_of(log, 0) == content);
        CHECK(all_of(log, size / 2) == to_bytes(ByteView(content).subspan(size / 2)));
        CHECK(all_of(log, size).empty());
        CHECK(all_of(log, size + 1'000'000).empty());
    }
}

TEST_CASE("log_file: short reads are put together, a failed one is a failure") {
    const Bytes content = counting(FileLog::kWindow + 1000);
    FileLog slow(std::make_unique<SlowFile>(content, content.size() + 1));
    CHECK(all_of(slow, 0) == content);
    FileLog broken(std::make_unique<SlowFile>(content, 200'000));
    const auto piece = broken.at(0);
    REQUIRE_FALSE(piece);
    CHECK(piece.error().code == Code::io);
}

TEST_CASE("log_file: a log that comes in pieces is in memory while it is short, then in a file") {
    FakeFiles files;
    const Bytes content = counting(GrowingLog::kMaxInMemory + 3 * FileLog::kWindow);
    GrowingLog log(files);
    CHECK(all_of(log, 0).empty());
    std::size_t have = 0;
    for (const std::size_t size :
         {std::size_t{1000}, GrowingLog::kMaxInMemory - 1000, std::size_t{1}, std::size_t{0},
          content.size() - GrowingLog::kMaxInMemory - 1}) {
        REQUIRE(log.append(ByteView(content).subspan(have, size)));
        have += size;
        CHECK(log.size() == have);
        CHECK(all_of(log, 0) == to_bytes(ByteView(content).first(have)));
        CHECK(all_of(log, have / 3) == to_bytes(ByteView(content).first(have).subspan(have / 3)));
    }
}

TEST_CASE("log_file: without room for a temporary file a long log is a failure") {
    class Full : public FakeFiles {
        Result<std::unique_ptr<TemporaryFile>> make_temporary() override {
            return fail(Code::io, "a temporary file", "No space left on device");
        }
    } files;
    GrowingLog log(files);
    REQUIRE(log.append(Bytes(GrowingLog::kMaxInMemory)));
    const Status status = log.append(Bytes(1));
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::io);
}

TEST_CASE("ima.replay: a log in pieces has the verdict of the log in one piece") {
    Scene scene;
    scene.snapshot->ima->allow.push_back({"/usr/bin/new", {Scene::file_digest_text(0x21)}});
    while (scene.ima.log().size() < 2 * ima::kMaxEntryBytes) {
        scene.add_file("/usr/bin/new", 0x21);
    }
    scene.piece = ima::kMaxEntryBytes + 300'001;
    CHECK(summary(scene.verify()) == "accepted");
    SUBCASE("an unknown file in the last piece") {
        scene.add_file("/tmp/tool", 0xee);
        CHECK(summary(scene.verify()) == "refused: ima.files");
    }
    SUBCASE("a source that breaks off says nothing about the log") {
        scene.log_breaks_off = true;
        CHECK(summary(scene.verify()) == "unavailable: ima.log");
    }
    SUBCASE("with a verifier that remembers the first pieces") {
        verify::ImaMemory memory;
        scene.memory = &memory;
        CHECK(summary(scene.fresh()) == "accepted");
        scene.add_file("/usr/bin/new", 0x21);
        const verify::VerificationResult again = scene.fresh();
        CHECK(summary(again) == "accepted");
        CHECK(*again.claims.find("ima")->find("entries_read")->if_int() == 1);
        scene.add_file("/tmp/tool", 0xee);
        CHECK(summary(scene.fresh()) == "refused: ima.files");
    }
}
