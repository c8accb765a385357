// ratls: the client program. main is a table of commands.
#include <array>
#include <exception>
#include <iostream>
#include <memory>

#include "verify/cli/commands.h"

namespace ratls::cli {
namespace {

constexpr std::array kCommands = {
    Command{"verify", "Verify a host, a certificate or raw evidence",
            "ratls verify report.bin --evidence snp --endorsements amd/", add_verify},
    Command{"show", "Print what a certificate, quote or log says, without judging it",
            "ratls show binary_runtime_measurements --as ima --json", add_show},
    Command{"policy", "Show or check a policy", "ratls policy show default", add_policy},
    Command{"explain", "Say what a rule of the verdict means", "ratls explain snp.chain.root",
            add_explain},
};

constexpr std::string_view kExitCodes =
    "Exit codes: 0 accepted (verify: or genuine), 1 usage, 2 not valid, 3 sound but refused, "
    "4 out of reach, 5 internal fault";

int run(int argc, char** argv) {
    LinuxFiles files;
    Io io{std::cout, std::cerr, files};
    CLI::App app("Verifies confidential VMs by their TLS certificates.", "ratls");
    app.set_version_flag("--version", "ratls " RATLS_VERSION);
    app.footer(std::string(kExitCodes));
    app.require_subcommand(1);
    std::vector<std::pair<CLI::App*, Run>> runs;
    for (const Command& command : kCommands) {
        CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
        sub->footer("Example: " + std::string(command.example) + "\n" + std::string(kExitCodes));
        runs.emplace_back(sub, command.add(*sub, io));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, std::cout, std::cerr) == 0 ? 0 : 1;
    }
    for (const auto& [sub, execute] : runs) {
        if (sub->parsed()) {
            return execute();
        }
    }
    return 1;
}

}  // namespace
}  // namespace ratls::cli

int main(int argc, char** argv) {
    try {
        return ratls::cli::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "error: internal fault: " << error.what() << "\n";
        return 5;
    }
}
