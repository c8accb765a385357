// Archives that the test makes with libarchive's own writer, and damages.
#include "ratls/platform/archive_hash.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "ratls/base/bytes.h"
#include "test/support/temp_dir.h"

using namespace ratls;

namespace {

struct Member {
    std::string path;
    std::string content;
    unsigned type = AE_IFREG;
    std::string hard_link;
    int inode = 0;  ///< of two names; 0: of one
};

/// The bytes of an archive: `format` is a code of libarchive, `filter` a compression.
std::string make_archive(int format, const std::vector<Member>& members,
                         int filter = ARCHIVE_FILTER_NONE) {
    std::string out(std::size_t{1} << 20, '\0');
    std::size_t used = 0;
    archive* writer = archive_write_new();
    // The function of that name does not know this one.
    format == ARCHIVE_FORMAT_AR_GNU ? archive_write_set_format_ar_svr4(writer)
                                    : archive_write_set_format(writer, format);
    archive_write_add_filter(writer, filter);
    archive_write_set_bytes_in_last_block(writer, 1);
    REQUIRE(archive_write_open_memory(writer, out.data(), out.size(), &used) == ARCHIVE_OK);
    for (const Member& member : members) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, member.path.c_str());
        archive_entry_set_filetype(entry, member.type);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
        if (member.type == AE_IFLNK) {
            archive_entry_set_symlink(entry, "target");
        }
        if (member.inode != 0) {
            archive_entry_set_ino(entry, member.inode);
            archive_entry_set_nlink(entry, 2);
        }
        if (!member.hard_link.empty()) {
            archive_entry_set_hardlink(entry, member.hard_link.c_str());
        }
        REQUIRE_MESSAGE(archive_write_header(writer, entry) == ARCHIVE_OK,
                        std::string(archive_error_string(writer)));
        archive_write_data(writer, member.content.data(), member.content.size());
        archive_entry_free(entry);
    }
    archive_write_close(writer);
    archive_write_free(writer);
    out.resize(used);
    return out;
}

std::string make_tar(const std::vector<Member>& members, int filter = ARCHIVE_FILTER_NONE) {
    return make_archive(ARCHIVE_FORMAT_TAR_GNUTAR, members, filter);
}

std::string make_deb(const std::string& data_name, const std::string& data) {
    const std::string control = make_tar(
        {{"./", "", AE_IFDIR, ""},
         {"./control", "Package: tool\nArchitecture: all\nVersion: 1:2-3\nDescription: x\n",
          AE_IFREG, ""}},
        ARCHIVE_FILTER_GZIP);
    return make_archive(ARCHIVE_FORMAT_AR_GNU, {{"debian-binary", "2.0\n", AE_IFREG, ""},
                                                {"control.tar.gz", control, AE_IFREG, ""},
                                                {data_name, data, AE_IFREG, ""}});
}

Result<ArchiveHashes> hash_bytes(const std::string& bytes, TreeHashOptions options = {},
                                 bool usr_merge = true) {
    const test::TempDir folder;
    const std::string path = folder.path() + "/some.archive";
    std::ofstream(path, std::ios::binary) << bytes;
    return hash_archive(path, options, usr_merge);
}

/// "path digest-of-content" is compared as "path=content".
bool has(const ArchiveHashes& hashes, const std::string& path, std::string_view content) {
    const auto found = std::ranges::find(hashes.tree.files, path, &HashedFile::path);
    return found != hashes.tree.files.end() &&
           equal(found->digests.at(0).view(), sha256(as_bytes(content)));
}

}  // namespace

TEST_CASE("archive: files of a tar, plain and compressed, and of a cpio") {
    const std::vector<Member> members = {{"usr/", "", AE_IFDIR, ""},
                                         {"./usr/bin/a", "content of a", AE_IFREG, ""},
                                         {"/etc/b", "", AE_IFREG, ""},
                                         {"usr/bin/link", "", AE_IFLNK, ""}};
    for (const std::string& bytes :
         {make_tar(members), make_tar(members, ARCHIVE_FILTER_GZIP),
          make_tar(members, ARCHIVE_FILTER_XZ), make_tar(members, ARCHIVE_FILTER_BZIP2),
          make_tar(members, ARCHIVE_FILTER_ZSTD),
          make_archive(ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, members),
          make_archive(ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, members)}) {
        const auto hashes = hash_bytes(bytes);
        REQUIRE_MESSAGE(hashes, hashes.error().text());
        CHECK(hashes->tree.files.size() == 2);
        CHECK(has(*hashes, "/usr/bin/a", "content of a"));
        CHECK(has(*hashes, "/etc/b", ""));
        CHECK(hashes->tree.links == 1);
        CHECK(hashes->tree.errors.empty());
        CHECK(hashes->source == "some.archive");
    }
}

