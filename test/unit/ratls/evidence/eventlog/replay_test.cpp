#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/log.h"
#include "test/support/eventlog_builder.h"

using namespace ratls;
using eventlog::Kind;
using eventlog::parse_log;
using eventlog::replay;
using test::EventLogBuilder;

namespace {

const Bytes kData = {1, 2, 3};

Bytes extend(HashAlg bank, Bytes value, ByteView data) {
    append(value, hash(bank, data).view());
    return to_bytes(hash(bank, value).view());
}

}  // namespace

TEST_CASE("eventlog.replay: each bank's digests are extended into their register") {
    const std::vector<HashAlg> banks(kAllHashAlgs.begin(), kAllHashAlgs.end());
    const Bytes other = {4};
    EventLogBuilder log(banks);
    log.add(0, 8, kData).add(7, 4, Bytes(4)).add(0, 1, other, kData);
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    for (const HashAlg bank : banks) {
        const auto values = replay(*parsed, bank);
        REQUIRE(values.size() == 2);
        const Bytes once = extend(bank, Bytes(digest_size(bank)), kData);
        CHECK(hex(values.at(0).view()) == hex(extend(bank, once, kData)));
        CHECK(hex(values.at(7).view()) == hex(extend(bank, Bytes(digest_size(bank)), Bytes(4))));
    }
}

TEST_CASE("eventlog.replay: a separator alone gives the value that all firmware has") {
    const EventLogBuilder log = EventLogBuilder({HashAlg::sha256}).add(6, 4, Bytes(4));
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK(hex(replay(*parsed, HashAlg::sha256).at(6).view()) ==
          "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
}

TEST_CASE("eventlog.replay: EV_NO_ACTION never extends") {
    const EventLogBuilder log =
        EventLogBuilder({HashAlg::sha256}).add(1, 3, kData).add(0xffffffff, 3, kData);
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK(parsed->events.size() == 3);
    CHECK(replay(*parsed, HashAlg::sha256).empty());
}

TEST_CASE("eventlog.replay: PCR 0 starts with the locality of TPM2_Startup") {
    Bytes locality = to_bytes(as_bytes("StartupLocality"));
    locality.push_back(0);
    locality.push_back(3);
    for (const bool extended : {false, true}) {
        EventLogBuilder log({HashAlg::sha1, HashAlg::sha256});
        log.add(0, 3, locality);
        Bytes value(32);
        value.back() = 3;
        if (extended) {
            log.add(0, 8, kData);
            value = extend(HashAlg::sha256, value, kData);
        }
        const auto parsed = parse_log(log.log(), Kind::tcg);
        REQUIRE(parsed);
        CHECK(hex(replay(*parsed, HashAlg::sha256).at(0).view()) == hex(value));
    }
}

TEST_CASE("eventlog.replay: zeros behind StartupLocality change nothing") {
    for (const std::size_t zeros : {1U, 3U, 33U}) {
        CAPTURE(zeros);
        Bytes locality = to_bytes(as_bytes("StartupLocality"));
        locality.insert(locality.end(), {0, 3});
        locality.resize(locality.size() + zeros);
        const EventLogBuilder log =
            EventLogBuilder({HashAlg::sha256}).add(0, 3, locality).add(0, 8, kData);
        const auto parsed = parse_log(log.log(), Kind::tcg);
        REQUIRE(parsed);
        Bytes value(32);
        value.back() = 3;
        CHECK(hex(replay(*parsed, HashAlg::sha256).at(0).view()) ==
              hex(extend(HashAlg::sha256, value, kData)));
    }
}

TEST_CASE("eventlog.replay: PCR 0 starts with 4 for a CRTM in hardware, unless the log says else") {
    constexpr std::uint32_t kHcrtm = 0x80000010;
    const Bytes hcrtm = to_bytes(as_bytes("HCRTM"));
    const auto pcr0 = [&](const EventLogBuilder& log, Kind kind = Kind::tcg) {
        const auto parsed = parse_log(log.log(), kind);
        REQUIRE(parsed);
        return hex(replay(*parsed, HashAlg::sha256).at(0).view());
    };
    const auto from = [&](std::uint8_t start, const Bytes& first) {
        Bytes value(32);
        value.back() = start;
        return hex(extend(HashAlg::sha256, value, first));
    };
    const std::vector<HashAlg> bank = {HashAlg::sha256};
    CHECK(pcr0(EventLogBuilder(bank).add(0, kHcrtm, hcrtm)) == from(4, hcrtm));
    CHECK(pcr0(EventLogBuilder(bank).add(1, kHcrtm, hcrtm).add(0, 8, kData)) == from(0, kData));
    Bytes locality = to_bytes(as_bytes("StartupLocality"));
    locality.insert(locality.end(), {0, 3});
    CHECK(pcr0(EventLogBuilder(bank).add(0, 3, locality).add(0, kHcrtm, hcrtm)) == from(3, hcrtm));
    // What was extended before cannot have come after the start.
    Bytes value = extend(HashAlg::sha256, Bytes(32), kData);
    CHECK(pcr0(EventLogBuilder(bank).add(0, 8, kData).add(0, kHcrtm, hcrtm)) ==
          hex(extend(HashAlg::sha256, value, hcrtm)));
    CHECK(pcr0(EventLogBuilder(bank).add(0, kHcrtm, hcrtm), Kind::ccel) == from(0, hcrtm));
}

TEST_CASE("eventlog.replay: text that only begins like StartupLocality starts nothing") {
    Bytes longer = to_bytes(as_bytes("StartupLocality"));
    longer.insert(longer.end(), {0, 3, 0, 1});
    const EventLogBuilder log = EventLogBuilder({HashAlg::sha256}).add(0, 3, longer);
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK(replay(*parsed, HashAlg::sha256).empty());
}

TEST_CASE("eventlog.replay: a legacy log is replayed in SHA-1, other banks have nothing") {
    const EventLogBuilder log = EventLogBuilder({}).add(4, 5, kData);
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK(hex(replay(*parsed, HashAlg::sha1).at(4).view()) ==
          hex(extend(HashAlg::sha1, Bytes(20), kData)));
    CHECK(replay(*parsed, HashAlg::sha256).empty());
}

TEST_CASE("eventlog.replay: CCEL registers are replayed by their own index") {
    const EventLogBuilder log =
        EventLogBuilder({HashAlg::sha384}).add(1, 5, kData).add(3, 5, kData);
    const auto parsed = parse_log(log.log(), Kind::ccel);
    REQUIRE(parsed);
    const auto values = replay(*parsed, HashAlg::sha384);
    REQUIRE(values.size() == 2);
    CHECK(values.contains(1));
    CHECK(hex(values.at(3).view()) == hex(extend(HashAlg::sha384, Bytes(48), kData)));
}
