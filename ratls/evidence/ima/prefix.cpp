#include "ratls/evidence/ima/prefix.h"

#include <algorithm>

namespace ratls::ima {
namespace {

constexpr std::size_t kPiece = 4096;  // bytes that are hashed at once

/// One pass for one mode.
Result<std::optional<PrefixMatch>> match_mode(ByteView log, Replay::Bank bank,
                                              const PcrPredicate& wanted) {
    Replay replay({bank});
    std::size_t violations = 0;
    std::optional<PrefixMatch> out;
    const auto look = [&] {
        if (wanted(replay.value(0, kImaPcr).view())) {
            out = PrefixMatch{replay.count(), violations, 0, bank.mode};
        }
    };
    look();
    RATLS_CHECK(replay_log(log, replay, [&](const Entry& entry, const Replay&) {
        violations += entry.violation ? 1 : 0;
        if (entry.pcr == kImaPcr) {
            look();
        }
    }));
    if (out) {
        out->total = replay.count();
    }
    return out;
}

}  // namespace

Result<std::optional<PrefixMatch>> match_prefix_if(ByteView log, HashAlg bank,
                                                   const PcrPredicate& wanted) {
    auto match = match_mode(log, {bank, BankMode::hashed}, wanted);
    if (!match || *match || bank == HashAlg::sha1) {
        return match;
    }
    return match_mode(log, {bank, BankMode::padded_sha1}, wanted);
}

Result<std::optional<PrefixMatch>> match_prefix(ByteView log, HashAlg bank, ByteView pcr10) {
    return match_prefix_if(log, bank, [pcr10](ByteView value) { return equal(value, pcr10); });
}

void PrefixDigests::choose(std::vector<std::size_t> counts) {
    std::ranges::sort(counts);
    points_.clear();
    for (const std::size_t count : counts) {
        if (points_.empty() || points_.back().count != count) {
            points_.push_back({count, std::nullopt});
        }
    }
    next_ = static_cast<std::size_t>(std::ranges::lower_bound(points_, count_, {}, &Point::count) -
                                     points_.begin());
    note();
}

void PrefixDigests::add(const Entry& entry) {
    if (!pending_.empty() && pending_.data() + pending_.size() == entry.raw.data()) {
        pending_ = ByteView(pending_.data(), pending_.size() + entry.raw.size());
    } else {
        settle();
        pending_ = entry.raw;
    }
    if (pending_.size() >= kPiece) {
        settle();
    }
    ++count_;
    note();
}

void PrefixDigests::settle() {
    hasher_.update(pending_);
    pending_ = {};
}

void PrefixDigests::note() {
    if (next_ < points_.size() && points_[next_].count == count_) {
        settle();
        Hasher copy = hasher_;
        Sha256Digest& digest = points_[next_++].digest.emplace();
        std::ranges::copy(copy.finish().view(), digest.begin());
    }
}

std::optional<Sha256Digest> PrefixDigests::at(std::size_t count) const {
    const auto found = std::ranges::find(points_, count, &Point::count);
    return found == points_.end() ? std::nullopt : found->digest;
}

Result<Sha256Digest> prefix_digest(ByteView log, std::size_t count) {
    LogReader reader(log);
    PrefixDigests digests({count});
    Entry entry;
    while (reader.index() < count && reader.next(entry)) {
        digests.add(entry);
    }
    RATLS_CHECK(reader.status());
    if (const auto digest = digests.at(count)) {
        return *digest;
    }
    return fail(
        Code::mismatch, "ima",
        std::to_string(count) + " entries wanted, " + std::to_string(reader.index()) + " found");
}

}  // namespace ratls::ima
