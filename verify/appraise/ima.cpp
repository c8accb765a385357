#include "verify/appraise/ima.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"
#include "ratls/evidence/ima/replay.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kBootAggregate = "boot_aggregate";
constexpr std::string_view kKexec = "kexec-cmdline";
constexpr std::size_t kMaxNamed = 5;  // of wrong entries, in one finding

/// The first few of a kind, and how many there are.
class Named {
  public:
    void add(std::size_t index, const ima::Entry& entry) {
        if (count_++ < kMaxNamed) {
            text_ += (text_.empty() ? "" : "; ") + std::string("entry ") + std::to_string(index) +
                     " " + quoted(entry.path, 200);
            if (!entry.violation) {
                text_ += " " + std::string(entry.file_hash_name) + ":" + hex(entry.file_digest);
            }
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
    explicit Appraisal(const ImaIndex& index) : index_(index), found_(index.required().size()) {}

    void see(std::size_t number, const ima::Entry& entry) {
        if (entry.violation) {
            if (!index_.tolerates_violation(entry.path)) {
                violations_.add(number, entry);
            }
            return;
        }
        const bool known = entry.pcr == ima::kImaPcr && index_.find(entry, found_);
        if (!known) {
            (entry.path == kKexec ? kexec_ : unknown_).add(number, entry);
        }
    }

    void report(Findings& out) const {
        const std::string missing = missing_files();
        out.check("ima.require", missing.empty(), "every required file measured before the quote",
                  missing.empty() ? "all found" : "not found: " + missing);
        out.check("ima.files", unknown_.empty(), "only files of the snapshot",
                  unknown_.empty() ? "all known" : unknown_.text());
        out.check("ima.kexec", kexec_.empty(), "no kexec", kexec_.empty() ? "none" : kexec_.text());
        out.check("ima.violations", violations_.empty(), "none but at tolerated paths",
                  violations_.empty() ? "none" : violations_.text());
    }

  private:
    std::string missing_files() const {
        std::string out;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (!found_[i]) {
                out += (out.empty() ? "" : ", ") + quoted(index_.required()[i], 200);
            }
        }
        return out;
    }

    const ImaIndex& index_;
    std::vector<bool> found_;
    Named unknown_;
    Named violations_;
    Named kexec_;
};

/// boot_aggregate ties the log to this boot: it is entry 0, nowhere else, and never listed.
class BootAggregate {
  public:
    explicit BootAggregate(const std::vector<Bytes>& boot_pcrs) {
        if (auto digest = ima::boot_aggregate(HashAlg::sha256, boot_pcrs)) {
            wanted_ = *digest;
        }
    }

    bool see(std::size_t index, const ima::Entry& entry) {
        if (entry.path != kBootAggregate) {
            fault_ = index == 0 && fault_.empty() ? "entry 0 is " + quoted(entry.path) : fault_;
            return false;
        }
        if (entry.pcr != ima::kImaPcr) {
            fault_ =
                "one for PCR " + std::to_string(entry.pcr) + " at entry " + std::to_string(index);
        } else if (index != 0) {
            fault_ = "a second one at entry " + std::to_string(index);
        } else if (entry.file_hash != HashAlg::sha256 ||
                   !equal(entry.file_digest, wanted_.view())) {
            fault_ = std::string(entry.file_hash_name) + ":" + hex(entry.file_digest);
        }
        seen_ = true;
        return true;
    }

    void report(Findings& out) const {
        const std::string fault = !seen_ && fault_.empty() ? "no entry" : fault_;
        out.check("ima.boot_aggregate", fault.empty(), "entry 0, sha256:" + hex(wanted_.view()),
                  fault.empty() ? "as wanted" : fault);
    }

  private:
    Digest wanted_;
    std::string fault_;
    bool seen_ = false;
};

std::string short_text(const std::optional<Sha256Digest>& digest) {
    return digest ? hex(*digest) : "the log is shorter";
}

}  // namespace

void verify_and_appraise_ima(ByteView log, const ImaExpectation& expected,
                             const ImaIndex* reference, Findings& out, ImaOutcome& outcome) {
    const auto n = static_cast<std::size_t>(expected.n);
    const auto m = static_cast<std::size_t>(expected.m);
    ima::Replay replay({{HashAlg::sha256, ima::BankMode::hashed}});
    ima::PrefixDigests digests({n, m});
    std::optional<Appraisal> appraisal;
    if (reference != nullptr) {
        appraisal.emplace(*reference);
    }
    BootAggregate boot(expected.boot_pcrs);
    Digest at_n = replay.value(0, ima::kImaPcr);
    Digest at_m = at_n;
    const Status status =
        ima::replay_log(log, replay, [&](const ima::Entry& entry, const ima::Replay& state) {
            const std::size_t count = state.count();
            const std::size_t index = count - 1;
            if (count <= std::max(n, m)) {
                digests.add(entry);
            }
            if (count <= m) {
                outcome.violations += entry.violation ? 1 : 0;
                if (!boot.see(index, entry) && appraisal) {
                    appraisal->see(index, entry);
                }
                at_m = state.value(0, ima::kImaPcr);
            }
            if (count <= n) {
                at_n = state.value(0, ima::kImaPcr);
            }
        });
    outcome.total = replay.count();
    if (!status) {
        out.fail("ima.format", "an IMA log", status.error().text());
        return;
    }
    out.pass("ima.format", std::to_string(outcome.total) + " entries");
    out.check("ima.replay", m <= outcome.total && equal(at_m.view(), expected.quoted_pcr10),
              "PCR 10 after " + std::to_string(m) + " entries is " + hex(expected.quoted_pcr10),
              m <= outcome.total ? hex(at_m.view())
                                 : "the log has " + std::to_string(outcome.total) + " entries");
    const auto n_digest = digests.at(n);
    const auto m_digest = digests.at(m);
    const bool prefixes = m >= n && n_digest == expected.n_log_sha256 &&
                          m_digest == expected.m_log_sha256 && equal(at_n.view(), expected.n_pcr10);
    out.check("ima.prefix", prefixes,
              "n = " + std::to_string(n) + " " + hex(expected.n_log_sha256) +
                  ", m = " + std::to_string(m) + " " + hex(expected.m_log_sha256) + ", m >= n",
              prefixes ? "as wanted" : short_text(n_digest) + ", " + short_text(m_digest));
    boot.report(out);
    if (appraisal) {
        appraisal->report(out);
    }
}

}  // namespace ratls::verify
