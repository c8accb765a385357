#include <algorithm>

#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/log.h"
#include "ratls/evidence/ima/prefix.h"
#include "ratls/evidence/ima/replay.h"
#include "verify/activation.h"
#include "verify/formats/boot_log.h"
#include "verify/raw.h"

namespace ratls::verify {
namespace {

using ima::kImaPcr;

/// The bank that says most: the strongest quoted one.
HashAlg best_bank(const tpm::Quote& quote) {
    HashAlg best = HashAlg::sha1;
    for (const tpm::PcrSelection& selection : quote.pcrs) {
        best = selection.mask != 0 ? std::max(best, selection.bank) : best;
    }
    return best;
}

class RawTpmVerifier {
  public:
    RawTpmVerifier(const RawTpm& raw, const Context& context) : raw_(raw), context_(context) {}

    VerificationResult run() {
        out_.verified_at = context_.now;
        out_.tpm = {"given-key", false, false, "the AK is the caller's word"};
        judge_endorsements(
            EndorsementProof(context_.endorsements, context_.user_roots, context_.proven), out_);
        const auto evidence =
            verify_tpm_quote({raw_.attest, raw_.signature, raw_.ak, context_.nonce, raw_.pcrs},
                             out_.findings, out_.not_checked);
        sort_logs();
        if (evidence) {
            quote_claims(**evidence);
            check_logs(**evidence);
            appraise_raw_quote(**evidence, context_.policy.tpm, out_.findings);
        }
        out_.not_checked.emplace_back("AK (taken as trusted, since the caller gave it)");
        out_.not_checked.emplace_back("key binding");
        out_.not_checked.emplace_back("reference values");
        out_.outcome = conclude(out_.findings, false);
        return std::move(out_);
    }

  private:
    /// A log that begins like a boot log is one; all others are IMA logs.
    void sort_logs() {
        for (const Bytes& log : raw_.logs) {
            auto boot = eventlog::parse_log(log, eventlog::Kind::tcg);
            if (boot && !boot_log_) {
                out_.findings.pass("eventlog.format",
                                   std::to_string(boot->events.size()) + " events");
                boot_log_ = *std::move(boot);
                continue;
            }
            if (ima_log_) {
                out_.findings.fail("ima.format", "one IMA log and one boot log", "a log too many");
                continue;
            }
            auto binary = ima::looks_like_ascii(log) ? ima::ascii_to_binary(as_text(log))
                                                     : Result<Bytes>(log);
            if (!binary) {
                out_.findings.fail("ima.format", "an IMA log or a boot log", binary.error().text());
                continue;
            }
            ima_log_ = *std::move(binary);
        }
    }

    void quote_claims(const TpmEvidence& evidence) {
        const tpm::Quote& quote = evidence.quote;
        Json claims(Json::Object{});
        claims.set("qualified_signer", hex(quote.qualified_signer));
        claims.set("extra_data", hex(quote.extra_data));
        claims.set("clock", std::to_string(quote.clock_ms));
        claims.set("reset_count", std::uint64_t{quote.reset_count});
        claims.set("restart_count", std::uint64_t{quote.restart_count});
        claims.set("safe", quote.safe);
        claims.set("firmware_version", std::to_string(quote.firmware_version));
        claims.set("pcr_select", selection_text(quote.pcrs));
        claims.set("pcr_digest", hex(quote.pcr_digest));
        if (!evidence.ak_name.empty()) {
            claims.set("ak_name", hex(evidence.ak_name));
        }
        out_.claims.set("tpm", std::move(claims));
    }

    static bool quoted(const tpm::Quote& quote, HashAlg bank, unsigned index) {
        return std::ranges::any_of(quote.pcrs, [&](const tpm::PcrSelection& selection) {
            return selection.bank == bank && ((selection.mask >> index) & 1) != 0;
        });
    }

    void check_logs(const TpmEvidence& evidence) {
        const HashAlg bank = best_bank(evidence.quote);
        if (raw_.pcrs) {
            check_against_values(evidence, bank);
        } else {
            check_against_digest(evidence, bank);
        }
    }

