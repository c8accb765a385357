// A file system in memory.
#pragma once

#include <map>
#include <set>

#include "ratls/platform/files.h"

namespace ratls::test {

class FakeFiles : public Files {
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

    /// A file, with all directories above it; one that is there is replaced by another.
    void put(const std::string& path, ByteView content);
    void put(const std::string& path, std::string_view text) { put(path, as_bytes(text)); }
    void put_directory(const std::string& path);
    /// Goes on with a file that is there; who has it open sees that.
    void append(const std::string& path, ByteView more);
    /// Other content in the same file; who has it open sees that.
    void overwrite(const std::string& path, ByteView content);
    /// Permissions of a file, as `replace` was given them; 0 if there is no such file.
    unsigned mode(const std::string& path) const;
    /// From now on, every call for this path fails so.
    void break_path(const std::string& path, Code code) { broken_[path] = code; }

  private:
    struct File {
        std::shared_ptr<Bytes> content;
        std::uint64_t inode = 0;
        unsigned mode = 0644;
        std::int64_t modified_ns = 0;
    };

    Status check(const std::string& path) const;
    File made(ByteView content, unsigned mode = 0644);

    std::map<std::string, File> files_;
    std::set<std::string> directories_ = {"/"};
    std::set<std::string> locked_;
    std::map<std::string, Code> broken_;
    std::uint64_t last_inode_ = 0;
    std::int64_t last_change_ns_ = 0;
};

}  // namespace ratls::test
