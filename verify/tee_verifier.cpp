#include "verify/tee_verifier.h"

#include <algorithm>

#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/log.h"
#include "ratls/evidence/tpm/public_area.h"
#include "verify/appraise/dcap.h"
#include "verify/formats/hcl.h"

namespace ratls::verify {
namespace {

Endorsements with_carried(Endorsements given, const cert::Collection& collection) {
    if (collection.endorsements) {
        given.add_carried(*collection.endorsements);
    }
    return given;
}

class TeeVerifier {
  public:
    TeeVerifier(const cert::Collection& collection, const cert::Claims& claims,
                const CertificateInputs& inputs, const Snapshot* snapshot, VerificationResult& out)
        : collection_(collection),
          claims_(claims),
          inputs_(inputs),
          context_(inputs.context),
          snapshot_(snapshot),
          out_(out) {}

    TeeOutcome run() {
        judge_endorsements(proof_, out_);
        const bool wanted = context_.policy.tee_required ||
                            (snapshot_ != nullptr && (snapshot_->snp || snapshot_->tdx));
        if (!collection_.tee) {
            findings().check("tee.present", !wanted, wanted ? "a TEE report" : "none (tee: none)",
                             "none");
            if (collection_.hcl_report) {
                findings().fail("hcl.hardware_report", "the hardware report in label 2", "none");
            }
            return outcome_;
        }
        findings().pass("tee.present", std::string(cert::tee_type_name(collection_.tee->type)));
        check_hcl();
        if (collection_.tee->type == cert::TeeType::sev_snp) {
            check_snp();
        } else {
            check_tdx();
        }
        check_paravisor();
        return outcome_;
    }

  private:
    Findings& findings() { return out_.findings; }

    /// The claims are bound by the report data. In class hcl these bind the AK, which signs the
    /// quote over the claims.
    void check_report_data(ByteView report_data) {
        if (hcl_) {
            findings().check("hcl.hardware_report", equal(report_data, hcl_->report_data()),
                             hex(hcl_->report_data()), hex(report_data));
            return;
        }
        const auto wanted = cert::report_data(collection_.claims_buffer);
        findings().check("cert.report_data", equal(report_data, wanted), hex(wanted),
                         hex(report_data));
    }

    void check_hcl() {
        if (!collection_.hcl_report) {
            return;
        }
        outcome_.hcl = true;
        hcl_ = verify_hcl_binding(*collection_.hcl_report, findings());
        if (!hcl_) {
            return;
        }
        out_.claims.set("hcl", hcl_claims(*hcl_));
        out_.not_checked.emplace_back(
            "claims by the TEE (the paravisor's TPM signs them, with the IMA digest of claim 4)");
        const bool snp = collection_.tee->type == cert::TeeType::sev_snp;
        const bool same_kind = snp == (hcl_->type == hcl::ReportType::snp);
        const bool same_report = !snp || equal(hcl_->hardware_report, collection_.tee->evidence);
        findings().check("hcl.hardware_report", same_kind && same_report,
                         "the hardware report of label 8 in label 2",
                         same_kind && same_report ? "the same" : "another");
        const auto area =
            collection_.tpm
                ? tpm::parse_public_area(collection_.tpm->ak_public)
                : Result<tpm::PublicArea>(fail(Code::unavailable, "tpm", "no TPM quote"));
        const Bytes& named = hcl_->runtime.ak.spki();
        findings().check("hcl.ak", area && equal(area->key.spki(), named), hex(named),
                         area ? hex(area->key.spki()) : area.error().text());
    }

    void check_snp() {
        const Bytes& evidence = collection_.tee->evidence;
        if (const auto report = snp::parse_report(evidence)) {
            vmpl_ = report->vmpl;
            check_report_data(report->report_data);
        }
        const auto verified = judge_snp(evidence, proof_, context_, out_);
        if (!verified) {
            return;
        }
        outcome_.verified = true;
        check_revocation(**verified);
        check_snp_beacon(**verified);
        if (snapshot_ != nullptr && snapshot_->snp) {
            const SnpMatch match =
                appraise_snp_reference(*verified, *snapshot_->snp, outcome_.hcl, findings());
            paravisor_known_ = match.paravisor;
            outcome_.boot_measured =
                match.measurement != nullptr && match.measurement->covers_boot();
        } else if (snapshot_ != nullptr) {
            findings().fail("snp.measurement", "a reference value in the snapshot", "none");
        }
    }

    void check_tdx() {
        const Bytes& evidence = collection_.tee->evidence;
        if (const auto quote = dcap::parse_quote(evidence)) {
            vmpl_ = 0;  // a TD report is always that of what runs below the guest
            check_report_data(quote->report_data());
        }
        const auto verified = judge_dcap(evidence, dcap::Tee::tdx, proof_, context_, out_);
        if (!verified) {
            return;
        }
        outcome_.verified = true;
        outcome_.td = (*verified)->quote.td;
        check_intel_beacon(**verified);
        if (snapshot_ != nullptr && snapshot_->tdx) {
            const TdxMatch match = appraise_tdx_reference(*verified, *snapshot_->tdx, findings());
            paravisor_known_ =
                match.measurement != nullptr && match.measurement->tag == kParavisorTag;
            outcome_.boot_measured = match.measurement != nullptr && match.boot;
        } else if (snapshot_ != nullptr) {
            findings().fail("tdx.mrtd", "a reference value in the snapshot", "none");
        }
    }

