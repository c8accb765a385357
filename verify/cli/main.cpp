// ratls: the client program.
#include <unistd.h>

#include <exception>
#include <iostream>

#include "verify/cli/commands.h"

int main(int argc, char** argv) {
    try {
        ratls::LinuxFiles files;
        const ratls::LinuxClock clock;
        ratls::cli::Io io{std::cout, std::cerr, files, clock, ::isatty(STDERR_FILENO) == 1};
        return ratls::cli::run(argc, argv, io);
    } catch (const std::exception& error) {
        std::cerr << "error: internal fault: " << error.what() << "\n";
        return 5;
    }
}
