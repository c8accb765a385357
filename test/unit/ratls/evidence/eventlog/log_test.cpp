#include "ratls/evidence/eventlog/log.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/eventlog_builder.h"
#include "test/support/refusal.h"

using namespace ratls;
using eventlog::Kind;
using eventlog::parse_log;
using test::EventLogBuilder;
using test::kAccepted;
using test::refusal;
using test::says;

namespace {

const Bytes kData = {1, 2, 3};
const std::vector<HashAlg> kBoth = {HashAlg::sha1, HashAlg::sha256};
constexpr std::uint32_t kSeparator = 4;
constexpr std::uint32_t kAction = 5;
constexpr std::uint32_t kNoAction = 3;

Error error_of(ByteView log, Kind kind = Kind::tcg) {
    const auto parsed = parse_log(log, kind);
    REQUIRE_FALSE(parsed);
    return parsed.error();
}

std::string accepts(ByteView log, Kind kind = Kind::tcg) {
    return refusal(parse_log(log, kind));
}

/// A log whose header event has this data, then one event given as bytes.
Bytes with_header(ByteView spec_id, ByteView rest = {}) {
    return EventLogBuilder({}).put_legacy(0, kNoAction, Bytes(20), spec_id).put(rest).log();
}

/// TCG_PCR_EVENT2 with these digests.
Bytes agile_event(std::uint32_t count, const std::vector<std::pair<std::uint16_t, Bytes>>& digests,
                  std::uint32_t size, ByteView data) {
    Writer out;
    out.u32_le(0).u32_le(kAction).u32_le(count);
    for (const auto& [id, digest] : digests) {
        out.u16_le(id).bytes(digest);
    }
    return out.u32_le(size).bytes(data).take();
}

}  // namespace

TEST_CASE("eventlog: a crypto-agile log gives its banks and events") {
    const EventLogBuilder log = EventLogBuilder(kBoth).add(7, 0x80000001, kData);
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK(parsed->crypto_agile);
    CHECK(parsed->banks == kBoth);
    REQUIRE(parsed->events.size() == 2);
    CHECK(parsed->events[0].type == kNoAction);
    const eventlog::Event& event = parsed->events[1];
    CHECK(event.index == 7);
    CHECK(event.type == 0x80000001);
    CHECK(hex(event.data) == "010203");
    REQUIRE(event.digests.size() == 2);
    REQUIRE(event.digests.find(HashAlg::sha256) != nullptr);
    CHECK(hex(event.digests.find(HashAlg::sha256)->value) == hex(sha256(kData)));
    CHECK(event.digests.find(HashAlg::sha384) == nullptr);
}

TEST_CASE("eventlog: a legacy log has SHA-1 only and no header") {
    const EventLogBuilder log = EventLogBuilder({}).add(4, kAction, kData).add(5, kAction, {});
    const auto parsed = parse_log(log.log(), Kind::tcg);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->crypto_agile);
    CHECK(parsed->banks == std::vector<HashAlg>{HashAlg::sha1});
    REQUIRE(parsed->events.size() == 2);
    CHECK(hex(parsed->events[0].digests.find(HashAlg::sha1)->value) ==
          hex(hash(HashAlg::sha1, kData).view()));
}

TEST_CASE("eventlog: every truncation inside an event is refused, an empty log too") {
    for (const std::vector<HashAlg>& banks : {std::vector<HashAlg>{}, kBoth}) {
        EventLogBuilder log(banks);
        std::vector<std::size_t> ends = {log.log().size()};
        log.add(0, kAction, kData);
        ends.push_back(log.log().size());
        log.add(1, kAction, kData);
        for (std::size_t n = 0; n < log.log().size(); ++n) {
            const bool whole = n > 0 && std::ranges::find(ends, n) != ends.end();
            const auto parsed = parse_log(ByteView(log.log()).first(n), Kind::tcg);
            CHECK(parsed.has_value() == whole);
            if (!parsed) {
                CHECK(parsed.error().where.starts_with("eventlog: "));
            }
        }
    }
}

