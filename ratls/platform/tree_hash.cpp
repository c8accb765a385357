#include "ratls/platform/tree_hash.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"
#include "ratls/evidence/ima/log.h"

namespace ratls {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kBatch = 16;      // files that are taken on at once
constexpr std::size_t kMaxDepth = 200;  // each level holds a descriptor open

/// A directory in another one, to be listed, or files in it, to be hashed.
struct Task {
    std::shared_ptr<Directory> parent;
    std::string path;  ///< of the parent
    std::size_t depth = 0;
    EntryKind kind = EntryKind::directory;
    std::vector<std::string> names;
};

/// What is left to do, for threads that take from it and add to it. The last that came goes first,
/// so a few directories are open at a time and their entries in memory, not the whole tree.
class TaskStack {
  public:
    explicit TaskStack(std::size_t threads) : busy_(threads) {}

    void push(std::vector<Task> tasks) {
        if (tasks.empty()) {
            return;
        }
        const std::scoped_lock lock(mutex_);
        std::ranges::move(tasks, std::back_inserter(tasks_));
        changed_.notify_all();
    }

    /// The next task; none once nothing is left and no thread can add to it.
    std::optional<Task> pop() {
        std::unique_lock lock(mutex_);
        --busy_;
        if (busy_ == 0 && tasks_.empty()) {
            changed_.notify_all();
        }
        changed_.wait(lock, [&] { return busy_ == 0 || !tasks_.empty(); });
        if (tasks_.empty()) {
            return std::nullopt;
        }
        ++busy_;
        Task task = std::move(tasks_.back());
        tasks_.pop_back();
        return task;
    }

