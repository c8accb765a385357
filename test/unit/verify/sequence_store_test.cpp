// The memory of sequence numbers between runs.
#include "verify/cli/sequence_store.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <array>
#include <thread>

#include "ratls/codec/json.h"
#include "test/fake/fake_files.h"
#include "test/support/temp_dir.h"

using namespace ratls;
using namespace ratls::cli;
using namespace ratls::test;

namespace {

constexpr const char* kFolder = "/state";
constexpr const char* kFile = "/state/sequences.json";

SnapshotIdentity web(std::vector<std::string> keys = {"aa"}) {
    return {std::move(keys), "web"};
}

/// The number, "none", or the error.
std::string seen(const Result<std::optional<std::uint64_t>>& number) {
    return !number ? number.error().text() : *number ? std::to_string(**number) : "none";
}

/// The environment as it was, at the end.
class Environment {
  public:
    Environment() {
        for (const char* name : kNames) {
            const char* value = std::getenv(name);  // allowed: it is what is tested
            before_.emplace_back(value == nullptr ? std::nullopt
                                                  : std::optional<std::string>(value));
            ::unsetenv(name);
        }
    }
    ~Environment() {
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            before_[i] ? ::setenv(kNames[i], before_[i]->c_str(), 1) : ::unsetenv(kNames[i]);
        }
    }

  private:
    static constexpr std::array<const char*, 3> kNames = {"STATE_DIRECTORY", "XDG_STATE_HOME",
                                                          "HOME"};
    std::vector<std::optional<std::string>> before_;
};

}  // namespace

TEST_CASE("cli.sequence_store: the first use keeps the number, and only a higher one replaces it") {
    FakeFiles files;
    SequenceStore store(files, kFolder);
    CHECK(seen(store.highest(web())) == "none");
    CHECK_FALSE(files.is_directory(kFolder));
    CHECK(seen(store.raise(web(), 7)) == "none");
    CHECK(files.mode(kFile) == 0600);
    for (const std::uint64_t lower_or_equal : {0U, 6U, 7U}) {
        CHECK(seen(store.raise(web(), lower_or_equal)) == "7");
        CHECK(seen(store.highest(web())) == "7");
    }
    CHECK(seen(store.raise(web(), 8)) == "7");
    CHECK(seen(store.highest(web())) == "8");
}

TEST_CASE(
    "cli.sequence_store: numbers are kept per key and name, and the highest of the keys counts") {
    FakeFiles files;
    SequenceStore store(files, kFolder);
    CHECK(store.raise(web({"aa"}), 7));
    CHECK(seen(store.highest({{"aa"}, "other"})) == "none");
    CHECK(seen(store.highest(web({"bb"}))) == "none");
    CHECK(seen(store.highest(web({"bb", "aa"}))) == "7");
    // Lower than under one of them: nothing is kept under the other.
    CHECK(seen(store.raise(web({"aa", "bb"}), 6)) == "7");
    CHECK(seen(store.highest(web({"bb"}))) == "none");
    CHECK(seen(store.raise(web({"aa", "bb"}), 7)) == "7");
    CHECK(seen(store.highest(web({"bb"}))) == "7");
    CHECK(as_text(files.read(kFile, 1000).value()) == "{\n  \"aa web\": 7,\n  \"bb web\": 7\n}\n");
}

TEST_CASE("cli.sequence_store: of many at one time all are kept, and the highest number wins") {
    constexpr unsigned kRuns = 24;
    const TempDir folder;
    std::vector<std::thread> runs;
    for (unsigned run = 1; run <= kRuns; ++run) {
        runs.emplace_back([&, run] {
            LinuxFiles files;
            SequenceStore store(files, folder / "deep/er");
            CHECK(store.raise({{"aa"}, "vm" + std::to_string(run)}, run));
            CHECK(store.raise(web(), run));
        });
    }
    for (std::thread& run : runs) {
        run.join();
    }
    LinuxFiles files;
    SequenceStore store(files, folder / "deep/er");
    for (unsigned run = 1; run <= kRuns; ++run) {
        CHECK(seen(store.highest({{"aa"}, "vm" + std::to_string(run)})) == std::to_string(run));
    }
    CHECK(seen(store.highest(web())) == std::to_string(kRuns));
}

