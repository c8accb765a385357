// Files and directories, real or pretended.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

/// Which file is behind a path, and in which state.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;        ///< bytes; 0 where the kernel makes the content as it is read
    std::int64_t modified_ns = 0;  ///< since 1970, by the file system
    bool same_file(const FileStamp& other) const {
        return device == other.device && inode == other.inode;
    }
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// A file that is open for reading. For one thread.
class OpenFile {
  public:
    virtual ~OpenFile() = default;

    /// Gives the number of bytes, which may be fewer than asked for; 0 behind the end.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) = 0;
};

/// A file without a name, which is gone with this object.
class TemporaryFile : public OpenFile {
  public:
    virtual Status append(ByteView content) = 0;
};

/// Nobody else has this lock as long as this lives.
class FileLock {
  public:
    virtual ~FileLock() = default;
};

/// A file system. Calls block. Failures: `unavailable` when there is no such file or directory, or
/// what is behind it is busy, gone or does not answer; `denied` without the permission; `too_large`
/// when a file is longer than the caller's limit; `unsupported` and `io` when the system refuses
/// otherwise (`code_of_errno`). The text gives the system's reason.
class Files {
  public:
    virtual ~Files() = default;

    /// The whole content, read until the end: the size of a special file is not known before. "-"
    /// is standard input, which can be read once: a second time is `usage`.
    virtual Result<Bytes> read(const std::string& path, std::size_t max_bytes) = 0;
    /// False only if there certainly is nothing; what does not answer is a failure.
    virtual Result<bool> exists(const std::string& path) = 0;
    /// Bytes of a regular file; 0 for anything else, which may be readable once only.
    virtual std::uint64_t size(const std::string& path) = 0;
    /// Follows links. The stamp of a file that was replaced or written differs.
    virtual Result<FileStamp> stamp(const std::string& path) = 0;
    virtual Result<std::unique_ptr<OpenFile>> open(const std::string& path) = 0;
    /// In the folder that TMPDIR names, or /var/tmp: /tmp is often in memory.
    virtual Result<std::unique_ptr<TemporaryFile>> make_temporary() = 0;
    /// Writes an existing file, special files included, from its start, in one system call and
    /// without truncating it; a part only is a failure.
    virtual Status write(const std::string& path, ByteView content) = 0;
    /// Writes a file so that a reader sees the old content or the new one, never a part: temporary
    /// file, fsync, rename, fsync of the folder. `mode` as for chmod. A symbolic link stays, and
    /// what it leads to is written. A device or pipe is written to, as it is; so is an open
    /// descriptor (/dev/stdout, /dev/fd/N), and "-" is standard output.
    virtual Status replace(const std::string& path, ByteView content, unsigned mode) = 0;
    /// Takes the lock that a file stands for; the file is made, with mode 0600, if it is not there.
    /// Waits for whoever has it, in this process or another, and is `unavailable` if that takes
    /// longer than `most`.
    virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                                   std::chrono::milliseconds most) = 0;
    /// A new directory with mode 0700; its parent must be there, itself not.
    virtual Status make_directory(const std::string& path) = 0;
    /// Removes an empty directory.
    virtual Status remove_directory(const std::string& path) = 0;
    virtual bool is_directory(const std::string& path) = 0;
    /// True if writing one of them would change the other: one regular file by whatever names and
    /// links, or the same place where none is yet.
    virtual bool same_file(const std::string& first, const std::string& second) = 0;
    /// Names of the regular files in a directory, sorted.
    virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
    /// Names of the directories in a directory, sorted; a link is none.
    virtual Result<std::vector<std::string>> list_directories(const std::string& path) = 0;
};

/// Makes a directory and those above it that are missing. Others may be doing the same.
Status make_directories(Files& files, const std::string& path);

/// The file system of this machine.
class LinuxFiles : public Files {
  public:
    Result<Bytes> read(const std::string& path, std::size_t max_bytes) override;
    Result<bool> exists(const std::string& path) override;
    std::uint64_t size(const std::string& path) override;
    Result<FileStamp> stamp(const std::string& path) override;
    Result<std::unique_ptr<OpenFile>> open(const std::string& path) override;
    Result<std::unique_ptr<TemporaryFile>> make_temporary() override;
    Status write(const std::string& path, ByteView content) override;
    Status replace(const std::string& path, ByteView content, unsigned mode) override;
    Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                           std::chrono::milliseconds most) override;
    Status make_directory(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    bool is_directory(const std::string& path) override;
    bool same_file(const std::string& first, const std::string& second) override;
    Result<std::vector<std::string>> list(const std::string& path) override;
    Result<std::vector<std::string>> list_directories(const std::string& path) override;

  private:
    std::atomic<bool> input_taken_ = false;
};

}  // namespace ratls
