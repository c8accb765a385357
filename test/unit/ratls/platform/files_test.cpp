#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "ratls/platform/descriptor.h"
#include "ratls/platform/named_files.h"
#include "test/fake/fake_files.h"
#include "test/support/temp_dir.h"
#include "test/unit/ratls/platform/files_contract.h"

using namespace ratls;
using namespace ratls::test;
namespace fs = std::filesystem;

namespace {

mode_t type_of(const std::string& path) {
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info.st_mode & S_IFMT;
}

/// Standard input or output is another file while this lives.
class Redirected {
  public:
    Redirected(int fd, const std::string& path, int flags)
        : fd_(fd), saved_(::fcntl(fd, F_DUPFD_CLOEXEC, 10)) {
        const Descriptor file(::open(path.c_str(), flags | O_CLOEXEC));
        REQUIRE(::dup2(file.get(), fd) == fd);
    }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;
    ~Redirected() { ::dup2(saved_.get(), fd_); }

  private:
    int fd_;
    Descriptor saved_;
};

}  // namespace

TEST_CASE("platform.files: the file system of this machine keeps the contract") {
    const TempDir folder;
    LinuxFiles files;
    REQUIRE(::setenv("TMPDIR", folder.path().c_str(), 1) == 0);
    check_files_contract(files, folder.path());
    REQUIRE(::unsetenv("TMPDIR") == 0);
}

TEST_CASE("platform.files: the pretended file system keeps the contract") {
    FakeFiles files;
    files.put_directory("/some/folder");
    check_files_contract(files, "/some/folder");
}