TEST_CASE("cli.sequence_store: a damaged file is an error that names it, and is left alone") {
    for (const std::string text :
         {"", "{", "[]", "1", R"({"aa web": "7"})", R"({"aa web": -1})", R"({"aa web": 1.5})",
          R"({"aa other": {}})", R"({"aa web": 7, "aa web": 1})", R"({"aa web": 7} x)"}) {
        CAPTURE(text);
        FakeFiles files;
        files.put(kFile, text);
        SequenceStore store(files, kFolder);
        for (const auto& result : {store.highest(web()), store.raise(web(), 9)}) {
            REQUIRE_FALSE(result);
            CHECK(result.error().code == Code::malformed);
            CHECK(result.error().text().find(kFile) != std::string::npos);
            CHECK(result.error().what.starts_with("damaged: "));
        }
        CHECK(as_text(files.read(kFile, 1000).value()) == text);
    }
}

TEST_CASE("cli.sequence_store: what cannot be read or written is an error, not an empty store") {
    FakeFiles files;
    files.put(kFile, R"({"aa web": 7})");
    SequenceStore store(files, kFolder);
    SUBCASE("a file that may not be read") {
        for (const Code code : {Code::denied, Code::io, Code::unavailable}) {
            files.break_path(kFile, code);
            CHECK(store.highest(web()).error().code == code);
            CHECK(store.raise(web(), 8).error().code == code);
        }
    }
    SUBCASE("a lock that another process has") {
        const auto lock = files.lock(std::string(kFile) + ".lock", {});
        CHECK(store.raise(web(), 8).error().code == Code::unavailable);
        CHECK(seen(store.raise(web(), 7)) == "7");  // nothing to write
        CHECK(seen(store.highest(web())) == "7");
    }
    SUBCASE("a folder that cannot be made") {
        FakeFiles other;
        other.put("/file", "");
        SequenceStore below(other, "/file/state");
        CHECK(seen(below.highest(web())) == "none");
        CHECK_FALSE(below.raise(web(), 1));
    }
    SUBCASE("a full one") {
        Json::Object names;
        for (unsigned i = 0; i < 8000; ++i) {
            names.emplace_back(std::string(119, 'x') + std::to_string(10'000 + i), 1);
        }
        const std::string text = Json(names).canonical();
        REQUIRE(text.size() < 1U << 20);
        files.put(kFile, text);
        const auto raised = store.raise(web(), 1);
        REQUIRE_FALSE(raised);
        CHECK(raised.error().code == Code::too_large);
        CHECK(as_text(files.read(kFile, text.size()).value()) == text);
    }
}

TEST_CASE("cli.sequence_store: the folder is the option's, the service manager's or the user's") {
    const Environment environment;
    const auto home = state_folder("");
    REQUIRE(home);  // by the passwd entry
    CHECK(home->starts_with('/'));
    CHECK(home->ends_with("/.local/state/ratls"));
    ::setenv("HOME", "/home/u", 1);
    CHECK(state_folder("") == std::string("/home/u/.local/state/ratls"));
    ::setenv("HOME", "relative", 1);
    CHECK(state_folder("") == *home);
    ::setenv("HOME", "", 1);
    CHECK(state_folder("") == *home);
    ::setenv("XDG_STATE_HOME", "relative", 1);
    CHECK(state_folder("") == *home);
    ::setenv("XDG_STATE_HOME", "/xdg", 1);
    CHECK(state_folder("") == std::string("/xdg/ratls"));
    ::setenv("STATE_DIRECTORY", "", 1);
    CHECK(state_folder("") == std::string("/xdg/ratls"));
    ::setenv("STATE_DIRECTORY", "/var/lib/first:/var/lib/second", 1);
    CHECK(state_folder("") == std::string("/var/lib/first"));
    CHECK(state_folder("given") == std::string("given"));
}
