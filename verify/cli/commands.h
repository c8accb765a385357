// The commands of `ratls`. Each adds itself to the command line and runs as one function.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "verify/cli/io.h"

namespace ratls::cli {

/// What is run when its subcommand was chosen; gives the exit code.
using Run = std::function<int()>;

struct Command {
    std::string_view name;
    std::string_view summary;
    std::string_view example;  ///< shown below --help
    Run (*add)(CLI::App& command, Io& io);
};

Run add_verify(CLI::App& command, Io& io);
Run add_show(CLI::App& command, Io& io);
Run add_policy(CLI::App& command, Io& io);
Run add_explain(CLI::App& command, Io& io);

}  // namespace ratls::cli
