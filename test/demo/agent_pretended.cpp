// ratls-agent with a pretended TEE, for the demonstration and the end-to-end tests.
#include "agent/agent.h"
#include "ratls/platform/program.h"
#include "test/demo/pretended_platform.h"

int main(int argc, char** argv) {
    return ratls::run_program([&](std::ostream& out, std::ostream& err) {
        ratls::test::PretendedPlatform machine;
        const ratls::VmPlatform platform = machine.platform();
        return ratls::agent::run(argc, argv, platform, out, err);
    });
}
