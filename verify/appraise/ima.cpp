#include "verify/appraise/ima.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"
#include "ratls/evidence/ima/replay.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kBootAggregate = "boot_aggregate";
constexpr std::string_view kKexec = "kexec-cmdline";
constexpr std::size_t kMaxNamed = 5;  // of wrong entries, in one finding

struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
        return std::hash<std::string_view>{}(key);
    }
};

/// Path, NUL, algorithm, colon, raw digest: what an entry is looked up by.
void make_key(std::string_view path, std::string_view alg, ByteView digest, std::string& out) {
    out.assign(path);
    out += '\0';
    out += alg;
    out += ':';
    out += as_text(digest);
}

/// "sha256:hex", already checked by the snapshot's parser.
void make_key(const std::string& path, const std::string& digest, std::string& out) {
    const std::size_t colon = digest.find(':');
    const auto bytes = parse_hex(std::string_view(digest).substr(colon + 1));
    make_key(path, std::string_view(digest).substr(0, colon), bytes ? ByteView(*bytes) : ByteView{},
             out);
}

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

class References {
  public:
    explicit References(const ImaReference& reference)
        : tolerated_(reference.tolerate_violations.begin(), reference.tolerate_violations.end()) {
        std::string key;
        for (const FileReference& file : reference.allow) {
            for (const std::string& digest : file.digests) {
                make_key(file.path, digest, key);
                allowed_.insert(key);
            }
        }
        for (std::size_t i = 0; i < reference.require.size(); ++i) {
            for (const std::string& digest : reference.require[i].digests) {
                make_key(reference.require[i].path, digest, key);
                required_[key].push_back(i);
                allowed_.insert(key);  // what must run may run
            }
        }
        found_.resize(reference.require.size());
    }

    /// An entry below m.
    void see(std::size_t index, const ima::Entry& entry) {
        if (entry.violation) {
            if (!tolerated_.contains(entry.path)) {
                violations.add(index, entry);
            }
            return;
        }
        make_key(entry.path, entry.file_hash_name, entry.file_digest, key_);
        // A digest of fs-verity is one of another thing; the snapshot holds digests of files.
        const bool known = entry.pcr == ima::kImaPcr && !entry.verity && allowed_.contains(key_);
        if (!known && entry.path == kKexec) {
            kexec.add(index, entry);
        } else if (!known) {
            unknown.add(index, entry);
        }
        if (const auto required = required_.find(key_); known && required != required_.end()) {
            for (const std::size_t i : required->second) {
                found_[i] = true;
            }
        }
    }

    std::string missing(const ImaReference& reference) const {
        std::string out;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (!found_[i]) {
                out += (out.empty() ? "" : ", ") + quoted(reference.require[i].path, 200);
            }
        }
        return out;
    }

    Named unknown;
    Named violations;
    Named kexec;

  private:
    std::unordered_set<std::string, KeyHash, std::equal_to<>> allowed_;
    std::unordered_set<std::string, KeyHash, std::equal_to<>> tolerated_;
    std::unordered_map<std::string, std::vector<std::size_t>, KeyHash, std::equal_to<>> required_;
    std::vector<bool> found_;
    std::string key_;
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
                             const ImaReference* reference, Findings& out, ImaOutcome& outcome) {
    const auto n = static_cast<std::size_t>(expected.n);
    const auto m = static_cast<std::size_t>(expected.m);
    ima::Replay replay({{HashAlg::sha256, ima::BankMode::hashed}});
    ima::PrefixDigests digests({n, m});
    std::optional<References> references;
    if (reference != nullptr) {
        references.emplace(*reference);
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
                if (!boot.see(index, entry) && references) {
                    references->see(index, entry);
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
    if (!references) {
        return;
    }
    const std::string missing = references->missing(*reference);
    out.check("ima.require", missing.empty(), "every required file measured before the quote",
              missing.empty() ? "all found" : "not found: " + missing);
    out.check("ima.files", references->unknown.empty(), "only files of the snapshot",
              references->unknown.empty() ? "all known" : references->unknown.text());
    out.check("ima.kexec", references->kexec.empty(), "no kexec",
              references->kexec.empty() ? "none" : references->kexec.text());
    out.check("ima.violations", references->violations.empty(), "none but at tolerated paths",
              references->violations.empty() ? "none" : references->violations.text());
}

}  // namespace ratls::verify
