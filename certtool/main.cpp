#include <iostream>

#include "certtool/certtool.h"
#include "ratls/platform/tpm_esys.h"

int main(int argc, char** argv) {
    try {
        ratls::LinuxFiles files;
        const ratls::LinuxClock clock;
        ratls::CurlHttpClient http;
        const ratls::VmPlatform platform{.files = files,
                                         .tsm_files = files,
                                         .clock = clock,
                                         .open_tpm = ratls::open_tpm,
                                         .http = &http};
        return ratls::certtool::run(argc, argv, platform, std::cout, std::cerr);
    } catch (const std::exception& error) {
        std::cerr << "error: internal fault: " << error.what() << "\n";
        return 5;
    }
}
