#include "verify/formats/snp.h"

#include <algorithm>
#include <map>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/crl.h"
#include "verify/formats/vendor_roots.h"

namespace ratls::verify {
namespace {

using snp::Line;

/// AMD signs certificates and lists with RSASSA-PSS, SHA-384 and a salt of 48 bytes, nothing else.
constexpr SignatureScheme kAmdScheme = {SignatureScheme::Kind::rsa_pss, HashAlg::sha384, 48};
constexpr unsigned kAmdRsaBits = 4096;

using Node = EndorsementProof::Node;

/// How far a candidate path got; the farthest one is reported.
struct Path {
    const Node* intermediate = nullptr;
    const Node* root = nullptr;
    Status signatures;
    bool root_pinned = false;
    bool user_root = false;
    bool dated = false;

    int progress() const { return (root_pinned ? 4 : 0) + (signatures ? 2 : 0) + (dated ? 1 : 0); }
    bool good() const { return signatures && root_pinned; }
};

bool is_vek(const Certificate& certificate) {
    const std::string_view name = certificate.common_name();
    return name == "SEV-VCEK" || name == "SEV-VLEK";
}

/// "SEV-Milan", "SEV-VLEK-Milan", of any line.
bool is_intermediate(const Certificate& certificate) {
    return certificate.common_name().starts_with("SEV-") && !is_vek(certificate);
}

Status check_amd_issuer(const Certificate& issuer, const Certificate& child) {
    if (issuer.public_key().kind() != KeyKind::rsa || issuer.public_key().bits() != kAmdRsaBits ||
        !(child.scheme() == kAmdScheme)) {
        return fail(Code::untrusted, "chain",
                    "RSASSA-PSS with RSA-4096, SHA-384 and salt 48 wanted");
    }
    return {};
}

class SnpVerifier {
  public:
    SnpVerifier(ByteView raw, const EndorsementProof& proof, UnixTime now, Findings& out)
        : raw_(raw), proof_(proof), now_(now), out_(out) {}

    std::optional<Verified<SnpEvidence>> run() {
        auto report = snp::parse_report(raw_);
        if (!report) {
            out_.fail("snp.format", "an ATTESTATION_REPORT", report.error().text());
            return std::nullopt;
        }
        out_.pass("snp.format", "version " + std::to_string(report->version));
        evidence_.report = *std::move(report);
        const Node* vek = choose_vek();
        if (vek == nullptr) {
            return std::nullopt;
        }
        check_vek(*vek->certificate);
        check_chain(*vek);
        check_report(*vek->certificate);
        if (out_.failed(Weight::sound) || out_.failed(Weight::needed)) {
            return std::nullopt;
        }
        list_skipped();
        return VerifierAccess::mark(std::move(evidence_));
    }

  private:
    bool in_date(const Node& node) const {
        return verify_dates(*node.certificate, now_, "").has_value();
    }

    /// What a certificate carries counts as absent when it is out of date.
    bool counts(const Node& node) const { return !node.carried() || in_date(node); }

    /// Of several candidates, the one that fits the report. If none does, one that was given tells
    /// what is wrong with it; one that was carried counts as absent.
    const Node* choose_vek() {
        const Node* chosen = nullptr;
        std::pair<int, bool> best = {-1, false};
        bool carried = false;
        for (const Node& node : proof_.certificates()) {
            if (!is_vek(*node.certificate)) {
                continue;
            }
            const std::pair rank(vek_fit(node), in_date(node));
            if (rank.first == kFits) {
                fitting_veks_.push_back(&node);
            }
            carried |= node.carried();
            const bool counts_here = rank.first == kFits     ? counts(node)
                                     : rank.first == kUnread ? true
                                                             : !node.carried();
            if (rank > best && counts_here) {
                chosen = &node;
                best = rank;
            }
        }
        out_.check("snp.vek.present", chosen != nullptr,
                   std::string(snp::signing_key_name(evidence_.report.signing_key)) +
                       " certificate among the endorsements",
                   chosen != nullptr ? "given"
                   : carried ? "none given, and the one of label 6 is out of date or another's"
                             : "none given");
        return chosen;
    }

    /// How much of a VEK fits the report, up to `kFits`. A masked chip id says nothing: then the
    /// report's signature tells.
    int vek_fit(const Node& node) {
        const auto vek = snp::parse_vek(*node.certificate);
        if (!vek) {
            return kUnread;
        }
        if (vek->kind != evidence_.report.signing_key) {
            return 1;
        }
        const auto tcb = snp::parse_tcb(evidence_.report.reported_tcb, vek->line);
        if (!tcb || *tcb != vek->tcb) {
            return 2;
        }
        if (vek->kind == snp::SigningKey::vlek) {
            return kFits;
        }
        const bool mine = all_zero(evidence_.report.chip_id)
                              ? check_signature(*node.certificate).has_value()
                              : chip_id_fits(*vek);
        return mine ? kFits : 3;
    }

