#include "verify/appraise/ima_index.h"

#include <algorithm>
#include <array>
#include <bit>

#include "ratls/base/glob.h"
#include "ratls/base/text.h"
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
    : reference_(reference),
      tolerated_(reference.tolerate_violations.begin(), reference.tolerate_violations.end()) {
    Hashes hashes;
    reserve(hashes);
    for (const FileReference& file : reference.allow) {
        file.pattern ? add_pattern(file) : add(file, kNotRequired, hashes);
    }
    std::uint32_t required = 0;
    for (const FileReference& file : reference.require) {  // what must run may run
        add(file, required++, hashes);
    }
    for (const FileReference& file : reference.forbid) {
        add_forbidden(file);
    }
    make_table(hashes);
}

void ImaIndex::reserve(Hashes& hashes) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const auto* list : {&reference_.allow, &reference_.require}) {
        for (const FileReference& file : *list) {
            count += file.digests.size();
            for (const std::string& digest : file.digests) {
                bytes += sizeof(Record) + file.path.size() + digest.size() / 2 + kAlign;
            }
        }
    }
    hashes.reserve(count);
    records_.reserve(bytes);
}

/// What is no digest accepts and forbids nothing; the snapshot's parser refuses it.
std::vector<ImaIndex::Content> ImaIndex::contents_of(const FileReference& file) {
    std::vector<Content> out;
    for (const std::string& text : file.digests) {
        const std::size_t colon = text.find(':');
        const auto alg = hash_from_name(std::string_view(text).substr(0, colon));
        auto digest = parse_hex(std::string_view(text).substr(colon + 1));
        if (alg && digest && digest->size() == digest_size(*alg)) {
            out.push_back({*alg, *std::move(digest)});
        }
    }
    return out;
}

void ImaIndex::add(const FileReference& file, std::uint32_t required, Hashes& hashes) {
    for (const Content& content : contents_of(file)) {
        const Record record{static_cast<std::uint32_t>(file.path.size()), required,
                            static_cast<std::uint32_t>(content.alg)};
        hashes.emplace_back(pair_hash(file.path, content.digest),
                            static_cast<std::uint32_t>(records_.size() / kAlign + 1));
        append(records_, std::bit_cast<std::array<std::uint8_t, sizeof record>>(record));
        append(records_, as_bytes(file.path));
        append(records_, content.digest);
        records_.resize((records_.size() + kAlign - 1) / kAlign * kAlign);
    }
}

void ImaIndex::add_pattern(const FileReference& file) {
    for (const Content& content : contents_of(file)) {
        patterns_.emplace(as_text(content.digest),
                          std::pair<HashAlg, std::string_view>(content.alg, file.path));
    }
}

void ImaIndex::add_forbidden(const FileReference& file) {
    Forbidden forbidden{file.path, file.digests.empty(), contents_of(file)};
    if (file.pattern) {
        forbidden_patterns_.push_back(std::move(forbidden));
    } else {
        forbidden_.emplace(file.path, std::move(forbidden));
    }
}

void ImaIndex::make_table(const Hashes& hashes) {
    table_.resize(std::bit_ceil(2 * hashes.size() + 1));
    const std::size_t mask = table_.size() - 1;
    for (const auto& [hash, record] : hashes) {
        std::size_t slot = hash & mask;
        while (table_[slot].record != 0) {
            slot = (slot + 1) & mask;
        }
        table_[slot] = {static_cast<std::uint32_t>(hash >> 32), record};
    }
}

std::uint64_t ImaIndex::prepare(const ima::Entry& entry) const {
    const std::uint64_t hash = pair_hash(entry.path, entry.file_digest);
    __builtin_prefetch(&table_[hash & (table_.size() - 1)]);
    return hash;
}

void ImaIndex::approach(std::uint64_t hash) const {
    const Slot& slot = table_[hash & (table_.size() - 1)];
    if (slot.record != 0 && slot.tag == hash >> 32) {
        const std::uint8_t* record = records_.data() + (slot.record - 1) * kAlign;
        __builtin_prefetch(record);
        __builtin_prefetch(record + 64);
    }
}

