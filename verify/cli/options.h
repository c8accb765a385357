// The options of a verification, as given on the command line, and what they lead to.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "verify/cli/io.h"
#include "verify/raw.h"

namespace ratls::cli {

struct VerifyOptions {
    std::string target;
    std::string evidence;  ///< "", "snp", "tpm"
    std::string snapshot;
    std::vector<std::string> snapshot_keys;
    std::string policy = "default";
    std::vector<std::string> endorsements;
    std::vector<std::string> trust_roots;
    std::string at_time;
    std::string nonce;
    int require_fresh = -1;
    std::vector<std::string> logs;
    std::string signature;
    std::string ak;
    std::string pcrs;
    std::vector<std::string> resolve;
    bool offline = false;
    bool evidence_only = false;
    bool json = false;

    /// Adds the options that every verifying command has.
    void add_common(CLI::App& command);
    /// Adds those of `verify` alone.
    void add_raw(CLI::App& command);
};

/// The inputs behind the options, read and parsed; owns what a Context views.
struct LoadedOptions {
    verify::Policy policy;
    verify::Endorsements endorsements;
    std::vector<verify::UserRoot> user_roots;
    UnixTime now = 0;
    std::optional<Bytes> nonce;

    verify::Context context() const { return {policy, endorsements, user_roots, now, nonce}; }
};

/// Reads everything that the options name. Files among the endorsements that are nothing of use are
/// named on `err`.
Result<LoadedOptions> load(const VerifyOptions& options, Io& io);

/// A file of at most `max_bytes`; the error names the option.
Result<Bytes> read_option(Io& io, std::string_view option, const std::string& path,
                          std::size_t max_bytes);

inline constexpr std::size_t kMaxSmallFile = std::size_t{1} << 20;
inline constexpr std::size_t kMaxLogFile = std::size_t{256} << 20;

/// Prints the result as text or JSON; gives the exit code.
int print_result(Io& io, const verify::VerificationResult& result, bool json);

}  // namespace ratls::cli
