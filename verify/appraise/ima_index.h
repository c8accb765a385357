// The IMA references of a snapshot, made ready for being looked up: once per snapshot.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ratls/evidence/ima/log.h"
#include "verify/appraise/snapshot.h"

namespace ratls::verify {

/// Finds what a snapshot says about an entry, without allocation. Holds copies: the snapshot need
/// not outlive it.
class ImaIndex {
  public:
    explicit ImaIndex(const ImaReference& reference);

    /// True if this file may be measured: its path with its digest is in `allow` or `require`. Sets
    /// `found[i]` for each file i of `require` that it is. Not for violations.
    bool find(const ima::Entry& entry, std::vector<bool>& found) const;
    bool tolerates_violation(std::string_view path) const { return tolerated_.contains(path); }

    /// Paths of the required files, in the order of the snapshot.
    const std::vector<std::string>& required() const { return required_; }

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
    struct PathHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view path) const {
            return std::hash<std::string_view>{}(path);
        }
    };

    void add(const FileReference& file, std::uint32_t required);
    void make_table();

    Bytes bytes_;
    std::vector<Pair> pairs_;
    std::vector<std::uint32_t>
        table_;  ///< positions in `pairs_` plus one, 0 if free; open addressing
    std::vector<std::string> required_;
    std::unordered_set<std::string, PathHash, std::equal_to<>> tolerated_;
};

}  // namespace ratls::verify
