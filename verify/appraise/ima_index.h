// The IMA references of a snapshot, made ready for being looked up: once per snapshot.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ratls/evidence/ima/log.h"
#include "verify/appraise/ima_reference.h"

namespace ratls::verify {

/// Finds what a snapshot says about an entry. Without allocation for files that are listed by their
/// path. The reference must outlive it.
class ImaIndex {
  public:
    explicit ImaIndex(const ImaReference& reference);

    /// True if this file may be measured: its path with its digest is in `allow` or `require`, or
    /// its digest is in `allow` under a pattern that fits its path, or a signer signed it. Sets
    /// `found[i]` for each file i of `require` that it is. Not for violations.
    ///
    /// Without `signatures` nobody's are looked at. `hash` is what `prepare` gave for the entry.
    /// Both touch memory that is in no cache; a caller that does other work after `prepare`, then
    /// after `approach`, does not wait for it.
    bool find(const ima::Entry& entry, std::uint64_t hash, bool signatures,
              std::vector<bool>& found) const;
    std::uint64_t prepare(const ima::Entry& entry) const;
    void approach(std::uint64_t hash) const;
    /// True if no such file may be measured, whatever else says so. Of a violation nobody knows the
    /// content, so it is forbidden where any content is.
    bool forbids(const ima::Entry& entry) const;
    bool tolerates_violation(std::string_view path) const;

    /// What the snapshot says of the path of an entry that it does not know, for people.
    std::string hint(const ima::Entry& entry) const;

    const ImaReference& reference() const { return reference_; }

  private:
    static constexpr std::uint32_t kNotRequired = 0xffffffff;
    static constexpr std::size_t kAlign = 8;  // of records

    /// One path with one digest, which follow it in `records_`.
    struct Record {
        std::uint32_t path_size = 0;
        std::uint32_t required = kNotRequired;  ///< position in `require`
        std::uint32_t alg = 0;                  ///< HashAlg
    };
    struct Slot {
        std::uint32_t tag = 0;     ///< the upper half of the hash
        std::uint32_t record = 0;  ///< place in `records_` by `kAlign`, plus one; 0 if free
    };
    /// While the index is made: hashes of the records, and their places.
    using Hashes = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

    struct Content {
        HashAlg alg = HashAlg::sha256;
        Bytes digest;
    };
    struct Forbidden {
        std::string_view path;
        bool any_content = false;
        std::vector<Content> contents;
    };

    static std::vector<Content> contents_of(const FileReference& file);
    void add(const FileReference& file, std::uint32_t required, Hashes& hashes);
    void add_pattern(const FileReference& file);
    void add_forbidden(const FileReference& file);
    void reserve(Hashes& hashes);
    void make_table(const Hashes& hashes);

    bool find_listed(const ima::Entry& entry, std::uint64_t hash, std::vector<bool>& found) const;
    bool fits_pattern(const ima::Entry& entry) const;
    bool is_signed(const ima::Entry& entry) const;

    const ImaReference& reference_;
    Bytes records_;
    std::vector<Slot> table_;  ///< open addressing
    /// By digest: the functions and patterns that it stands under.
    std::unordered_multimap<std::string, std::pair<HashAlg, std::string_view>> patterns_;
    std::unordered_multimap<std::string_view, Forbidden> forbidden_;
    std::vector<Forbidden> forbidden_patterns_;
    std::unordered_set<std::string_view> tolerated_;
};

}  // namespace ratls::verify
