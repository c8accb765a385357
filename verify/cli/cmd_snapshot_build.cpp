#include <algorithm>
#include <filesystem>
#include <map>
#include <ostream>
#include <thread>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/platform/archive_hash.h"
#include "ratls/platform/named_files.h"
#include "verify/appraise/snapshot_merge.h"
#include "verify/cli/options.h"
#include "verify/cli/progress.h"
#include "verify/cli/snapshot_file.h"

namespace ratls::cli {
namespace {

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
        if (!ratls::is_anchored_glob(pattern)) {
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
        options.jobs != 0 ? options.jobs : std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
    return out;
}

/// What is not in the snapshot is named, or counted.
void print_left_out(Io& io, const std::string& path, const TreeHashes& hashes,
                    const std::vector<std::string>& patterns) {
    io.err << "note: " << ratls::quoted(path, 300) << ": " << hashes.files.size() << " files; "
           << hashes.links << " symbolic links not followed\n";
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        io.err << "note: --exclude " << ratls::quoted(patterns[i], 300) << ": "
               << (hashes.excluded[i] == 0 ? std::string("nothing is of this form")
                                           : std::to_string(hashes.excluded[i]) + " left out")
               << "\n";
    }
}

/// Adds the files to those that are there, under the names that the kernel logs; a name of two
/// files may have either content.
void add_files(const TreeHashes& hashes, const std::string& source,
               const std::vector<HashAlg>& algs,
               std::map<std::string, verify::FileReference>& files) {
    for (const HashedFile& file : hashes.files) {
        std::string path = ima::logged_name(file.path);
        verify::FileReference& reference = files[path];
        reference.path = std::move(path);
        for (std::size_t i = 0; i < algs.size(); ++i) {
            std::string digest =
                std::string(hash_name(algs[i])) + ":" + hex(file.digests[i].view());
            if (std::ranges::find(reference.digests, digest) == reference.digests.end()) {
                reference.digests.push_back(std::move(digest));
            }
        }
        verify::join_sources(reference.source, source);
    }
}

/// What is written is no part of what is read.
Status check_out(const BuildOptions& options, Io& io) {
    std::error_code ignored;
    const std::filesystem::path out =
        std::filesystem::weakly_canonical(std::filesystem::absolute(options.head.out), ignored);
    std::vector<NamedFile> inputs;
    for (const std::string& root : options.roots) {
        inputs.push_back({"ROOT", root});
        const std::filesystem::path folder = std::filesystem::canonical(root, ignored);
        const auto inside = out.lexically_relative(folder);
        if (io.files.is_directory(root) && !inside.empty() && *inside.begin() != "..") {
            return fail(Code::usage, "--out: " + ratls::quoted(options.head.out, 300),
                        "it lies in the image that is read; name a file outside of ROOT");
        }
    }
    return keep_inputs(io.files, {"--out", options.head.out}, inputs);
}

/// A folder, or a package or archive.
Result<ArchiveHashes> hash_root(const std::string& path, const BuildOptions& options,
                                const TreeHashOptions& hashing) {
    std::error_code ignored;
    if (path == "-" || std::filesystem::is_regular_file(path, ignored)) {
        return hash_archive(path, hashing, !options.no_usr_merge);
    }
    auto root = open_linux_directory(path);
    if (!root) {
        return std::unexpected(in_call(std::move(root).error(), "ROOT"));
    }
    return ArchiveHashes{hash_tree(*root, hashing), {}};
}

}  // namespace

int cmd_snapshot_build(const BuildOptions& options, Io& io) {
    if (auto status = check_out(options, io); !status) {
        return report(io, status.error());
    }
    auto head = snapshot_head(options.head, io);
    auto hashing = hash_options(options);
    if (!head || !hashing) {
        return report(io, head ? hashing.error() : head.error());
    }
    if (auto status = may_replace(io, options.head.out, options.head.force); !status) {
        return report(io, status.error());
    }
    std::map<std::string, verify::FileReference> files;
    for (const std::string& path : options.roots) {
        Result<ArchiveHashes> hashes;
        {
            Progress progress(io);
            hashing->progress = [&](std::size_t count) { progress.show(count, "files"); };
            hashes = hash_root(path, options, *hashing);
        }
        if (!hashes) {
            return report(io, hashes.error());
        }
        if (!hashes->tree.errors.empty()) {
            std::vector<std::string> lines;
            for (const Error& error : hashes->tree.errors) {
                lines.push_back(error.text());
            }
            print_lines(io, "error", lines);
            io.err << "hint: repair it, or leave it out with --exclude\n";
            return exit_code(Code::io);
        }
        print_left_out(io, path, hashes->tree, options.exclude);
        add_files(hashes->tree, hashes->source, hashing->algs, files);
    }
    head->origin = "built";
    head->ima.emplace();
    for (auto& [path, file] : files) {
        head->ima->allow.push_back(std::move(file));
    }
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