    bool chip_id_fits(const snp::Vek& vek) const {
        const ByteView chip(evidence_.report.chip_id);
        return equal(vek.hw_id, chip.first(vek.hw_id.size())) &&
               all_zero(chip.subspan(vek.hw_id.size()));
    }

    void check_vek(const Certificate& certificate) {
        auto vek = snp::parse_vek(certificate);
        if (!vek) {
            out_.fail("snp.vek.format", "the extensions of AMD 57230", vek.error().text());
            return;
        }
        out_.pass("snp.vek.format", vek->product_name);
        vek_known_ = true;
        evidence_.vek = *std::move(vek);
        const snp::Vek& known = evidence_.vek;
        const snp::Report& report = evidence_.report;
        out_.check("snp.vek.kind", known.kind == report.signing_key,
                   std::string(snp::signing_key_name(report.signing_key)),
                   std::string(snp::signing_key_name(known.kind)));
        // Version 2 does not name the processor: then the certificate alone does.
        const auto line = snp::line_from_cpuid(report.cpuid_fam_id, report.cpuid_mod_id);
        out_.check("snp.product", report.version == 2 || line == known.line,
                   std::string(snp::line_name(known.line)) + " by the certificate",
                   report.version == 2 ? "not in version 2 of the report"
                   : line              ? std::string(snp::line_name(*line))
                                       : "unknown processor, " +
                                snp::processor_text(report.cpuid_fam_id, report.cpuid_mod_id));
        check_tcb(known, report);
        if (known.kind == snp::SigningKey::vlek) {
            out_.check("snp.vek.chip_id", all_zero(report.chip_id), "zero with a VLEK",
                       all_zero(report.chip_id) ? "zero" : "set");
        } else {
            const bool masked = all_zero(report.chip_id);
            out_.check("snp.vek.chip_id", masked || chip_id_fits(known), hex(known.hw_id),
                       masked ? "masked" : hex(report.chip_id));
        }
    }

    void check_tcb(const snp::Vek& vek, const snp::Report& report) {
        const auto reported = snp::parse_tcb(report.reported_tcb, vek.line);
        const auto current = snp::parse_tcb(report.current_tcb, vek.line);
        const auto committed = snp::parse_tcb(report.committed_tcb, vek.line);
        const auto launch = snp::parse_tcb(report.launch_tcb, vek.line);
        if (!reported || !current || !committed || !launch) {
            out_.fail("snp.tcb.consistency", "TCB versions in the layout of the product line",
                      "reserved bytes are set");
            return;
        }
        evidence_.reported = *reported;
        evidence_.current = *current;
        evidence_.committed = *committed;
        evidence_.launch = *launch;
        out_.check("snp.vek.tcb", *reported == vek.tcb, snp::tcb_text(*reported),
                   snp::tcb_text(vek.tcb));
        out_.check(
            "snp.tcb.consistency",
            snp::at_least(*current, *reported) && snp::at_least(*current, *committed),
            "reported and committed at most " + snp::tcb_text(*current),
            "reported " + snp::tcb_text(*reported) + "; committed " + snp::tcb_text(*committed));
    }

    void check_chain(const Node& vek) {
        std::vector<const Node*> intermediates;
        for (const Node& node : proof_.certificates()) {
            if (equal(node.certificate->subject(), vek.certificate->issuer()) &&
                node.certificate->is_ca() && counts(node)) {
                intermediates.push_back(&node);
            }
        }
        std::vector<Path> paths;
        for (const Node* intermediate : intermediates) {
            for (const Node& root : proof_.certificates()) {
                if (counts(root)) {
                    consider(vek, *intermediate, root, paths);
                }
            }
        }
        if (paths.empty()) {
            report_missing(*vek.certificate, intermediates);
            return;
        }
        const Path& best = *std::ranges::max_element(paths, {}, &Path::progress);
        const Certificate& root = *best.root->certificate;
        out_.pass("snp.chain.present", "given");
        out_.check("snp.chain.signatures", best.signatures.has_value(), "VEK, intermediate, root",
                   best.signatures ? "each signed by the next" : best.signatures.error().text());
        out_.check("snp.chain.root", best.root_pinned,
                   "SHA-256 of the public key as AMD published it, or a root from --trust-root",
                   name_text(root.subject()) + ", " + hex(root.public_key().spki_sha256()));
        check_dates(vek, best);
        if (best.good()) {
            chain_ = {&vek, best.intermediate, best.root};
            evidence_.user_root = best.user_root;
            check_revocation();
        }
    }

