// How fast IMA lists are replayed and appraised, beside the bare cost of the same hash calls (the
// yardstick). `replay` divided by `hashes_only` at the same size is what reading and bookkeeping
// add, and so is `appraise` divided by `hashes_and_prefix`.
#include <benchmark/benchmark.h>

#include <fstream>

#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"
#include "ratls/platform/log_file.h"
#include "test/support/ima_builder.h"
#include "test/support/memory_count.h"
#include "test/support/temp_dir.h"
#include "verify/appraise/ima.h"

namespace {

using namespace ratls;

constexpr std::size_t kSnapshotFiles = 200'000;

std::string path_of(std::size_t file) {
    return "/usr/lib/x86_64-linux-gnu/some/where/libexample.so." + std::to_string(file);
}

Sha256Digest digest_of(std::size_t file) {
    return sha256(as_bytes(std::to_string(file)));
}

test::ImaBuilder make_log(std::size_t entries) {
    test::ImaBuilder log;
    for (std::size_t i = 0; i < entries; ++i) {
        log.add(path_of(i), digest_of(i));
    }
    return log;
}

verify::ImaReference make_reference() {
    verify::ImaReference out;
    for (std::size_t file = 0; file < kSnapshotFiles; ++file) {
        out.allow.push_back({path_of(file), {"sha256:" + hex(digest_of(file))}});
    }
    out.require = {out.allow.front()};
    return out;
}

/// A log of files of the snapshot in an order that no cache likes, with what a quote says of it.
struct Case {
    explicit Case(std::size_t entries) {
        expected.boot_pcrs = [](HashAlg) { return std::vector<Bytes>(10, Bytes(32)); };
        test::ImaBuilder boot;
        boot.add("boot_aggregate", sha256(Bytes(320)));
        log = boot.log();
        constexpr std::size_t kStride = 7919;  // prime to the number of files
        test::ImaBuilder files;
        for (std::size_t i = 0; i < std::min(entries, kSnapshotFiles); ++i) {
            const std::size_t file = i * kStride % kSnapshotFiles;
            files.add(path_of(file), digest_of(file));
        }
        std::size_t left = entries - 1;
        while (left > 0) {  // what an entry consists of does not depend on those before
            const std::size_t some = std::min(left, files.size());
            append(log, ByteView(files.log()).first(files.offset(some)));
            left -= some;
        }
        ima::Replay replay({{HashAlg::sha256}});
        if (!replay_log(log, replay)) {
            std::abort();
        }
        expected.n.entries = entries;
        expected.m = entries;
        expected.n.log_sha256 = sha256(log);
        expected.m_log_sha256 = expected.n.log_sha256;
        expected.quoted_pcr10 = to_bytes(replay.value(0, ima::kImaPcr).view());
        std::ranges::copy(expected.quoted_pcr10, expected.n.pcr10.begin());
    }

    Bytes log;
    verify::ImaExpectation expected;
};

const verify::ImaReference& reference() {
    static const verify::ImaReference kReference = make_reference();
    return kReference;
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

/// The same and SHA-256 of the whole log.
void hashes_and_prefix(benchmark::State& state) {
    const Case made(static_cast<std::size_t>(state.range(0)));
    std::vector<ima::Entry> entries;
    ima::LogReader reader(made.log);
    for (ima::Entry entry; reader.next(entry);) {
        entries.push_back(entry);
    }
    for (auto _ : state) {
        Hasher sha1(HashAlg::sha1);
        Hasher sha256(HashAlg::sha256);
        Hasher prefix(HashAlg::sha256);
        Digest pcr(32);
        for (const ima::Entry& entry : entries) {
            sha1.reset();
            benchmark::DoNotOptimize(sha1.update(entry.template_data).finish());
            sha256.reset();
            const Digest measured = sha256.update(entry.template_data).finish();
            sha256.reset();
            pcr = sha256.update(pcr.view()).update(measured.view()).finish();
            prefix.update(entry.raw);
        }
        benchmark::DoNotOptimize(pcr);
        benchmark::DoNotOptimize(prefix.finish());
    }
    count_entries(state);
}

/// All that the verifier does with a log, the snapshot's 200,000 files being indexed already.
void appraise(benchmark::State& state) {
    const Case made(static_cast<std::size_t>(state.range(0)));
    const verify::ImaIndex index(reference());
    std::size_t allocations = 0;
    for (auto _ : state) {
        verify::Findings findings;
        verify::ImaOutcome outcome;
        ima::MemoryLog log(made.log);
        test::count_memory();
        verify_and_appraise_ima({log}, made.expected, &index, nullptr, findings, outcome);
        allocations = test::counted_memory().allocations;
        if (findings.failed(verify::Weight::sound) || findings.failed(verify::Weight::policy)) {
            state.SkipWithError("the log is not accepted");
        }
    }
    count_entries(state);
    state.counters["allocations"] = static_cast<double>(allocations);
}

/// The same from the snapshot's references, with the index made anew, and a log in a file: what is
/// counted is all the memory that it takes.
void appraise_with_index(benchmark::State& state) {
    const Case made(static_cast<std::size_t>(state.range(0)));
    const test::TempDir folder;
    std::ofstream(folder / "log", std::ios::binary) << as_text(made.log);
    LinuxFiles system;
    const verify::ImaReference& files = reference();
    std::size_t peak = 0;
    for (auto _ : state) {
        test::count_memory();
        verify::Findings findings;
        verify::ImaOutcome outcome;
        const verify::ImaIndex index(files);
        FileLog log(*system.open(folder / "log"));
        verify_and_appraise_ima({log}, made.expected, &index, nullptr, findings, outcome);
        if (findings.failed(verify::Weight::sound)) {
            state.SkipWithError("the log does not replay");
        }
        peak = test::counted_memory().peak;
    }
    count_entries(state);
    state.counters["peak_bytes"] = static_cast<double>(peak);
}

/// A verifier that remembers 100,000 entries, and is given the ones since.
void incremental(benchmark::State& state) {
    constexpr std::size_t kBefore = 100'000;
    const Case before(kBefore);
    const Case after(kBefore + static_cast<std::size_t>(state.range(0)));
    const verify::ImaIndex index(reference());
    verify::ImaMemory remembered;
    verify::Findings first;
    verify::ImaOutcome outcome;
    const verify::ImaHistory seed{remembered, {}, true};
    ima::MemoryLog log(before.log);
    verify_and_appraise_ima({log}, before.expected, &index, &seed, first, outcome);
    const ByteView rest = ByteView(after.log).subspan(before.log.size());
    for (auto _ : state) {
        verify::ImaMemory memory = remembered;
        const verify::ImaHistory history{memory, {}, true};
        verify::Findings findings;
        ima::MemoryLog source(rest);
        verify_and_appraise_ima({source, kBefore}, after.expected, &index, &history, findings,
                                outcome);
        if (findings.failed(verify::Weight::sound) || findings.failed(verify::Weight::policy) ||
            outcome.read != static_cast<std::size_t>(state.range(0))) {
            state.SkipWithError("the rest is not accepted");
        }
    }
    count_entries(state);
}

}  // namespace

BENCHMARK(incremental)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(hashes_and_prefix)
    ->Arg(100)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(appraise)->Arg(100)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(
    benchmark::kMillisecond);
BENCHMARK(appraise_with_index)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(replay)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(replay_and_prefix)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(read_only)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(hashes_only)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