TEST_CASE("eventlog: the header declares 1 to 8 algorithms of their size, each once") {
    using Alg = EventLogBuilder::Alg;
    const auto accepted = [](const std::vector<Alg>& algs) {
        return accepts(with_header(EventLogBuilder::spec_id(algs)));
    };
    CHECK(accepted({{4, 20}}) == kAccepted);
    CHECK(accepted({{4, 20}, {11, 32}, {12, 48}, {13, 64}}) == kAccepted);
    CHECK(accepted({}) == says("event 0: Spec ID: numberOfAlgorithms: 1 to 8 wanted, 0 found"));
    CHECK(accepted({{11, 20}}) ==
          says("eventlog: event 0: Spec ID: digestSize: 20 for algorithm 11"));
    CHECK(accepted({{11, 32}, {11, 32}}) ==
          says("eventlog: event 0: Spec ID: algorithmId: 11 twice"));
    CHECK(accepted({{11, 32}, {0x12, 0}}) ==
          says("eventlog: event 0: Spec ID: digestSize: 0 for algorithm 18"));
    CHECK(accepted({{11, 32}, {0x12, 65}}) ==
          says("eventlog: event 0: Spec ID: digestSize: 65 for algorithm 18"));
    std::vector<Alg> many = {{11, 32}};
    for (std::uint16_t id = 0x20; many.size() < 8; ++id) {
        many.push_back({id, 32});
    }
    CHECK(accepted(many) == kAccepted);
    many.push_back({0x40, 32});
    CHECK(accepted(many) == says("event 0: Spec ID: numberOfAlgorithms: 1 to 8 wanted, 9 found"));
}

TEST_CASE("eventlog: the header fills its event") {
    const Bytes good = EventLogBuilder::spec_id({{11, 32}}, 5);
    CHECK(accepts(with_header(good)) == kAccepted);
    Bytes longer = good;
    longer.push_back(0);
    CHECK(accepts(with_header(longer)) ==
          says("eventlog: event 0: Spec ID: end: 1 trailing bytes"));
    for (std::size_t n = 16; n < good.size(); ++n) {
        const Error error = error_of(with_header(ByteView(good).first(n)));
        CHECK(error.where.starts_with("eventlog: event 0: Spec ID: "));
    }
}

TEST_CASE("eventlog: an algorithm that we do not know is skipped by the size in the header") {
    const Bytes header = EventLogBuilder::spec_id({{0x12, 32}, {11, 32}});
    const Bytes sm3(32, 5);
    const Bytes event = agile_event(2, {{0x12, sm3}, {11, to_bytes(sha256(kData))}}, 3, kData);
    const Bytes log = with_header(header, event);
    const auto parsed = parse_log(log, Kind::tcg);
    REQUIRE(parsed);
    CHECK(parsed->banks == std::vector<HashAlg>{HashAlg::sha256});
    CHECK(parsed->events[1].digests.size() == 1);
    CHECK(error_of(with_header(EventLogBuilder::spec_id({{0x12, 32}}))).code == Code::unsupported);
}

TEST_CASE("eventlog: an event has one digest of each declared algorithm, in any order") {
    const Bytes header = EventLogBuilder::spec_id({{4, 20}, {11, 32}});
    const Bytes sha1(20, 1);
    const Bytes sha256(32, 2);
    const auto accepted = [&](const Bytes& event) { return accepts(with_header(header, event)); };
    CHECK(accepted(agile_event(2, {{4, sha1}, {11, sha256}}, 3, kData)) == kAccepted);
    CHECK(accepted(agile_event(2, {{11, sha256}, {4, sha1}}, 3, kData)) == kAccepted);
    CHECK(accepted(agile_event(1, {{11, sha256}}, 3, kData)) ==
          says("eventlog: digests.count: 2 wanted, 1 found"));
    CHECK(accepted(agile_event(2, {{11, sha256}, {11, sha256}}, 3, kData)) ==
          says("digests.hashAlg: each declared algorithm once wanted, 11 found"));
    CHECK(accepted(agile_event(2, {{4, sha1}, {12, Bytes(48)}}, 3, kData)) ==
          says("digests.hashAlg: each declared algorithm once wanted, 12 found"));
    CHECK(accepted(agile_event(2, {{4, sha1}, {0x1234, sha256}}, 3, kData)) ==
          says("digests.hashAlg: each declared algorithm once wanted, 4660 found"));
    CHECK(accepted(agile_event(3, {{4, sha1}, {11, sha256}, {11, sha256}}, 3, kData)) ==
          says("eventlog: digests.count: 2 wanted, 3 found"));
    CHECK(accepted(agile_event(0xffffffff, {{4, sha1}, {11, sha256}}, 3, kData)) ==
          says("eventlog: digests.count: 2 wanted, 4294967295 found"));
    CHECK(accepted(agile_event(0, {}, 3, kData)) ==
          says("eventlog: digests.count: 2 wanted, 0 found"));
}

TEST_CASE("eventlog: event data has a limit") {
    const Bytes header = EventLogBuilder::spec_id({{11, 32}});
    const auto event = [](std::uint32_t size, ByteView data) {
        return agile_event(1, {{11, Bytes(32)}}, size, data);
    };
    CHECK(error_of(with_header(header, event(0xffffffff, kData))).code == Code::too_large);
    CHECK(error_of(with_header(header, event(4, kData))).code == Code::malformed);
    const Bytes most(eventlog::kMaxEventData);
    CHECK(accepts(with_header(header, event(eventlog::kMaxEventData, most))) == kAccepted);
    const Bytes more(eventlog::kMaxEventData + 1);
    CHECK(error_of(with_header(header, event(eventlog::kMaxEventData + 1, more))).code ==
          Code::too_large);
}