    void check_against_values(const TpmEvidence& evidence, HashAlg bank) {
        if (boot_log_) {
            check_boot_replay(evidence, bank);
        }
        if (!ima_log_) {
            return;
        }
        const Bytes* pcr10 = evidence.pcr(bank, kImaPcr);
        out_.findings.check("ima.quoted", pcr10 != nullptr, "PCR 10 quoted",
                            selection_text(evidence.quote.pcrs));
        if (pcr10 != nullptr) {
            judge_match(ima::match_prefix_if(*ima_log_, bank,
                                             [&](ByteView value) { return equal(value, *pcr10); }));
        }
    }

    /// The quoted PCR 0 to 9 and 14; one that the log never extends still has its value of the
    /// reset.
    void check_boot_replay(const TpmEvidence& evidence, HashAlg bank) {
        const auto replayed = eventlog::replay(*boot_log_, bank);
        const bool has_bank = std::ranges::find(boot_log_->banks, bank) != boot_log_->banks.end();
        std::string wrong =
            has_bank ? "" : "the log lacks the bank " + std::string(hash_name(bank));
        for (const tpm::PcrValue& quoted_value : evidence.pcrs) {
            if (!has_bank || !is_boot_log_pcr(quoted_value.index) || quoted_value.bank != bank) {
                continue;
            }
            const Digest value = eventlog::replayed_value(replayed, quoted_value.index, bank);
            if (!equal(quoted_value.value, value.view())) {
                wrong += (wrong.empty() ? "PCR " : ", PCR ") + std::to_string(quoted_value.index);
            }
        }
        out_.findings.check("eventlog.replay", wrong.empty(), "the quoted PCR 0 to 9 and 14",
                            wrong.empty() ? "equal" : wrong);
    }

    /// Nobody claims values: the logs must give every selected one, and their digest is the proof.
    /// What no log extends has its value of the reset, which the same digest proves.
    void check_against_digest(const TpmEvidence& evidence, HashAlg bank) {
        std::vector<tpm::PcrSelection> assumed;
        std::vector<tpm::PcrValue> values;
        for (const tpm::PcrSelection& selection : evidence.quote.pcrs) {
            const auto replayed = boot_log_ ? eventlog::replay(*boot_log_, selection.bank)
                                            : std::map<std::uint32_t, Digest>();
            std::uint32_t missing = 0;
            for (unsigned index = 0; index < tpm::kPcrCount; ++index) {
                // PCR 10 is the IMA log's to prove, if there is one.
                const bool by_ima = ima_log_ && selection.bank == bank && index == kImaPcr;
                if (by_ima || ((selection.mask >> index) & 1) == 0) {
                    continue;
                }
                const auto value = replayed.find(index);
                missing |= value == replayed.end() ? 1U << index : 0;
                values.push_back({selection.bank, index,
                                  value == replayed.end() ? reset_value(selection.bank, index)
                                                          : to_bytes(value->second.view())});
            }
            if (missing != 0) {
                assumed.push_back({selection.bank, missing});
            }
        }
        const std::string note = assumed.empty()
                                     ? ""
                                     : ", with the values of the reset for " +
                                           selection_text(assumed) + ", which no log extends";
        if (!ima_log_) {
            check_digest(evidence, values, note);
            return;
        }
        const bool ima_quoted = quoted(evidence.quote, bank, kImaPcr);
        out_.findings.check("ima.quoted", ima_quoted, "PCR 10 quoted",
                            selection_text(evidence.quote.pcrs));
        if (!ima_quoted) {
            return;
        }
        values.push_back({bank, kImaPcr, Bytes(digest_size(bank))});
        judge_match(ima::match_prefix_if(*ima_log_, bank,
                                         [&](ByteView value) {
                                             values.back().value.assign(value.begin(), value.end());
                                             return fits(evidence, digest_of(evidence, values));
                                         }),
                    note);
    }

