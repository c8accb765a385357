#include "verify/collection_verifier.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/log.h"
#include "verify/appraise/ima.h"
#include "verify/formats/ak_certificate.h"
#include "verify/tee_verifier.h"

namespace ratls::verify {
namespace {

using ima::kImaPcr;

constexpr std::uint32_t kQuotedMask = 0xffff;  // PCR 0 to 15: checked by tpm.selection
constexpr std::string_view kDialect = "ratls-vm/1";

class CollectionVerifier {
  public:
    CollectionVerifier(const cert::Collection& collection, const cert::Claims& claims,
                       const CertificateInputs& inputs, bool fresh, VerificationResult& out)
        : collection_(collection),
          claims_(claims),
          inputs_(inputs),
          fresh_(fresh),
          context_(inputs.context),
          snapshot_(references(inputs)),
          out_(out) {}

    void run() {
        tee_ = verify_tee(collection_, claims_, inputs_, snapshot_, out_);
        check_pinned("cert.owner_key", "owner key (claim 15)", claims_.owner_spki,
                     context_.policy.owner_keys);
        check_pinned("cert.agent_configuration", "agent configuration (claim 16)",
                     claims_.agent_config, context_.policy.agent_configurations);
        check_tpm();
        check_boot_log();
        appraise_boot_log();
        if (tpm_) {
            appraise_pcrs(**tpm_);
        }
        check_ima();
        judge_host();
        note_what_was_not_compared();
        if (collection_.nvgpu) {
            out_.not_checked.emplace_back("GPU evidence");
        }
    }

  private:
    Findings& findings() { return out_.findings; }

    void note_what_was_not_compared() {
        if (snapshot_ == nullptr) {
            out_.not_checked.emplace_back("reference values");
            return;
        }
        if (!inputs_.snapshot->sequences) {
            out_.not_checked.emplace_back(
                inputs_.snapshot->signature_fault
                    ? "earlier sequence numbers (they are kept per key, and no signature holds)"
                    : "earlier sequence numbers (no store of them)");
        }
        if (!snapshot_->pcrs && !snapshot_->ima && !tee_.boot_measured) {
            out_.not_checked.emplace_back("boot (the snapshot has no PCR values)");
        }
        if (!snapshot_->ima) {
            out_.not_checked.emplace_back("executed files (the snapshot has no IMA references)");
        }
    }

    /// A claim that the policy may pin; what nobody pins, nobody looks at.
    void check_pinned(std::string_view rule, std::string_view name,
                      const std::optional<Sha256Digest>& claim, const std::vector<Bytes>& pinned) {
        if (!pinned.empty()) {
            findings().check(rule, claim && contains(pinned, *claim),
                             "one of " + std::to_string(pinned.size()) + " pinned digests",
                             claim ? hex(*claim) : "no such claim");
        } else if (claim) {
            out_.not_checked.emplace_back(name);
        }
    }