    Status verify_path(const Node& vek, const Node& intermediate, const Node& root) const {
        RATLS_CHECK(check_amd_issuer(*intermediate.certificate, *vek.certificate));
        RATLS_CHECK(check_amd_issuer(*root.certificate, *intermediate.certificate));
        RATLS_CHECK(check_amd_issuer(*root.certificate, *root.certificate));
        if (vek.certificate->is_ca()) {
            return fail(Code::untrusted, "chain", "the VCEK or VLEK is a CA");
        }
        RATLS_CHECK(proof_.issued(vek, intermediate));
        RATLS_CHECK(proof_.issued(intermediate, root));
        if (root.standing != Standing::sound) {
            return proof_.issued(root, root);
        }
        return {};
    }

    void consider(const Node& vek, const Node& intermediate, const Node& root,
                  std::vector<Path>& paths) const {
        const Certificate& certificate = *root.certificate;
        if (!equal(certificate.subject(), intermediate.certificate->issuer())) {
            return;
        }
        Path path{&intermediate, &root, verify_path(vek, intermediate, root)};
        path.dated = in_date(intermediate) && in_date(root);
        for (const UserRoot& user : proof_.user_roots()) {
            path.user_root |=
                user.kind == RootKind::snp && equal(user.certificate.public_key().spki_sha256(),
                                                    certificate.public_key().spki_sha256());
        }
        const bool vendor =
            vek_known_ && certificate.common_name() == snp::root_name(evidence_.vek.line) &&
            equal(certificate.public_key().spki_sha256(), pinned_ark(evidence_.vek.line));
        path.user_root = path.user_root && !vendor;
        path.root_pinned = vendor || path.user_root;
        paths.push_back(std::move(path));
    }

    void report_missing(const Certificate& vek, const std::vector<const Node*>& intermediates) {
        if (intermediates.empty()) {
            const auto foreign = std::ranges::find_if(proof_.certificates(), [](const Node& node) {
                return !node.carried() && is_intermediate(*node.certificate);
            });
            if (foreign != proof_.certificates().end()) {
                out_.fail("endorsements.fitting", name_text(vek.issuer()),
                          "only such as " + name_text(foreign->certificate->subject()));
                return;
            }
        } else if (std::ranges::none_of(intermediates, [](const Node* node) {
                       return is_amd_intermediate(*node->certificate);
                   })) {
            out_.fail("snp.chain.root", "an intermediate that AMD published, or its root given",
                      "key " + hex(intermediates[0]->certificate->public_key().spki_sha256()) +
                          " is none of AMD's; if it is a new one, give its ARK by --endorsements");
            return;
        }
        const ByteView missing =
            intermediates.empty() ? vek.issuer() : intermediates[0]->certificate->issuer();
        out_.fail("snp.chain.present", "intermediate and root certificates (ASK or ASVK, ARK)",
                  "no certificate " + name_text(missing));
    }

    /// It could stand in the chain of this intermediate and root.
    bool in_place(const Node& node, const Node& intermediate, const Node& root) const {
        return node.subject == intermediate.subject || node.subject == root.subject ||
               std::ranges::find(fitting_veks_, &node) != fitting_veks_.end();
    }

    /// Of the chain, and of others in the same places that are not valid yet: what was given too
    /// early is a fault, what has expired beside a newer one is not.
    void check_dates(const Node& vek, const Path& path) {
        std::vector<const Certificate*> dated = {vek.certificate, path.intermediate->certificate,
                                                 path.root->certificate};
        for (const Node& node : proof_.certificates()) {
            if (in_place(node, *path.intermediate, *path.root) && !node.carried() &&
                now_ < node.certificate->not_before()) {
                dated.push_back(node.certificate);
            }
        }
        for (const Certificate* certificate : dated) {
            if (auto status = verify_dates(*certificate, now_, certificate->common_name());
                !status) {
                out_.fail("snp.chain.dates", "valid at " + format_rfc3339(now_),
                          status.error().text());
                return;
            }
        }
        out_.pass("snp.chain.dates", "valid at " + format_rfc3339(now_));
    }

