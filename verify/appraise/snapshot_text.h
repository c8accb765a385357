// The text of a snapshot: what is signed in it, and by whom, before anything in it is believed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratls/codec/json_cursor.h"
#include "ratls/crypto/hash.h"
#include "ratls/crypto/public_key.h"

namespace ratls::verify {

// Anybody can write a text, so these bound what it costs to look at one: less than four times the
// largest text in memory, and a time that grows with the text.
inline constexpr std::size_t kMaxSnapshotText = std::size_t{64} << 20;   ///< bytes
inline constexpr std::size_t kMaxSnapshotTokens = std::size_t{4} << 20;  ///< JsonLimits::max_tokens
inline constexpr unsigned kMaxSnapshotDepth = 8;
inline constexpr std::size_t kMaxSnapshotMember = std::size_t{4} << 20;  ///< bytes, but of "ima"

struct SnapshotSignature {
    Sha256Digest key{};  ///< SHA-256 of the signer's SubjectPublicKeyInfo
    Bytes signature;     ///< r || s
};

class SnapshotText {
  public:
    /// Form as JSON, known members of the outermost object, form of the signatures. What the other
    /// members say is `parse_snapshot`'s business. The text is used up.
    static Result<SnapshotText> read(Bytes text);

    /// A domain tag and the canonical form of everything but "signatures". Source:
    /// docs/snapshot.md, "Signature".
    Bytes signed_bytes() const;
    /// Its hash, made without it.
    Digest hash(HashAlg alg) const;
    const std::vector<SnapshotSignature>& signatures() const { return signatures_; }

    /// True if one of the signatures verifies under `key`.
    Status verify(const PublicKey& key) const;

    /// The canonical form of "ima", for a cursor that makes no copy: kJsonPadding bytes follow it.
    /// Empty if it is not there.
    std::string_view ima() const;
    /// That of an object with the others but "signatures".
    std::string rest() const;

  private:
    struct Member {
        std::string_view name;  ///< a constant
        std::string value;      ///< canonical, then padding
        std::string_view text() const {
            return std::string_view(value).substr(0, value.size() - kJsonPadding);
        }
    };

    std::vector<Member> members_;  ///< sorted by name, without "signatures"
    std::vector<SnapshotSignature> signatures_;
};

/// The hash function that a key signs snapshots with.
HashAlg snapshot_hash(const PublicKey& key);

}  // namespace ratls::verify
