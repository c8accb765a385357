#include "ratls/evidence/ima/replay.h"

#include <algorithm>

#include "ratls/codec/hex.h"

namespace ratls::ima {
namespace {

constexpr std::size_t kPcrs = kMaxPcr + 1;

std::optional<HashAlg> alg_of_size(std::size_t size) {
    const auto* found = std::ranges::find(kAllHashAlgs, size, digest_size);
    return found == kAllHashAlgs.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

Replay::Replay(std::vector<Bank> banks) : banks_(std::move(banks)) {
    for (const Bank& bank : banks_) {
        values_.insert(values_.end(), kPcrs, Digest(digest_size(bank.alg)));
    }
    for (const HashAlg alg : kAllHashAlgs) {
        hashers_.emplace_back(alg);
    }
}

Result<Replay> Replay::resume(std::vector<Bank> banks, const State& state) {
    Replay out(std::move(banks));
    out.count_ = state.entries;
    for (const State::Value& value : state.values) {
        if (value.bank >= out.banks_.size() || value.pcr > kMaxPcr ||
            value.value.size() != digest_size(out.banks_[value.bank].alg)) {
            return fail(Code::usage, "ima: state", "a value that is not of these banks");
        }
        out.values_[value.bank * kPcrs + value.pcr] = value.value;
        out.touched_ |= 1U << value.pcr;
    }
    return out;
}

Replay::State Replay::state() const {
    State out;
    out.entries = count_;
    for (std::size_t bank = 0; bank < banks_.size(); ++bank) {
        for (std::uint32_t pcr = 0; pcr < kPcrs; ++pcr) {
            if (touched(pcr)) {
                out.values.push_back({bank, pcr, value(bank, pcr)});
            }
        }
    }
    return out;
}

const Digest& Replay::measured(const Entry& entry, HashAlg alg) {
    const auto index = static_cast<std::size_t>(alg);
    if (((measured_algs_ >> index) & 1) == 0) {
        measured_[index] = template_hash(entry, hashers_[index]);
        measured_algs_ |= 1U << index;
    }
    return measured_[index];
}

Status Replay::check_stored(const Entry& entry) {
    if (entry.violation) {
        return {};
    }
    const auto alg = alg_of_size(entry.template_digest.size());
    if (!alg || !equal(measured(entry, *alg).view(), entry.template_digest)) {
        return fail(Code::mismatch, "template digest",
                    hex(entry.template_digest) + " stored, which is not that of the entry's data");
    }
    return {};
}

Status Replay::extend(const Entry& entry) {
    measured_algs_ = 0;
    RATLS_CHECK(check_stored(entry));
    for (std::size_t i = 0; i < banks_.size(); ++i) {
        const HashAlg alg = banks_[i].alg;
        const bool padded = banks_[i].mode == BankMode::padded_sha1;
        const Digest& digest = measured(entry, padded ? HashAlg::sha1 : alg);
        static constexpr std::array<std::uint8_t, 64> kZeros{};
        Hasher& hasher = hashers_[static_cast<std::size_t>(alg)];
        Digest& value = values_[i * kPcrs + entry.pcr];
        hasher.reset();
        value = hasher.update(value.view())
                    .update(digest.view())
                    .update(ByteView(kZeros).first(digest_size(alg) - digest.size()))
                    .finish();
    }
    touched_ |= 1U << entry.pcr;
    ++count_;
    return {};
}

const Digest& Replay::value(std::size_t bank, std::uint32_t pcr) const {
    return values_[bank * kPcrs + pcr];
}

Status replay_log(LogSource& log, std::uint64_t offset, Replay& replay, const Visitor& visit,
                  const std::function<void()>& piece_over) {
    const auto extend = [&](const Entry& entry) -> Result<bool> {
        if (auto status = replay.extend(entry); !status) {
            return std::unexpected(
                std::move(status).error().in("ima: entry " + std::to_string(replay.count())));
        }
        if (visit) {
            visit(entry, replay);
        }
        return true;
    };
    return read_log(log, offset, replay.count(), extend, piece_over);
}

Status replay_log(ByteView log, Replay& replay, const Visitor& visit) {
    MemoryLog source(log);
    return replay_log(source, 0, replay, visit);
}

Result<Summary> summarize(LogSource& log) {
    std::vector<Replay::Bank> banks;
    for (const HashAlg alg : kAllHashAlgs) {
        banks.push_back({alg});
    }
    Replay replay(std::move(banks));
    Summary out;
    RATLS_CHECK(replay_log(log, 0, replay, [&out](const Entry& entry, const Replay&) {
        out.violations += entry.violation ? 1 : 0;
        out.list = alg_of_size(entry.template_digest.size()).value_or(out.list);
    }));
    out.entries = replay.count();
    for (std::size_t bank = 0; bank < replay.banks().size(); ++bank) {
        for (std::uint32_t pcr = 0; pcr < kPcrs; ++pcr) {
            if (pcr == kImaPcr || replay.touched(pcr)) {
                out.values[replay.banks()[bank].alg][pcr] = replay.value(bank, pcr);
            }
        }
    }
    return out;
}

Result<Summary> summarize(ByteView log) {
    MemoryLog source(log);
    return summarize(source);
}

Result<Digest> boot_aggregate(HashAlg bank, std::span<const Bytes> pcrs) {
    const std::size_t count = bank == HashAlg::sha1 ? 8 : 10;
    if (pcrs.size() < count) {
        return fail(Code::usage, "boot_aggregate",
                    std::to_string(count) + " PCR values wanted, " + std::to_string(pcrs.size()) +
                        " given");
    }
    Hasher hasher(bank);
    for (const Bytes& pcr : pcrs.first(count)) {
        if (pcr.size() != digest_size(bank)) {
            return fail(Code::usage, "boot_aggregate",
                        std::to_string(digest_size(bank)) + " bytes of each PCR wanted, " +
                            std::to_string(pcr.size()) + " given");
        }
        hasher.update(pcr);
    }
    return hasher.finish();
}

}  // namespace ratls::ima
