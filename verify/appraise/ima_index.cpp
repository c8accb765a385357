#include "verify/appraise/ima_index.h"

#include <bit>

#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

/// Of the digest and the path. Who could make paths and digests collide signs the snapshot.
std::uint64_t pair_hash(std::string_view path, ByteView digest) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
    const std::uint64_t hash = std::hash<std::string_view>{}(path);
    return (hash * kOdd) ^ std::hash<std::string_view>{}(as_text(digest));
}

}  // namespace

ImaIndex::ImaIndex(const ImaReference& reference)
    : tolerated_(reference.tolerate_violations.begin(), reference.tolerate_violations.end()) {
    std::size_t pairs = 0;
    std::size_t bytes = 0;
    for (const auto* list : {&reference.allow, &reference.require}) {
        for (const FileReference& file : *list) {
            pairs += file.digests.size();
            for (const std::string& digest : file.digests) {
                bytes += file.path.size() + digest.size() / 2;
            }
        }
    }
    pairs_.reserve(pairs);
    bytes_.reserve(bytes);
    for (const FileReference& file : reference.allow) {
        add(file, kNotRequired);
    }
    for (const FileReference& file : reference.require) {  // what must run may run
        add(file, static_cast<std::uint32_t>(required_.size()));
        required_.push_back(file.path);
    }
    make_table();
}

void ImaIndex::add(const FileReference& file, std::uint32_t required) {
    for (const std::string& text : file.digests) {
        const std::size_t colon = text.find(':');
        const auto alg = hash_from_name(std::string_view(text).substr(0, colon));
        const auto digest = parse_hex(std::string_view(text).substr(colon + 1));
        if (!alg || !digest || digest->size() != digest_size(*alg)) {
            continue;  // accepts nothing; the snapshot's parser refuses it
        }
        pairs_.push_back({.hash = pair_hash(file.path, *digest),
                          .path = bytes_.size(),
                          .path_size = static_cast<std::uint32_t>(file.path.size()),
                          .required = required,
                          .alg = *alg});
        append(bytes_, as_bytes(file.path));
        append(bytes_, *digest);
    }
}

void ImaIndex::make_table() {
    table_.resize(std::bit_ceil(2 * pairs_.size() + 1));
    const std::size_t mask = table_.size() - 1;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
        std::size_t slot = pairs_[i].hash & mask;
        while (table_[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        table_[slot] = static_cast<std::uint32_t>(i + 1);
    }
}

bool ImaIndex::find(const ima::Entry& entry, std::vector<bool>& found) const {
    // A digest of fs-verity is one of another thing; the snapshot holds digests of files.
    if (!entry.file_hash || entry.verity) {
        return false;
    }
    const std::uint64_t hash = pair_hash(entry.path, entry.file_digest);
    const std::size_t mask = table_.size() - 1;
    bool known = false;
    // To the end of the chain: a file may stand in both lists.
    for (std::size_t slot = hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
        const Pair& pair = pairs_[table_[slot] - 1];
        if (pair.hash != hash || pair.alg != *entry.file_hash) {
            continue;
        }
        const ByteView stored = ByteView(bytes_).subspan(pair.path);
        if (as_text(stored.first(pair.path_size)) != entry.path ||
            !equal(stored.subspan(pair.path_size, digest_size(pair.alg)), entry.file_digest)) {
            continue;
        }
        known = true;
        if (pair.required != kNotRequired) {
            found[pair.required] = true;
        }
    }
    return known;
}

}  // namespace ratls::verify
