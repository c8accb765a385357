#include "ratls/collect/ima_log.h"

#include <doctest/doctest.h>

#include "ratls/evidence/ima/prefix.h"
#include "test/fake/fake_files.h"
#include "test/support/ima_builder.h"

using namespace ratls;
using namespace ratls::test;

namespace {

constexpr const char* kPath = "/ima";

/// Counts what is read of the list.
class CountingFiles : public FakeFiles {
  public:
    Result<std::unique_ptr<OpenFile>> open(const std::string& path) override {
        ++opened;
        RATLS_TRY(std::unique_ptr<OpenFile> file, FakeFiles::open(path));
        return std::make_unique<Counting>(std::move(file), *this);
    }

    bool may_go_back = false;  ///< else: in order, no byte twice
    int opened = 0;
    std::uint64_t bytes = 0;

  private:
    class Counting : public OpenFile {
      public:
        Counting(std::unique_ptr<OpenFile> file, CountingFiles& owner)
            : file_(std::move(file)), owner_(owner) {}
        Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
            CHECK((offset >= behind_ || owner_.may_go_back));
            RATLS_TRY(const std::size_t got, file_->read_at(offset, into));
            behind_ = offset + got;
            owner_.bytes += got;
            return got;
        }

      private:
        std::unique_ptr<OpenFile> file_;
        CountingFiles& owner_;
        std::uint64_t behind_ = 0;
    };
};

Bytes digest(std::uint32_t number) {
    return to_bytes(sha256(Writer().u32_be(number).view()));
}

struct Scene {
    explicit Scene(HashAlg list = HashAlg::sha1) : built(list) { add(3); }

    /// More entries, in the builder and in the file.
    void add(std::uint32_t count, std::uint32_t pcr = 10) {
        const std::size_t before = built.log().size();
        for (std::uint32_t i = 0; i < count; ++i) {
            built.add("/bin/" + std::to_string(built.size()), digest(i), pcr);
        }
        if (before == 0) {
            files.put(kPath, built.log());
        } else {
            files.append(kPath, ByteView(built.log()).subspan(before));
        }
    }
    /// What the list says after `count` entries.
    cert::ImaPart part(std::size_t count) const {
        return {count, ima::prefix_digest(built.log(), count).value()};
    }
    void check_claim() {
        const auto claim = log.claim();
        REQUIRE_MESSAGE(claim, claim.error().text());
        CHECK(claim->entries == built.size());
        CHECK(claim->log_sha256 == sha256(built.log()));
        CHECK(equal(claim->pcr10, built.pcr()));
    }
    std::optional<cert::ImaPart> found(ByteView pcr10) {
        const auto out = log.part(pcr10);
        REQUIRE_MESSAGE(out, out.error().text());
        return *out;
    }

    CountingFiles files;
    ImaBuilder built;
    ImaLog log{kPath, files};
};

Bytes all_of(const ByteStream& stream) {
    Bytes out;
    Bytes piece(1000);
    while (out.size() < stream.size) {
        const auto got = stream.read_at(out.size(), piece);
        REQUIRE_MESSAGE(got, got.error().text());
        REQUIRE(*got > 0);
        append(out, ByteView(piece).first(*got));
    }
    CHECK(stream.read_at(out.size(), piece).value() == 0);
    return out;
}

}  // namespace

TEST_CASE(
    "collect.ima_log: the list of one bank, as later kernels have it, is read on where it ended") {
    for (const HashAlg list : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
        CAPTURE(hash_name(list));
        Scene scene(list);
        scene.check_claim();
        scene.add(2);
        scene.check_claim();
        CHECK(scene.found(scene.built.pcr(HashAlg::sha256, 5)) == scene.part(5));
    }
}

