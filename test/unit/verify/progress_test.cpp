#include "verify/cli/progress.h"

#include <doctest/doctest.h>

#include <sstream>

#include "test/fake/fake_clock.h"
#include "test/fake/fake_files.h"

using namespace ratls;
using namespace ratls::cli;
using namespace std::chrono_literals;

namespace {

struct Terminal {
    test::FakeClock clock;
    test::FakeFiles files;
    std::ostringstream out, err;
    Io io{out, err, files, clock, true};
};

}  // namespace

TEST_CASE("progress: nothing in the first second, then five times a second, and away at the end") {
    Terminal terminal;
    {
        Progress progress(terminal.io);
        progress.show(1, "files");
        terminal.clock.advance(999ms);
        progress.show(2, "files");
        CHECK(terminal.err.str().empty());
        terminal.clock.advance(1ms);
        progress.show(3, "files");
        CHECK(terminal.err.str() == "\r\033[K3 files");
        terminal.clock.advance(199ms);
        progress.show(4, "files");
        CHECK(terminal.err.str() == "\r\033[K3 files");
        terminal.clock.advance(1ms);
        progress.show(5, "files");
    }
    CHECK(terminal.err.str() == "\r\033[K3 files\r\033[K5 files\r\033[K");
    CHECK(terminal.out.str().empty());
}

TEST_CASE("progress: short work leaves nothing") {
    Terminal terminal;
    {
        Progress(terminal.io).show(1, "files");
    }
    CHECK(terminal.err.str().empty());
}

TEST_CASE("progress: nothing where no terminal is") {
    Terminal terminal;
    terminal.io.err_is_terminal = false;
    {
        Progress progress(terminal.io);
        terminal.clock.advance(2s);
        progress.show(1, "files");
    }
    CHECK(terminal.err.str().empty());
}
