// What every program does at its begin and end.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "ratls/base/error.h"

namespace ratls {

inline constexpr int kExitRefused = 3;
inline constexpr int kExitFault = 5;

/// The one table of exit codes, for --help. Those from 10 are a program's own.
inline constexpr std::string_view kExitCodes =
    "Exit codes:\n"
    "  0 done; of a verification: accepted, or genuine where that was asked for\n"
    "  1 wrong use, or a file that was named cannot be read or written\n"
    "  2 the evidence or another input is not valid\n"
    "  3 sound, but refused by policy or reference values\n"
    "  4 something that is needed was not given or is out of reach\n"
    "  5 a fault of the program, or standard output could not be written";

/// The exit code for a failure that is no verdict: 3 is the word of a verdict, so what may not be
/// used is out of reach.
int failure_exit_code(Code code);

/// What a call that cannot be read is answered with, for standard error.
std::string usage_message(std::string_view program, std::string_view what);

/// Runs a program and gives its exit code. Descriptors 0 to 2 that are closed cannot be taken by a
/// file or connection meanwhile. If standard output could not be written, which is known at the end
/// at the latest, or an exception gets here, it is 5 and standard error says why.
int run_program(const std::function<int(std::ostream& out, std::ostream& err)>& run);

}  // namespace ratls