TEST_CASE("collect.ima_log: a claim is about the whole list, and only what is new is read") {
    Scene scene;
    scene.check_claim();
    for (const std::uint32_t more : {0U, 1U, 20'000U, 0U, 2U}) {  // more than a piece
        scene.add(more);
        scene.check_claim();
    }
    CHECK(scene.files.opened == 1);
    CHECK(scene.files.bytes == scene.built.log().size());
}

TEST_CASE("collect.ima_log: the part that a quote is of is the longest, not before the claim") {
    Scene scene;
    scene.check_claim();
    CHECK(scene.found(scene.built.pcr()) == scene.part(3));
    CHECK_FALSE(scene.found(scene.built.pcr(HashAlg::sha256, 2)));  // of before
    scene.add(2);
    CHECK(scene.found(scene.built.pcr(HashAlg::sha256, 3)) == scene.part(3));
    CHECK(scene.found(scene.built.pcr(HashAlg::sha256, 4)) == scene.part(4));
    CHECK(scene.found(scene.built.pcr()) == scene.part(5));
    scene.add(1, 11);  // does not touch PCR 10
    CHECK(scene.found(scene.built.pcr()) == scene.part(5));
    CHECK_FALSE(scene.found(Bytes(32)));
    scene.check_claim();
    CHECK(scene.found(scene.built.pcr()) == scene.part(6));
    CHECK_FALSE(scene.found(scene.built.pcr(HashAlg::sha256, 4)));
}

TEST_CASE("collect.ima_log: an empty list is one without entries") {
    CountingFiles files;
    files.put(kPath, Bytes());
    ImaLog log(kPath, files);
    CHECK(log.claim()->entries == 0);
    CHECK(log.part(Bytes(32)).value() == cert::ImaPart{0, sha256(ByteView())});
    CHECK(log.from(0)->size == 0);
    CHECK(log.from(1).error().code == Code::usage);
}

TEST_CASE("collect.ima_log: a list that is another one, or shorter, is read from its start") {
    Scene scene;
    scene.check_claim();
    ImaBuilder other;
    other.add("/bin/other", digest(7));
    SUBCASE("another file") {
        other.add("/bin/more", digest(8)).add("/bin/most", digest(9)).add("/bin/4", digest(1));
        scene.files.put(kPath, other.log());
    }
    SUBCASE("shorter") {
        scene.files.overwrite(kPath, other.log());
    }
    SUBCASE("as long as before, once it is known that it differs") {
        other.add("/bin/1", digest(8)).add("/bin/2", digest(9));
        scene.files.overwrite(kPath, other.log());
        scene.log.forget();
    }
    CHECK_FALSE(scene.log.part(other.pcr()).value());  // not of the claim's list
    scene.built = other;
    scene.check_claim();
    CHECK(scene.files.opened == 2);
}

TEST_CASE("collect.ima_log: the rest of the list from any entry on") {
    Scene scene;
    scene.add(20'000);
    for (const std::size_t first : {std::size_t{0}, std::size_t{1}, std::size_t{12'345},
                                    scene.built.size() - 1, scene.built.size()}) {
        const auto rest = scene.log.from(first);
        REQUIRE(rest);
        CHECK(all_of(*rest) ==
              to_bytes(ByteView(scene.built.log()).subspan(scene.built.offset(first))));
    }
    const auto beyond = scene.log.from(scene.built.size() + 1);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().text() == "ima: the log has 20003 entries");
    const ByteStream before = scene.log.from(0).value();
    scene.add(1);
    CHECK(before.size < scene.log.from(0)->size);
    CHECK(all_of(before).size() == before.size);
    scene.log.forget();
    scene.check_claim();
    Bytes piece(10);
    const auto gone = before.read_at(0, piece);  // the copy is not kept for slow readers
    REQUIRE_FALSE(gone);
    CHECK(gone.error().text() == "ima: the log was read again");
}

TEST_CASE("collect.ima_log: what is no entry is an error that names it, until it is mended") {
    Scene scene;
    scene.check_claim();
    const Bytes good = scene.built.log();
    const ByteView cut = ByteView(good).first(good.size() - 5);
    scene.files.may_go_back = true;
    scene.files.append(kPath, cut.first(60));
    const auto broken = scene.log.claim();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().where.starts_with("ima: entry 3: "));
    CHECK_FALSE(scene.log.from(0));
    scene.files.append(kPath, ByteView(good).subspan(60));  // the rest of it
    const auto mended = scene.log.claim();
    REQUIRE_MESSAGE(mended, mended.error().text());
    CHECK(mended->entries == 6);
    CHECK(scene.files.opened == 1);
    CHECK(ImaLog("/absent", scene.files).claim().error().code == Code::unavailable);
}
