// What any Files does. `folder` is an empty directory.
#pragma once

#include <doctest/doctest.h>

#include "ratls/platform/files.h"

namespace ratls::test {

inline Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    CHECK_FALSE(result.error().what.empty());
    return result.error().code;
}

inline void check_files_contract(Files& files, const std::string& folder) {
    const std::string path = folder + "/file";
    const Bytes content = {1, 2, 3, 0, 255};

    SUBCASE("what was put is read, and a second time replaces it whole") {
        REQUIRE(files.replace(path, content, 0600));
        CHECK(files.read(path, 100) == content);
        REQUIRE(files.replace(path, Bytes{9}, 0600));
        CHECK(files.read(path, 100) == Bytes{9});
        CHECK(files.list(folder) == std::vector<std::string>{"file"});
    }
    SUBCASE("an empty file is read as empty") {
        REQUIRE(files.replace(path, {}, 0600));
        CHECK(files.read(path, 0) == Bytes{});
    }
    SUBCASE("a file of exactly the limit is read, one byte more is too large") {
        REQUIRE(files.replace(path, Bytes(70'000, 7), 0600));
        CHECK(files.read(path, 70'000) == Bytes(70'000, 7));
        CHECK(code_of(files.read(path, 69'999)) == Code::too_large);
        CHECK(code_of(files.read(path, 0)) == Code::too_large);
    }
    SUBCASE("an open file is read from any place, and nothing stands behind its end") {
        REQUIRE(files.replace(path, content, 0600));
        const auto file = files.open(path);
        REQUIRE(file);
        Bytes into(3);
        CHECK((*file)->read_at(2, into) == 3U);
        CHECK(into == Bytes{3, 0, 255});
        CHECK((*file)->read_at(0, into) == 3U);
        CHECK(into == Bytes{1, 2, 3});
        CHECK((*file)->read_at(4, into) == 1U);
        CHECK((*file)->read_at(5, into) == 0U);
        CHECK((*file)->read_at(1'000'000, into) == 0U);
        CHECK(files.size(path) == content.size());
        CHECK(files.size(folder) == 0);
        CHECK(files.size(folder + "/absent") == 0);
        CHECK(code_of(files.open(folder + "/absent")) == Code::unavailable);
    }
    SUBCASE("a temporary file grows and has no name") {
        const auto file = files.make_temporary();
        REQUIRE(file);
        REQUIRE((*file)->append(content));
        REQUIRE((*file)->append(content));
        Bytes into(7);
        CHECK((*file)->read_at(4, into) == 6U);
        CHECK(into == Bytes{255, 1, 2, 3, 0, 255, 0});
        CHECK(files.list(folder) == std::vector<std::string>{});
    }
    SUBCASE("a path is the same file as itself, and a folder is none") {
        REQUIRE(files.replace(path, content, 0600));
        REQUIRE(files.replace(folder + "/other", content, 0600));
        CHECK(files.same_file(path, path));
        CHECK(files.same_file(folder + "/absent", folder + "/absent"));
        CHECK_FALSE(files.same_file(path, folder + "/other"));
        CHECK_FALSE(files.same_file(path, folder + "/absent"));
        CHECK_FALSE(files.same_file(folder + "/absent", path));
        CHECK_FALSE(files.same_file(folder, folder));
    }
    SUBCASE("write changes a file in place, from its start") {
        REQUIRE(files.replace(path, content, 0600));
        REQUIRE(files.write(path, Bytes{8, 9}));
        CHECK(files.read(path, 100) == Bytes{8, 9, 3, 0, 255});
    }
    SUBCASE("write makes no file") {
        CHECK(code_of(files.write(path, content)) == Code::unavailable);
        CHECK(files.list(folder) == std::vector<std::string>{});
    }
    SUBCASE("a file and a folder exist, and nothing else does") {
        REQUIRE(files.replace(path, {}, 0600));
        CHECK(files.exists(path) == true);
        CHECK(files.exists(folder) == true);
        CHECK(files.exists(folder + "/absent") == false);
        CHECK(files.exists(folder + "/no/file") == false);
        CHECK(files.exists(path + "/below") == false);
    }
    SUBCASE("a lock is held once, until it is given back, and makes its file") {
        const std::chrono::milliseconds none{0};
        auto lock = files.lock(path, none);
        REQUIRE(lock);
        CHECK(files.read(path, 0) == Bytes{});
        CHECK(code_of(files.lock(path, none)) == Code::unavailable);
        CHECK(files.lock(folder + "/other", none));
        lock->reset();
        CHECK(files.lock(path, none));
        CHECK(code_of(files.lock(folder + "/no/file", none)) == Code::unavailable);
    }
    SUBCASE("what is not there is unavailable, and the error names it") {
        const auto missing = files.read(path, 100);
        CHECK(code_of(missing) == Code::unavailable);
        CHECK(missing.error().where.find(path) != std::string::npos);
        CHECK(code_of(files.list(path)) == Code::unavailable);
        CHECK(code_of(files.remove_directory(path)) == Code::unavailable);
        CHECK(code_of(files.replace(folder + "/no/file", content, 0600)) == Code::unavailable);
        CHECK(code_of(files.make_directory(folder + "/no/directory")) == Code::unavailable);
        CHECK_FALSE(files.is_directory(path));
    }
    SUBCASE("directories come and go, but not over what is there") {
        const std::string directory = folder + "/directory";
        REQUIRE(files.make_directory(directory));
        CHECK(files.is_directory(directory));
        CHECK(code_of(files.make_directory(directory)) == Code::io);
        CHECK(code_of(files.read(directory, 100)) == Code::io);
        CHECK(code_of(files.replace(directory, content, 0600)) == Code::io);
        REQUIRE(files.replace(directory + "/file", content, 0600));
        CHECK(code_of(files.remove_directory(directory)) == Code::io);
        REQUIRE(files.make_directory(folder + "/empty"));
        CHECK(files.remove_directory(folder + "/empty"));
        CHECK_FALSE(files.is_directory(folder + "/empty"));
    }
    SUBCASE("a list has the files of that directory, sorted, and no directories") {
        for (const char* name : {"/b", "/a", "/c"}) {
            REQUIRE(files.replace(folder + name, content, 0600));
        }
        REQUIRE(files.make_directory(folder + "/directory"));
        REQUIRE(files.replace(folder + "/directory/d", content, 0600));
        CHECK(files.list(folder) == std::vector<std::string>{"a", "b", "c"});
    }
    SUBCASE("a list of directories has those of that directory, sorted, and no files") {
        REQUIRE(files.replace(folder + "/file", content, 0600));
        for (const char* name : {"/b", "/a", "/a/deeper"}) {
            REQUIRE(files.make_directory(folder + name));
        }
        CHECK(files.list_directories(folder) == std::vector<std::string>{"a", "b"});
        CHECK(files.list_directories(folder + "/b") == std::vector<std::string>{});
        CHECK(code_of(files.list_directories(folder + "/c")) == Code::unavailable);
    }
    SUBCASE("missing directories are made, and those that are there are kept") {
        REQUIRE(files.make_directory(folder + "/a"));
        REQUIRE(make_directories(files, folder + "/a/b/c"));
        CHECK(files.is_directory(folder + "/a/b/c"));
        CHECK(make_directories(files, folder + "/a/b/c"));
        REQUIRE(files.replace(path, content, 0600));
        CHECK(code_of(make_directories(files, path + "/d")) == Code::io);
    }
}

}  // namespace ratls::test
