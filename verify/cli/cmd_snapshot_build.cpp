#include <algorithm>
#include <ostream>
#include <thread>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/platform/tree_hash.h"
#include "verify/cli/options.h"
#include "verify/cli/snapshot_file.h"

namespace ratls::cli {
namespace {

constexpr std::chrono::milliseconds kQuietTime{1000};
constexpr std::chrono::milliseconds kProgressPeriod{200};

/// One line on a terminal that is written over, once the work takes longer than a second.
class Progress {
  public:
    explicit Progress(Io& io) : io_(io), next_(io.clock.monotonic() + kQuietTime) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (shown_) {
            io_.err << "\r\033[K" << std::flush;
        }
    }

    void show(std::size_t files) {
        if (!io_.err_is_terminal || io_.clock.monotonic() < next_) {
            return;
        }
        next_ = io_.clock.monotonic() + kProgressPeriod;
        io_.err << "\r" << files << " files" << std::flush;
        shown_ = true;
    }

  private:
    Io& io_;
    std::chrono::milliseconds next_;
    bool shown_ = false;
};

Result<std::vector<HashAlg>> parse_algs(const std::vector<std::string>& names) {
    std::vector<HashAlg> out;
    for (const std::string& name : names) {
        const auto alg = hash_from_name(name);
        if (!alg || *alg == HashAlg::sha1) {
            return fail(Code::usage, "--digest",
                        "sha256, sha384 or sha512 wanted, " + ratls::quoted(name) + " found");
        }
        if (std::ranges::find(out, *alg) == out.end()) {
            out.push_back(*alg);
        }
    }
    return out;
}

Status check_patterns(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        if (!pattern.starts_with("/") && !pattern.starts_with("**/")) {
            return fail(Code::usage, "--exclude",
                        "a pattern that begins with \"/\" or \"**/\" wanted, " +
                            ratls::quoted(pattern, 300) + " found");
        }
    }
    return {};
}

Result<TreeHashOptions> hash_options(const BuildOptions& options) {
    TreeHashOptions out;
    RATLS_TRY(out.algs, parse_algs(options.digests));
    RATLS_CHECK(check_patterns(options.exclude));
    out.exclude = options.exclude;
    out.jobs =
        options.jobs != 0 ? options.jobs : std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
    return out;
}

/// What is not in the snapshot is named, or counted.
void print_left_out(Io& io, const TreeHashes& hashes, const std::vector<std::string>& patterns) {
    io.err << "note: " << hashes.files.size() << " files; " << hashes.links
           << " symbolic links not followed\n";
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        io.err << "note: --exclude " << ratls::quoted(patterns[i], 300) << ": "
               << (hashes.excluded[i] == 0 ? std::string("nothing is of this form")
                                           : std::to_string(hashes.excluded[i]) + " left out")
               << "\n";
    }
}

verify::ImaReference references(TreeHashes hashes, const std::vector<HashAlg>& algs) {
    verify::ImaReference out;
    out.allow.reserve(hashes.files.size());
    for (HashedFile& file : hashes.files) {
        verify::FileReference reference{std::move(file.path), {}};
        for (std::size_t i = 0; i < algs.size(); ++i) {
            reference.digests.push_back(std::string(hash_name(algs[i])) + ":" +
                                        hex(file.digests[i].view()));
        }
        out.allow.push_back(std::move(reference));
    }
    return out;
}

}  // namespace

int cmd_snapshot_build(const BuildOptions& options, Io& io) {
    auto head = snapshot_head(options.head, io);
    auto hashing = hash_options(options);
    if (!head || !hashing) {
        return report(io, head ? hashing.error() : head.error());
    }
    const auto root = open_linux_directory(options.root);
    if (!root) {
        Error error = root.error();
        error.code = error.code == Code::unavailable ? Code::usage : error.code;
        return report(io, std::move(error).in("ROOT"));
    }
    TreeHashes hashes;
    {
        Progress progress(io);
        hashing->progress = [&](std::size_t files) { progress.show(files); };
        hashes = hash_tree(*root, *hashing);
    }
    if (!hashes.errors.empty()) {
        std::vector<std::string> lines;
        for (const Error& error : hashes.errors) {
            lines.push_back(error.text());
        }
        print_lines(io, "error", lines);
        io.err << "hint: repair it, or leave it out with --exclude\n";
        return exit_code(Code::io);
    }
    print_left_out(io, hashes, options.exclude);
    head->origin = "built";
    head->ima = references(std::move(hashes), hashing->algs);
    if (auto status = require_files(*head->ima, options.require); !status) {
        return report(io, status.error(), "paths are those below ROOT, with a leading /");
    }
    if (auto status = write_snapshot(io, options.head.out, *head); !status) {
        return report(io, status.error());
    }
    io.err << "note: it has files only; `ratls snapshot merge` adds TEE and PCR values\n";
    return 0;
}

}  // namespace ratls::cli
