#include "certtool/certtool.h"
#include "ratls/platform/program.h"
#include "ratls/platform/tpm_esys.h"

int main(int argc, char** argv) {
    return ratls::run_program([&](std::ostream& out, std::ostream& err) {
        ratls::LinuxFiles files;
        const ratls::LinuxClock clock;
        ratls::CurlHttpClient http;
        const ratls::VmPlatform platform{.files = files,
                                         .tsm_files = files,
                                         .clock = clock,
                                         .open_tpm = ratls::open_tpm,
                                         .http = &http};
        return ratls::certtool::run(argc, argv, platform, out, err);
    });
}