    void check_tpm() {
        const std::uint32_t required = context_.policy.tpm.required_pcrs;
        const bool wanted = required != 0 || context_.policy.tpm.ek_activation_required ||
                            (snapshot_ != nullptr && (snapshot_->pcrs || snapshot_->ima));
        if (!collection_.tpm || !claims_.ak_name) {
            findings().check("tpm.present", !wanted, wanted ? "a TPM quote" : "none wanted",
                             "none");
            return;
        }
        findings().pass("tpm.present", "given");
        const cert::TpmPart& part = *collection_.tpm;
        std::vector<tpm::PcrValue> values;
        for (unsigned index = 0; index < part.pcr_values.size(); ++index) {
            values.push_back({HashAlg::sha256, index, to_bytes(part.pcr_values[index])});
        }
        const auto tee_evidence =
            collection_.tee ? std::optional<ByteView>(collection_.tee->evidence) : std::nullopt;
        const auto qualifying = cert::qualifying_data(collection_.claims_buffer, tee_evidence);
        Findings own;
        tpm_ = verify_tpm_quote(
            {part.attest, part.signature, part.ak_public, to_bytes(qualifying), values}, own,
            out_.not_checked);
        // Here the nonce of the quote is the binding to claims and TEE evidence.
        for (Finding finding : own.all()) {
            finding.rule = finding.rule == "tpm.nonce" ? "cert.qualifying_data" : finding.rule;
            findings().add(std::move(finding));
        }
        const auto area = tpm::parse_public_area(part.ak_public);
        findings().check("cert.ak_name", area && equal(area->name, *claims_.ak_name),
                         hex(*claims_.ak_name), area ? hex(area->name) : area.error().text());
        const std::vector<tpm::PcrSelection> quoted = {{HashAlg::sha256, kQuotedMask}};
        findings().check("tpm.required_pcrs", (required & ~kQuotedMask) == 0,
                         selection_text({{HashAlg::sha256, required}}), selection_text(quoted));
        if (area) {
            check_ak_certificate(area->key);
        }
        if (tpm_ && area && equal(area->name, *claims_.ak_name)) {
            out_.ak_name = area->name;
        }
        classify_tpm();
    }

    /// The identity that the provider's certificate gives the AK counts only if the policy names
    /// it.
    void check_ak_certificate(const PublicKey& ak) {
        const std::vector<Bytes>& chain = collection_.tpm->ak_certificates;
        const auto instance =
            verify_ak_certificate({chain, ak, context_.user_roots, context_.now}, findings());
        const auto& wanted = context_.policy.tpm.instances;
        if (wanted.empty()) {
            if (!chain.empty()) {
                out_.not_checked.emplace_back("AK certificate (the policy names no instances)");
            }
            return;
        }
        const auto fits = [&](const TpmPolicy::Instance& entry) {
            return entry.project_id == instance->project_id &&
                   (entry.zone.empty() || entry.zone == instance->zone) &&
                   (entry.instance_id.empty() || entry.instance_id == instance->instance_id);
        };
        provider_vouches_ = instance && instance->production && std::ranges::any_of(wanted, fits);
        findings().check("tpm.instance", provider_vouches_,
                         "one of " + std::to_string(wanted.size()) + " instances, in production",
                         instance ? quoted(instance->project_id) + ", " + quoted(instance->zone) +
                                        ", instance " + instance->instance_id
                                  : "no verified AK certificate that names an instance");
    }

    void classify_tpm() {
        name_class();
        if (!provider_vouches_) {
            return;
        }
        out_.root = kRootOfUser;
        const bool alone = out_.tpm.name == "none";
        out_.tpm.name = alone ? "cloud-ca" : out_.tpm.name + "+cloud-ca";
        out_.tpm.excludes_guest_root = true;
        out_.tpm.assumption = (alone ? "" : out_.tpm.assumption + "; ") +
                              std::string(
                                  "the provider says that the AK is in its virtual TPM of "
                                  "the instance, and who runs the host is that provider");
    }

    void name_class() {
        if (!tee_.verified) {
            out_.tpm = {"none", false, false, "nothing vouches for the TPM"};
        } else if (tee_.hcl && tee_.paravisor) {
            out_.tpm = {
                "hcl", true, true,
                "the paravisor, which the hardware measured, runs the TPM and names its AK"};
        } else if (tee_.hcl) {
            out_.tpm = {"hcl", false, false,
                        "the paravisor names the AK, and was not compared with a reference value"};
        } else if (tee_.boot_measured) {
            out_.tpm = {"tee-vouched", true, false,
                        "the hardware measured kernel, initrd and command line, and these name the "
                        "AK; whoever is root in the guest later could name another"};
        } else {
            out_.tpm = {"tee-vouched", false, false,
                        "the guest names the AK, and no hardware measurement of its kernel, initrd "
                        "and command line was compared: the host could have booted another guest"};
        }
    }