    /// The lists of the chain's root. A list of another root is not ours to judge.
    std::vector<const Crl*> fitting_lists() {
        std::vector<const Crl*> out;
        bool beside_good_ones = false;  // a fault also if there is a good list
        std::string fault;
        const Certificate& root = *chain_[2]->certificate;
        for (const auto& proven : proof_.crls()) {
            const Crl& crl = proven.given->document;
            const bool signed_by_root =
                std::ranges::find(proven.signers, chain_[2]) != proven.signers.end();
            if (!equal(crl.issuer(), root.subject()) || !signed_by_root) {
                continue;
            }
            const bool expired = now_ > crl.next_update();
            if (!(crl.scheme() == kAmdScheme)) {
                fault = "RSASSA-PSS with SHA-384 and salt 48 wanted";
                beside_good_ones = true;
            } else if (now_ >= crl.this_update() && !expired) {
                out.push_back(&crl);
            } else if (!proven.given->source.carried) {
                fault = "valid from " + format_rfc3339(crl.this_update()) + " to " +
                        format_rfc3339(crl.next_update());
                beside_good_ones |= !expired;
            }
        }
        if (!fault.empty() && (beside_good_ones || out.empty())) {
            out_.fail("snp.crl", "signed by the root, valid at " + format_rfc3339(now_), fault);
        }
        return out;
    }

    /// The newest valid list wins; of two with the same date, both count.
    void check_revocation() {
        std::optional<UnixTime> newest;
        bool revoked = false;
        for (const Crl* crl : fitting_lists()) {
            evidence_.crls.push_back({sha256(crl->der()), crl->this_update()});
            if (newest && crl->this_update() < *newest) {
                continue;
            }
            // All VCEKs have serial number 0, so only intermediates can be revoked in a useful way.
            const ByteView vek_serial = chain_[0]->certificate->serial();
            const bool listed = crl->lists(chain_[1]->certificate->serial()) ||
                                (!all_zero(vek_serial) && crl->lists(vek_serial));
            revoked = listed || (revoked && newest == crl->this_update());
            newest = crl->this_update();
        }
        if (!newest) {
            return;
        }
        out_.pass("snp.crl", "issued " + format_rfc3339(*newest));
        out_.check("snp.revoked", !revoked, "not on the list",
                   revoked ? "revoked" : "not on the list");
        evidence_.revocation_checked = true;
    }

    const Status& check_signature(const Certificate& vek) {
        const auto [place, is_new] = signatures_.try_emplace(vek.der().data());
        if (is_new) {
            place->second = verify_signature(vek);
        }
        return place->second;
    }

    Status verify_signature(const Certificate& vek) const {
        const snp::Report& report = evidence_.report;
        if (vek.public_key().kind() != KeyKind::p384) {
            return fail(Code::untrusted, "snp.vek", "a P-384 key wanted");
        }
        return vek.public_key().verify_ecdsa(HashAlg::sha384, report.signed_bytes,
                                             report.signature_r, report.signature_s);
    }

    void check_report(const Certificate& vek) {
        const Status& status = check_signature(vek);
        out_.check("snp.signature", status.has_value(), "ECDSA P-384 with SHA-384 by the VEK",
                   status ? "verified" : status.error().text());
    }

    /// What was given and is not of this platform, or was replaced by something newer.
    void list_skipped() {
        for (const Node& node : proof_.certificates()) {
            skip(node.source, label_of(node.certificate->subject()),
                 in_place(node, *chain_[1], *chain_[2]), in_date(node));
        }
        for (const auto& proven : proof_.crls()) {
            const Crl& crl = proven.given->document;
            const bool of_root =
                std::ranges::find(proven.signers, chain_[2]) != proven.signers.end();
            skip(&proven.given->source, "revocation list of " + label_of(crl.issuer()), of_root,
                 now_ <= crl.next_update());
        }
        for (const auto& info : proof_.tcb_infos()) {
            skip(&info.given->source, "TCB info", false, true);
        }
        for (const auto& identity : proof_.qe_identities()) {
            skip(&identity.given->source, "QE identity", false, true);
        }
    }

    void skip(const EndorsementSource* source, std::string_view what, bool fits, bool dated) {
        if (source != nullptr && !source->carried && (!fits || !dated)) {
            evidence_.skipped.push_back(skipped_text(*source, what, fits));
        }
    }

    static constexpr int kUnread = 0;
    static constexpr int kFits = 4;

    ByteView raw_;
    const EndorsementProof& proof_;
    UnixTime now_;
    Findings& out_;
    SnpEvidence evidence_;
    bool vek_known_ = false;
    std::vector<const Node*> fitting_veks_;
    std::map<const std::uint8_t*, Status> signatures_;  ///< of the report, by the VEK's bytes
    std::array<const Node*, 3> chain_{};                ///< VEK, intermediate, root, once they hold
};

}  // namespace

std::optional<Verified<SnpEvidence>> verify_snp(ByteView report, const EndorsementProof& proof,
                                                UnixTime now, Findings& out) {
    Findings own;
    auto evidence = SnpVerifier(report, proof, now, own).run();
    out.append(std::move(own));
    return evidence;
}

}  // namespace ratls::verify
