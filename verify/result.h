// The result of a verification: what was proved, by whom, how fresh, and what was not checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/time.h"
#include "ratls/codec/json.h"
#include "ratls/crypto/hash.h"
#include "verify/finding.h"

namespace ratls::verify {

enum class Outcome {
    accepted,     ///< signed reference values compared, all required rules passed
    genuine,      ///< sound evidence that nothing compared with a VM of yours
    invalid,      ///< a rule of soundness failed
    refused,      ///< sound, but policy or reference values say no
    unavailable,  ///< something without which nothing can be said was not given
};

std::string_view outcome_name(Outcome outcome);

/// 0 accepted or genuine, 2 invalid, 3 refused, 4 unavailable.
int outcome_exit_code(Outcome outcome);

inline constexpr std::string_view kRootOfVendor = "vendor";
inline constexpr std::string_view kRootOfUser = "user";

/// What vouches for the TPM and whom that excludes. See docs/certificate.md, "What vouches".
struct TpmClass {
    std::string name = "none";
    bool excludes_host = false;
    bool excludes_guest_root = false;
    std::string assumption;  ///< on what the two columns rest
};

struct TcbStatus {
    std::string status;  ///< in the vendor's words
    std::vector<std::string> advisories;
    std::string date;
};

/// What fresh evidence says about the keys of the VM, for further connections to the same name.
struct AttestedKeys {
    Sha256Digest pubkey{};             ///< of the connection that had freshness 3
    std::vector<Sha256Digest> listed;  ///< claim 9
    unsigned key_origin = 0;           ///< claim 14
};

/// The reference values that were given.
struct SnapshotSummary {
    std::string name;
    std::uint64_t sequence = 0;
    std::string origin;                ///< "built" or "observed"
    std::vector<std::string> signers;  ///< SHA-256 of the given keys that signed it, in hex
    bool first_use = false;            ///< no sequence number of this name was seen before
};

struct VerificationResult {
    Outcome outcome = Outcome::invalid;
    /// kRootOfVendor, or kRootOfUser if any root that the result rests on was given by the caller;
    /// empty while no chain holds.
    std::string root;
    std::optional<TcbStatus> tcb;
    TpmClass tpm;
    std::optional<SnapshotSummary> snapshot;
    // Not part of the JSON:
    std::optional<Bytes> ak_name;          ///< that the claims name, if its quote verifies
    std::optional<AttestedKeys> attested;  ///< only with freshness 3
    int freshness = 0;                     ///< 0..3
    /// Whoever answers may pass on the evidence of another machine: true below freshness 3.
    bool relay_possible() const { return freshness < 3; }
    std::optional<UnixTime> not_older_than;
    std::string dialect;
    Findings findings;
    Json claims = Json(Json::Object{});
    std::vector<std::string> not_checked;
    std::vector<std::string> skipped;  ///< endorsements that were given and not used, and why
    UnixTime verified_at = 0;

    /// Adds to `skipped` what is not there yet.
    void skip(const std::vector<std::string>& documents);

    bool genuine() const {
        return outcome == Outcome::accepted || outcome == Outcome::genuine ||
               outcome == Outcome::refused;
    }
};

/// The outcome that findings lead to. `compared`: signed reference values (or a named waiver) were
/// compared; without them nothing is ever accepted. Without any finding, nothing is proved.
Outcome conclude(const Findings& findings, bool compared);

/// The stable JSON form. See docs/result.md.
Json result_json(const VerificationResult& result);

/// For people: the verdict, what it rests on, then the failed rules, then what was not checked.
std::string result_text(const VerificationResult& result);

}  // namespace ratls::verify