TEST_CASE("eventlog: the number of events and of bytes is bounded") {
    EventLogBuilder log({});
    for (std::size_t i = 0; i < eventlog::kMaxEvents; ++i) {
        log.put_legacy(1, kAction, Bytes(20), {});
    }
    CHECK(accepts(log.log()) == kAccepted);
    log.put_legacy(1, kAction, Bytes(20), {});
    CHECK(error_of(log.log()).code == Code::too_large);
    CHECK(error_of(Bytes(eventlog::kMaxLogBytes + 1)).code == Code::too_large);
}

TEST_CASE("eventlog: a PCR index is at most 23, or none for an event that extends nothing") {
    CHECK(accepts(EventLogBuilder(kBoth).add(23, kAction, kData).log()) == kAccepted);
    CHECK(error_of(EventLogBuilder(kBoth).add(24, kAction, kData).log()).where ==
          "eventlog: event 1: pcrIndex");
    CHECK(accepts(EventLogBuilder(kBoth).add(0xffffffff, kNoAction, kData).log()) == kAccepted);
    CHECK(accepts(EventLogBuilder(kBoth).add(0xfffffffe, kNoAction, kData).log()) ==
          says("eventlog: event 1: pcrIndex: 0 to 23 wanted, 4294967294 found"));
    CHECK(accepts(EventLogBuilder(kBoth).add(0xffffffff, kAction, kData).log()) ==
          says("eventlog: event 1: pcrIndex: 0 to 23 wanted, 4294967295 found"));
}

TEST_CASE("eventlog: firmware closes each of PCR 0 to 7 with one separator") {
    EventLogBuilder log(kBoth);
    for (std::uint32_t pcr = 0; pcr < 8; ++pcr) {
        log.add(pcr, kSeparator, Bytes(4));
    }
    CHECK(accepts(log.log()) == kAccepted);
    for (std::uint32_t pcr = 0; pcr < 8; ++pcr) {
        EventLogBuilder twice = log;
        CHECK(error_of(twice.add(pcr, kSeparator, Bytes(4)).log()).where ==
              "eventlog: event 9: separator");
    }
    CHECK(accepts(log.add(12, kSeparator, Bytes(4)).add(12, kSeparator, Bytes(4)).log()) ==
          kAccepted);
}

TEST_CASE("eventlog: StartupLocality is 0, 3 or 4, once, before PCR 0 is extended") {
    const auto event = [](unsigned locality) {
        Bytes data = to_bytes(as_bytes("StartupLocality"));
        data.push_back(0);
        data.push_back(static_cast<std::uint8_t>(locality));
        return data;
    };
    for (const unsigned good : {0U, 3U, 4U}) {
        CHECK(accepts(EventLogBuilder(kBoth).add(0, kNoAction, event(good)).log()) == kAccepted);
    }
    for (const unsigned bad : {1U, 2U, 5U, 255U}) {
        CHECK(accepts(EventLogBuilder(kBoth).add(0, kNoAction, event(bad)).log()) ==
              says("eventlog: event 1: StartupLocality: 0, 3 or 4 wanted, "));
    }
    CHECK(
        accepts(
            EventLogBuilder(kBoth).add(0, kNoAction, event(3)).add(0, kNoAction, event(3)).log()) ==
        says("event 2: StartupLocality: PCR 0 has begun, or there is none"));
    CHECK(
        accepts(EventLogBuilder(kBoth).add(0, kAction, kData).add(0, kNoAction, event(3)).log()) ==
        says("event 2: StartupLocality: PCR 0 has begun, or there is none"));
    CHECK(
        accepts(EventLogBuilder(kBoth).add(1, kAction, kData).add(0, kNoAction, event(3)).log()) ==
        kAccepted);
    CHECK(
        accepts(EventLogBuilder({HashAlg::sha384}).add(0, kNoAction, event(3)).log(), Kind::ccel) ==
        says("event 1: StartupLocality: PCR 0 has begun, or there is none"));
}

TEST_CASE("eventlog: a CCEL has registers 0 to 4 and a header") {
    const std::vector<HashAlg> bank = {HashAlg::sha384};
    CHECK(accepts(EventLogBuilder(bank).add(4, kAction, kData).log(), Kind::ccel) == kAccepted);
    CHECK(error_of(EventLogBuilder(bank).add(5, kAction, kData).log(), Kind::ccel).where ==
          "eventlog: event 1: register");
    CHECK(accepts(EventLogBuilder({}).add(1, kAction, kData).log(), Kind::ccel) ==
          says("eventlog: event 0: a Spec ID event wanted"));
    CHECK(accepts({}, Kind::ccel) ==
          says("eventlog: pcrIndex: 4 bytes wanted at offset 0, 0 left"));
}

