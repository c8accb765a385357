#include <stdlib.h>
#include <sys/stat.h>

#include "test/fake/fake_files.h"
#include "test/support/temp_dir.h"
#include "test/unit/ratls/platform/files_contract.h"

using namespace ratls;
using namespace ratls::test;

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
