// How fast IMA lists are replayed, beside the bare cost of the same hash calls (the yardstick).
// `replay` divided by `hashes_only` at the same size is what reading and bookkeeping add.
#include <benchmark/benchmark.h>

#include "ratls/evidence/ima/prefix.h"
#include "test/support/ima_builder.h"

namespace {

using namespace ratls;

test::ImaBuilder make_log(std::size_t entries) {
    test::ImaBuilder log;
    for (std::size_t i = 0; i < entries; ++i) {
        const std::string number = std::to_string(i);
        log.add("/usr/lib/x86_64-linux-gnu/some/where/libexample.so." + number,
                sha256(as_bytes(number)));
    }
    return log;
}

void count_entries(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// SHA-256 bank with the check of the SHA-1 template digests.
void replay(benchmark::State& state) {
    const test::ImaBuilder log = make_log(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        ima::Replay replay({{HashAlg::sha256}});
        if (!replay_log(log.log(), replay)) {
            state.SkipWithError("the log does not replay");
        }
        benchmark::DoNotOptimize(replay.value(0, ima::kImaPcr));
    }
    count_entries(state);
}

/// The same, looking for the quoted value, with the digest of the whole prefix.
void replay_and_prefix(benchmark::State& state) {
    const test::ImaBuilder log = make_log(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        ima::Replay replay({{HashAlg::sha256}});
        ima::PrefixDigests digests({log.size()});
        if (!replay_log(log.log(), replay,
                        [&](const ima::Entry& entry, const ima::Replay&) { digests.add(entry); })) {
            state.SkipWithError("the log does not replay");
        }
        benchmark::DoNotOptimize(digests.at(log.size()));
    }
    count_entries(state);
}

/// Reading alone: what is left of `replay` without hashes.
void read_only(benchmark::State& state) {
    const test::ImaBuilder log = make_log(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        ima::LogReader reader(log.log());
        ima::Entry entry;
        while (reader.next(entry)) {
            benchmark::DoNotOptimize(entry);
        }
    }
    count_entries(state);
}

/// Per entry: SHA-1 and SHA-256 of the template data, SHA-256 of two digests.
void hashes_only(benchmark::State& state) {
    const test::ImaBuilder log = make_log(static_cast<std::size_t>(state.range(0)));
    std::vector<ima::Entry> entries;
    ima::LogReader reader(log.log());
    for (ima::Entry entry; reader.next(entry);) {
        entries.push_back(entry);
    }
    for (auto _ : state) {
        Hasher sha1(HashAlg::sha1);
        Hasher sha256(HashAlg::sha256);
        Digest pcr(32);
        for (const ima::Entry& entry : entries) {
            sha1.reset();
            benchmark::DoNotOptimize(sha1.update(entry.template_data).finish());
            sha256.reset();
            const Digest measured = sha256.update(entry.template_data).finish();
            sha256.reset();
            pcr = sha256.update(pcr.view()).update(measured.view()).finish();
        }
        benchmark::DoNotOptimize(pcr);
    }
    count_entries(state);
}

}  // namespace

BENCHMARK(replay)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(replay_and_prefix)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(read_only)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(hashes_only)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