TEST_CASE("eventlog: a CCEL register has as many separators as PCRs that it stands for") {
    const std::vector<std::size_t> most = {1, 2, 5};
    for (std::uint32_t index = 0; index < most.size(); ++index) {
        EventLogBuilder log({HashAlg::sha384});
        for (std::size_t i = 0; i < most[index]; ++i) {
            log.add(index, kSeparator, Bytes(4));
        }
        CHECK(accepts(log.log(), Kind::ccel) == kAccepted);
        CHECK(accepts(log.add(index, kSeparator, Bytes(4)).log(), Kind::ccel) ==
              says(": separator: one too many in register "));
    }
}

TEST_CASE("eventlog: a CCEL ends at the padding of its area, a TPM's log has none") {
    const EventLogBuilder log = EventLogBuilder({HashAlg::sha384}).add(1, kAction, kData);
    const auto padded = [&log](std::size_t ones, std::size_t zeros) {
        Bytes out = log.log();
        out.insert(out.end(), ones, 0xff);
        out.insert(out.end(), zeros, 0);
        return out;
    };
    for (const auto& [ones, zeros] : std::vector<std::pair<std::size_t, std::size_t>>{
             {0, 1}, {0, 100}, {3, 0}, {4, 0}, {64, 0}, {4, 1}, {64, 64}}) {
        const Bytes area = padded(ones, zeros);
        const auto parsed = parse_log(area, Kind::ccel);
        REQUIRE(parsed);
        CHECK(parsed->events.size() == 2);
        CHECK(accepts(area, Kind::tcg) == says("eventlog: "));
    }
    CHECK(accepts(padded(3, 1), Kind::ccel) ==
          says("eventlog: eventType: 4 bytes wanted at offset 138, 0 left"));
    Bytes hidden = padded(64, 0);
    hidden.back() = 1;
    CHECK(accepts(hidden, Kind::ccel) ==
          says("eventlog: digests.count: 1 wanted, 4294967295 found"));
    hidden = padded(0, 64);
    hidden.back() = 1;
    CHECK(accepts(hidden, Kind::ccel) == says("eventlog: digests.count: 1 wanted, 0 found"));
}

TEST_CASE("eventlog: a log of a TPM 1.2 ends at zeros, and zeros alone are no log") {
    const EventLogBuilder log =
        EventLogBuilder({}).add(0, kAction, kData).add(4, kSeparator, kData);
    for (const std::size_t zeros : {32U, 33U, 4096U}) {
        CAPTURE(zeros);
        Bytes area = log.log();
        area.resize(area.size() + zeros);
        const auto parsed = parse_log(area, Kind::tcg);
        REQUIRE(parsed);
        CHECK(parsed->events.size() == 2);
        CHECK(eventlog::replay(*parsed, HashAlg::sha1) ==
              eventlog::replay(*parse_log(log.log(), Kind::tcg), HashAlg::sha1));
        area[log.log().size() + 8] = 1;  // in the digest of the event that ends it
        CHECK(error_of(area).where == "eventlog: event 2: type");
        area[log.log().size() + 8] = 0;
        area.back() = 1;  // of 32 bytes, it is the event's size
        CHECK(error_of(area).where ==
              (zeros == 32 ? "eventlog: eventSize" : "eventlog: event 2: type"));
        CHECK(error_of(Bytes(zeros)).where == "eventlog: event 0: type");
    }
    // Less than an event is a log that was cut off, and so is more of any other log.
    for (const std::size_t zeros : {1U, 4U, 31U}) {
        Bytes area = log.log();
        area.resize(area.size() + zeros);
        CHECK(accepts(area) == says(": 4 bytes wanted at offset "));
    }
    Bytes agile = EventLogBuilder(kBoth).add(1, kAction, kData).log();
    agile.resize(agile.size() + 64);
    CHECK(accepts(agile) == says("eventlog: digests.count: 2 wanted, 0 found"));
    EventLogBuilder more = log;
    CHECK(error_of(more.put_legacy(1, 0, Bytes(20, 7), {}).log()).where ==
          "eventlog: event 2: type");
}

TEST_CASE("eventlog: types have the names of the specification, others their number") {
    CHECK(eventlog::event_type_name(4) == "EV_SEPARATOR");
    CHECK(eventlog::event_type_name(0x80000001) == "EV_EFI_VARIABLE_DRIVER_CONFIG");
    CHECK(eventlog::event_type_name(0x800000e0) == "EV_EFI_VARIABLE_AUTHORITY");
    CHECK(eventlog::event_type_name(0xffffffff) == "0xffffffff");
    CHECK(eventlog::event_type_name(0x99) == "0x99");
}