    /// Source: PC Client Platform TPM Profile 1.05, section 4.6.2.
    static Bytes reset_value(HashAlg bank, unsigned index) {
        constexpr unsigned kFirstDynamic = 17;
        constexpr unsigned kLastDynamic = 22;
        const bool dynamic = index >= kFirstDynamic && index <= kLastDynamic;
        return Bytes(digest_size(bank), dynamic ? std::uint8_t{0xff} : std::uint8_t{0});
    }

    static Result<Digest> digest_of(const TpmEvidence& evidence,
                                    const std::vector<tpm::PcrValue>& values) {
        return tpm::pcr_digest(evidence.quote.pcrs, values, evidence.digest_alg);
    }

    static bool fits(const TpmEvidence& evidence, const Result<Digest>& digest) {
        return digest && equal(digest->view(), evidence.quote.pcr_digest);
    }

    void check_digest(const TpmEvidence& evidence, const std::vector<tpm::PcrValue>& values,
                      const std::string& note) {
        const auto digest = digest_of(evidence, values);
        out_.findings.check("tpm.pcr_digest", fits(evidence, digest),
                            hex(evidence.quote.pcr_digest),
                            (digest ? hex(digest->view()) : digest.error().text()) + note);
    }

    void judge_match(const Result<std::optional<ima::PrefixMatch>>& match,
                     const std::string& note = {}) {
        if (!match) {
            out_.findings.fail("ima.format", "an IMA log", match.error().text());
            return;
        }
        out_.findings.pass("ima.format", "well-formed");
        out_.findings.check("ima.replay", match->has_value(),
                            "a prefix that replays to the quoted PCR 10",
                            *match ? std::to_string((*match)->entries) + " of " +
                                         std::to_string((*match)->total) + " entries" + note
                                   : "no prefix does" + note);
        if (!*match) {
            return;
        }
        const ima::PrefixMatch& prefix = **match;
        out_.claims.set("ima", Json(Json::Object{})
                                   .set("entries_quoted", std::uint64_t{prefix.entries})
                                   .set("entries", std::uint64_t{prefix.total})
                                   .set("violations", std::uint64_t{prefix.violations}));
        const bool hashed = prefix.mode == ima::BankMode::hashed;
        out_.findings.check("ima.bank_mode", hashed || context_.policy.ima.allow_padded_sha1,
                            "entries hashed for the bank", hashed ? "hashed" : "padded SHA-1");
        out_.findings.check("ima.violations", prefix.violations == 0, "no violation",
                            std::to_string(prefix.violations));
        if (prefix.total > prefix.entries) {
            out_.not_checked.push_back(std::to_string(prefix.total - prefix.entries) +
                                       " IMA entries after the quoted prefix");
        }
    }

    const RawTpm& raw_;
    const Context& context_;
    VerificationResult out_;
    std::optional<eventlog::Log> boot_log_;
    std::optional<Bytes> ima_log_;
};

}  // namespace

void appraise_raw_quote(const TpmEvidence& evidence, const TpmPolicy& policy, Findings& out) {
    const HashAlg best = best_bank(evidence.quote);
    out.check("tpm.bank", best != HashAlg::sha1 || policy.allow_sha1_bank,
              policy.allow_sha1_bank ? "any (allow_sha1_bank)" : "better than SHA-1",
              std::string(hash_name(best)));
    out.check("tpm.clock", evidence.quote.safe, "safe", evidence.quote.safe ? "safe" : "not safe");
    require_activation(policy, "a live host is needed", out);
    std::uint32_t mask = 0;
    for (const tpm::PcrSelection& selection : evidence.quote.pcrs) {
        mask |= selection.mask;
    }
    out.check("tpm.required_pcrs", (policy.required_pcrs & ~mask) == 0,
              selection_text({{best, policy.required_pcrs}}), selection_text(evidence.quote.pcrs));
}

VerificationResult verify_raw_tpm(const RawTpm& evidence, const Context& context) {
    return RawTpmVerifier(evidence, context).run();
}

}  // namespace ratls::verify
