// How fast a folder of files is hashed, beside opening, reading and hashing the same files by as
// many threads (the yardstick). All of it is in the page cache.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "ratls/platform/tree_hash.h"
#include "test/support/temp_dir.h"

namespace {

using namespace ratls;

constexpr std::size_t kFiles = 3000;

unsigned threads() {
    return std::max(std::thread::hardware_concurrency(), 1U);
}

/// Sizes as in /usr: most files are small, some are libraries; 60 MB in all.
class Tree {
  public:
    Tree() {
        for (std::size_t i = 0; i < kFiles; ++i) {
            const std::string folder = dir_ / std::to_string(i % 50);
            std::filesystem::create_directory(folder);
            paths_.push_back(folder + "/file" + std::to_string(i));
            const std::size_t size = i % 100 == 0 ? 1'000'000 : 1000 + i % 20'000;
            std::ofstream(paths_.back(), std::ios::binary)
                << std::string(size, static_cast<char>(i));
        }
    }
    const std::string& path() const { return dir_.path(); }
    const std::vector<std::string>& paths() const { return paths_; }

  private:
    test::TempDir dir_;
    std::vector<std::string> paths_;
};

void hash_tree(benchmark::State& state) {
    const Tree tree;
    const auto root = open_linux_directory(tree.path());
    for (auto _ : state) {
        const TreeHashes hashes = hash_tree(*root, {.jobs = threads()});
        if (hashes.files.size() != kFiles) {
            state.SkipWithError("files are missing");
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFiles));
}

/// Nothing but what has to be done.
void read_and_hash(benchmark::State& state) {
    const Tree tree;
    for (auto _ : state) {
        std::atomic<std::size_t> next = 0;
        const auto work = [&] {
            Bytes buffer(std::size_t{256} << 10);
            Hasher hasher(HashAlg::sha256);
            for (std::size_t i = next++; i < kFiles; i = next++) {
                hasher.reset();
                const int fd = ::open(tree.paths()[i].c_str(), O_RDONLY | O_CLOEXEC);
                for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
                    hasher.update(ByteView(buffer).first(static_cast<std::size_t>(got)));
                }
                ::close(fd);
                benchmark::DoNotOptimize(hasher.finish());
            }
        };
        std::vector<std::jthread> pool;
        for (unsigned i = 0; i < threads(); ++i) {
            pool.emplace_back(work);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFiles));
}

}  // namespace

BENCHMARK(hash_tree)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_and_hash)->Unit(benchmark::kMillisecond)->UseRealTime();