bool ImaIndex::find_listed(const ima::Entry& entry, std::uint64_t hash,
                           std::vector<bool>& found) const {
    const std::size_t mask = table_.size() - 1;
    bool known = false;
    // To the end of the chain: a file may stand in both lists.
    for (std::size_t at = hash & mask; table_[at].record != 0; at = (at + 1) & mask) {
        if (table_[at].tag != hash >> 32) {
            continue;
        }
        const ByteView stored = ByteView(records_).subspan((table_[at].record - 1) * kAlign);
        std::array<std::uint8_t, sizeof(Record)> head{};
        std::ranges::copy(stored.first(head.size()), head.begin());
        const auto record = std::bit_cast<Record>(head);
        const ByteView path = stored.subspan(head.size(), record.path_size);
        if (record.alg != static_cast<std::uint32_t>(*entry.file_hash) ||
            as_text(path) != entry.path ||
            !equal(stored.subspan(head.size() + path.size(), digest_size(*entry.file_hash)),
                   entry.file_digest)) {
            continue;
        }
        known = true;
        if (record.required != kNotRequired) {
            found[record.required] = true;
        }
    }
    return known;
}

bool ImaIndex::find(const ima::Entry& entry, std::uint64_t hash, bool signatures,
                    std::vector<bool>& found) const {
    // A digest of fs-verity is one of another thing; the snapshot holds digests of files.
    if (!entry.file_hash || entry.verity) {
        return false;
    }
    return find_listed(entry, hash, found) || fits_pattern(entry) ||
           (signatures && is_signed(entry));
}

bool ImaIndex::fits_pattern(const ima::Entry& entry) const {
    if (patterns_.empty()) {
        return false;
    }
    const auto [first, last] = patterns_.equal_range(std::string(as_text(entry.file_digest)));
    return std::any_of(first, last, [&](const auto& item) {
        const auto& [alg, pattern] = item.second;
        return alg == *entry.file_hash && glob_match(pattern, entry.path);
    });
}

bool ImaIndex::is_signed(const ima::Entry& entry) const {
    if (reference_.signers.empty() || entry.signature.empty()) {
        return false;
    }
    const auto signature = ima::parse_file_signature(entry.signature);
    if (!signature) {
        return false;
    }
    return std::ranges::any_of(reference_.signers, [&](const SignerReference& signer) {
        return signer.key_id == signature->key_id &&
               std::ranges::any_of(
                   signer.patterns,
                   [&](const std::string& pattern) { return glob_match(pattern, entry.path); }) &&
               ima::verify_file_signature(*signature, *entry.file_hash, entry.file_digest,
                                          signer.key)
                   .has_value();
    });
}

bool ImaIndex::forbids(const ima::Entry& entry) const {
    if (forbidden_.empty() && forbidden_patterns_.empty()) {
        return false;
    }
    const auto content_fits = [&](const Forbidden& forbidden) {
        return forbidden.any_content ||
               (!entry.violation && !entry.verity && entry.file_hash &&
                std::ranges::any_of(forbidden.contents, [&](const Content& content) {
                    return content.alg == *entry.file_hash &&
                           equal(content.digest, entry.file_digest);
                }));
    };
    const auto [first, last] = forbidden_.equal_range(entry.path);
    return std::any_of(first, last, [&](const auto& item) { return content_fits(item.second); }) ||
           std::ranges::any_of(forbidden_patterns_, [&](const Forbidden& forbidden) {
               return content_fits(forbidden) && glob_match(forbidden.path, entry.path);
           });
}

bool ImaIndex::tolerates_violation(std::string_view path) const {
    return tolerated_.contains(path) || std::ranges::any_of(reference_.tolerate_violation_patterns,
                                                            [&](const std::string& pattern) {
                                                                return glob_match(pattern, path);
                                                            });
}

std::string ImaIndex::hint(const ima::Entry& entry) const {
    for (const auto* list : {&reference_.require, &reference_.allow}) {
        const auto same = std::ranges::find_if(*list, [&](const FileReference& file) {
            return !file.pattern && file.path == entry.path;
        });
        if (same != list->end()) {
            return "the snapshot has other content of it" +
                   (same->source.empty() ? "" : ", of " + quoted(same->source));
        }
    }
    return "not in the snapshot";
}

}  // namespace ratls::verify
