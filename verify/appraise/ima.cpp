#include "verify/appraise/ima.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/template.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kKexec = "kexec-cmdline";
/// Failures of the source of a log, which say nothing about the log.
constexpr std::array kNotTheLog = {Code::io, Code::unavailable, Code::denied, Code::internal};
constexpr std::size_t kMaxNamed = 5;  // of wrong entries, in one finding

/// The first few of a kind, and how many there are.
class Named {
  public:
    void add(std::size_t index, const ima::Entry& entry, const ImaIndex* hints = nullptr) {
        if (count_++ < kMaxNamed) {
            text_ += (text_.empty() ? "" : "; ") + std::string("entry ") + std::to_string(index) +
                     " " + quoted(entry.path, 200);
            if (!entry.violation) {
                text_ += " " + std::string(entry.file_hash_name) + ":" + hex(entry.file_digest);
            }
            text_ += hints != nullptr ? " (" + hints->hint(entry) + ")" : "";
        }
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
        return count_ > kMaxNamed ? text_ + "; and " + std::to_string(count_ - kMaxNamed) + " more"
                                  : text_;
    }

  private:
    std::size_t count_ = 0;
    std::string text_;
};

/// What the entries below m say to the reference values.
class Appraisal {
  public:
    /// `found`: which required files were found before; empty at the beginning of a log.
    Appraisal(const ImaIndex& index, std::vector<bool> found)
        : index_(index), found_(std::move(found)) {
        found_.resize(index.reference().require.size());
    }

    const std::vector<bool>& found() const { return found_; }

    void see(std::size_t number, const ima::Entry& entry) {
        if (index_.forbids(entry)) {
            forbidden_.add(number, entry);
        }
        if (entry.violation) {
            // PCR 10 does not stand for one of another PCR.
            if (entry.pcr != ima::kImaPcr || !index_.tolerates_violation(entry.path)) {
                violations_.add(number, entry);
            }
            return;
        }
        // Reading and hashing the next entries takes as long as fetching what this one is compared
        // with.
        Waiting& place = waiting_[seen_ % waiting_.size()];
        if (seen_ >= waiting_.size()) {
            compare(place);
        }
        place = {number, entry, index_.prepare(entry)};
        if (seen_ >= kAhead) {
            index_.approach(waiting_[(seen_ - kAhead) % waiting_.size()].hash);
        }
        ++seen_;
    }

    /// After the last entry, and before what the entries point into is gone.
    void settle() {
        for (std::size_t i = seen_ - std::min(seen_, waiting_.size()); i < seen_; ++i) {
            compare(waiting_[i % waiting_.size()]);
        }
        seen_ = 0;
    }

    void report(Findings& out) const {
        const std::string missing = missing_files();
        out.check("ima.require", missing.empty(), "every required file measured before the quote",
                  missing.empty() ? "all found" : "not found: " + missing);
        out.check("ima.files", unknown_.empty(), "only files of the snapshot",
                  unknown_.empty() ? "all known" : unknown_.text());
        out.check("ima.forbid", forbidden_.empty(), "no file that the snapshot forbids",
                  forbidden_.empty() ? "none" : forbidden_.text());
        out.check("ima.kexec", kexec_.empty(), "no kexec", kexec_.empty() ? "none" : kexec_.text());
        out.check("ima.violations", violations_.empty(), "none but at tolerated paths",
                  violations_.empty() ? "none" : violations_.text());
    }

  private:
    static constexpr std::size_t kAhead = 8;  // entries, between one step of a look-up and the next

    struct Waiting {
        std::size_t number = 0;
        ima::Entry entry;
        std::uint64_t hash = 0;
    };

    void compare(const Waiting& waiting) {
        const ima::Entry& entry = waiting.entry;
        // Once a file is unknown, no signature changes the verdict any more.
        const bool signatures = unknown_.empty();
        const bool known =
            entry.pcr == ima::kImaPcr && index_.find(entry, waiting.hash, signatures, found_);
        if (!known) {
            (entry.path == kKexec ? kexec_ : unknown_).add(waiting.number, entry, &index_);
        }
    }

