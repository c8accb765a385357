// ratls: the client program.
#include <unistd.h>

#include "ratls/platform/program.h"
#include "verify/cli/commands.h"

int main(int argc, char** argv) {
    return ratls::run_program([&](std::ostream& out, std::ostream& err) {
        ratls::LinuxFiles files;
        const ratls::LinuxClock clock;
        ratls::cli::Io io{out, err, files, clock, ::isatty(STDERR_FILENO) == 1};
        return ratls::cli::run(argc, argv, io);
    });
}
