// ratls-certtool with a pretended TEE, for the demonstration and the end-to-end tests.
#include "certtool/certtool.h"
#include "test/demo/pretended_platform.h"

int main(int argc, char** argv) {
    try {
        ratls::test::PretendedPlatform machine;
        const ratls::VmPlatform platform = machine.platform();
        return ratls::certtool::run(argc, argv, platform, std::cout, std::cerr);
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 5;
    }
}
