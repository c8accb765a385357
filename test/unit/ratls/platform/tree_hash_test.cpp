// A folder and the digests of its files, on a real file system and on a pretended one.
#include "ratls/platform/tree_hash.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "test/support/temp_dir.h"

using namespace ratls;
using namespace ratls::test;

namespace {

void put(const std::string& path, std::string_view content) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

TreeHashes hash_folder(const std::string& path, const TreeHashOptions& options = {.jobs = 3}) {
    const auto root = open_linux_directory(path);
    REQUIRE(root);
    return hash_tree(*root, options);
}

std::vector<std::string> paths(const TreeHashes& hashes) {
    std::vector<std::string> out;
    for (const HashedFile& file : hashes.files) {
        out.push_back(file.path);
    }
    return out;
}

/// A file that gives its content in pieces and can change or fail meanwhile.
struct PretendedFile {
    std::string content = "content";
    FileState before{7, 1};
    FileState after{7, 1};
    bool broken = false;
};

class PretendedContent : public FileContent {
  public:
    explicit PretendedContent(PretendedFile file) : file_(std::move(file)) {}
    Result<FileState> state() override { return at_ == 0 ? file_.before : file_.after; }
    Result<std::size_t> read(std::span<std::uint8_t> into) override {
        if (file_.broken) {
            return fail(Code::io, "a disk", "broken on purpose");
        }
        const ByteView rest = as_bytes(file_.content).subspan(at_);
        const std::size_t size = std::min<std::size_t>(rest.size(), 3);
        std::ranges::copy(rest.first(size), into.begin());
        at_ += size;
        return size;
    }

  private:
    PretendedFile file_;
    std::size_t at_ = 0;
};

class PretendedDirectory : public Directory {
  public:
    std::map<std::string, PretendedFile> files;
    std::vector<DirectoryEntry> more;

    Result<std::vector<DirectoryEntry>> list() override {
        std::vector<DirectoryEntry> out = more;
        for (const auto& [name, file] : files) {
            out.push_back({name, EntryKind::file});
        }
        return out;
    }
    Result<std::shared_ptr<Directory>> open_directory(const std::string& name) override {
        return fail(Code::denied, ratls::quoted(name), "Permission denied");
    }
    Result<std::unique_ptr<FileContent>> open_file(const std::string& name) override {
        if (!files.contains(name)) {
            return fail(Code::denied, ratls::quoted(name), "Permission denied");
        }
        return std::make_unique<PretendedContent>(files.at(name));
    }
};

}  // namespace

TEST_CASE("tree hash: digests are those of the content, in the order that was asked for") {
    const TempDir folder;
    put(folder / "etc/empty", "");
    put(folder / "usr/bin/abc", "abc");
    const auto hashes =
        hash_folder(folder.path(), {.algs = {HashAlg::sha512, HashAlg::sha256}, .jobs = 2});
    CHECK(hashes.errors.empty());
    REQUIRE(paths(hashes) == std::vector<std::string>{"/etc/empty", "/usr/bin/abc"});
    CHECK(hex(hashes.files[0].digests[1].view()) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex(hashes.files[1].digests[1].view()) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hashes.files[1].digests[0] == hash(HashAlg::sha512, as_bytes("abc")));
}

TEST_CASE("tree hash: a file of many pieces is hashed as a whole") {
    const TempDir folder;
    const std::string content(3'000'001, 'x');
    put(folder / "large", content);
    const auto hashes = hash_folder(folder.path());
    REQUIRE(hashes.files.size() == 1);
    CHECK(hashes.files[0].digests[0] == hash(HashAlg::sha256, as_bytes(content)));
}

TEST_CASE("tree hash: links are counted and never followed") {
    const TempDir folder;
    const TempDir outside;
    put(outside / "secret", "x");
    put(folder / "usr/bin/true", "true");
    std::filesystem::create_symlink(".", folder / "loop");
    std::filesystem::create_symlink("..", folder / "usr/up");
    std::filesystem::create_symlink(outside.path(), folder / "out");
    std::filesystem::create_symlink(outside / "secret", folder / "file");
    std::filesystem::create_symlink("/nowhere", folder / "dangling");
    const auto hashes = hash_folder(folder.path());
    CHECK(hashes.errors.empty());
    CHECK(hashes.links == 5);
    CHECK(paths(hashes) == std::vector<std::string>{"/usr/bin/true"});
}

TEST_CASE("tree hash: many files by many threads give the same as by one") {
    const TempDir folder;
    for (int i = 0; i < 1500; ++i) {
        put(folder / ("d" + std::to_string(i % 37) + "/f" + std::to_string(i)), std::to_string(i));
    }
    std::size_t seen = 0;
    const auto one = hash_folder(folder.path(), {.jobs = 1});
    const auto many =
        hash_folder(folder.path(), {.jobs = 8, .progress = [&](std::size_t n) { seen = n; }});
    CHECK(seen == 1500);
    REQUIRE(many.files.size() == 1500);
    CHECK(std::ranges::is_sorted(many.files, {}, &HashedFile::path));
    CHECK(paths(one) == paths(many));
    CHECK(
        std::ranges::equal(one.files, many.files, {}, &HashedFile::digests, &HashedFile::digests));
}

