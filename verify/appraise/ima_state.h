// What a verifier remembers of IMA logs, so that it reads only what is new.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ratls/evidence/ima/prefix.h"
#include "ratls/evidence/ima/replay.h"

namespace ratls::verify {

/// Whose log it is, and what it was judged by: any difference starts from the first entry.
/// Source: docs/certificate.md, "Rules of the verdict", rule 11.
struct ImaOwner {
    Bytes ak_name;
    std::uint32_t reset_count = 0;    ///< of the TPM: rises at each start of the machine
    std::uint32_t restart_count = 0;  ///< rises at each resume, zero after a start
    Sha256Digest snapshot{};          ///< digest of the reference values; zeros if there are none
    Sha256Digest policy{};

    bool operator==(const ImaOwner&) const = default;
    /// Rises with each start and each resume of one machine.
    std::pair<std::uint32_t, std::uint32_t> boot() const { return {reset_count, restart_count}; }
    bool same_tpm(const ImaOwner& other) const { return ak_name == other.ak_name; }
    bool same_boot(const ImaOwner& other) const {
        return same_tpm(other) && boot() == other.boot();
    }
};

/// What claim 4 of a certificate says about a prefix, and has been found true.
struct ImaPoint {
    std::uint64_t entries = 0;
    Sha256Digest log_sha256{};
    Sha256Digest pcr10{};

    bool operator==(const ImaPoint&) const = default;
};

/// Entry 0 of a log, as far as later entries and quotes are compared with it.
struct ImaFirst {
    std::string template_name;
    HashAlg bank = HashAlg::sha256;  ///< of boot_aggregate
    Bytes digest;
};

/// A prefix of a log that replayed to a quote, and of which every entry was accepted.
struct ImaState {
    ImaOwner owner;
    std::size_t bytes = 0;               ///< of the prefix
    ima::Replay replay;                  ///< after its entries
    ima::PrefixDigests digests;          ///< the same
    std::size_t violations = 0;          ///< among its entries
    std::vector<bool> found = {};        ///< which files of `require`
    std::optional<ImaFirst> first = {};  ///< what entry 0 says; nothing if there is none
    std::vector<ImaPoint> points = {};   ///< within the prefix

    std::size_t entries() const { return replay.count(); }
};

/// Some verified prefixes, in memory only, the latest ones. One thread at a time.
class ImaMemory {
  public:
    static constexpr std::size_t kMaxStates = 64;
    static constexpr std::size_t kMaxPoints = 16;  ///< of one state

    /// The longest prefix of at most `m` entries; null if there is none.
    const ImaState* find(const ImaOwner& owner, std::uint64_t m) const;
    /// The longest prefix that anybody accepted in this boot; null if there is none.
    const ImaState* longest(const ImaOwner& owner) const;
    /// The one of this TPM's latest boot; null if there is none.
    const ImaState* latest_boot(const ImaOwner& owner) const;
    /// All of this boot.
    std::vector<const ImaState*> of_boot(const ImaOwner& owner) const;

    void keep(ImaState state);

  private:
    std::list<ImaState> states_;  ///< the newest first
};

}  // namespace ratls::verify
