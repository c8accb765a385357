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
    bool find(const ima::Entry& entry, std::vector<bool>& found) const;
    /// True if no such file may be measured, whatever else says so. Of a violation nobody knows the
    /// content, so it is forbidden where any content is.
    bool forbids(const ima::Entry& entry) const;
    bool tolerates_violation(std::string_view path) const;

    /// What the snapshot says of the path of an entry that it does not know, for people.
    std::string hint(const ima::Entry& entry) const;

    const ImaReference& reference() const { return reference_; }

  private:
    static constexpr std::uint32_t kNotRequired = 0xffffffff;

    /// One path with one digest. Offsets count bytes of `bytes_`, where the digest follows the
    /// path.
    struct Pair {
        std::uint64_t hash = 0;
        std::uint64_t path = 0;
        std::uint32_t path_size = 0;
        std::uint32_t required = kNotRequired;  ///< position in `require`
        HashAlg alg = HashAlg::sha256;
    };
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
    void add(const FileReference& file, std::uint32_t required);
    void add_pattern(const FileReference& file);
    void add_forbidden(const FileReference& file);
    void make_table();

    bool find_listed(const ima::Entry& entry, std::vector<bool>& found) const;
    bool fits_pattern(const ima::Entry& entry) const;
    bool is_signed(const ima::Entry& entry) const;

    const ImaReference& reference_;
    Bytes bytes_;
    std::vector<Pair> pairs_;
    std::vector<std::uint32_t>
        table_;  ///< positions in `pairs_` plus one, 0 if free; open addressing
    /// By digest: the functions and patterns that it stands under.
    std::unordered_multimap<std::string, std::pair<HashAlg, std::string_view>> patterns_;
    std::unordered_multimap<std::string_view, Forbidden> forbidden_;
    std::vector<Forbidden> forbidden_patterns_;
    std::unordered_set<std::string_view> tolerated_;
};

}  // namespace ratls::verify