TEST_CASE("tree hash: names of any bytes are kept as they are") {
    const TempDir folder;
    put(folder / "a b\n\"c\"", "1");
    put(folder / "\xff\xfe", "2");
    CHECK(paths(hash_folder(folder.path())) ==
          std::vector<std::string>{"/a b\n\"c\"", "/\xff\xfe"});
}

TEST_CASE("tree hash: what a pattern excludes is counted, a folder with all below it") {
    const TempDir folder;
    put(folder / "var/log/a", "1");
    put(folder / "var/b", "2");
    put(folder / "usr/c.pyc", "3");
    put(folder / "usr/c.py", "4");
    const auto hashes =
        hash_folder(folder.path(), {.exclude = {"/var", "**/*.pyc", "/nothing"}, .jobs = 1});
    CHECK(paths(hashes) == std::vector<std::string>{"/usr/c.py"});
    CHECK(hashes.excluded == std::vector<std::size_t>{1, 1, 0});
}

TEST_CASE("tree hash: a pattern is of the name in the folder or of the one that is logged") {
    CHECK(leaves_out("/my app", "/my app"));
    CHECK(leaves_out("/my_app", "/my app"));
    CHECK(leaves_out("/**/b_c", "/a/b c"));
    CHECK_FALSE(leaves_out("/my app", "/my_app"));
    CHECK_FALSE(leaves_out("/my_app/x", "/my app"));
    const TempDir folder;
    put(folder / "my app/a", "1");
    put(folder / "b c", "2");
    put(folder / "b_c", "3");
    const auto hashes = hash_folder(folder.path(), {.exclude = {"/my_app", "/b c"}, .jobs = 1});
    CHECK(paths(hashes) == std::vector<std::string>{"/b_c"});
    CHECK(hashes.excluded == std::vector<std::size_t>{1, 1});
}

TEST_CASE("tree hash: a pipe and a socket are errors, unless they are excluded") {
    const TempDir folder;
    put(folder / "good", "x");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    auto hashes = hash_folder(folder.path());
    REQUIRE(hashes.errors.size() == 1);
    CHECK(hashes.errors[0].text().contains("\"/pipe\""));
    CHECK(hashes.files.size() == 1);
    hashes = hash_folder(folder.path(), {.exclude = {"/pipe"}, .jobs = 1});
    CHECK(hashes.errors.empty());
}

TEST_CASE("tree hash: a folder that is not there, or is a file, is an error") {
    const TempDir folder;
    put(folder / "file", "x");
    CHECK(open_linux_directory(folder / "absent").error().code == Code::unavailable);
    CHECK_FALSE(open_linux_directory(folder / "file"));
}

TEST_CASE("directory: a link or a pipe in place of a file is not opened") {
    const TempDir folder;
    put(folder / "file", "x");
    std::filesystem::create_symlink("file", folder / "link");
    std::filesystem::create_symlink(".", folder / "dirlink");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    const auto root = open_linux_directory(folder.path());
    REQUIRE(root);
    CHECK((*root)->open_file("file"));
    CHECK_FALSE((*root)->open_file("link"));
    CHECK_FALSE((*root)->open_file("pipe"));
    CHECK_FALSE((*root)->open_directory("dirlink"));
    CHECK_FALSE((*root)->open_directory("file"));
}

TEST_CASE("tree hash: an unreadable file is an error that names its path") {
    const TempDir folder;
    put(folder / "dir/secret", "x");
    REQUIRE(::chmod((folder / "dir/secret").c_str(), 0) == 0);
    if (::access((folder / "dir/secret").c_str(), R_OK) == 0) {
        return;  // this user may read everything; the pretended directory below shows it too
    }
    const auto hashes = hash_folder(folder.path());
    REQUIRE(hashes.errors.size() == 1);
    CHECK(hashes.errors[0].code == Code::denied);
    CHECK(hashes.errors[0].where == "\"/dir/secret\"");
}

TEST_CASE("tree hash: each failure is reported with its path, none is left out") {
    const auto root = std::make_shared<PretendedDirectory>();
    root->files["good"] = {};
    root->files["grown"] = {.after = {8, 1}};
    root->files["longer"] = {.content = "content and more"};
    root->files["touched"] = {.after = {7, 2}};
    root->files["broken"] = {.broken = true};
    root->more = {{"denied", EntryKind::file},
                  {"device", EntryKind::other},
                  {"locked", EntryKind::directory},
                  {std::string(4096, 'n'), EntryKind::file}};
    const auto hashes = hash_tree(root, {.jobs = 2});
    CHECK(paths(hashes) == std::vector<std::string>{"/good"});
    CHECK(hashes.files[0].digests[0] == hash(HashAlg::sha256, as_bytes("content")));
    std::vector<std::string> where;
    for (const Error& error : hashes.errors) {
        where.push_back(error.where.substr(0, 20));
        CHECK_FALSE(error.what.empty());
    }
    CHECK(where == std::vector<std::string>{"\"/broken\"", "\"/denied\"", "\"/device\"",
                                            "\"/grown\"", "\"/locked\"", "\"/longer\"",
                                            "\"/nnnnnnnnnnnnnnnnnn", "\"/touched\""});
}