    /// Whoever controls the host may boot another guest under the same firmware, whether there is a
    /// TPM or not, unless the hardware measured the boot too, or a paravisor that it measured holds
    /// the TPM which did.
    void judge_host() {
        if (snapshot_ == nullptr) {
            return;
        }
        const bool by_paravisor = tee_.paravisor && tpm_ && snapshot_->pcrs;
        const bool excluded = tee_.verified && (tee_.hcl ? by_paravisor : tee_.boot_measured);
        // Whose word the AK's is: the TEE's, or with a root that the caller gave the provider's, or
        // that of the TPM's maker. There the rule tpm.activation has failed until it was heard.
        const bool named =
            tee_.verified || provider_vouches_ || context_.policy.tpm.ek_activation_required;
        // If nothing names the AK, no waiver helps. The paravisor is no provider's TPM.
        if (!excluded && tpm_ && named && !tee_.hcl && context_.policy.tpm.provider_trusted) {
            findings().add({"tpm.class", Verdict::waived, "a class that excludes the host",
                            out_.tpm.name + " (provider_tpm: trusted)"});
        } else {
            findings().check("tpm.class", excluded, "a class that excludes the host",
                             out_.tpm.name + boot_text(excluded));
        }
    }

    std::string boot_text(bool excluded) const {
        if (tee_.boot_measured) {
            return ", boot measured by hardware";
        }
        if (excluded) {
            return ", boot measured by the paravisor's TPM";
        }
        return tee_.verified && !tee_.hcl && snapshot_->snp
                   ? ", boot not measured by hardware: the snapshot does not say that the launch "
                     "measurement covers kernel, initrd and command line, which `ratls snapshot "
                     "take "
                     "--kernel-hashes` states"
                   : ", boot not measured by hardware";
    }

    /// Every quoted PCR but 10 needs a reference value; what has none is not acceptable.
    void appraise_pcrs(const TpmEvidence& evidence) {
        findings().check("tpm.clock", evidence.quote.safe, "safe",
                         evidence.quote.safe ? "safe" : "not safe");
        if (snapshot_ == nullptr || (!snapshot_->pcrs && !snapshot_->ima)) {
            return;
        }
        std::string wrong;
        for (const tpm::PcrValue& value : evidence.pcrs) {
            if (value.index == kImaPcr) {
                continue;
            }
            bool known = known_by_log_.contains(value.index);
            if (!known && snapshot_->pcrs) {
                const auto reference = snapshot_->pcrs->find(value.index);
                known =
                    reference != snapshot_->pcrs->end() && contains(reference->second, value.value);
            }
            if (!known) {
                wrong += (wrong.empty() ? "PCR " : ", PCR ") + std::to_string(value.index) +
                         " is " + hex(value.value) + events_text(value.index);
            }
        }
        findings().check("tpm.pcrs", wrong.empty(), "the snapshot's values",
                         wrong.empty() ? "all equal" : wrong);
    }

    /// Which events may be why a PCR differs; "" if no reference names any event of it.
    std::string events_text(unsigned pcr) const {
        if (!boot_log_ || !snapshot_->boot || !snapshot_->boot->events.contains(pcr)) {
            return {};
        }
        const std::string unknown = unknown_events(*boot_log_, pcr, *snapshot_->boot);
        return unknown.empty() ? " (all its events are known)" : " (not known: " + unknown + ")";
    }

    void check_boot_log() {
        if (!claims_.eventlog_sha256 || !collection_.eventlog) {
            return;
        }
        const cert::EventLogPart& part = *collection_.eventlog;
        if (part.sha256 != *claims_.eventlog_sha256) {
            findings().fail("eventlog.format", hex(*claims_.eventlog_sha256), hex(part.sha256));
            return;
        }
        Result<Bytes> log = cert::event_log(part);
        if (!part.deflated && inputs_.boot_log) {
            log = to_bytes(*inputs_.boot_log);
        } else if (!part.deflated) {
            out_.not_checked.emplace_back("boot event log (only its hash is here)");
            return;
        }
        if (part.kind == cert::EventLogKind::ccel) {
            check_cc_log(log, part);
            return;
        }
        auto parsed = log ? eventlog::parse_log(*log, eventlog::Kind::tcg)
                          : Result<eventlog::Log>(std::unexpected(log.error()));
        if (!parsed || sha256(*log) != part.sha256) {
            findings().fail("eventlog.format", "the log that the claims hash",
                            parsed ? "another log" : parsed.error().text());
            return;
        }
        findings().pass("eventlog.format", std::to_string(parsed->events.size()) + " events");
        if (!tpm_) {
            out_.not_checked.emplace_back("boot event log (no quote that it could replay to)");
            return;
        }
        boot_log_ = verify_boot_log({*std::move(log), *std::move(parsed)}, *tpm_, findings());
    }

