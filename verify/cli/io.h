// What a command of the client program may touch.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "ratls/platform/clock.h"
#include "ratls/platform/files.h"

namespace ratls::cli {

/// Results go to `out`, everything else to `err`.
struct Io {
    std::ostream& out;
    std::ostream& err;
    Files& files;
    const Clock& clock;
    bool err_is_terminal = false;
};

/// Prints "error: ..." and, if there is something to do, "hint: ...". Gives the exit code.
int report(Io& io, const Error& error, std::string_view hint = {});

/// Prints "error: " or "note: " and the text for each, the first 50, and how many more there are.
void print_lines(Io& io, std::string_view kind, const std::vector<std::string>& lines);

}  // namespace ratls::cli