    std::string missing_files() const {
        std::string out;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (!found_[i]) {
                out += (out.empty() ? "" : ", ") + quoted(index_.reference().require[i].path, 200);
            }
        }
        return out;
    }

    const ImaIndex& index_;
    std::array<Waiting, 2 * kAhead> waiting_;
    std::size_t seen_ = 0;  ///< entries that were no violations
    std::vector<bool> found_;
    Named unknown_;
    Named forbidden_;
    Named violations_;
    Named kexec_;
};

/// boot_aggregate ties the log to this boot: it is entry 0, nowhere else, and never listed. It is
/// over the bank that its digest names, which `ima_hash=` chooses.
/// Source: Linux ima_crypto.c, ima_calc_boot_aggregate.
class BootAggregate {
  public:
    /// `known`: what entry 0 says if that was read before.
    BootAggregate(const ImaExpectation& expected, const std::optional<ImaFirst>& known)
        : expected_(expected), first_(known) {
        if (first_) {
            compare(first_->bank, hash_name(first_->bank), first_->digest);
        }
    }

    bool see(std::size_t index, const ima::Entry& entry) {
        if (index == 0) {
            first_ = {std::string(entry.template_name), entry.file_hash.value_or(HashAlg::sha256),
                      to_bytes(entry.file_digest)};
        }
        if (entry.path != ima::kBootAggregate) {
            fault_ = index == 0 && fault_.empty() ? "entry 0 is " + quoted(entry.path) : fault_;
            return false;
        }
        if (entry.pcr != ima::kImaPcr) {
            fault_ =
                "one for PCR " + std::to_string(entry.pcr) + " at entry " + std::to_string(index);
        } else if (index != 0) {
            fault_ = "a second one at entry " + std::to_string(index);
        } else {
            compare(entry.file_hash, entry.file_hash_name, entry.file_digest);
        }
        return true;
    }

    const std::optional<ImaFirst>& first() const { return first_; }

    /// `readable`: whether the template of entry 0 has a digest and a path.
    void report(bool readable, Findings& out) const {
        if (!bank_fault_.empty()) {
            out.fail("ima.boot_bank", "PCR 0 to 9 of the bank that boot_aggregate is over",
                     bank_fault_);
        } else if (first_ && readable) {
            out.pass("ima.boot_bank", std::string(hash_name(first_->bank)));
        }
        const std::string fault = !first_ && fault_.empty() ? "no entry" : fault_;
        if (readable && (bank_fault_.empty() || !fault.empty())) {
            out.check("ima.boot_aggregate", fault.empty(),
                      wanted_text_.empty() ? "entry 0" : "entry 0, " + wanted_text_,
                      fault.empty() ? "as wanted" : fault);
        }
    }

  private:
    void compare(std::optional<HashAlg> alg, std::string_view name, ByteView digest) {
        const auto pcrs = alg ? expected_.boot_pcrs(*alg) : std::optional<std::vector<Bytes>>();
        const auto wanted = pcrs ? ima::boot_aggregate(*alg, *pcrs)
                                 : Result<Digest>(fail(Code::unavailable, "bank", "not at hand"));
        if (!wanted) {
            bank_fault_ = "the bank " + std::string(name) +
                          " was not quoted, and no boot log that the quote proves has it; " +
                          "quote this bank, or boot with ima_hash=sha256";
            return;
        }
        wanted_text_ = std::string(name) + ":" + hex(wanted->view());
        if (!equal(digest, wanted->view())) {
            fault_ = std::string(name) + ":" + hex(digest);
        }
    }

    const ImaExpectation& expected_;
    std::optional<ImaFirst> first_;
    std::string wanted_text_;
    std::string bank_fault_;
    std::string fault_;
};