    /// For threads that never came.
    void leave(std::size_t threads) {
        const std::scoped_lock lock(mutex_);
        busy_ -= threads;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Task> tasks_;
    std::size_t busy_;  ///< threads that may still add to it
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
    Worker(const TreeHashOptions& options, TaskStack& stack, std::atomic<std::size_t>& count)
        : options_(options),
          stack_(stack),
          count_(count),
          hashers_(options.algs.begin(), options.algs.end()),
          buffer_(kPiece) {
        found_.excluded.resize(options.exclude.size());
    }

    /// Until nothing is left; then the files are sorted by path. `progress` may be none.
    void run(const std::function<void(std::size_t)>& progress) noexcept {
        while (const auto task = stack_.pop()) {
            for (const std::string& name : task->names) {
                std::string path = task->path + "/" + name;
                if (task->kind == EntryKind::file) {
                    hash(*task->parent, name, std::move(path));
                } else if (auto inner = task->parent->open_directory(name); inner) {
                    visit(*inner, path, task->depth);
                } else {
                    found_.errors.push_back(at_path(std::move(inner).error(), path));
                }
            }
            if (progress) {
                progress(count_);
            }
        }
        std::ranges::sort(found_.files, {}, &HashedFile::path);
    }

    /// Puts what a directory has onto the stack.
    void visit(const std::shared_ptr<Directory>& directory, const std::string& path,
               std::size_t depth) {
        auto entries = directory->list();
        if (!entries) {
            found_.errors.push_back(at_path(std::move(entries).error(), path.empty() ? "/" : path));
            return;
        }
        std::vector<Task> tasks;
        std::vector<std::string> files;
        const auto put = [&](EntryKind kind, std::vector<std::string> names) {
            tasks.push_back({directory, path, depth + 1, kind, std::move(names)});
        };
        for (DirectoryEntry& entry : *entries) {
            if (!wanted(entry, path + "/" + entry.name, depth)) {
                continue;
            }
            if (entry.kind == EntryKind::directory) {
                put(entry.kind, {std::move(entry.name)});
                continue;
            }
            files.push_back(std::move(entry.name));
            if (files.size() == kBatch) {
                put(EntryKind::file, std::exchange(files, {}));
            }
        }
        if (!files.empty()) {
            put(EntryKind::file, std::move(files));
        }
        stack_.push(std::move(tasks));
    }

    TreeHashes take() && { return std::move(found_); }

  private:
    /// A file or a directory that is neither left out nor an error.
    bool wanted(const DirectoryEntry& entry, const std::string& path, std::size_t depth) {
        if (excluded(path)) {
            return false;
        }
        if (entry.kind == EntryKind::link) {
            ++found_.links;
            return false;
        }
        if (entry.kind == EntryKind::other) {
            return refuse(path, "it is a device, a pipe or a socket");
        }
        if (path.size() > kMaxImaPath || depth >= kMaxDepth) {
            return refuse(path, "its path is longer than the kernel logs");
        }
        return true;
    }

    bool excluded(const std::string& path) {
        bool found = false;
        for (std::size_t i = 0; i < options_.exclude.size(); ++i) {
            if (leaves_out(options_.exclude[i], path)) {
                ++found_.excluded[i];
                found = true;
            }
        }
        return found;
    }

    bool refuse(const std::string& path, const char* why) {
        found_.errors.push_back({Code::io, quoted(path, 300), why});
        return false;
    }

    void hash(Directory& parent, const std::string& name, std::string path) {
        auto content = parent.open_file(name);
        auto digests =
            content ? hash_content(**content, hashers_, buffer_)
                    : Result<std::vector<Digest>>(std::unexpected(std::move(content).error()));
        if (digests) {
            found_.files.push_back({std::move(path), *std::move(digests)});
        } else {
            found_.errors.push_back(at_path(std::move(digests).error(), path));
        }
        count_.fetch_add(1, std::memory_order_relaxed);
    }

    const TreeHashOptions& options_;
    TaskStack& stack_;
    std::atomic<std::size_t>& count_;  ///< files of all threads
    std::vector<Hasher> hashers_;
    Bytes buffer_;
    TreeHashes found_;
};

/// Both are sorted by path, and so is the result.
std::vector<HashedFile> merged(std::vector<HashedFile> a, std::vector<HashedFile> b) {
    std::vector<HashedFile> out;
    out.reserve(a.size() + b.size());
    std::merge(std::move_iterator(a.begin()), std::move_iterator(a.end()),
               std::move_iterator(b.begin()), std::move_iterator(b.end()), std::back_inserter(out),
               [](const HashedFile& x, const HashedFile& y) { return x.path < y.path; });
    return out;
}

}  // namespace

bool leaves_out(std::string_view pattern, std::string_view path) {
    return glob_match(pattern, path) ||
           (path.contains(' ') && glob_match(pattern, ima::logged_name(path)));
}

TreeHashes hash_tree(const std::shared_ptr<Directory>& root, const TreeHashOptions& options) {
    const unsigned jobs = std::max(options.jobs, 1U);
    TaskStack stack(jobs);
    std::atomic<std::size_t> count = 0;
    std::vector<Worker> workers;
    workers.reserve(jobs);
    for (unsigned i = 0; i < jobs; ++i) {
        workers.emplace_back(options, stack, count);
    }
    workers.front().visit(root, {}, 0);
    {
        std::vector<std::jthread> threads;
        threads.reserve(jobs - 1);
        try {
            for (Worker& worker : std::span(workers).subspan(1)) {
                threads.emplace_back([&] { worker.run({}); });
            }
        } catch (const std::system_error&) {
            // The system gives no more threads: those that are there do it.
            stack.leave(jobs - 1 - threads.size());
        }
        workers.front().run(options.progress);
    }
    if (options.progress) {
        options.progress(count);
    }
    TreeHashes out;
    out.excluded.resize(options.exclude.size());
    for (Worker& worker : workers) {
        TreeHashes found = std::move(worker).take();
        out.files = merged(std::move(out.files), std::move(found.files));
        std::ranges::move(found.errors, std::back_inserter(out.errors));
        out.links += found.links;
        std::ranges::transform(out.excluded, found.excluded, out.excluded.begin(), std::plus{});
    }
    std::ranges::sort(out.errors, {}, &Error::where);
    return out;
}

}  // namespace ratls
