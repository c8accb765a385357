// A folder and what is below it, read without following links, real or pretended.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

enum class EntryKind { file, directory, link, other };

struct DirectoryEntry {
    std::string name;
    EntryKind kind = EntryKind::other;
};

/// What shows that a file was changed.
struct FileState {
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;  ///< when its content or its attributes were last changed
    friend bool operator==(const FileState&, const FileState&) = default;
};

/// An open regular file, read once from its start. For one thread.
class FileContent {
  public:
    virtual ~FileContent() = default;

    virtual Result<FileState> state() = 0;
    /// Gives the number of bytes; 0 at the end.
    virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;
};

/// An open directory: it stays the same one whatever happens to its name. Any thread may call.
/// Failures are those of `Files`; their place is the name of the entry.
class Directory {
  public:
    virtual ~Directory() = default;

    /// All entries but "." and "..", in any order.
    virtual Result<std::vector<DirectoryEntry>> list() = 0;
    /// A directory in this one; a link is none.
    virtual Result<std::shared_ptr<Directory>> open_directory(const std::string& name) = 0;
    /// A regular file in this one; a link is none, and neither is a device or a pipe.
    virtual Result<std::unique_ptr<FileContent>> open_file(const std::string& name) = 0;
};

/// A directory of this machine. Here, and only here, links in the path are followed.
Result<std::shared_ptr<Directory>> open_linux_directory(const std::string& path);

}  // namespace ratls
