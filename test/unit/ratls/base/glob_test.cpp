#include "ratls/base/glob.h"

#include <doctest/doctest.h>

#include <string>

using ratls::glob_match;

using namespace ratls;

TEST_CASE("glob: each sign stands for what it says") {
    CHECK(glob_match("/a/b", "/a/b"));
    CHECK_FALSE(glob_match("/a/b", "/a/bc"));
    CHECK_FALSE(glob_match("/a/b", "/a"));
    CHECK(glob_match("", ""));
    CHECK_FALSE(glob_match("", "a"));
    CHECK(glob_match("/a?c", "/abc"));
    CHECK_FALSE(glob_match("/a?c", "/a/c"));
    CHECK_FALSE(glob_match("/a?c", "/ac"));
    CHECK(glob_match("/var/*", "/var/log"));
    CHECK(glob_match("/var/*", "/var/"));
    CHECK_FALSE(glob_match("/var/*", "/var/log/x"));
    CHECK(glob_match("/var/**", "/var/log/x"));
    CHECK_FALSE(glob_match("/var/**", "/var"));
    CHECK(glob_match("**/*.pyc", "/usr/lib/a.pyc"));
    CHECK(glob_match("**/x/**/y*", "/x/x/y/x/y1"));
    CHECK_FALSE(glob_match("**/*.pyc", "/usr/lib/a.py"));
}

TEST_CASE("glob: a backslash takes away the meaning of the next byte") {
    CHECK(glob_match("/a\\*", "/a*"));
    CHECK_FALSE(glob_match("/a\\*", "/ab"));
    CHECK(glob_match("/a\\\\", "/a\\"));
    CHECK(glob_match("/a\\", "/a\\"));
    CHECK(glob_match("/\\?\xff", "/?\xff"));
}

TEST_CASE("glob: a pattern of many stars takes no more time than another") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) {
        pattern += "*a**";
    }
    CHECK_FALSE(glob_match(pattern + "b", std::string(4000, 'a')));
}

TEST_CASE("glob: a pattern begins where paths do") {
    CHECK(is_anchored_glob("/usr/*"));
    CHECK(is_anchored_glob("**/*.pyc"));
    CHECK_FALSE(is_anchored_glob(""));
    CHECK_FALSE(is_anchored_glob("usr"));
    CHECK_FALSE(is_anchored_glob("**"));
    CHECK_FALSE(is_anchored_glob("*/x"));
}
