#include "ratls/evidence/ima/prefix.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/ima_builder.h"

using namespace ratls;
using ima::BankMode;
using test::ImaBuilder;

namespace {

const Bytes kDigest(32, 0xd1);

ImaBuilder sample() {
    ImaBuilder log;
    log.add("boot_aggregate", kDigest);
    log.add_violation("/var/log/x");
    log.add("/a", kDigest);
    log.add("/policy", kDigest, 11);
    log.add("/b", kDigest);
    return log;
}

}  // namespace

TEST_CASE("ima.prefix: the value after each entry finds that entry, none included") {
    const ImaBuilder log = sample();
    for (const HashAlg alg : kAllHashAlgs) {
        for (const std::size_t n : {0U, 1U, 2U, 3U, 5U}) {
            const auto match = ima::match_prefix(log.log(), alg, log.pcr(alg, n));
            REQUIRE(match);
            REQUIRE(*match);
            CHECK((*match)->entries == n);
            CHECK((*match)->total == 5);
            CHECK((*match)->violations == (n >= 2 ? 1 : 0));
            CHECK((*match)->mode == BankMode::hashed);
        }
    }
}

TEST_CASE("ima.prefix: entries of another PCR behind the quoted value are not attested by it") {
    const ImaBuilder log = sample();
    // PCR 10 has one value after 3 and after 4 entries; the 4th entry extends PCR 11.
    const auto match = ima::match_prefix(log.log(), HashAlg::sha256, log.pcr(HashAlg::sha256, 4));
    REQUIRE(match);
    REQUIRE(*match);
    CHECK((*match)->entries == 3);
}

TEST_CASE("ima.prefix: a bank with padded SHA-1 digests is found, and said to be one") {
    const ImaBuilder log = sample();
    for (const HashAlg alg : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
        const auto match = ima::match_prefix(log.log(), alg, log.pcr(alg, 5, 10, true));
        REQUIRE(match);
        REQUIRE(*match);
        CHECK((*match)->entries == 5);
        CHECK((*match)->mode == BankMode::padded_sha1);
    }
}

TEST_CASE("ima.prefix: a value that no prefix has is no match") {
    const ImaBuilder log = sample();
    Bytes value = log.pcr();
    value[0] ^= 1;
    const auto match = ima::match_prefix(log.log(), HashAlg::sha256, value);
    REQUIRE(match);
    CHECK_FALSE(*match);
    const auto other_pcr =
        ima::match_prefix(log.log(), HashAlg::sha256, log.pcr(HashAlg::sha256, 5, 11));
    REQUIRE(other_pcr);
    CHECK_FALSE(*other_pcr);
    const auto other_size =
        ima::match_prefix(log.log(), HashAlg::sha256, ByteView(log.pcr()).first(20));
    REQUIRE(other_size);
    CHECK_FALSE(*other_size);
}

TEST_CASE("ima.prefix: a list that is behind the quote does not match") {
    const ImaBuilder log = sample();
    const auto match =
        ima::match_prefix(ByteView(log.log()).first(log.offset(4)), HashAlg::sha256, log.pcr());
    REQUIRE(match);
    CHECK_FALSE(*match);
}

TEST_CASE("ima.prefix: a malformed entry behind the match is an error") {
    const ImaBuilder log = sample();
    CHECK_FALSE(ima::match_prefix(ByteView(log.log()).first(log.log().size() - 1), HashAlg::sha256,
                                  log.pcr(HashAlg::sha256, 1)));
}

TEST_CASE("ima.prefix: a predicate sees every value that PCR 10 had, and the last match counts") {
    const ImaBuilder log = sample();
    std::vector<std::string> seen;
    const auto match = ima::match_prefix_if(log.log(), HashAlg::sha256, [&](ByteView pcr10) {
        seen.push_back(hex(pcr10));
        return true;
    });
    REQUIRE(match);
    REQUIRE(*match);
    CHECK((*match)->entries == 5);
    REQUIRE(seen.size() == 5);
    CHECK(seen[0] == hex(Bytes(32)));
    CHECK(seen[4] == hex(log.pcr()));
}

TEST_CASE("ima.prefix: digests over the first entries come out of the pass that replays") {
    const ImaBuilder log = sample();
    ima::Replay replay({{HashAlg::sha256}});
    ima::PrefixDigests digests({0, 2, 5, 9});
    REQUIRE(replay_log(log.log(), replay,
                       [&](const ima::Entry& entry, const ima::Replay&) { digests.add(entry); }));
    for (const std::size_t n : {0U, 2U, 5U}) {
        const ByteView raw = ByteView(log.log()).first(log.offset(n));
        REQUIRE(digests.at(n));
        CHECK(hex(*digests.at(n)) == hex(sha256(raw)));
        const auto alone = ima::prefix_digest(log.log(), n);
        REQUIRE(alone);
        CHECK(*alone == *digests.at(n));
    }
    CHECK_FALSE(digests.at(1));
    CHECK_FALSE(digests.at(9));
}

TEST_CASE("ima.prefix: a copy of the digests goes on with the rest of the list") {
    const ImaBuilder log = sample();
    ima::PrefixDigests digests({5});
    ima::LogReader reader(log.log());
    ima::Entry entry;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(reader.next(entry));
        digests.add(entry);
    }
    ima::PrefixDigests copy = digests;
    while (reader.next(entry)) {
        copy.add(entry);
    }
    CHECK_FALSE(digests.at(5));
    REQUIRE(copy.at(5));
    CHECK(hex(*copy.at(5)) == hex(sha256(log.log())));
}

TEST_CASE("ima.prefix: a digest over more entries than there are is an error") {
    const ImaBuilder log = sample();
    CHECK(ima::prefix_digest(log.log(), 5));
    const auto digest = ima::prefix_digest(log.log(), 6);
    REQUIRE_FALSE(digest);
    CHECK(digest.error().code == Code::mismatch);
    CHECK_FALSE(ima::prefix_digest(ByteView(log.log()).first(log.log().size() - 1), 5));
    CHECK(ima::prefix_digest(ByteView(log.log()).first(log.log().size() - 1), 4));
}
