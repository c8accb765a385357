#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/platform/descriptor.h"
#include "ratls/platform/directory.h"
#include "ratls/platform/system_failure.h"

namespace ratls {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

EntryKind kind_of(mode_t mode) {
    if (S_ISREG(mode)) {
        return EntryKind::file;
    }
    if (S_ISDIR(mode)) {
        return EntryKind::directory;
    }
    return S_ISLNK(mode) ? EntryKind::link : EntryKind::other;
}

FileState state_of(const struct stat& info) {
    return {static_cast<std::uint64_t>(info.st_size),
            std::int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec};
}

class LinuxFileContent : public FileContent {
  public:
    /// `opened`: what was found when it was opened, which `state` gives first.
    LinuxFileContent(Descriptor file, std::string name, FileState opened)
        : file_(std::move(file)), name_(std::move(name)), opened_(opened) {}

    Result<FileState> state() override {
        if (opened_) {
            return *std::exchange(opened_, std::nullopt);
        }
        struct stat info{};
        if (::fstat(file_.get(), &info) != 0) {
            return system_failure(quoted(name_, 300), errno);
        }
        return state_of(info);
    }

    Result<std::size_t> read(std::span<std::uint8_t> into) override {
        for (;;) {
            const ssize_t got = ::read(file_.get(), into.data(), into.size());
            if (got >= 0) {
                return static_cast<std::size_t>(got);
            }
            if (errno != EINTR) {
                return system_failure(quoted(name_, 300), errno);
            }
        }
    }

  private:
    Descriptor file_;
    std::string name_;
    std::optional<FileState> opened_;
};

class LinuxDirectory : public Directory {
  public:
    LinuxDirectory(Descriptor directory, std::string name)
        : directory_(std::move(directory)), name_(std::move(name)) {}

    Result<std::vector<DirectoryEntry>> list() override {
        // A descriptor of its own: the position in a directory belongs to the open file.
        Descriptor own(::openat(directory_.get(), ".", kDirectoryFlags));
        const std::unique_ptr<DIR, int (*)(DIR*)> stream(
            own.get() < 0 ? nullptr : ::fdopendir(own.get()), ::closedir);
        if (!stream) {
            return system_failure(quoted(name_, 300), errno);
        }
        own.release();
        std::vector<DirectoryEntry> out;
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(stream.get());
            if (entry == nullptr) {
                break;
            }
            const std::string name(entry->d_name);
            if (name == "." || name == "..") {
                continue;
            }
            // Most file systems say the type along with the name.
            auto mode = static_cast<mode_t>(DTTOIF(entry->d_type));
            struct stat info{};
            if (entry->d_type == DT_UNKNOWN) {
                if (::fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
                    return system_failure(quoted(name, 300), errno);
                }
                mode = info.st_mode;
            }
            out.push_back({name, kind_of(mode)});
        }
        if (errno != 0) {
            return system_failure(quoted(name_, 300), errno);
        }
        return out;
    }

    Result<std::shared_ptr<Directory>> open_directory(const std::string& name) override {
        Descriptor inner(::openat(directory_.get(), name.c_str(), kDirectoryFlags | O_NOFOLLOW));
        if (inner.get() < 0) {
            return system_failure(quoted(name, 300), errno);
        }
        return std::make_shared<LinuxDirectory>(std::move(inner), name);
    }

    Result<std::unique_ptr<FileContent>> open_file(const std::string& name) override {
        // Without O_NONBLOCK a pipe that took the place of the file would wait for a writer.
        Descriptor file(::openat(directory_.get(), name.c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        struct stat info{};
        if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
            return system_failure(quoted(name, 300), errno);
        }
        if (!S_ISREG(info.st_mode)) {
            return fail(Code::io, quoted(name, 300), "it is no regular file any more");
        }
        return std::make_unique<LinuxFileContent>(std::move(file), name, state_of(info));
    }

  private:
    Descriptor directory_;
    std::string name_;
};

}  // namespace

Result<std::shared_ptr<Directory>> open_linux_directory(const std::string& path) {
    Descriptor directory(::open(path.c_str(), kDirectoryFlags));
    if (directory.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return std::make_shared<LinuxDirectory>(std::move(directory), path);
}

}  // namespace ratls
