// Digests of all files of a folder, by several threads.
#pragma once

#include <functional>

#include "ratls/crypto/hash.h"
#include "ratls/platform/directory.h"

namespace ratls {

/// Bytes. Source: PATH_MAX of Linux without its final zero; of a longer path IMA logs the last
/// name.
constexpr std::size_t kMaxImaPath = 4095;

struct TreeHashOptions {
    std::vector<HashAlg> algs = {HashAlg::sha256};
    /// Patterns for what is left out (`leaves_out`); for a directory, with all that is below.
    std::vector<std::string> exclude = {};
    unsigned jobs = 1;  ///< threads that hash, the calling one included
    /// Called now and then, by the calling thread, with the number of files that were read.
    std::function<void(std::size_t files)> progress = {};
};

/// True if a pattern of `glob_match` fits a path, or the name that the kernel logs for it.
bool leaves_out(std::string_view pattern, std::string_view path);

struct HashedFile {
    std::string path;             ///< from the folder, with a leading '/'; raw bytes
    std::vector<Digest> digests;  ///< in the order of `algs`
};

struct TreeHashes {
    std::vector<HashedFile> files;      ///< sorted by path
    std::size_t links = 0;              ///< symbolic links, which were not followed
    std::vector<std::size_t> excluded;  ///< how many entries each pattern left out
    /// What could not be hashed, sorted; each names its path. Of these, `files` has nothing.
    std::vector<Error> errors;
};

/// Hashes every regular file below a folder. A file that cannot be read, that changes meanwhile, or
/// whose path is longer than the kernel logs, is an error, and so are devices, pipes and sockets.
/// The files are read piece by piece; what is mounted below the folder is part of it.
TreeHashes hash_tree(const std::shared_ptr<Directory>& root, const TreeHashOptions& options);

}  // namespace ratls
