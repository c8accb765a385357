// The commands of `ratls`: each is one function of its options. The command line itself, which
// fills these options, is in arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "verify/cli/io.h"

namespace ratls::cli {

/// What every verifying command takes.
struct VerifyOptions {
    std::string target;
    std::string evidence;  ///< "", "snp", "tdx", "sgx", "tpm", "hcl"
    std::string snapshot;
    std::vector<std::string> snapshot_keys;
    std::string snapshot_name;  ///< that it must have
    std::string state;          ///< folder of what is kept from run to run; the user's if empty
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
    std::string tpm_quote;
    std::string td_quote;
    std::vector<std::string> resolve;
    bool evidence_only = false;
    bool json = false;
};

struct ShowOptions {
    std::string target;
    std::string as;  ///< guessed if empty
    bool json = false;
};

struct PinOptions {
    VerifyOptions verify;
    std::string format = "curl";
};

struct MonitorOptions {
    VerifyOptions verify;
    unsigned every_s = 60;
    unsigned times = 0;  ///< for ever if 0
};

struct TakeOptions {
    VerifyOptions verify;
    std::string out;
    std::string name;
    std::uint64_t sequence = 1;
    int valid_days = 90;
    std::string image;
    std::vector<std::string> require;
    bool kernel_hashes = false;
    bool force = false;  ///< replace a signed snapshot
};

/// What every snapshot that is written, but for one that is taken, says of itself.
struct SnapshotHeadOptions {
    std::string name;
    std::uint64_t sequence = 1;
    std::string image;       ///< its version, for people
    std::string valid_from;  ///< RFC 3339; now if empty
    int valid_days = 90;
    std::string out;
    bool force = false;  ///< replace a signed snapshot
};

struct BuildOptions {
    SnapshotHeadOptions head;
    std::vector<std::string> roots;  ///< folders, packages and archives
    std::vector<std::string> require;
    std::vector<std::string> exclude;
    std::vector<std::string> digests = {"sha256"};
    unsigned jobs = 0;          ///< one for each processor if 0
    bool no_usr_merge = false;  ///< /bin and /lib of packages are no links into /usr
};

struct DiffOptions {
    std::string first, second;
    bool json = false;
};

struct MergeOptions {
    std::vector<std::string> files;
    std::string name;
    std::uint64_t sequence = 1;
    std::string out;
    bool force = false;  ///< replace a signed snapshot
};

struct SnapshotVerifyOptions {
    std::string file;
    std::vector<std::string> keys;
    bool json = false;
};

struct ImportOptions {
    SnapshotHeadOptions head;
    std::string from;  ///< "cosmian" or "keylime"
    std::string file;
    std::vector<std::string> require;
    bool skip_invalid = false;
    bool sha1 = false;
};

struct SignOptions {
    std::string file;
    std::string key;
    std::string out;
};

struct CollateralFetchOptions {
    std::string evidence;  ///< "" or "snp"
    std::string target;
    std::string product;
    std::string kds;  ///< AMD's own if empty
    std::string fmspc;
    std::string ca;
    std::string tee;
    std::string pcs;  ///< Intel's own if empty
    std::string out;  ///< a folder in the cache if empty
    std::string ca_file;
    int max_wait = 60;
    bool offline = false;
    bool refresh = false;
    bool json = false;
};

struct CollateralExportOptions {
    std::string key;
    std::string out;
    bool json = false;
};

// Each gives the exit code of the program.
int cmd_verify(const VerifyOptions& options, Io& io);
int cmd_show(const ShowOptions& options, Io& io);
int cmd_monitor(const MonitorOptions& options, Io& io);
int cmd_pin(const PinOptions& options, Io& io);
int cmd_snapshot_take(const TakeOptions& options, Io& io);
int cmd_snapshot_build(const BuildOptions& options, Io& io);
int cmd_snapshot_diff(const DiffOptions& options, Io& io);
int cmd_snapshot_merge(const MergeOptions& options, Io& io);
int cmd_snapshot_verify(const SnapshotVerifyOptions& options, Io& io);
int cmd_snapshot_import(const ImportOptions& options, Io& io);
int cmd_snapshot_sign(const SignOptions& options, Io& io);
int cmd_policy_show(const std::string& name, Io& io);
int cmd_policy_check(const std::string& path, Io& io);
int cmd_collateral_fetch(const CollateralFetchOptions& options, Io& io);
int cmd_collateral_list(bool json, Io& io);
int cmd_collateral_export(const CollateralExportOptions& options, Io& io);
int cmd_explain(const std::string& rule, Io& io);

/// Parses the command line and runs one command.
int run(int argc, const char* const* argv, Io& io);

}  // namespace ratls::cli