    void check_paravisor() {
        if (!outcome_.hcl) {
            return;
        }
        outcome_.boot_measured = false;  // the measurement is the paravisor's, not the guest's
        if (snapshot_ == nullptr || !hcl_ || !outcome_.verified) {
            return;
        }
        outcome_.paravisor = paravisor_known_ && vmpl_ == 0;
        findings().check("hcl.reference", outcome_.paravisor,
                         "a reference value of a paravisor, VMPL 0",
                         std::string(paravisor_known_ ? "known" : "not known as one") + ", VMPL " +
                             std::to_string(vmpl_));
    }

    void check_revocation(const SnpEvidence& evidence) {
        if (evidence.revocation_checked) {
            findings().pass("snp.revocation", "checked");
            return;
        }
        if (inputs_.evidence_only) {
            return;
        }
        if (context_.policy.snp.revocation_waived) {
            findings().add({"snp.revocation", Verdict::waived, "AMD's revocation list",
                            "none (revocation: waived)"});
        } else {
            findings().fail("snp.revocation", "AMD's revocation list", "none given");
        }
    }

    /// A document that was verified is as old as its date, and so is what hashes it at most.
    void check_beacon(bool verified, UnixTime date) {
        const auto document = cert::beacon_document(collection_, *claims_.beacon);
        const bool checked = document && verified;
        const std::int64_t age = checked ? context_.now - date : std::int64_t{0};
        const bool young = checked && age <= context_.policy.freshness.max_beacon_age_s;
        findings().check("freshness.beacon", young,
                         "a verified document, at most " +
                             std::to_string(context_.policy.freshness.max_beacon_age_s) + " s old",
                         !document ? document.error().text()
                         : checked ? std::to_string(age) + " s old"
                                   : "not a document that was verified");
        if (young) {
            out_.freshness = 1;
            out_.not_older_than = date;
        }
    }

    void check_snp_beacon(const SnpEvidence& evidence) {
        if (!claims_.beacon) {
            return;
        }
        const auto list =
            std::ranges::find(evidence.crls, claims_.beacon->sha256, &VerifiedCrl::sha256);
        const bool found =
            claims_.beacon->kind == cert::BeaconKind::amd_crl && list != evidence.crls.end();
        check_beacon(found, found ? list->this_update : UnixTime{0});
    }

    void check_intel_beacon(const DcapEvidence& evidence) {
        if (!claims_.beacon) {
            return;
        }
        const cert::Beacon& beacon = *claims_.beacon;
        std::vector<DcapEvidence::Dated> documents;
        if (beacon.kind == cert::BeaconKind::pck_crl) {
            documents = evidence.pck_crls;
        } else if (beacon.kind == cert::BeaconKind::tcb_info) {
            documents = evidence.tcb_infos;
        }
        const auto found =
            std::ranges::find(documents, beacon.sha256, &DcapEvidence::Dated::sha256);
        check_beacon(found != documents.end(),
                     found != documents.end() ? found->date : UnixTime{0});
    }

    const cert::Collection& collection_;
    const cert::Claims& claims_;
    const CertificateInputs& inputs_;
    const Context& context_;
    const Snapshot* snapshot_;
    VerificationResult& out_;
    TeeOutcome outcome_;
    /// What the caller has, and what the certificate carries: none of that is a root.
    const Endorsements endorsements_ = with_carried(context_.endorsements, collection_);
    const EndorsementProof proof_{endorsements_, context_.user_roots, context_.proven};
    std::optional<hcl::Report> hcl_;
    std::uint32_t vmpl_ = ~0U;
    bool paravisor_known_ = false;
};

}  // namespace

TeeOutcome verify_tee(const cert::Collection& collection, const cert::Claims& claims,
                      const CertificateInputs& inputs, const Snapshot* snapshot,
                      VerificationResult& out) {
    return TeeVerifier(collection, claims, inputs, snapshot, out).run();
}

void check_ccel(ByteView log, const dcap::TdReport& td, Findings& out) {
    const auto parsed = eventlog::parse_log(log, eventlog::Kind::ccel);
    if (!parsed) {
        out.fail("ccel.format", "a CC event log", parsed.error().text());
        return;
    }
    out.pass("ccel.format", std::to_string(parsed->events.size()) + " events");
    std::string wrong;
    const auto replayed = eventlog::replay(*parsed, HashAlg::sha384);
    for (std::uint32_t index = 0; index < td.rtmr.size(); ++index) {
        // Measurement register 0 of the log is MRTD.
        const Digest value = eventlog::replayed_value(replayed, index + 1, HashAlg::sha384);
        if (!equal(td.rtmr[index], value.view())) {
            wrong += (wrong.empty() ? "RTMR" : ", RTMR") + std::to_string(index);
        }
    }
    out.check("ccel.replay", wrong.empty(), "the RTMRs of the quote",
              wrong.empty() ? "equal" : wrong + " differ");
}

}  // namespace ratls::verify
