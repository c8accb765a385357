#include "ratls/platform/tree_hash.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"

namespace ratls {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kBatch = 16;        // files that are handed on at once
constexpr std::size_t kQueueLength = 32;  // batches
constexpr std::size_t kMaxDepth = 200;    // each level holds a descriptor open
/// Source: PATH_MAX of Linux with its final zero; of a longer path IMA logs the last name only.
constexpr std::size_t kMaxPath = 4095;

struct Job {
    std::shared_ptr<Directory> directory;
    std::string name;
    std::string path;
};

using Batch = std::vector<Job>;

/// Hands jobs from one thread to others; the one waits while too many are in hand.
class JobQueue {
  public:
    void push(Job job) {
        filling_.push_back(std::move(job));
        if (filling_.size() == kBatch) {
            hand_on();
        }
    }

    /// After the last push.
    void close() {
        hand_on();
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        not_empty_.notify_all();
    }

    /// The next jobs; none once the queue is closed and empty.
    Batch pop() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [&] { return closed_ || !batches_.empty(); });
        if (batches_.empty()) {
            return {};
        }
        Batch batch = std::move(batches_.front());
        batches_.pop_front();
        not_full_.notify_one();
        return batch;
    }

  private:
    void hand_on() {
        if (filling_.empty()) {
            return;
        }
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [&] { return batches_.size() < kQueueLength; });
        batches_.push_back(std::exchange(filling_, {}));
        not_empty_.notify_one();
    }

    Batch filling_;  ///< by the thread that pushes alone
    std::mutex mutex_;
    std::condition_variable not_full_, not_empty_;
    std::deque<Batch> batches_;
    bool closed_ = false;
};

/// Ends the queue on every way out, so that the threads end.
class CloseAtEnd {
  public:
    explicit CloseAtEnd(JobQueue& queue) : queue_(queue) {}
    CloseAtEnd(const CloseAtEnd&) = delete;
    CloseAtEnd& operator=(const CloseAtEnd&) = delete;
    ~CloseAtEnd() { queue_.close(); }

  private:
    JobQueue& queue_;
};

/// The same failure with the path from the folder instead of the name of the entry.
Error at_path(Error error, const std::string& path) {
    error.where = quoted(path, 300);
    return error;
}

Result<std::vector<Digest>> hash_content(FileContent& file, std::vector<Hasher>& hashers,
                                         std::span<std::uint8_t> buffer) {
    RATLS_TRY(const FileState before, file.state());
    for (Hasher& hasher : hashers) {
        hasher.reset();
    }
    std::uint64_t size = 0;
    for (;;) {
        RATLS_TRY(const std::size_t got, file.read(buffer));
        if (got == 0) {
            break;
        }
        size += got;
        for (Hasher& hasher : hashers) {
            hasher.update(buffer.first(got));
        }
    }
    RATLS_TRY(const FileState after, file.state());
    if (size != before.size || after != before) {
        return fail(Code::io, {}, "it changed while it was read");
    }
    std::vector<Digest> out;
    out.reserve(hashers.size());
    for (Hasher& hasher : hashers) {
        out.push_back(hasher.finish());
    }
    return out;
}

/// What one thread does and finds.
class Worker {
  public:
    std::vector<HashedFile> files;
    std::vector<Error> errors;

    void run(JobQueue& queue, const std::vector<HashAlg>& algs) {
        std::vector<Hasher> hashers(algs.begin(), algs.end());
        Bytes buffer(kPiece);
        for (Batch batch = queue.pop(); !batch.empty(); batch = queue.pop()) {
            for (Job& job : batch) {
                hash(job, hashers, buffer);
            }
        }
    }

  private:
    void hash(Job& job, std::vector<Hasher>& hashers, std::span<std::uint8_t> buffer) {
        auto content = job.directory->open_file(job.name);
        job.directory.reset();  // descriptors are few
        auto digests =
            content ? hash_content(**content, hashers, buffer)
                    : Result<std::vector<Digest>>(std::unexpected(std::move(content).error()));
        if (digests) {
            files.push_back({std::move(job.path), *std::move(digests)});
        } else {
            errors.push_back(at_path(std::move(digests).error(), job.path));
        }
    }
};

/// Finds the files, in the calling thread.
class Walk {
  public:
    Walk(const TreeHashOptions& options, JobQueue& queue, TreeHashes& out)
        : options_(options), queue_(queue), out_(out) {}

    void visit(const std::shared_ptr<Directory>& directory, const std::string& path,
               std::size_t depth) {
        const auto entries = directory->list();
        if (!entries) {
            out_.errors.push_back(at_path(entries.error(), path.empty() ? "/" : path));
            return;
        }
        for (const DirectoryEntry& entry : *entries) {
            std::string inner = path + "/" + entry.name;
            if (!excluded(inner)) {
                visit_entry(directory, entry, std::move(inner), depth);
            }
        }
    }

  private:
    void visit_entry(const std::shared_ptr<Directory>& directory, const DirectoryEntry& entry,
                     std::string path, std::size_t depth) {
        if (entry.kind == EntryKind::link) {
            ++out_.links;
        } else if (entry.kind == EntryKind::other) {
            refuse(path, "it is a device, a pipe or a socket");
        } else if (path.size() > kMaxPath || depth >= kMaxDepth) {
            refuse(path, "its path is longer than the kernel logs");
        } else if (entry.kind == EntryKind::file) {
            queue_.push({directory, entry.name, std::move(path)});
            ++files_;
            if (options_.progress) {
                options_.progress(files_);
            }
        } else if (auto inner = directory->open_directory(entry.name); !inner) {
            out_.errors.push_back(at_path(std::move(inner).error(), path));
        } else {
            visit(*inner, path, depth + 1);
        }
    }

    void refuse(const std::string& path, const char* why) {
        out_.errors.push_back({Code::io, quoted(path, 300), why});
    }

    bool excluded(const std::string& path) {
        bool found = false;
        for (std::size_t i = 0; i < options_.exclude.size(); ++i) {
            if (glob_match(options_.exclude[i], path)) {
                ++out_.excluded[i];
                found = true;
            }
        }
        return found;
    }

    const TreeHashOptions& options_;
    JobQueue& queue_;
    TreeHashes& out_;
    std::size_t files_ = 0;
};

}  // namespace

TreeHashes hash_tree(const std::shared_ptr<Directory>& root, const TreeHashOptions& options) {
    TreeHashes out;
    out.excluded.resize(options.exclude.size());
    JobQueue queue;
    std::vector<Worker> workers(std::max(options.jobs, 1U));
    {
        std::vector<std::jthread> threads;
        threads.reserve(workers.size());
        for (Worker& worker : workers) {
            threads.emplace_back([&] { worker.run(queue, options.algs); });
        }
        const CloseAtEnd closing(queue);
        Walk(options, queue, out).visit(root, {}, 0);
    }
    for (Worker& worker : workers) {
        std::ranges::move(worker.files, std::back_inserter(out.files));
        std::ranges::move(worker.errors, std::back_inserter(out.errors));
    }
    std::ranges::sort(out.files, {}, &HashedFile::path);
    std::ranges::sort(out.errors, {}, &Error::where);
    return out;
}

}  // namespace ratls