TEST_CASE("platform.files: a replaced file has the mode asked for, also over one that was open") {
    const TempDir folder;
    LinuxFiles files;
    for (const unsigned mode : {0644U, 0600U}) {
        REQUIRE(files.replace(folder / "key", Bytes{1}, mode));
        struct stat status{};
        REQUIRE(::stat((folder / "key").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == mode);
    }
    FakeFiles fake;
    REQUIRE(fake.replace("/key", Bytes{1}, 0600));
    CHECK(fake.mode("/key") == 0600);
}

TEST_CASE("platform.files: a replacement that fails leaves nothing behind") {
    const TempDir folder;
    LinuxFiles files;
    REQUIRE(files.make_directory(folder / "file"));
    CHECK_FALSE(files.replace(folder / "file", Bytes{1}, 0600));
    CHECK(files.list(folder.path()) == std::vector<std::string>{});
}

TEST_CASE("platform.files: a link stays, and what it leads to is replaced") {
    const TempDir folder;
    LinuxFiles files;
    REQUIRE(files.make_directory(folder / "real"));
    REQUIRE(files.replace(folder / "real/file", Bytes{1}, 0600));
    fs::create_symlink("real/file", folder / "link");
    fs::create_symlink(folder / "link", folder / "second");
    fs::create_symlink("real/new", folder / "dangling");
    REQUIRE(files.replace(folder / "second", Bytes{2}, 0600));
    REQUIRE(files.replace(folder / "dangling", Bytes{3}, 0600));
    for (const char* link : {"link", "second", "dangling"}) {
        CAPTURE(link);
        CHECK(type_of(folder / link) == S_IFLNK);
    }
    CHECK(files.read(folder / "real/file", 10) == Bytes{2});
    CHECK(files.read(folder / "real/new", 10) == Bytes{3});
    CHECK(files.list(folder / "real") == std::vector<std::string>{"file", "new"});
    fs::create_symlink("loop", folder / "loop");
    CHECK_FALSE(files.replace(folder / "loop", Bytes{4}, 0600));
    fs::create_symlink("real", folder / "to-folder");
    CHECK_FALSE(files.replace(folder / "to-folder", Bytes{4}, 0600));
    CHECK(type_of(folder / "to-folder") == S_IFLNK);
}

TEST_CASE("platform.files: a device and a pipe are written to, and stay what they are") {
    const TempDir folder;
    LinuxFiles files;
    fs::create_symlink("/dev/full", folder / "full");  // so that no fault replaces the device
    CHECK(code_of(files.replace(folder / "full", Bytes{1}, 0600)) == Code::io);
    CHECK(type_of(folder / "full") == S_IFLNK);
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    Result<Bytes> got;
    {
        const std::jthread reader([&] { got = LinuxFiles().read(pipe, 100); });
        CHECK(files.replace(pipe, Bytes{1, 2, 3}, 0600));
    }
    CHECK(got == Bytes{1, 2, 3});
    CHECK(type_of(pipe) == S_IFIFO);
    CHECK(files.list(folder.path()) == std::vector<std::string>{});
}

TEST_CASE("platform.files: open descriptors are written to, where they are") {
    const TempDir folder;
    LinuxFiles files;
    REQUIRE(files.replace(folder / "out", as_bytes("before "), 0600));
    {
        const Redirected out(STDOUT_FILENO, folder / "out", O_WRONLY | O_APPEND);
        CHECK(files.replace("-", as_bytes("a"), 0600));
        CHECK(files.replace("/dev/stdout", as_bytes("b"), 0600));
        CHECK(files.replace("/dev/fd/1", as_bytes("c"), 0600));
        CHECK(files.replace("/proc/self/fd/1", as_bytes("d"), 0600));
    }
    CHECK(files.read(folder / "out", 100) == to_bytes(as_bytes("before abcd")));
    CHECK_FALSE(files.replace("/dev/fd/987", Bytes{1}, 0600));
}

TEST_CASE("platform.files: \"-\" is standard input, once, and never a file of that name") {
    const TempDir folder;
    REQUIRE(LinuxFiles().replace(folder / "in", Bytes{5, 6}, 0600));
    const Redirected in(STDIN_FILENO, folder / "in", O_RDONLY);
    LinuxFiles files;
    CHECK(files.size("-") == 0);
    CHECK_FALSE(files.is_directory("-"));
    CHECK(files.read("-", 2) == Bytes{5, 6});
    CHECK(code_of(files.read("-", 2)) == Code::usage);
}

TEST_CASE("platform.files: one file by several names is the same file") {
    const TempDir folder;
    LinuxFiles files;
    REQUIRE(files.make_directory(folder / "a"));
    REQUIRE(files.replace(folder / "a/file", Bytes{1}, 0600));
    fs::create_symlink("a/file", folder / "link");
    fs::create_hard_link(folder / "a/file", folder / "hard");
    fs::create_symlink("a/new", folder / "dangling");
    for (const char* name : {"a/file", "link", "hard", "a/../a/./file"}) {
        CAPTURE(name);
        CHECK(files.same_file(folder / "a/file", folder / name));
    }
    CHECK(files.same_file(folder / "dangling", folder / "a/new"));
    CHECK(files.same_file(folder / "a/new", folder / "a/../a/new"));
    CHECK_FALSE(files.same_file(folder / "dangling", folder / "a/file"));
    CHECK_FALSE(files.same_file("/dev/null", "/dev/null"));
    CHECK_FALSE(files.same_file("-", "-"));
}

TEST_CASE(
    "platform.files: a file that the user named and cannot be used is a mistake in the call") {
    FakeFiles files;
    files.put("/a/b", "text");
    files.put("/a/secret", "text");
    files.break_path("/a/secret", Code::denied);
    CHECK(read_named(files, "--key", "/a/b", 4) == to_bytes(as_bytes("text")));
    for (const char* path : {"/a/absent", "/a/secret", "/a/b", "/a"}) {
        CAPTURE(path);
        const auto content = read_named(files, "--key", path, 3);
        CHECK(code_of(content) == Code::usage);
        CHECK(content.error().text().starts_with("--key: \"" + std::string(path)));
    }
    files.break_path("/a/broken", Code::io);
    CHECK(code_of(read_named(files, "--key", "/a/broken", 10)) == Code::io);
    CHECK(code_of(replace_named(files, "--out", "/a", {}, 0600)) == Code::usage);
    CHECK(code_of(replace_named(files, "--out", "/b/c", {}, 0600)) == Code::usage);
    CHECK(replace_named(files, "--out", "/a/c", {}, 0600));
    const std::array<NamedFile, 3> inputs = {{{"--key", "/a/b"}, {"--ask", ""}, {"--vek", "/a/v"}}};
    CHECK(keep_inputs(files, {"--out", "/a/o"}, inputs));
    const auto status = keep_inputs(files, {"--out", "/a/v"}, inputs);
    CHECK(code_of(status) == Code::usage);
    CHECK(status.error().text() ==
          "--out: \"/a/v\": this is the file of --vek too, which would be lost; name another");
}

TEST_CASE(
    "platform.files: special files, whose size the kernel does not know, are read to the end") {
    LinuxFiles files;
    const auto maps = files.read("/proc/self/maps", 1024 * 1024);
    REQUIRE(maps);
    CHECK(maps->size() > 4096);
    CHECK(code_of(files.read("/dev/zero", 1000)) == Code::too_large);
    CHECK(files.write("/dev/null", Bytes{1, 2, 3}));
}

TEST_CASE("platform.files: a part that was written only is a failure") {
    LinuxFiles files;
    CHECK(code_of(files.write("/dev/full", Bytes{1})) == Code::io);
}

TEST_CASE("platform.files: the pretended file system breaks where it is told to") {
    FakeFiles files;
    files.put("/a/b", "text");
    files.break_path("/a/b", Code::denied);
    CHECK(code_of(files.read("/a/b", 100)) == Code::denied);
    CHECK(code_of(files.replace("/a/b", {}, 0600)) == Code::denied);
}