    /// What the snapshot wants to be read from the boot log. PCRs count as known by it only if the
    /// log replays to the quote and has no other event in them.
    void appraise_boot_log() {
        if (snapshot_ == nullptr || !snapshot_->boot) {
            return;
        }
        const bool given = claims_.eventlog_sha256 && collection_.eventlog &&
                           collection_.eventlog->kind == cert::EventLogKind::tpm;
        findings().check("boot.present", given, "a boot log of the TPM", given ? "given" : "none");
        findings().check("boot.log", boot_log_.has_value(), "a boot log that replays to the quote",
                         boot_log_ ? "replayed" : "none");
        if (boot_log_) {
            known_by_log_ = appraise_boot(*boot_log_, *snapshot_->boot, findings());
        }
    }

    void check_cc_log(const Result<Bytes>& log, const cert::EventLogPart& part) {
        if (!log || sha256(*log) != part.sha256) {
            findings().fail("ccel.format", "the log that the claims hash",
                            log ? "another log" : log.error().text());
        } else if (tee_.td) {
            check_ccel(*log, *tee_.td, findings());
        } else {
            out_.not_checked.emplace_back("CC event log (no TDX quote that it could replay to)");
        }
    }

    void check_ima() {
        const ImaReference* reference =
            snapshot_ != nullptr && snapshot_->ima ? &*snapshot_->ima : nullptr;
        if (!claims_.ima || !collection_.ima) {
            findings().check("ima.present", reference == nullptr,
                             reference == nullptr ? "none wanted" : "IMA evidence", "none");
            return;
        }
        findings().pass("ima.present", "given");
        if (!collection_.tpm) {
            findings().fail("ima.quoted", "PCR 10 quoted", "no TPM quote");
        }
        if (!tpm_) {
            return;
        }
        const Bytes* pcr10 = (*tpm_)->pcr(HashAlg::sha256, kImaPcr);
        if (pcr10 == nullptr) {
            findings().fail("ima.quoted", "PCR 10 quoted", "not quoted");
            return;
        }
        const auto history = ima_history(**tpm_);
        const bool seen = history && knows_all_of(*history);
        if (inputs_.ima_log == nullptr && !seen) {
            without_log(*pcr10, reference, history);
            return;
        }
        const ImaExpectation expected{
            .n = {claims_.ima->entries, claims_.ima->log_sha256, claims_.ima->pcr10},
            .m = collection_.ima->entries,
            .m_log_sha256 = collection_.ima->log_sha256,
            .quoted_pcr10 = *pcr10,
            .boot_pcrs = [this](HashAlg bank) { return boot_pcrs(bank); }};
        ima::MemoryLog nothing({});
        const ImaLog log = inputs_.ima_log != nullptr
                               ? ImaLog{*inputs_.ima_log, inputs_.ima_log_first}
                               : ImaLog{nothing, std::size_t{collection_.ima->entries}};
        ImaOutcome outcome;
        verify_and_appraise_ima(log, expected, ima_index(reference).get(),
                                history ? &*history : nullptr, findings(), outcome);
        out_.claims.set("ima", Json(Json::Object{})
                                   .set("entries_quoted", collection_.ima->entries)
                                   .set("entries", std::uint64_t{outcome.total})
                                   .set("entries_read", std::uint64_t{outcome.read})
                                   .set("violations", std::uint64_t{outcome.violations}));
        if (outcome.total > collection_.ima->entries) {
            out_.not_checked.push_back(std::to_string(outcome.total - collection_.ima->entries) +
                                       " IMA entries after the quoted prefix");
        }
    }

