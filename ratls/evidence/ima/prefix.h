// How much of an IMA list a quoted PCR value stands for.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ratls/evidence/ima/replay.h"

namespace ratls::ima {

/// The longest prefix of a list that replays to a quoted PCR 10. Entries behind it are not
/// attested, nor are entries of other PCRs inside of it.
struct PrefixMatch {
    std::size_t entries = 0;     ///< in the prefix; 0 if PCR 10 was quoted before the first entry
    std::size_t violations = 0;  ///< in the prefix
    std::size_t total = 0;       ///< entries in the list
    BankMode mode = BankMode::hashed;
};

/// Looks for the last index at which PCR 10 has the quoted value; nothing if there is none. Tries
/// the entries hashed for the bank first, then padded SHA-1. Fails for a malformed list. The list
/// must have been read after the quote: the kernel appends before it extends, so the list is then
/// never behind the PCR. Source: Linux security/integrity/ima/ima_queue.c, ima_add_template_entry.
Result<std::optional<PrefixMatch>> match_prefix(ByteView log, HashAlg bank, ByteView pcr10);

/// The same where only a digest over several PCRs is known: `wanted` sees each value that PCR 10
/// had, zeros included.
using PcrPredicate = std::function<bool(ByteView pcr10)>;
Result<std::optional<PrefixMatch>> match_prefix_if(ByteView log, HashAlg bank,
                                                   const PcrPredicate& wanted);

/// SHA-256 over the raw bytes of the first entries of a list, at chosen counts, in the pass that
/// replays it. A copy goes on where the original stood. Source: the certificate profile, section 1,
/// claim 4 and label 4.
class PrefixDigests {
  public:
    explicit PrefixDigests(const std::vector<std::size_t>& counts) { choose(counts); }

    /// Other counts from here on; those that are passed already have no digest any more.
    void choose(std::vector<std::size_t> counts);
    /// The last count that is worth an `add`; 0 if there is none.
    std::size_t last_chosen() const { return points_.empty() ? 0 : points_.back().count; }

    /// The next entry of the list. Its bytes must stay where they are up to the last chosen count,
    /// or until `settle`.
    void add(const Entry& entry);
    /// Hashes what was put off.
    void settle();
    /// The digest over the first `count` entries; nothing if it was not chosen, or not yet reached.
    std::optional<Sha256Digest> at(std::size_t count) const;

  private:
    void note();

    struct Point {
        std::size_t count;
        std::optional<Sha256Digest> digest;
    };
    std::vector<Point> points_;  ///< in order
    std::size_t next_ = 0;       ///< position of the first one that is not passed
    ByteView pending_;           ///< not hashed yet: larger pieces take less time
    Hasher hasher_{HashAlg::sha256};
    std::size_t count_ = 0;
};

/// One such digest of a whole pass; fails if the list is malformed or shorter.
Result<Sha256Digest> prefix_digest(ByteView log, std::size_t count);

}  // namespace ratls::ima
