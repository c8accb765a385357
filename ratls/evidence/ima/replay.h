// Replaying an IMA list into PCR values.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "ratls/evidence/ima/log.h"

namespace ratls::ima {

/// What the kernel extended into a bank: the template data hashed for that bank, or, where it
/// cannot allocate the algorithm early at boot and in all banks before Linux 5.8, the SHA-1 digest
/// padded with zeros. The latter has the strength of SHA-1 only, so a verifier must report it.
/// Source: Linux security/integrity/ima/ima_crypto.c, ima_init_crypto; ima_queue.c, ima_pcr_extend.
enum class BankMode : std::uint8_t { hashed, padded_sha1 };

/// Running values of all PCRs that a list touches, for some banks. Entries of one PCR do not touch
/// another. No allocation per entry. A copy is a state from which replay can go on.
class Replay {
  public:
    struct Bank {
        HashAlg alg = HashAlg::sha256;
        BankMode mode = BankMode::hashed;
    };

    /// Values after some entries, as they can be stored.
    struct State {
        struct Value {
            std::size_t bank = 0;  ///< position in the list of banks
            std::uint32_t pcr = 0;
            Digest value;
        };
        std::size_t entries = 0;
        std::vector<Value> values;  ///< of each touched PCR; all others are zero
    };

    /// Starts with zeros, before the first entry.
    explicit Replay(std::vector<Bank> banks);
    /// Goes on from a stored state. Refuses one that is not of these banks.
    static Result<Replay> resume(std::vector<Bank> banks, const State& state);
    State state() const;

    /// Extends one entry into every bank. Fails, and extends nothing, if the stored template digest
    /// is not the one of the entry's data: the PCRs of other banks would not notice. That check is
    /// free where its hash is needed anyway.
    Status extend(const Entry& entry);

    /// Entries extended so far, from the beginning of the log.
    std::size_t count() const { return count_; }
    /// The value of a PCR in the bank at this position of the constructor's list; zeros if
    /// untouched.
    const Digest& value(std::size_t bank, std::uint32_t pcr) const;
    bool touched(std::uint32_t pcr) const { return ((touched_ >> pcr) & 1) != 0; }
    const std::vector<Bank>& banks() const { return banks_; }

  private:
    Status check_stored(const Entry& entry);
    /// The digest that this entry has for an algorithm; each is computed once per entry.
    const Digest& measured(const Entry& entry, HashAlg alg);

    std::vector<Bank> banks_;
    std::vector<Digest> values_;   // bank * (kMaxPcr + 1) + pcr
    std::vector<Hasher> hashers_;  // by algorithm
    std::array<Digest, kAllHashAlgs.size()> measured_;
    unsigned measured_algs_ = 0;
    std::uint32_t touched_ = 0;
    std::size_t count_ = 0;
};

/// Sees every entry after it was extended.
using Visitor = std::function<void(const Entry&, const Replay&)>;

/// Reads and replays a list, or the rest of one after `replay.count()` entries, which begins at
/// `offset` of the source. Fails at the first malformed entry or wrong template digest; the message
/// has the entry's index. `piece_over` as for `read_log`.
Status replay_log(LogSource& log, std::uint64_t offset, Replay& replay, const Visitor& visit = {},
                  const std::function<void()>& piece_over = {});
/// The same in memory.
Status replay_log(ByteView log, Replay& replay, const Visitor& visit = {});

/// What `ratls show` prints of a list.
struct Summary {
    std::size_t entries = 0;
    std::size_t violations = 0;
    HashAlg list = HashAlg::sha1;  ///< of the template digests in the list
    /// Bank, PCR, value, as if the kernel had hashed for each bank. PCR 10 always.
    std::map<HashAlg, std::map<std::uint32_t, Digest>> values;
};
Result<Summary> summarize(LogSource& log);
/// The same in memory.
Result<Summary> summarize(ByteView log);

/// The digest of the entry "boot_aggregate" over PCR values of one bank, which come in the order of
/// their index, all of them: PCR 0 to 9, or 0 to 7 for SHA-1. More are ignored, fewer or values of
/// another size are an error. Source: Linux ima_crypto.c, ima_calc_boot_aggregate_tfm (since 5.8).
Result<Digest> boot_aggregate(HashAlg bank, std::span<const Bytes> pcrs);

}  // namespace ratls::ima
