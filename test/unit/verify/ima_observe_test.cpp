#include "verify/appraise/ima_observe.h"

#include <doctest/doctest.h>

#include <ctime>
#include <utility>

#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"
#include "test/support/ima_builder.h"
#include "test/support/piece_log.h"

using namespace ratls;
using namespace ratls::test;
using verify::observe_files;

namespace {

const Bytes kA(32, 0xaa);
const Bytes kB(32, 0xbb);

ImaBuilder sample() {
    ImaBuilder log;
    log.add("boot_aggregate", kA);
    log.add("/usr/bin/agent", kA);
    log.add("/usr/bin/agent", kB);
    log.add("/usr/bin/agent", kA);
    log.add("/etc/x", kB);
    return log;
}

cert::ImaPart proved(const ImaBuilder& log, std::size_t entries) {
    return {.entries = entries,
            .log_sha256 = sha256(ByteView(log.log()).first(log.offset(entries)))};
}

std::string refusal(const ImaBuilder& log, const std::vector<std::string>& require = {}) {
    ima::MemoryLog source(log.log());
    const auto files = observe_files(source, proved(log, log.size()), require);
    REQUIRE_FALSE(files);
    return files.error().text();
}

}  // namespace

TEST_CASE("observe: every file of the proved part, once, with all its contents") {
    const ImaBuilder log = sample();
    ima::MemoryLog source(log.log());
    const auto files = observe_files(source, proved(log, 5), {"/usr/bin/agent"});
    REQUIRE(files);
    REQUIRE(files->allow.size() == 2);
    CHECK(files->allow[0].path == "/usr/bin/agent");
    CHECK(files->allow[0].digests ==
          std::vector<std::string>{"sha256:" + hex(kA), "sha256:" + hex(kB)});
    CHECK(files->allow[1].path == "/etc/x");
    REQUIRE(files->require.size() == 1);
    CHECK(files->require[0].digests == files->allow[0].digests);
}

TEST_CASE("observe: an entry without a digest and a path is refused, and named") {
    ImaBuilder log = sample();
    log.add_fields("of-tomorrow", {digest_field("sha256", kA), name_field("/b")});
    CHECK(refusal(log).contains("entry 5 with the template \"of-tomorrow\""));
    ImaBuilder hidden = sample();
    hidden.add_fields("later|n-ng|d-ng",
                      {digest_field("sha256", kB), name_field("/b"), digest_field("sha256", kA)});
    CHECK(refusal(hidden).contains("entry 5"));
}

TEST_CASE("observe: what was measured behind the proved part is left out") {
    const ImaBuilder log = sample();
    ima::MemoryLog source(log.log());
    const auto files = observe_files(source, proved(log, 4), {});
    REQUIRE(files);
    CHECK(files->allow.size() == 1);
    const auto none = observe_files(source, proved(log, 0), {});
    REQUIRE(none);
    CHECK(none->allow.empty());
}

TEST_CASE(
    "observe: other bytes than those that were proved are refused, whatever was read before") {
    const ImaBuilder log = sample();
    ImaBuilder other = sample();
    other.add("/tmp/tool", kA);
    ima::MemoryLog source(other.log());
    cert::ImaPart part = proved(log, 5);
    CHECK(observe_files(source, part, {}));  // the same first five
    part.entries = 6;
    CHECK_FALSE(observe_files(source, part, {}));
    ima::MemoryLog shorter(ByteView(log.log()).first(log.offset(4)));
    CHECK_FALSE(observe_files(shorter, proved(log, 5), {}));

    /// Another log each time.
    class Changing : public ima::LogSource {
      public:
        Changing(ByteView first, ByteView then) : first_(first), then_(then) {}
        Result<Piece> at(std::uint64_t offset) override {
            return ima::MemoryLog(std::exchange(first_, then_)).at(offset);
        }

      private:
        ByteView first_, then_;
    };
    ImaBuilder forged;
    forged.add("boot_aggregate", kA).add("/tmp/tool", kA).add("/b", kA).add("/c", kA).add("/d", kA);
    Changing changing(log.log(), forged.log());
    CHECK(observe_files(changing, proved(log, 5), {}));
    const auto again = observe_files(changing, proved(log, 5), {});
    REQUIRE_FALSE(again);
    CHECK(again.error().text().contains("not the log that the quote proves"));
}

TEST_CASE("observe: a log in pieces gives what the whole one gives") {
    ImaBuilder log;
    for (std::size_t i = 0; log.log().size() < 2 * ima::kMaxEntryBytes; ++i) {
        log.add("/lib/" + std::string(800, 'x') + std::to_string(i), kA);
    }
    PieceLog pieces(log.log(), ima::kMaxEntryBytes + 300'001);
    const auto files = observe_files(pieces, proved(log, log.size()), {});
    REQUIRE(files);
    CHECK(pieces.pieces() > 1);
    CHECK(files->allow.size() == log.size());
}

TEST_CASE("observe: a path with very many contents costs no more than as many paths") {
    constexpr unsigned kContents = 60'000;
    ImaBuilder log;
    Bytes digest(32);
    for (unsigned i = 0; i < kContents; ++i) {
        digest[0] = static_cast<std::uint8_t>(i >> 8);
        digest[1] = static_cast<std::uint8_t>(i);
        log.add("/usr/bin/agent", digest);
    }
    log.add("/usr/bin/agent", digest).add("/usr/bin/agent", Bytes(32));
    ima::MemoryLog source(log.log());
    const cert::ImaPart part = proved(log, log.size());
    const std::clock_t begin = std::clock();
    const auto files = observe_files(source, part, {});
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    REQUIRE(files);
    REQUIRE(files->allow.size() == 1);
    CHECK(files->allow[0].digests.size() == kContents);
    CHECK(files->allow[0].digests.back() == "sha256:" + hex(digest));
    MESSAGE("CPU seconds: " << seconds);
    CHECK(seconds < 2);  // nine when each was compared with all before
}

TEST_CASE("observe: what no verification accepts, and what is required and missing, is refused") {
    CHECK(refusal(sample().add_violation("/var/log/x")).contains("violation at \"/var/log/x\""));
    CHECK(refusal(sample().add("/x", kA, 11)).contains("PCR 11"));
    CHECK(refusal(sample(), {"/usr/bin/other"}).contains("\"/usr/bin/other\" was not measured"));
}
