#include "ratls/evidence/ima/replay.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/ima_builder.h"
#include "test/support/refusal.h"

using namespace ratls;
using ima::BankMode;
using ima::Replay;
using test::digest_field;
using test::ImaBuilder;
using test::name_field;
using test::refusal;
using test::says;
using test::text_bytes;

namespace {

const Bytes kDigest(32, 0xd1);

ImaBuilder sample() {
    ImaBuilder log;
    log.add("boot_aggregate", kDigest);
    log.add_signed("/usr/bin/b", kDigest, Bytes(9, 3));
    log.add_violation("/var/log/x");
    log.add("/policy", kDigest, 11);
    log.add_legacy("/usr/bin/c", Bytes(20, 9));
    return log;
}

}  // namespace

TEST_CASE("ima.replay: one entry gives the values that hashlib gives") {
    const Bytes init = to_bytes(sha256(text_bytes("init")));
    const ImaBuilder log = ImaBuilder().add("/sbin/init", init);
    Replay replay({{HashAlg::sha1},
                   {HashAlg::sha256},
                   {HashAlg::sha384},
                   {HashAlg::sha256, BankMode::padded_sha1}});
    REQUIRE(replay_log(log.log(), replay));
    CHECK(hex(replay.value(0, 10).view()) == "e5e046bc880d2991160b02801f54d4401172e23d");
    CHECK(hex(replay.value(1, 10).view()) ==
          "cdc9085ae24564171ec714abd658e4fd312311be5563a28dbaabe12bdcd55988");
    CHECK(hex(replay.value(2, 10).view()) ==
          "3a594f5b243f7ad0270cf2987fcec0324667c3603f9a15b2b3471f65ec51fbe88bed4f086fdd16ecb2b608"
          "78d8538e4a");
    CHECK(hex(replay.value(3, 10).view()) ==
          "b1044b6d593299f9f3cfbd29993c0174daa6cbd0b19a104eb765abf167c43576");
}

TEST_CASE("ima.replay: a violation extends 0xff, in a padded bank 20 of them") {
    const ImaBuilder log = ImaBuilder().add_violation("/anything");
    Replay replay({{HashAlg::sha256}, {HashAlg::sha256, BankMode::padded_sha1}});
    REQUIRE(replay_log(log.log(), replay));
    CHECK(hex(replay.value(0, 10).view()) ==
          "bba91ca85dc914b2ec3efb9e16e7267bf9193b14350d20fba8a8b406730ae30a");
    CHECK(hex(replay.value(1, 10).view()) ==
          "c7f7a2d90bcd6bd873119c8deff0b1c8eec6623bcd3a8182aa4cb1db65002115");
}

TEST_CASE("ima.replay: every bank and mode in one pass, after each entry") {
    const ImaBuilder log = sample();
    std::vector<Replay::Bank> banks;
    for (const HashAlg alg : kAllHashAlgs) {
        banks.push_back({alg, BankMode::hashed});
        banks.push_back({alg, BankMode::padded_sha1});
    }
    Replay replay(banks);
    std::size_t seen = 0;
    REQUIRE(replay_log(log.log(), replay, [&](const ima::Entry& entry, const Replay& state) {
        CHECK(state.count() == ++seen);
        CHECK(entry.raw.data() == log.log().data() + log.offset(seen - 1));
        for (std::size_t i = 0; i < banks.size(); ++i) {
            const bool padded = banks[i].mode == BankMode::padded_sha1;
            for (const std::uint32_t pcr : {10U, 11U}) {
                CHECK(hex(state.value(i, pcr).view()) ==
                      hex(log.pcr(banks[i].alg, seen, pcr, padded)));
            }
        }
    }));
    CHECK(seen == log.size());
}

TEST_CASE("ima.replay: an entry of PCR 11 does not touch PCR 10") {
    const ImaBuilder log = ImaBuilder().add("/a", kDigest, 11);
    Replay replay({{HashAlg::sha256}});
    REQUIRE(replay_log(log.log(), replay));
    CHECK(all_zero(replay.value(0, 10).view()));
    CHECK_FALSE(replay.touched(10));
    CHECK(replay.touched(11));
    CHECK(hex(replay.value(0, 11).view()) == hex(log.pcr(HashAlg::sha256, 1, 11)));
}

TEST_CASE("ima.replay: replaced data under the old template digest is refused in every bank") {
    // Others replay the stored digest of the SHA-1 bank, and accept.
    ImaBuilder log = sample();
    Bytes changed = log.log();
    changed[log.offset(2) - 20] ^= 1;  // in the path or signature of entry 1
    for (const HashAlg alg : kAllHashAlgs) {
        Replay replay({{alg}});
        const Status status = replay_log(changed, replay);
        REQUIRE_FALSE(status);
        CHECK(status.error().code == Code::mismatch);
        CHECK(status.error().where == "ima: entry 1: template digest");
        CHECK(replay.count() == 1);
        CHECK(hex(replay.value(0, 10).view()) == hex(log.pcr(alg, 1)));
    }
}

TEST_CASE("ima.replay: one wrong bit in a stored template digest is refused") {
    ImaBuilder log = sample();
    Bytes changed = log.log();
    changed[log.offset(4) + 4] ^= 1;
    Replay replay({{HashAlg::sha256}});
    const Status status = replay_log(changed, replay);
    REQUIRE_FALSE(status);
    CHECK(status.error().where == "ima: entry 4: template digest");
}