/// Which entries can be read. No digest covers a template's name, so whoever hands the log over may
/// call fields by other names; but a kernel has one format, and that of entry 0 must give
/// boot_aggregate.
class Readability {
  public:
    explicit Readability(const std::optional<ImaFirst>& known)
        : format_(known ? known->template_name : std::string()) {}

    bool see(std::size_t index, const ima::Entry& entry) {
        if (index == 0) {
            format_ = entry.template_name;
        }
        const bool other = entry.template_name != format_ && ima::is_format(entry.template_name);
        const bool readable = !other && !entry.path.empty() && !entry.file_hash_name.empty();
        if (!readable) {
            first_ = first_ && index != 0;
            if (count_++ == 0) {
                text_ = "entry " + std::to_string(index) + " with the template " +
                        quoted(entry.template_name) +
                        (other ? ", which is not the format of entry 0"
                               : ", which has no digest and path that can be relied on");
            }
        }
        return readable;
    }

    bool first() const { return first_; }

    void report(Findings& out) const {
        out.check("ima.template", count_ == 0, "a digest and a path in each entry",
                  count_ == 0   ? "all readable"
                  : count_ == 1 ? text_
                                : text_ + "; and " + std::to_string(count_ - 1) + " more");
    }

  private:
    std::string format_;
    bool first_ = true;  ///< entry 0 is readable
    std::size_t count_ = 0;
    std::string text_;
};

std::string short_text(const std::optional<Sha256Digest>& digest) {
    return digest ? hex(*digest) : "the log is shorter";
}

Sha256Digest sha256_value(const Digest& digest) {
    Sha256Digest out{};
    std::ranges::copy(digest.view(), out.begin());
    return out;
}

bool all_pass(const Findings& findings) {
    return std::ranges::all_of(
        findings.all(), [](const Finding& finding) { return finding.verdict == Verdict::pass; });
}

std::string boot_text(const ImaOwner& owner) {
    return "reset count " + std::to_string(owner.reset_count) + ", restart count " +
           std::to_string(owner.restart_count);
}

/// One way through a log: from its first entry, or from a state.
class Pass {
  public:
    Pass(const ImaExpectation& expected, const ImaIndex* reference, const ImaHistory* history,
         const ImaState* from)
        : expected_(expected),
          history_(history),
          from_(from),
          replay_(from != nullptr ? from->replay
                                  : ima::Replay({{HashAlg::sha256, ima::BankMode::hashed}})),
          digests_(from != nullptr ? from->digests : ima::PrefixDigests({})),
          boot_(expected, from != nullptr ? from->first : std::nullopt),
          readability_(boot_.first()),
          violations_(from != nullptr ? from->violations : 0),
          at_m_(value()) {
        if (reference != nullptr) {
            appraisal_.emplace(*reference, from != nullptr ? from->found : std::vector<bool>());
        }
        std::vector<std::size_t> counts = {n(), m()};
        for (const ImaState* state : earlier()) {
            counts.push_back(state->entries());
        }
        digests_.choose(counts);
        note_n();
    }

    /// The entries behind the state, from `offset` on. Nothing is in `out` before.
    void run(ima::LogSource& log, std::uint64_t offset, Findings& out, ImaOutcome& outcome) {
        const std::size_t most = digests_.last_chosen();
        const auto see = [&](const ima::Entry& entry, const ima::Replay& state) {
            const std::size_t count = state.count();
            if (count <= most) {
                digests_.add(entry);
            }
            if (count <= m()) {
                judge(count - 1, entry);
                at_m_ = value();
                bytes_to_m_ += entry.raw.size();
            }
            if (count == m()) {
                replay_at_m_ = state;
                digests_at_m_ = digests_;
            }
            note_n();
        };
        const auto settle = [&] {
            digests_.settle();
            if (appraisal_) {
                appraisal_->settle();
            }
        };
        const Status status = ima::replay_log(log, offset, replay_, see, settle);
        settle();
        outcome = {replay_.count(), replay_.count() - (from_ != nullptr ? from_->entries() : 0),
                   violations_};
        if (!status) {
            const bool unread =
                std::ranges::find(kNotTheLog, status.error().code) != kNotTheLog.end();
            out.fail(unread ? "ima.log" : "ima.format", "an IMA log", status.error().text());
            return;
        }
        report(out);
    }

