// How fast a boot event log is read and replayed, beside the bare cost of hashing its digests.
#include <benchmark/benchmark.h>

#include "ratls/evidence/eventlog/log.h"
#include "test/support/eventlog_builder.h"

namespace {

using namespace ratls;

/// About 45 kB, as the firmware, loader and kernel of a cloud image write it.
Bytes make_log() {
    test::EventLogBuilder log({HashAlg::sha1, HashAlg::sha256, HashAlg::sha384});
    for (unsigned event = 0; log.log().size() < 45'000; ++event) {
        log.add(event % 10, 0x0000000d, Bytes(160, static_cast<std::uint8_t>(event)));
    }
    return log.log();
}

void boot_log(benchmark::State& state) {
    const Bytes log = make_log();
    for (auto _ : state) {
        const auto parsed = eventlog::parse_log(log, eventlog::Kind::tcg);
        if (!parsed) {
            state.SkipWithError("the log does not parse");
            break;
        }
        benchmark::DoNotOptimize(sha256(log));
        benchmark::DoNotOptimize(eventlog::replay(*parsed, HashAlg::sha256));
    }
}

/// SHA-256 of the log, and of two digests for each event.
void boot_log_hashes(benchmark::State& state) {
    const Bytes log = make_log();
    const std::size_t events = eventlog::parse_log(log, eventlog::Kind::tcg)->events.size();
    for (auto _ : state) {
        benchmark::DoNotOptimize(sha256(log));
        Hasher hasher(HashAlg::sha256);
        Digest pcr(32);
        for (std::size_t event = 1; event < events; ++event) {
            hasher.reset();
            pcr = hasher.update(pcr.view()).update(pcr.view()).finish();
        }
        benchmark::DoNotOptimize(pcr);
    }
}

}  // namespace

BENCHMARK(boot_log)->Unit(benchmark::kMicrosecond);
BENCHMARK(boot_log_hashes)->Unit(benchmark::kMicrosecond);
