#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "ratls/base/text.h"
#include "ratls/platform/descriptor.h"
#include "ratls/platform/files.h"
#include "ratls/platform/system_failure.h"
#include "ratls/platform/waiter.h"

namespace ratls {
namespace {

constexpr std::string_view kStandard = "-";

Status write_all(int fd, ByteView content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t done = ::write(fd, content.data(), content.size());
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return system_failure(quoted(path, 300), done < 0 ? errno : EIO);
        }
        content = content.subspan(static_cast<std::size_t>(done));
    }
    return {};
}

Result<Bytes> read_all(int fd, const std::string& where, std::size_t max_bytes) {
    Bytes out;
    struct stat info{};
    if (::fstat(fd, &info) == 0 && info.st_size > 0) {  // the size is only a hint
        constexpr std::size_t kRoom = 64;  // for a caller that puts something behind it
        out.reserve(std::min(static_cast<std::size_t>(info.st_size), max_bytes) + kRoom);
    }
    std::array<std::uint8_t, 65536> buffer;
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_failure(where, errno);
        }
        if (got == 0) {
            return out;
        }
        const auto size = static_cast<std::size_t>(got);
        if (size > max_bytes - out.size()) {
            return fail(Code::too_large, where,
                        "at most " + std::to_string(max_bytes) + " bytes wanted");
        }
        append(out, ByteView(buffer).first(size));
    }
}

/// The descriptor that a path means, by the names that the system has for them; -1 for other paths.
int open_descriptor(std::string_view path) {
    if (path == kStandard || path == "/dev/stdout") {
        return STDOUT_FILENO;
    }
    if (path == "/dev/stderr") {
        return STDERR_FILENO;
    }
    for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
        int number = -1;
        if (path.starts_with(folder) &&
            std::from_chars(path.data() + folder.size(), path.data() + path.size(), number) ==
                std::from_chars_result{path.data() + path.size(), std::errc()}) {
            return number;
        }
    }
    return -1;
}

/// What a path leads to, by as many links as the kernel follows. The last may lead nowhere yet.
Result<std::string> behind_links(const std::string& path) {
    constexpr int kMaxLinks = 40;
    std::filesystem::path out = path;
    for (int links = 0; links < kMaxLinks; ++links) {
        std::error_code error;
        const std::filesystem::path next = std::filesystem::read_symlink(out, error);
        if (error) {
            return out.string();
        }
        out = out.parent_path() / next;  // which is `next` if that is absolute
    }
    return system_failure(quoted(path, 300), ELOOP);
}

class LinuxOpenFile final : public TemporaryFile {
  public:
    LinuxOpenFile(Descriptor file, std::string path)
        : file_(std::move(file)), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        for (;;) {
            const ssize_t got =
                ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset));
            if (got >= 0) {
                return static_cast<std::size_t>(got);
            }
            if (errno != EINTR) {
                return system_failure(quoted(path_, 300), errno);
            }
        }
    }

    Status append(ByteView content) override { return write_all(file_.get(), content, path_); }

  private:
    Descriptor file_;
    std::string path_;
};

/// The kernel gives the lock back when the file is closed, and so also when the process ends.
class LinuxFileLock final : public FileLock {
  public:
    explicit LinuxFileLock(Descriptor file) : file_(std::move(file)) {}

  private:
    Descriptor file_;
};

/// Makes a rename survive a loss of power. File systems that have no such thing are left alone.
Status sync_folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || (::fsync(opened.get()) != 0 && errno != EINVAL)) {
        return system_failure(quoted(folder, 300), errno);
    }
    return {};
}

/// The names of those entries of a directory that `wanted` takes, sorted.
Result<std::vector<std::string>> names_in(
    const std::string& path, bool (*wanted)(const std::filesystem::directory_entry& entry)) {
    std::vector<std::string> out;
    std::error_code error;
    for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
        if (wanted(*it)) {
            out.push_back(it->path().filename().string());
        }
    }
    if (error) {
        return system_failure(quoted(path, 300), error.value());
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace

Result<Bytes> LinuxFiles::read(const std::string& path, std::size_t max_bytes) {
    if (path == kStandard) {
        if (input_taken_.exchange(true)) {
            return fail(Code::usage, "standard input", "it can be read once only");
        }
        return read_all(STDIN_FILENO, "standard input", max_bytes);
    }
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return read_all(file.get(), quoted(path, 300), max_bytes);
}

Result<bool> LinuxFiles::exists(const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) {
        return true;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return false;
    }
    return system_failure(quoted(path, 300), errno);
}