    /// PCR 0 to 9 of a bank: quoted, or what the boot log says that replays to the quote.
    std::optional<std::vector<Bytes>> boot_pcrs(HashAlg bank) const {
        const bool quoted_bank = bank == HashAlg::sha256;
        if (!quoted_bank && (!boot_log_ || std::ranges::find((*boot_log_)->log.banks, bank) ==
                                               (*boot_log_)->log.banks.end())) {
            return std::nullopt;
        }
        const auto replayed = quoted_bank ? std::map<std::uint32_t, Digest>()
                                          : eventlog::replay((*boot_log_)->log, bank);
        std::vector<Bytes> out;
        for (unsigned index = 0; index < 10; ++index) {
            if (!quoted_bank) {
                out.push_back(to_bytes(eventlog::replayed_value(replayed, index, bank).view()));
            } else if (const Bytes* value = (*tpm_)->pcr(bank, index)) {
                out.push_back(*value);
            }
        }
        return out;
    }

    /// What this verifier knows of the log; nothing if it remembers nothing.
    std::optional<ImaHistory> ima_history(const TpmEvidence& evidence) const {
        // Zeros stand for no reference values, so values without a digest have no history.
        const bool nameless = snapshot_ != nullptr && snapshot_->digest == Sha256Digest{};
        if (context_.ima == nullptr || nameless) {
            return std::nullopt;
        }
        return ImaHistory{*context_.ima,
                          {.ak_name = evidence.ak_name,
                           .reset_count = evidence.quote.reset_count,
                           .restart_count = evidence.quote.restart_count,
                           .snapshot = snapshot_ != nullptr ? snapshot_->digest : Sha256Digest{},
                           .policy = sha256(as_bytes(policy_json(context_.policy).canonical()))},
                          fresh_};
    }

    bool knows_all_of(const ImaHistory& history) const {
        const ImaState* state = history.memory.find(history.owner, collection_.ima->entries);
        return state != nullptr && state->entries() == collection_.ima->entries;
    }

    std::shared_ptr<const ImaIndex> ima_index(const ImaReference* reference) const {
        if (reference == nullptr) {
            return nullptr;
        }
        const auto& made = inputs_.snapshot->ima_index;
        return made ? made : std::make_shared<const ImaIndex>(*reference);
    }

    void without_log(const Bytes& pcr10, const ImaReference* reference,
                     const std::optional<ImaHistory>& history) {
        if (history) {
            const std::string fault = set_back(*history, collection_.ima->entries);
            findings().check("ima.continuity", fault.empty(), "the log of before, and more",
                             fault.empty() ? "not read" : fault);
        }
        const bool known = reference != nullptr && contains(reference->known_pcr10, pcr10);
        if (known) {
            findings().pass("ima.known_value", hex(pcr10));
            findings().check("ima.prefix", collection_.ima->entries >= claims_.ima->entries,
                             "m >= n",
                             "m = " + std::to_string(collection_.ima->entries) +
                                 ", n = " + std::to_string(claims_.ima->entries));
            return;
        }
        if (reference != nullptr) {
            findings().fail("ima.log", "needed", "no log, and PCR 10 is no value that is known");
        } else {
            out_.not_checked.emplace_back("IMA log (none at hand)");
        }
    }

