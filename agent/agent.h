// ratls-agent: serves the certificate, the evidence and the logs of this VM.
#pragma once

#include <atomic>
#include <iosfwd>
#include <mutex>
#include <variant>

#include "agent/network_rates.h"
#include "agent/server.h"
#include "agent/state.h"
#include "agent/token_bucket.h"
#include "agent/turns.h"
#include "ratls/collect/vm.h"

namespace ratls::agent {

struct AgentConfig {
    std::string address = "0.0.0.0";
    std::uint16_t port = 5555;
    std::vector<std::string> names;
    int valid_minutes = 23 * 60;
    /// A certificate made by ratls-certtool, with its key; if empty the agent makes its own and
    /// keeps the key in memory.
    std::string certificate;
    std::string key;
    /// Where the port is written once the agent listens, for whoever started it; may be empty.
    std::string port_file;
    /// Requests that use the TPM: fresh evidence and activation, all clients together.
    unsigned evidence_burst = 60;
    unsigned evidence_per_minute = 120;
    /// Requests for the logs, of each network.
    unsigned log_burst = 60;
    unsigned log_per_minute = 300;
    std::size_t connections_per_address = 64;  ///< as ServerLimits::max_of_network
    std::vector<std::string> proxies;          ///< as ServerOptions
    VmOptions vm;
};

/// Requests that may wait for the TPM at the same time, and how long; further ones are answered
/// 503.
inline constexpr unsigned kMaxWaiting = 5;
inline constexpr std::chrono::seconds kMaxWait{10};

/// Reads a TOML file with strict keys. Source: docs/man/ratls-agent.8.md.
Result<AgentConfig> parse_config(std::string_view text);

/// The routes below /.well-known/ratls-vm/ and /v1/, on top of a VM's attester.
class Agent {
  public:
    /// `log` takes warnings, a line each, from any thread; may be empty.
    using Log = std::function<void(std::string_view line)>;
    static Result<std::unique_ptr<Agent>> start(AgentConfig config, const VmPlatform& platform,
                                                Log log = {});

    /// For the next connection. A certificate that has expired is not shown: then it is one without
    /// evidence, for `/v1/health` and words about it.
    std::shared_ptr<const ServerIdentity> identity();
    http::Response handle(const http::Request& request, const ConnectionInfo& connection);
    /// Makes a new certificate if the current one has passed half of its life; reads the one from
    /// a file again if the file changed.
    Status renew_if_due();

  private:
    Agent(AgentConfig config, const VmPlatform& platform, Log log)
        : config_(std::move(config)),
          platform_(platform),
          log_(std::move(log)),
          bucket_(config_.evidence_burst, config_.evidence_per_minute),
          log_rates_(config_.log_burst, config_.log_per_minute) {}

    /// What claims about a certificate's key must repeat, for each identity in use.
    struct Served {
        std::shared_ptr<const ServerIdentity> identity;
        Bytes spki;  ///< of the leaf, DER
        Sha256Digest leaf_sha256{};
        Sha256Digest spki_sha256{};
        UnixTime not_before = 0;
        UnixTime not_after = 0;
        std::vector<std::string> service_names;
        unsigned key_origin = 0;
        unsigned max_fresh = 0;
    };

    struct CertificateFiles {
        FileStamp certificate;
        FileStamp key;
        friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
    };

    Status issue();
    Status load();
    Status reload_if_changed();
    Status make_placeholder();
    void add_served(Served served);
    /// The answer instead of evidence, once the certificate has expired.
    std::optional<http::Response> expired();
    http::Response health();
    Status find_ek();
    http::Response certificate();
    http::Response evidence(const http::Request& request, const ConnectionInfo& connection);
    http::Response ek() const;
    http::Response activate(const http::Request& request, const ConnectionInfo& connection);
    std::optional<Served> served_on(const ConnectionInfo& connection);
    /// A turn at the TPM within the rate, or the refusal, which takes nothing from the rate.
    std::variant<Turns::Turn, http::Response> turn_within_rate();
    /// What came of a turn: a failure gives back what it took from the rate.
    void note(const Status& outcome);
    http::Response ima(const http::Request& request, const ConnectionInfo& connection);
    http::Response boot_log(const ConnectionInfo& connection);
    /// The refusal, if this client asked for logs too often.
    std::optional<http::Response> log_refusal(const ConnectionInfo& connection);

    AgentConfig config_;
    const VmPlatform& platform_;
    Log log_;
    State state_;
    std::unique_ptr<Vm> vm_;
    Result<Bytes> ek_answer_ = fail(Code::unavailable, "EK", "not looked for");
    TokenBucket bucket_;
    NetworkRates log_rates_;
    Turns turns_{kMaxWaiting};  // one TPM, one thread at a time; the renewal goes first
    std::shared_ptr<const ServerIdentity> placeholder_;
    std::mutex reload_mutex_;  // of the next three
    std::optional<std::chrono::milliseconds> looked_at_;
    std::optional<CertificateFiles> loaded_;  ///< in use
    std::optional<CertificateFiles> failed_;  ///< that could not be used, and the log has the line
    std::mutex served_mutex_;
    std::vector<Served> served_;  // the newest last; at most two
};

/// Runs the program until a termination signal; gives its exit code.
int run(int argc, const char* const* argv, const VmPlatform& platform, std::ostream& out,
        std::ostream& err);

}  // namespace ratls::agent