std::uint64_t LinuxFiles::size(const std::string& path) {
    struct stat info{};
    const bool regular =
        path != kStandard && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
    return regular ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Result<FileStamp> LinuxFiles::stamp(const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return system_failure(quoted(path, 300), errno);
    }
    constexpr std::int64_t kSecond = 1'000'000'000;
    return FileStamp{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
                     info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec};
}

Result<std::unique_ptr<OpenFile>> LinuxFiles::open(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return std::make_unique<LinuxOpenFile>(std::move(file), path);
}

Result<std::unique_ptr<TemporaryFile>> LinuxFiles::make_temporary() {
    const char* named = ::secure_getenv("TMPDIR");
    const std::string folder = named != nullptr && *named != '\0' ? named : "/var/tmp";
    // Not O_TMPFILE, which some file systems of containers do not have.
    std::string name = folder + "/ratls-XXXXXX";
    Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
    if (file.get() < 0 || ::unlink(name.c_str()) != 0) {
        return system_failure("a temporary file in " + quoted(folder, 300), errno);
    }
    return std::make_unique<LinuxOpenFile>(std::move(file), folder);
}

Status LinuxFiles::write(const std::string& path, ByteView content) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    const ssize_t done = ::write(file.get(), content.data(), content.size());
    if (done < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    if (static_cast<std::size_t>(done) != content.size()) {
        return fail(Code::io, quoted(path, 300), "only a part was written");
    }
    return {};
}

Status LinuxFiles::replace(const std::string& path, ByteView content, unsigned mode) {
    if (const int fd = open_descriptor(path); fd >= 0) {
        return write_all(fd, content, path);
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
        const Descriptor special(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
        if (special.get() < 0) {  // a folder is none either
            return system_failure(quoted(path, 300), errno);
        }
        return write_all(special.get(), content, path);
    }
    RATLS_TRY(const std::string target, behind_links(path));
    std::string temporary = target + ".XXXXXX";
    const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    Status status = write_all(file.get(), content, temporary);
    if (status && (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 ||
                   ::fsync(file.get()) != 0 || ::rename(temporary.c_str(), target.c_str()) != 0)) {
        status = system_failure(quoted(path, 300), errno);
    }
    if (!status) {
        ::unlink(temporary.c_str());
        return status;
    }
    return sync_folder_of(target);
}

Result<std::unique_ptr<FileLock>> LinuxFiles::lock(const std::string& path,
                                                   std::chrono::milliseconds most) {
    constexpr std::chrono::milliseconds kBetween{10};
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    const auto end = std::chrono::steady_clock::now() + most;
    LinuxWaiter waiter;
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return system_failure(quoted(path, 300), errno);
        }
        if (std::chrono::steady_clock::now() >= end) {
            return fail(Code::unavailable, quoted(path, 300), "another process holds this lock");
        }
        waiter.wait(kBetween);
    }
    return std::make_unique<LinuxFileLock>(std::move(file));
}

Status LinuxFiles::make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return {};
}

Status LinuxFiles::remove_directory(const std::string& path) {
    if (::rmdir(path.c_str()) != 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return {};
}

bool LinuxFiles::is_directory(const std::string& path) {
    std::error_code ignored;
    return path != kStandard && std::filesystem::is_directory(path, ignored);
}

bool LinuxFiles::same_file(const std::string& first, const std::string& second) {
    if (open_descriptor(first) >= 0 || open_descriptor(second) >= 0) {
        return false;
    }
    struct stat one{};
    struct stat two{};
    const bool there = ::stat(first.c_str(), &one) == 0;
    if (there != (::stat(second.c_str(), &two) == 0)) {
        return false;
    }
    if (there) {
        return S_ISREG(one.st_mode) && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
    }
    const auto place = [](const std::string& path) {
        std::error_code ignored;
        const auto target = behind_links(path);
        return std::filesystem::weakly_canonical(
            std::filesystem::absolute(target ? *target : path, ignored), ignored);
    };
    return place(first) == place(second);
}

Result<std::vector<std::string>> LinuxFiles::list(const std::string& path) {
    return names_in(path, [](const std::filesystem::directory_entry& entry) {
        std::error_code ignored;
        return entry.is_regular_file(ignored);
    });
}

Result<std::vector<std::string>> LinuxFiles::list_directories(const std::string& path) {
    return names_in(path, [](const std::filesystem::directory_entry& entry) {
        std::error_code ignored;
        return entry.symlink_status(ignored).type() == std::filesystem::file_type::directory;
    });
}

Status make_directories(Files& files, const std::string& path) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string directory = path.substr(0, slash);
        if (!files.is_directory(directory)) {
            if (auto made = files.make_directory(directory);
                !made && !files.is_directory(directory)) {
                return made;
            }
        }
        if (slash == std::string::npos) {
            return {};
        }
    }
}

}  // namespace ratls