TEST_CASE("archive: a Debian package names itself, whatever compresses its data") {
    const std::vector<Member> members = {{"./bin/tool", "tool", AE_IFREG, ""}};
    for (const int filter : {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
        const auto hashes = hash_bytes(make_deb("data.tar.x", make_tar(members, filter)));
        REQUIRE_MESSAGE(hashes, hashes.error().text());
        CHECK(hashes->source == "tool 1:2-3");
        CHECK(hashes->tree.files.size() == 1);
        CHECK(has(*hashes, "/usr/bin/tool", "tool"));
    }
    CHECK_FALSE(hash_bytes(make_deb("other.tar", make_tar(members))));
    CHECK_FALSE(hash_bytes(make_deb("data.tar", "no archive at all")));
}

TEST_CASE("archive: folders that are links into /usr on an image are so here, if wanted") {
    const std::string bytes = make_tar({{"bin/a", "1", AE_IFREG, ""},
                                        {"lib64/b", "2", AE_IFREG, ""},
                                        {"libexec/c", "3", AE_IFREG, ""}});
    const auto merged = hash_bytes(bytes);
    REQUIRE(merged);
    CHECK(has(*merged, "/usr/bin/a", "1"));
    CHECK(has(*merged, "/usr/lib64/b", "2"));
    CHECK(has(*merged, "/libexec/c", "3"));
    const auto plain = hash_bytes(bytes, {}, false);
    REQUIRE(plain);
    CHECK(has(*plain, "/bin/a", "1"));
    CHECK(has(*plain, "/lib64/b", "2"));
}

TEST_CASE("archive: a hard link has the content of its target, which comes before") {
    const auto hashes = hash_bytes(make_tar(
        {{"a", "content", AE_IFREG, ""}, {"b", "", AE_IFREG, "a"}, {"c", "", AE_IFREG, "later"}}));
    REQUIRE(hashes);
    CHECK(has(*hashes, "/b", "content"));
    REQUIRE(hashes->tree.errors.size() == 1);
    CHECK(hashes->tree.errors[0].text().contains("\"/c\""));
}

TEST_CASE("archive: in a cpio the last one of several names has the content of all") {
    const auto hashes =
        hash_bytes(make_archive(ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, {{"a", "", AE_IFREG, "", 2},
                                                                 {"b", "content", AE_IFREG, "", 2},
                                                                 {"c", "other", AE_IFREG, "", 0}}));
    REQUIRE(hashes);
    CHECK(hashes->tree.errors.empty());
    CHECK(has(*hashes, "/a", "content"));
    CHECK(has(*hashes, "/b", "content"));
    CHECK(has(*hashes, "/c", "other"));
}

TEST_CASE("archive: the later one of two files with one path counts") {
    const auto hashes =
        hash_bytes(make_tar({{"a", "old", AE_IFREG, ""}, {"./a", "new", AE_IFREG, ""}}));
    REQUIRE(hashes);
    CHECK(hashes->tree.files.size() == 1);
    CHECK(has(*hashes, "/a", "new"));
}

TEST_CASE("archive: devices, pipes and paths that leave the image are errors, or left out") {
    const std::string bytes = make_tar({{"dev/pipe", "", AE_IFIFO, ""},
                                        {"dev/null", "", AE_IFCHR, ""},
                                        {"usr/../../etc/passwd", "x", AE_IFREG, ""},
                                        {"usr/a", "a", AE_IFREG, ""}});
    const auto all = hash_bytes(bytes);
    REQUIRE(all);
    CHECK(all->tree.errors.size() == 3);
    TreeHashOptions options;
    options.exclude = {"/dev", "/usr/*", "/none/**"};
    const auto some = hash_bytes(bytes, options);
    REQUIRE(some);
    CHECK(some->tree.errors.size() == 1);  // ".." is left out by nothing
    CHECK(some->tree.files.empty());
    CHECK(some->tree.excluded == std::vector<std::size_t>{2, 1, 0});
}

TEST_CASE("archive: a pattern is of the name in it or of the one that is logged") {
    const std::string bytes = make_tar(
        {{"my app/a", "a", AE_IFREG, ""}, {"b c", "b", AE_IFREG, ""}, {"b_c", "c", AE_IFREG, ""}});
    TreeHashOptions options;
    options.exclude = {"/my_app", "/b c"};
    const auto hashes = hash_bytes(bytes, options);
    REQUIRE(hashes);
    REQUIRE(hashes->tree.files.size() == 1);
    CHECK(hashes->tree.files[0].path == "/b_c");
}

TEST_CASE("archive: what is no archive, empty or cut is refused, and named") {
    CHECK_FALSE(hash_bytes(""));
    CHECK_FALSE(hash_bytes("no archive"));
    const test::TempDir folder;
    const auto missing = hash_archive(folder.path() + "/none.deb", {}, true);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().text().contains("none.deb"));
    const std::string content(5000, 'x');
    const std::string package =
        make_deb("data.tar.xz", make_tar({{"a", content, AE_IFREG, ""}}, ARCHIVE_FILTER_XZ));
    REQUIRE(hash_bytes(package));
    for (std::size_t size = 0; size < package.size() - 1; size += 7) {
        CAPTURE(size);
        CHECK_FALSE(hash_bytes(package.substr(0, size)));
    }
}
