#include <signal.h>

#include "ratls/platform/descriptor.h"
#include "test/fake/fake_process.h"
#include "test/support/child.h"
#include "test/support/temp_dir.h"
#include "test/unit/ratls/platform/process_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Result<Finished> shell(const std::string& script, int timeout_ms = 10'000) {
    return LinuxProcess().run(
        {.argv = {"/bin/sh", "-c", script}, .timeout = std::chrono::milliseconds(timeout_ms)});
}

std::string output_of(const Result<Finished>& finished) {
    REQUIRE(finished);
    return std::string(as_text(finished->output));
}

}  // namespace

TEST_CASE("platform.process: programs of this machine keep the contract") {
    LinuxProcess process;
    check_process_contract(process);
}

TEST_CASE("platform.process: pretended programs keep the contract") {
    FakeProcess process;
    process.install("/bin/true", [](const Command&) { return Finished{}; });
    process.install("/bin/false", [](const Command&) { return Finished{.exit_status = 1}; });
    process.install("/bin/cat", [](const Command& command) {
        return Finished{.output = to_bytes(command.input)};
    });
    check_process_contract(process);
}

TEST_CASE("platform.process: output and errors are kept apart, with the status") {
    const auto finished = shell("printf out; printf err >&2; exit 3");
    CHECK(output_of(finished) == "out");
    CHECK(as_text(finished->errors) == "err");
    CHECK(finished->exit_status == 3);
}

TEST_CASE("platform.process: arguments arrive as they are, nothing expands them") {
    const auto finished =
        LinuxProcess().run({.argv = {"/usr/bin/printf", "%s|", "a b", "$HOME", "*", ""}});
    CHECK(output_of(finished) == "a b|$HOME|*||");
}

TEST_CASE("platform.process: a program that does not end in time is killed with its children") {
    const TempDir folder;
    const std::string pid_file = folder / "pid";
    CHECK(code_of(shell("sleep 1000 & echo $! >" + pid_file + "; wait", 300)) == Code::unavailable);
    const auto text = LinuxFiles().read(pid_file, 100);
    REQUIRE(text);
    REQUIRE(text->size() > 1);
    const std::string status =
        "/proc/" + std::string(as_text(*text), 0, text->size() - 1) + "/cmdline";
    // A killed process keeps its number until its new parent has noticed, but no command line.
    CHECK(wait_until([&] {
        const auto command_line = LinuxFiles().read(status, 4096);
        return !command_line || command_line->empty();
    }));
}

TEST_CASE("platform.process: closed streams do not hide that a program still runs") {
    CHECK(code_of(shell("exec >&- 2>&-; sleep 1000", 300)) == Code::unavailable);
}

TEST_CASE("platform.process: a grandchild that keeps the streams open is not waited for") {
    const auto finished = shell("sleep 1000 & printf done");
    CHECK(output_of(finished) == "done");
}

TEST_CASE("platform.process: errors without end are too large") {
    CHECK(code_of(shell("cat /dev/zero >&2")) == Code::too_large);
}

TEST_CASE("platform.process: an end by a signal is a failure that names it") {
    const auto killed = shell("kill -15 $$");
    CHECK(code_of(killed) == Code::io);
    CHECK(killed.error().what == "ended by signal 15");
}

TEST_CASE("platform.process: a file that may not be run is denied") {
    CHECK(code_of(LinuxProcess().run({.argv = {"/etc/passwd"}})) == Code::denied);
}

TEST_CASE("platform.process: the environment of this process stays here") {
    REQUIRE(::setenv("RATLS_TEST_SECRET", "value", 1) == 0);
    const std::string environment = output_of(LinuxProcess().run({.argv = {"/usr/bin/env"}}));
    CHECK(environment == "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
}

TEST_CASE("platform.process: no open file but the standard three is handed over") {
    Descriptor leak(::dup(1));  // without close-on-exec
    REQUIRE(leak.get() > 2);
    // The fourth is the directory that ls reads.
    CHECK(output_of(LinuxProcess().run({.argv = {"/bin/ls", "/proc/self/fd"}})) == "0\n1\n2\n3\n");
}

TEST_CASE("platform.process: signals that are ignored here are not ignored there") {
    ::signal(SIGPIPE, SIG_IGN);
    const std::string status =
        output_of(LinuxProcess().run({.argv = {"/bin/cat", "/proc/self/status"}}));
    ::signal(SIGPIPE, SIG_DFL);
    const auto at = status.find("SigIgn:\t");
    REQUIRE(at != std::string::npos);
    CHECK(status.substr(at + 8 + 9, 7) == "0000000");  // signals 1 to 28; glibc ignores 32 and 33
}

TEST_CASE("platform.process: input that nobody reads blocks nobody") {
    const Bytes input(1'000'000);
    CHECK(LinuxProcess().run({.argv = {"/bin/true"}, .input = input}));
}
