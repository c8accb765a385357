// What the options of a verification lead to, read and parsed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/platform/named_files.h"
#include "verify/cli/commands.h"
#include "verify/raw.h"

namespace ratls::cli {

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

/// A file of at most `max_bytes`, or standard input for "-"; the error names the option.
Result<Bytes> read_option(Io& io, std::string_view option, const std::string& path,
                          std::size_t max_bytes);

/// The files that these options name.
std::vector<NamedFile> named_files(const VerifyOptions& options);

/// A public key in PEM, or that of a certificate; the error names the option.
Result<PublicKey> load_public_key(Io& io, std::string_view option, const std::string& path);

inline constexpr std::size_t kMaxSmallFile = std::size_t{1} << 20;
inline constexpr std::size_t kMaxLogFile = std::size_t{256} << 20;
inline constexpr std::size_t kMaxSnapshotFile = verify::kMaxSnapshotText;

/// Prints the result as text or JSON; gives the exit code.
int print_result(Io& io, const verify::VerificationResult& result, bool json);

}  // namespace ratls::cli