    const cert::Collection& collection_;
    const cert::Claims& claims_;
    const CertificateInputs& inputs_;
    const bool fresh_;
    const Context& context_;
    const Snapshot* snapshot_;
    VerificationResult& out_;
    TeeOutcome tee_;
    bool provider_vouches_ = false;  // for the AK, and the policy names the instance
    std::optional<Verified<TpmEvidence>> tpm_;
    std::optional<Verified<BootLog>> boot_log_;  ///< if it replays to the quote
    std::set<unsigned> known_by_log_;
};

}  // namespace

void verify_collection(const cert::Collection& collection, const cert::Claims& claims,
                       const CertificateInputs& inputs, bool fresh, VerificationResult& out) {
    CollectionVerifier(collection, claims, inputs, fresh, out).run();
}

namespace {

/// The store is needed unless the policy states a floor. What it could still tell counts, whether
/// it could keep this number or not.
void appraise_store(const SequenceMemory& memory, const Policy& policy, Findings& out) {
    constexpr std::string_view kRule = "snapshot.store";
    if (!memory.fault) {
        out.pass(kRule, memory.highest ? "seen before: " + std::to_string(*memory.highest)
                                       : "first use of this name under this key");
    } else if (policy.min_sequence) {
        out.pass(kRule,
                 "out of reach, but the policy states min_sequence: " + memory.fault->text());
    } else {
        out.add({std::string(kRule),
                 policy.snapshot_sequence_waived ? Verdict::waived : Verdict::fail,
                 "a store of sequence numbers that can be read and written (--state), or "
                 "min_sequence in the policy",
                 memory.fault->text() +
                     (policy.snapshot_sequence_waived ? " (snapshot_sequence: waived)" : "")});
    }
}

void appraise_sequence(const SnapshotInput& input, const Policy& policy, Findings& out) {
    std::uint64_t least = policy.min_sequence.value_or(0);
    if (input.sequences) {
        appraise_store(*input.sequences, policy, out);
        least = std::max(least, input.sequences->highest.value_or(0));
    }
    out.check("snapshot.sequence", input.snapshot->sequence >= least,
              "at least " + std::to_string(least), std::to_string(input.snapshot->sequence));
}

}  // namespace

void appraise_snapshot(const CertificateInputs& inputs, VerificationResult& result) {
    if (inputs.evidence_only) {
        return;
    }
    Findings& out = result.findings;
    if (!inputs.snapshot) {
        out.fail("snapshot.present", "reference values (--snapshot and --snapshot-key)", "none");
        return;
    }
    const SnapshotInput& input = *inputs.snapshot;
    const Policy& policy = inputs.context.policy;
    constexpr std::string_view kWanted = "signed by the given key";
    if (references(inputs) == nullptr) {
        out.pass("snapshot.present", "one whose content counts for nothing");
        out.fail("snapshot.signature", std::string(kWanted),
                 input.signature_fault ? input.signature_fault->what : "not read");
        return;
    }
    const Snapshot& snapshot = *input.snapshot;
    const UnixTime now = inputs.context.now;
    result.snapshot = {snapshot.name, snapshot.sequence, snapshot.origin, input.signers,
                       input.sequences && !input.sequences->highest && !input.sequences->fault};
    out.pass("snapshot.present", quoted(snapshot.name) + ", sequence " +
                                     std::to_string(snapshot.sequence) + ", " + snapshot.origin);
    out.add({"snapshot.signature", input.signature_fault ? Verdict::waived : Verdict::pass,
             std::string(kWanted),
             input.signature_fault ? input.signature_fault->what + " (unsigned_snapshot: waived)"
                                   : "verified"});
    out.check("snapshot.dates", now >= snapshot.not_before && now <= snapshot.not_after,
              "valid from " + format_rfc3339(snapshot.not_before) + " to " +
                  format_rfc3339(snapshot.not_after),
              format_rfc3339(now));
    if (!policy.snapshot_name.empty()) {
        out.check("snapshot.name", snapshot.name == policy.snapshot_name,
                  quoted(policy.snapshot_name), quoted(snapshot.name));
    }
    appraise_sequence(input, policy, out);
    out.check("snapshot.dialect",
              std::ranges::find(snapshot.dialects, kDialect) != snapshot.dialects.end(),
              std::string(kDialect), std::to_string(snapshot.dialects.size()) + " others");
}

}  // namespace ratls::verify
