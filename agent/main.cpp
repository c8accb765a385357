#include <iostream>

#include "agent/agent.h"
#include "ratls/platform/tpm_esys.h"

int main(int argc, char** argv) {
    try {
        ratls::LinuxFiles files;
        const ratls::LinuxClock clock;
        return ratls::agent::run(argc, argv, {files, files, clock, ratls::open_tpm}, std::cout,
                                 std::cerr);
    } catch (const std::exception& error) {
        std::cerr << "error: internal fault: " << error.what() << "\n";
        return 5;
    }
}