    /// After a run in which all was well.
    void remember() {
        if (history_ == nullptr || !replay_at_m_) {  // or m is where the state was
            return;
        }
        ImaState state{.owner = history_->owner,
                       .bytes = (from_ != nullptr ? from_->bytes : 0) + bytes_to_m_,
                       .replay = *std::move(replay_at_m_),
                       .digests = *std::move(digests_at_m_),
                       .violations = violations_,
                       .found = appraisal_ ? appraisal_->found() : std::vector<bool>(),
                       .first = boot_.first(),
                       .points = from_ != nullptr ? from_->points : std::vector<ImaPoint>()};
        if (std::ranges::find(state.points, expected_.n) == state.points.end()) {
            state.points.push_back(expected_.n);
        }
        if (state.points.size() > ImaMemory::kMaxPoints) {
            state.points.erase(state.points.begin());
        }
        history_->memory.keep(std::move(state));
    }

  private:
    /// Without references only entry 0 has to be readable.
    void judge(std::size_t index, const ima::Entry& entry) {
        violations_ += entry.violation ? 1 : 0;
        const bool judged = index == 0 || appraisal_;
        const bool readable = !judged || readability_.see(index, entry);
        if (!boot_.see(index, entry) && readable && appraisal_) {
            appraisal_->see(index, entry);
        }
    }

    std::size_t n() const { return static_cast<std::size_t>(expected_.n.entries); }
    std::size_t m() const { return static_cast<std::size_t>(expected_.m); }
    const Digest& value() const { return replay_.value(0, ima::kImaPcr); }

    /// What is compared with what this verifier saw of the same boot, entry by entry.
    std::vector<const ImaState*> earlier() const {
        return history_ != nullptr ? history_->memory.of_boot(history_->owner)
                                   : std::vector<const ImaState*>();
    }

    void note_n() {
        if (replay_.count() == n()) {
            at_n_ = sha256_value(value());
        }
    }

    /// What claim 4 says is found true here, or was before.
    bool n_holds() const {
        if (from_ != nullptr && n() < from_->entries()) {
            return std::ranges::find(from_->points, expected_.n) != from_->points.end();
        }
        return digests_.at(n()) == expected_.n.log_sha256 && at_n_ == expected_.n.pcr10;
    }

    void report(Findings& out) {
        const std::size_t total = replay_.count();
        out.pass("ima.format", std::to_string(total) + " entries");
        out.check(
            "ima.replay", m() <= total && equal(at_m_.view(), expected_.quoted_pcr10),
            "PCR 10 after " + std::to_string(m()) + " entries is " + hex(expected_.quoted_pcr10),
            m() <= total ? hex(at_m_.view()) : "the log has " + std::to_string(total) + " entries");
        const auto m_digest = digests_.at(m());
        const bool prefixes = m() >= n() && m_digest == expected_.m_log_sha256 && n_holds();
        out.check(
            "ima.prefix", prefixes,
            "n = " + std::to_string(n()) + " " + hex(expected_.n.log_sha256) +
                ", m = " + std::to_string(m()) + " " + hex(expected_.m_log_sha256) + ", m >= n",
            prefixes ? "as wanted" : short_text(digests_.at(n())) + ", " + short_text(m_digest));
        readability_.report(out);
        boot_.report(readability_.first(), out);
        if (appraisal_) {
            appraisal_->report(out);
        }
        if (history_ != nullptr) {
            const std::string fault = break_in_history();
            out.check("ima.continuity", fault.empty(), "the log of before, and more",
                      fault.empty() ? beginning() : fault);
        }
    }

