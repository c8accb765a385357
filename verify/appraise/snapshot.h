// The snapshot: signed reference values of one VM.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/crypto/private_key.h"
#include "verify/appraise/boot.h"
#include "verify/appraise/ima_reference.h"
#include "verify/appraise/snapshot_text.h"

namespace ratls::verify {

inline constexpr std::int64_t kMaxSequence = std::int64_t{1} << 52;
inline constexpr std::size_t kMaxSnapshotName = 128;  ///< bytes

/// The tag of what the host's vendor runs below the guest.
inline constexpr std::string_view kParavisorTag = "paravisor";

/// One accepted launch measurement of a TEE.
struct MeasurementReference {
    Bytes value;  ///< 48 bytes: MEASUREMENT of SEV-SNP, MRTD of TDX
    /// What the signer says that the measurement covers. Only "kernel", "initrd" and "cmdline"
    /// together make the boot hardware-measured (a launch with kernel hashes).
    std::vector<std::string> covers;
    std::string tag;  ///< "" or `kParavisorTag`

    bool covers_boot() const;
};

struct SnpReference {
    std::vector<MeasurementReference> measurements;
    std::vector<Bytes> host_data;           ///< 32 bytes each; any if empty
    std::vector<Bytes> id_key_digests;      ///< 48 bytes each; any if empty
    std::vector<Bytes> author_key_digests;  ///< 48 bytes each; any if empty
    std::vector<Bytes> family_ids;          ///< 16 bytes each; any if empty
    std::vector<Bytes> image_ids;           ///< 16 bytes each; any if empty
    std::uint32_t min_guest_svn = 0;
    /// 48 bytes each: keys whose holders launch paravisors, of any measurement; none if empty
    std::vector<Bytes> paravisor_id_key_digests = {};
};

/// What a trust domain must be. Without values for RTMR 0 to 2 its boot is not measured by
/// hardware.
struct TdxReference {
    std::vector<MeasurementReference> measurements;  ///< MRTD, 48 bytes
    std::map<unsigned, std::vector<Bytes>> rtmrs;    ///< accepted values, 48 bytes, by index 0 to 3
    std::vector<Bytes> mr_config_id;                 ///< 48 bytes each; any if empty
    std::vector<Bytes> mr_owner, mr_owner_config;    ///< the same
};

/// Accepted values by PCR index, SHA-256 bank.
using PcrReference = std::map<unsigned, std::vector<Bytes>>;

/// Format 1. See docs/snapshot.md.
struct Snapshot {
    std::string name;
    std::uint64_t sequence = 0;
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    std::string origin;                 ///< "built" or "observed"
    std::vector<std::string> dialects;  ///< "ratls-vm/1"
    std::optional<SnpReference> snp;
    std::optional<TdxReference> tdx;
    std::optional<PcrReference> pcrs;
    std::optional<BootReference> boot;  ///< only with `pcrs`
    std::optional<ImaReference> ima;
    std::string taken_from;  ///< where an observed one comes from, for people
    std::string image;       ///< the version of the image, for people
    std::string tool;        ///< what made it
    /// SHA-256 of the evidence that an observed one was taken under, by its kind.
    std::map<std::string, Bytes> evidence;
    std::vector<SnapshotSignature> signatures;

    /// SHA-256 of what is signed.
    Sha256Digest digest{};
};

/// Parses what the text says: strict keys, all limits, an empty allow or require list refused.
/// Form only: signatures are `SnapshotText::verify`'s business, and to be looked at before.
Result<Snapshot> parse_snapshot(const SnapshotText& text);
Result<Snapshot> parse_snapshot(std::string_view text);

/// The JSON of a snapshot, without signatures, and without "ima".
Json snapshot_head_json(const Snapshot& snapshot);

/// Writes the whole JSON, indented for people, in pieces: the tree would take several times its
/// size. `head`: of `snapshot_head_json`, with what the caller added.
using TextSink = std::function<void(std::string_view)>;
void write_snapshot_json(const Json& head, const ImaReference* ima, const TextSink& sink);
std::string snapshot_to_text(const Snapshot& snapshot);

/// Adds a signature to the JSON of a snapshot; a second one by the same key replaces the first.
Result<Json> sign_snapshot(const Json& snapshot, const PrivateKey& key);

}  // namespace ratls::verify
