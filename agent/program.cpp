#include <signal.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <cstdlib>
#include <ostream>
#include <thread>

#include "agent/agent.h"
#include "ratls/base/text.h"
#include "ratls/collect/carried.h"
#include "ratls/crypto/provider.h"
#include "ratls/platform/named_files.h"
#include "ratls/platform/program.h"

namespace ratls::agent {
namespace {

constexpr std::size_t kMaxConfig = std::size_t{64} << 10;
constexpr std::chrono::seconds kRenewalCheck{60};
constexpr std::chrono::milliseconds kLastMoment{200};  // for the end itself
constexpr unsigned kWorkers = 1 + kMaxWaiting + 2;  // one has the TPM; two are there for the others

std::atomic<Server*> running_server{nullptr};

void on_signal(int /*number*/) {
    if (Server* server = running_server.load()) {
        server->stop();
    }
}

/// Looks once a minute whether the certificate is due.
class Renewal {
  public:
    Renewal(Agent& agent, const Agent::Log& log)
        : thread_([this, &agent, &log] {
              std::unique_lock lock(mutex_);
              while (!wake_.wait_for(lock, kRenewalCheck, [this] { return stop_; })) {
                  lock.unlock();
                  if (auto status = agent.renew_if_due(); !status) {
                      log("warning: renewal: " + status.error().text());
                  }
                  lock.lock();
              }
              ended_ = true;
              wake_.notify_all();
          }) {}
    ~Renewal() {
        static_cast<void>(stop(std::chrono::milliseconds(0)));
        thread_.join();
    }
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;

    /// False: it is still at it.
    bool stop(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        stop_ = true;
        wake_.notify_all();
        return wake_.wait_for(lock, patience, [this] { return ended_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    bool ended_ = false;
    std::thread thread_;
};

int report(std::ostream& err, const Error& error, std::string_view hint) {
    err << "error: " << error.text() << "\nhint: " << hint << "\n";
    return failure_exit_code(error.code);
}

/// What the port must not be written over.
std::vector<NamedFile> files_of(const AgentConfig& config, const std::string& path) {
    std::vector<NamedFile> out = {{"--config", path},
                                  {"certificate", config.certificate},
                                  {"key", config.key},
                                  {"ak_certificate", config.vm.ak_certificate},
                                  {"ek_certificate", config.vm.ek_certificate},
                                  {"ima_log", config.vm.ima_log},
                                  {"boot_log", config.vm.boot_log},
                                  {"ccel", config.vm.ccel},
                                  {"vek", config.vm.vek},
                                  {"ask", config.vm.ask},
                                  {"amd_crl", config.vm.amd_crl}};
    for (const std::string& document : collateral_files(config.vm.collateral)) {
        out.push_back({"collateral", document});
    }
    return out;
}

int serve(const AgentConfig& config, const VmPlatform& platform, std::ostream& out,
          std::ostream& err) {
    std::mutex log_mutex;
    const Agent::Log log = [&err, &log_mutex](std::string_view line) {
        const std::lock_guard lock(log_mutex);
        err << line << std::endl;
    };
    auto agent = Agent::start(
        config, platform, [&log](std::string_view line) { log("warning: " + std::string(line)); });
    if (!agent) {
        return report(err, agent.error(),
                      "`ratls-agent --check --config FILE` tests a configuration");
    }
    ServerOptions options;
    options.address = config.address;
    options.port = config.port;
    options.workers = kWorkers;
    options.limits.drain -= kLastMoment;
    options.limits.max_of_network = config.connections_per_address;
    options.proxies = config.proxies;
    options.log = [&log](std::string_view line) { log("error: " + std::string(line)); };
    Server server(
        options, [&agent] { return (*agent)->identity(); },
        [&agent](const http::Request& request, const ConnectionInfo& connection) {
            return (*agent)->handle(request, connection);
        });
    if (auto status = server.listen(); !status) {
        return report(err, status.error(), "another program may hold the port");
    }
    running_server = &server;
    struct sigaction action{};
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    if (!config.port_file.empty()) {
        const std::string text = std::to_string(server.port()) + "\n";
        if (auto status =
                replace_named(platform.files, "port_file", config.port_file, as_bytes(text), 0644);
            !status) {
            return report(err, status.error(), "port_file names a file that can be written");
        }
    }
    out << "listening on " << printable(config.address) << " port " << server.port() << std::endl;
    {
        Renewal renewal(**agent, log);
        const bool ended = server.run();
        if (!renewal.stop(kLastMoment) || !ended) {
            // Whoever waits for the TPM cannot be waited for.
            log("warning: the TPM or the TEE does not answer; ended without waiting for it");
            std::_Exit(0);
        }
    }
    running_server = nullptr;
    return 0;
}

}  // namespace

int run(int argc, const char* const* argv, const VmPlatform& platform, std::ostream& out,
        std::ostream& err) {
    std::string path = "/etc/ratls/agent.toml";
    bool check = false;
    CLI::App app("Serves the attestation evidence of this VM over TLS.", "ratls-agent");
    app.set_version_flag("--version",
                         "ratls-agent " RATLS_VERSION "\n" + std::string(crypto_provider()));
    app.add_option("--config", path, "Configuration (TOML)")->capture_default_str();
    app.add_flag("--check", check, "Only check the configuration");
    app.footer("Example: ratls-agent --config /etc/ratls/agent.toml\n" + std::string(kExitCodes));
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return usage_message("ratls-agent", error.what());
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, out, err) == 0 ? 0 : 1;
    }
    const auto text = read_named(platform.files, "--config", path, kMaxConfig);
    if (!text) {
        return report(err, text.error(), "--config names the configuration");
    }
    auto config = parse_config(as_text(*text));
    if (!config) {
        return report(err, config.error(), "the man page ratls-agent(8) lists all members");
    }
    if (auto status =
            keep_inputs(platform.files, {"port_file", config->port_file}, files_of(*config, path));
        !status) {
        return report(err, status.error(), "port_file is written once the agent listens");
    }
    if (check) {
        out << "the configuration is well-formed\n";
        return 0;
    }
    return serve(*config, platform, out, err);
}

}  // namespace ratls::agent