    /// How this log contradicts what this verifier saw before; "" if it does not.
    std::string break_in_history() const {
        if (std::string back = set_back(*history_, expected_.m); !back.empty()) {
            return back;
        }
        for (const ImaState* state : earlier()) {
            if (const auto digest = digests_.at(state->entries());
                digest && digest != state->digests.at(state->entries())) {
                return "not the log that was seen in the same boot: the first " +
                       std::to_string(state->entries()) + " entries are others";
            }
        }
        return {};
    }

    std::string beginning() const {
        if (from_ != nullptr) {
            return "read from entry " + std::to_string(from_->entries());
        }
        const ImaState* last = history_->memory.latest_boot(history_->owner);
        const bool rebooted = last != nullptr && last->owner.boot() < history_->owner.boot();
        return "read from the first entry" +
               (rebooted ? "; started anew since: " + boot_text(last->owner) + " before, " +
                               boot_text(history_->owner) + " now"
                         : "");
    }

    const ImaExpectation& expected_;
    const ImaHistory* history_;
    const ImaState* from_;
    ima::Replay replay_;
    ima::PrefixDigests digests_;
    std::optional<Appraisal> appraisal_;
    BootAggregate boot_;
    Readability readability_;
    std::size_t violations_;
    Digest at_m_;
    Sha256Digest at_n_{};
    std::optional<ima::Replay> replay_at_m_;
    std::optional<ima::PrefixDigests> digests_at_m_;
    std::size_t bytes_to_m_ = 0;  ///< of the entries that were read
};

/// Where a log goes on behind a state; nothing if that is not at hand.
std::optional<std::uint64_t> offset_behind(const ImaState& state, const ImaLog& log) {
    if (log.first == state.entries()) {
        return 0;
    }
    return log.first == 0 ? std::optional<std::uint64_t>(state.bytes) : std::nullopt;
}

}  // namespace

std::string set_back(const ImaHistory& history, std::uint64_t m) {
    const ImaOwner& owner = history.owner;
    if (!history.fresh) {  // it may be older than what was seen
        return {};
    }
    if (const ImaState* last = history.memory.latest_boot(owner);
        last != nullptr && owner.boot() < last->owner.boot()) {
        return "a boot before one that was seen: " + boot_text(owner) + ", seen was " +
               boot_text(last->owner);
    }
    if (const ImaState* longest = history.memory.longest(owner);
        longest != nullptr && m < longest->entries()) {
        return "shorter than before in the same boot: " + std::to_string(m) +
               " entries, seen were " + std::to_string(longest->entries());
    }
    return {};
}

void verify_and_appraise_ima(const ImaLog& log, const ImaExpectation& expected,
                             const ImaIndex* reference, const ImaHistory* history, Findings& out,
                             ImaOutcome& outcome) {
    const auto run = [&](const ImaState* from, ima::LogSource& source, std::uint64_t offset) {
        Findings found;
        Pass pass(expected, reference, history, from);
        pass.run(source, offset, found, outcome);
        // What another part of the evidence makes unsound says nothing about this VM.
        if (all_pass(found) && !out.failed(Weight::sound) && !out.failed(Weight::needed)) {
            pass.remember();
        }
        return found;
    };
    const ImaState* state =
        history != nullptr ? history->memory.find(history->owner, expected.m) : nullptr;
    const auto offset = state != nullptr ? offset_behind(*state, log) : std::nullopt;
    const bool all_known = state != nullptr && state->entries() == expected.m;
    if (offset || all_known) {
        const ImaState from = *state;  // the memory may drop its own
        ima::MemoryLog nothing({});
        Findings found = run(&from, offset ? log.source : nothing, offset.value_or(0));
        if (all_pass(found) || log.first > 0) {
            out.append(std::move(found));
            return;
        }
        // The whole log is at hand: its own findings say best what is wrong with it.
    } else if (log.first > 0) {
        out.fail("ima.log", "needed from its first entry",
                 "the log from entry " + std::to_string(log.first) +
                     ", and no verified part of this boot that ends there");
        return;
    }
    out.append(run(nullptr, log.source, 0));
}

}  // namespace ratls::verify
