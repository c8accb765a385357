// Other programs, started and waited for.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

struct Command {
    std::vector<std::string> argv = {};  ///< the first is an absolute path; there is no shell
    ByteView input = {};  ///< standard input; viewed, so that a Secret can be handed over
    std::size_t max_output = 1024 * 1024;  ///< of standard output, and again of standard error
    std::chrono::milliseconds timeout{30'000};
};

struct Finished {
    int exit_status = 0;  ///< 0 to 255; that it is not 0 is no failure of `run`
    Bytes output = {};
    Bytes errors = {};
};

/// Runs programs. Calls block until the program has ended. Failures: `usage` for an empty argv or a
/// first word that is no absolute path, `unavailable` when there is no such program or it did not
/// end in time, `denied` when it may not be run, `too_large` when it wrote more than allowed, `io`
/// when a signal ended it. A program that fails one of these is killed, with its process group.
class Process {
  public:
    virtual ~Process() = default;

    virtual Result<Finished> run(const Command& command) = 0;
};

/// Programs of this machine. They get no open file but the standard three, the default signal
/// handling, and an environment of PATH and LC_ALL=C only.
class LinuxProcess : public Process {
  public:
    Result<Finished> run(const Command& command) override;
};

}  // namespace ratls