TEST_CASE("ima.replay: the lists of single banks give the same values, and are checked too") {
    for (const HashAlg alg : kAllHashAlgs) {
        ImaBuilder log(alg);
        log.add("/a", kDigest).add_violation("/b").add_legacy("/c", Bytes(20, 9));
        Replay replay({{HashAlg::sha256}, {HashAlg::sha384, BankMode::padded_sha1}});
        REQUIRE(replay_log(log.log(), replay));
        CHECK(hex(replay.value(0, 10).view()) == hex(log.pcr(HashAlg::sha256)));
        CHECK(hex(replay.value(1, 10).view()) == hex(log.pcr(HashAlg::sha384, 3, 10, true)));
        Bytes changed = log.log();
        changed[4] ^= 1;
        Replay again({{HashAlg::sha256}});
        CHECK(refusal(replay_log(changed, again)) ==
              says(" stored, which is not that of the entry's data"));
    }
}

TEST_CASE("ima.replay: a stored state goes on as if it had never stopped") {
    const ImaBuilder log = sample();
    const std::vector<Replay::Bank> banks = {{HashAlg::sha256},
                                             {HashAlg::sha384, BankMode::padded_sha1}};
    Replay whole(banks);
    REQUIRE(replay_log(log.log(), whole));
    for (std::size_t n = 0; n <= log.size(); ++n) {
        Replay first(banks);
        REQUIRE(replay_log(ByteView(log.log()).first(log.offset(n)), first));
        auto rest = Replay::resume(banks, first.state());
        REQUIRE(rest);
        CHECK(rest->count() == n);
        REQUIRE(replay_log(ByteView(log.log()).subspan(log.offset(n)), *rest));
        CHECK(rest->count() == log.size());
        for (std::size_t bank = 0; bank < banks.size(); ++bank) {
            for (const std::uint32_t pcr : {10U, 11U}) {
                CHECK(rest->value(bank, pcr) == whole.value(bank, pcr));
                CHECK(rest->touched(pcr));
            }
        }
    }
}

TEST_CASE("ima.replay: an error in the rest of a list has the index in the whole one") {
    const ImaBuilder log = sample();
    Replay replay({{HashAlg::sha256}});
    REQUIRE(replay_log(ByteView(log.log()).first(log.offset(3)), replay));
    Bytes rest = to_bytes(ByteView(log.log()).subspan(log.offset(3)));
    rest[4] ^= 1;
    Replay copy = replay;
    CHECK(replay_log(rest, copy).error().where == "ima: entry 3: template digest");
    rest[0] = 24;
    CHECK(replay_log(rest, replay).error().where == "ima: entry 3: header: pcr");
}

TEST_CASE("ima.replay: a state of other banks is refused") {
    Replay::State state;
    state.values.push_back({0, 10, Digest(32)});
    CHECK(Replay::resume({{HashAlg::sha256}}, state));
    CHECK(refusal(Replay::resume({{HashAlg::sha384}}, state)) ==
          says("ima: state: a value that is not of these banks"));
    CHECK(refusal(Replay::resume({}, state)) ==
          says("ima: state: a value that is not of these banks"));
    state.values[0].pcr = 24;
    CHECK(refusal(Replay::resume({{HashAlg::sha256}}, state)) ==
          says("ima: state: a value that is not of these banks"));
}

TEST_CASE("ima.replay: the summary counts, and has every bank of every touched PCR") {
    const ImaBuilder log = sample();
    const auto summary = ima::summarize(log.log());
    REQUIRE(summary);
    CHECK(summary->entries == 5);
    CHECK(summary->violations == 1);
    REQUIRE(summary->values.size() == kAllHashAlgs.size());
    for (const HashAlg alg : kAllHashAlgs) {
        REQUIRE(summary->values.at(alg).size() == 2);
        CHECK(hex(summary->values.at(alg).at(10).view()) == hex(log.pcr(alg)));
        CHECK(hex(summary->values.at(alg).at(11).view()) == hex(log.pcr(alg, 5, 11)));
    }
    const auto empty = ima::summarize({});
    REQUIRE(empty);
    CHECK(empty->entries == 0);
    CHECK(all_zero(empty->values.at(HashAlg::sha256).at(10).view()));
    CHECK(refusal(ima::summarize(ByteView(log.log()).first(log.log().size() - 1))) ==
          says("ima: entry 4: header: name: 10 bytes wanted at offset 55, 9 left"));
}

TEST_CASE("ima: boot_aggregate is over PCR 0 to 9, for SHA-1 over 0 to 7") {
    for (const HashAlg alg : kAllHashAlgs) {
        const std::size_t count = alg == HashAlg::sha1 ? 8 : 10;
        std::vector<Bytes> pcrs;
        Bytes joined;
        for (std::size_t i = 0; i < 16; ++i) {
            pcrs.emplace_back(digest_size(alg), static_cast<std::uint8_t>(i));
            if (i < count) {
                append(joined, pcrs.back());
            }
        }
        const auto digest = ima::boot_aggregate(alg, pcrs);
        REQUIRE(digest);
        CHECK(hex(digest->view()) == hex(hash(alg, joined).view()));
        const auto exact = ima::boot_aggregate(alg, std::span(pcrs).first(count));
        REQUIRE(exact);
        CHECK(*exact == *digest);
        CHECK(refusal(ima::boot_aggregate(alg, std::span(pcrs).first(count - 1))) ==
              says(" PCR values wanted, "));
        pcrs[3].pop_back();
        CHECK(refusal(ima::boot_aggregate(alg, pcrs)) == says(" bytes of each PCR wanted, "));
    }
}
