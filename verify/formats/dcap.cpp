#include "verify/formats/dcap.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "verify/formats/vendor_roots.h"

namespace ratls::verify {
namespace {

using dcap::Tee;

constexpr std::string_view kRootName = "Intel SGX Root CA";
constexpr std::string_view kSignerName = "Intel SGX TCB Signing";
constexpr std::array<std::string_view, 2> kPckCaNames = {"Intel SGX PCK Platform CA",
                                                         "Intel SGX PCK Processor CA"};
/// Intel signs certificates and lists with ECDSA, P-256 and SHA-256, nothing else.
constexpr SignatureScheme kIntelScheme = {SignatureScheme::Kind::ecdsa, HashAlg::sha256, -1};

bool is_pck_ca(const Certificate& certificate) {
    return std::ranges::find(kPckCaNames, certificate.common_name()) != kPckCaNames.end();
}

bool is_signer(const Certificate& certificate) {
    return certificate.common_name() == kSignerName;
}

Status check_scheme(const Certificate& child, const Certificate& issuer) {
    if (child.public_key().kind() != KeyKind::p256 || issuer.public_key().kind() != KeyKind::p256 ||
        !(child.scheme() == kIntelScheme)) {
        return fail(Code::untrusted, "chain", "ECDSA with P-256 and SHA-256 wanted");
    }
    return {};
}

Status check_issued(const Certificate& child, const Certificate& issuer, int cas_below,
                    ProvenSignatures& proven) {
    RATLS_CHECK(check_scheme(child, issuer));
    return proven.verify_issued_by(child, issuer, cas_below);
}

/// A certificate that is known byte by byte needs no signature; of any other with a trusted key,
/// every field is only as good as its self-signature, which `self_signed()` looks at.
template <typename SelfSigned>
std::optional<DcapRoot> trust_root(const Certificate& certificate,
                                   const std::vector<Certificate>& user_roots,
                                   const SelfSigned& self_signed) {
    if (certificate.common_name() != kRootName) {
        return std::nullopt;
    }
    const Sha256Digest& key = certificate.public_key().spki_sha256();
    const bool pinned = equal(key, pinned_intel_root());
    if (pinned && is_vendor_root(certificate)) {
        return DcapRoot{certificate, false};
    }
    bool user = false;
    for (const Certificate& root : user_roots) {
        if (!pinned && equal(root.der(), certificate.der())) {
            return DcapRoot{certificate, true};
        }
        user |= equal(key, root.public_key().spki_sha256());
    }
    if ((!pinned && !user) || !self_signed()) {
        return std::nullopt;
    }
    return DcapRoot{certificate, !pinned};
}

using Node = EndorsementProof::Node;

class Prover {
  public:
    Prover(const EndorsementProof& proof, Tee tee) : proof_(proof) {
        out_.tee = tee;
        for (const UserRoot& root : proof.user_roots()) {
            if (root.kind == (tee == Tee::tdx ? RootKind::tdx : RootKind::sgx)) {
                out_.user_roots.push_back(root.certificate);
            }
        }
    }

    DcapCollateral run() {
        for (const Node& node : proof_.certificates()) {
            const auto self_signed = [&] {
                return check_scheme(*node.certificate, *node.certificate) &&
                       proof_.issued(node, node);
            };
            if (auto root = trust_root(*node.certificate, out_.user_roots, self_signed)) {
                roots_.emplace_back(&node, *std::move(root));
            }
        }
        for (const Node& node : proof_.certificates()) {
            add_certificate(node);
        }
        for (const auto& info : proof_.tcb_infos()) {
            add_document(info, out_.tcb_infos);
        }
        for (const auto& identity : proof_.qe_identities()) {
            add_document(identity, out_.qe_identities);
        }
        for (const auto& list : proof_.crls()) {
            add_crl(list);
        }
        return std::move(out_);
    }

  private:
    void add_certificate(const Node& node) {
        const Certificate& certificate = *node.certificate;
        if (is_signer(certificate) || is_pck_ca(certificate)) {
            add_authority(node);
        } else if (dcap::is_pck(certificate) && node.source != nullptr) {
            out_.pcks.push_back({certificate, *node.source});
        } else if (node.source != nullptr) {
            out_.others.push_back({certificate, *node.source});
        }
    }

    void add_authority(const Node& node) {
        for (const auto& [root_node, root] : roots_) {
            if (node.source != nullptr && check_scheme(*node.certificate, root.certificate) &&
                proof_.issued(node, *root_node)) {
                out_.authorities.push_back({*node.certificate, root, *node.source});
                authorities_.push_back(&node);
                return;
            }
        }
        if (node.source != nullptr) {
            out_.others.push_back({*node.certificate, *node.source});
        }
    }

    template <typename T>
    void add_document(const EndorsementProof::Signed<endorsement::Collateral<T>>& document,
                      std::vector<DcapDocument<T>>& place) {
        const auto& [content, source] = *document.given;
        if (document.standing == Standing::damaged) {
            return;
        }
        bool any = false;
        for (const Node* signer : document.signers) {
            const auto found = std::ranges::find(authorities_, signer);
            if (found != authorities_.end()) {
                const auto index = static_cast<std::size_t>(found - authorities_.begin());
                place.push_back(
                    {content.content, content.sha256, source, out_.authorities[index], false});
                any = true;
            }
        }
        if (!any) {
            place.push_back({content.content, content.sha256, source, std::nullopt,
                             document.standing == Standing::unproven});
        }
    }

    void add_crl(const EndorsementProof::Signed<Crl>& list) {
        if (list.standing == Standing::damaged) {
            return;
        }
        DcapCrl out{list.given->document, list.given->source};
        if (!list.signers.empty()) {
            out.signer_spki_sha256 = list.signers.front()->certificate->public_key().spki_sha256();
        }
        out_.crls.push_back(std::move(out));
    }

    const EndorsementProof& proof_;
    std::vector<std::pair<const Node*, DcapRoot>> roots_;
    std::vector<const Node*> authorities_;  ///< as `out_.authorities`
    DcapCollateral out_;
};

class DcapVerifier {
  public:
    DcapVerifier(ByteView raw, const DcapCollateral& collateral, UnixTime now, Findings& out,
                 ProvenSignatures& proven)
        : raw_(raw), collateral_(collateral), now_(now), out_(out), proven_(proven) {}

    std::optional<Verified<DcapEvidence>> run() {
        auto quote = dcap::parse_quote(raw_);
        if (quote && quote->tee != collateral_.tee) {
            quote = fail(Code::mismatch, "dcap.quote",
                         std::string(dcap::tee_name(quote->tee)) + " quote found, " +
                             std::string(dcap::tee_name(collateral_.tee)) + " wanted");
        }
        if (!quote) {
            out_.fail("dcap.format", "a quote", quote.error().text());
            return std::nullopt;
        }
        out_.pass("dcap.format", "version " + std::to_string(quote->version));
        evidence_.quote = *std::move(quote);
        if (find_chain()) {
            check_pck();
            check_chain();
            check_revocation();
        }
        check_quoting_enclave();
        check_collateral();
        if (out_.failed(Weight::sound) || out_.failed(Weight::needed)) {
            return std::nullopt;
        }
        list_skipped();
        return VerifierAccess::mark(std::move(evidence_));
    }

  private:
    const dcap::Quote& quote() const { return evidence_.quote; }

    /// PCK, its CA and the root: from the quote, or if it carries none from the endorsements.
    bool find_chain() {
        if (quote().certification == dcap::CertificationData::pck_chain) {
            if (auto status = read_chain(as_text(dcap::pck_chain_text(quote()))); !status) {
                out_.fail("dcap.pck.format", "PCK certificate, its CA and the root in the quote",
                          status.error().text());
                return false;
            }
            return true;
        }
        for (const auto& [candidate, source] : collateral_.pcks) {
            if (signs_qe_report(candidate) && counts(source, candidate)) {
                pck_ = &candidate;
            }
        }
        if (pck_ == nullptr && !collateral_.pcks.empty()) {
            out_.fail("endorsements.fitting", "the PCK certificate whose key signed the QE report",
                      "only others");
            return false;
        }
        out_.check("dcap.pck.present", pck_ != nullptr,
                   "the PCK certificate, which this quote does not carry, among the endorsements",
                   pck_ != nullptr ? "given" : "none given");
        return pck_ != nullptr;
    }

    /// No signature covers what stands between the certificates, so nothing may.
    Status read_chain(std::string_view text) {
        RATLS_TRY(const std::vector<PemBlock> blocks, parse_pem(text, PemText::refused));
        for (const PemBlock& block : blocks) {
            if (blocks.size() != 3 || block.label != "CERTIFICATE") {
                return fail(Code::malformed, "chain", "three certificates wanted");
            }
        }
        RATLS_TRY(Certificate leaf, Certificate::parse(blocks[0].der));
        if (!dcap::is_pck(leaf)) {
            return fail(Code::malformed, "chain", "no PCK certificate comes first");
        }
        carried_.push_back(std::move(leaf));
        for (const DcapAuthority& authority : collateral_.authorities) {
            if (equal(authority.certificate.der(), blocks[1].der) &&
                equal(authority.root.certificate.der(), blocks[2].der)) {
                carried_ca_ = &authority;
            }
        }
        for (std::size_t i = 1; i < blocks.size() && carried_ca_ == nullptr; ++i) {
            RATLS_TRY(Certificate certificate, Certificate::parse(blocks[i].der));
            carried_.push_back(std::move(certificate));
        }
        pck_ = &carried_[0];
        return {};
    }

    bool signs_qe_report(const Certificate& pck) const {
        const ByteView signature(quote().qe_report_signature);
        return pck.public_key().kind() == KeyKind::p256 &&
               pck.public_key().verify_ecdsa(HashAlg::sha256, quote().qe_report_bytes,
                                             signature.first(32), signature.subspan(32));
    }

    void check_pck() {
        auto pck = dcap::parse_pck(*pck_);
        if (!pck) {
            out_.fail("dcap.pck.format", "the extension of Intel's profile", pck.error().text());
            return;
        }
        out_.pass("dcap.pck.format", "FMSPC " + hex(pck->fmspc));
        evidence_.pck = *std::move(pck);
        pck_known_ = true;
    }

    /// The CA that issued the PCK: one that is proven already, or the one in the quote.
    std::optional<DcapAuthority> find_ca(std::string& fault) {
        if (carried_ca_ != nullptr && is_pck_ca(carried_ca_->certificate)) {
            ca_proven_ = true;
            return *carried_ca_;
        }
        for (const DcapAuthority& authority : collateral_.authorities) {
            if (carried_.empty() && equal(authority.certificate.subject(), pck_->issuer()) &&
                is_pck_ca(authority.certificate) &&
                counts(authority.source, authority.certificate)) {
                ca_proven_ = true;
                return authority;
            }
        }
        if (carried_.size() < 3) {
            fault = "no CA " + name_text(pck_->issuer()) + " under a trusted root was given";
            return std::nullopt;
        }
        const auto root = trust_root(carried_[2], collateral_.user_roots, [&] {
            return check_issued(carried_[2], carried_[2], 1, proven_).has_value();
        });
        if (!root) {
            fault = name_text(carried_[2].subject()) + ", " +
                    hex(carried_[2].public_key().spki_sha256());
            return std::nullopt;
        }
        return DcapAuthority{carried_[1], *root, {}};
    }

    void check_chain() {
        std::string fault;
        ca_ = find_ca(fault);
        out_.check("dcap.chain.root", ca_.has_value(),
                   "SHA-256 of the public key as Intel published it, or a root from --trust-root",
                   ca_ ? name_text(ca_->root.certificate.subject()) : fault);
        const Certificate* ca = ca_                   ? &ca_->certificate
                                : carried_.size() < 3 ? nullptr
                                                      : &carried_[1];
        if (ca == nullptr) {
            return;
        }
        Status status = is_pck_ca(*ca) && !pck_->is_ca()
                            ? check_issued(*pck_, *ca, 0, proven_)
                            : fail(Code::untrusted, "chain", "not a PCK below its CA");
        if (status && !ca_proven_) {
            status = check_issued(*ca, ca_ ? ca_->root.certificate : carried_[2], 1, proven_);
        }
        out_.check("dcap.chain.signatures", status.has_value(), "PCK, its CA, root",
                   status ? "each signed by the next" : status.error().text());
        if (!ca_) {
            return;
        }
        evidence_.user_root = ca_->root.user;
        check_dates("dcap.chain.dates", {pck_, &ca_->certificate, &ca_->root.certificate});
    }

    void check_dates(std::string_view rule, std::initializer_list<const Certificate*> chain) {
        for (const Certificate* certificate : chain) {
            const std::string_view name = certificate->common_name();
            if (auto status = verify_dates(*certificate, now_, name); !status) {
                out_.fail(rule, valid_now_, status.error().text());
                return;
            }
        }
        out_.pass(rule, valid_now_);
    }

    bool in_date(UnixTime from, UnixTime to) const { return from <= now_ && now_ <= to; }

    bool in_date(const Certificate& certificate) const {
        return in_date(certificate.not_before(), certificate.not_after());
    }

    /// What a certificate carries counts as absent when it is out of date.
    bool counts(const EndorsementSource& source, const Certificate& certificate) const {
        return !source.carried || in_date(certificate);
    }

    /// The newest valid list of this issuer. What was given and is not valid yet is a fault, what
    /// has expired is one if there is no valid one; what a certificate carries is absent then.
    const Crl* find_crl(const Certificate& issuer, std::string_view what,
                        std::vector<DcapEvidence::Dated>* all = nullptr) {
        const Crl* newest = nullptr;
        std::string fault;
        bool beside_good_ones = false;  // a fault also if there is a good list
        for (const DcapCrl& candidate : collateral_.crls) {
            const Crl& crl = candidate.crl;
            if (!equal(crl.issuer(), issuer.subject())) {
                continue;
            }
            const bool proven = candidate.signer_spki_sha256 == issuer.public_key().spki_sha256();
            if (!proven && !crl.verify_issued_by(issuer)) {
                fault = std::string(what) + " is not signed by its issuer";
                beside_good_ones |= all_zero(candidate.signer_spki_sha256);
            } else if (in_date(crl.this_update(), crl.next_update())) {
                const bool newer = newest == nullptr || crl.this_update() > newest->this_update();
                newest = newer ? &crl : newest;
                if (all != nullptr) {
                    all->push_back({sha256(crl.der()), crl.this_update()});
                }
            } else if (!candidate.source.carried) {
                fault = std::string(what) + " is valid from " + format_rfc3339(crl.this_update()) +
                        " to " + format_rfc3339(crl.next_update());
                beside_good_ones |= now_ < crl.this_update();
            }
        }
        if (!fault.empty() && (beside_good_ones || newest == nullptr)) {
            out_.fail("dcap.crl", "signed by its issuer, " + valid_now_, fault);
        } else if (newest != nullptr) {
            out_.pass("dcap.crl",
                      std::string(what) + " of " + format_rfc3339(newest->this_update()));
        } else {
            out_.fail("dcap.collateral.present", std::string(what), "none given");
        }
        return newest;
    }

    /// Lists of the other PCK CA were given, and none of this one.
    bool only_lists_of_others() const {
        bool others = false;
        for (const DcapCrl& list : collateral_.crls) {
            if (equal(list.crl.issuer(), ca_->certificate.subject())) {
                return false;
            }
            const std::string_view name = common_name(list.crl.issuer());
            others |=
                !list.source.carried && std::ranges::find(kPckCaNames, name) != kPckCaNames.end();
        }
        return others;
    }

    void check_revocation() {
        if (!ca_) {
            return;
        }
        root_crl_ = find_crl(ca_->root.certificate, "the revocation list of the root");
        const Crl* pck_crl = nullptr;
        if (only_lists_of_others()) {
            out_.fail("endorsements.fitting",
                      "a revocation list of " + name_text(ca_->certificate.subject()),
                      "only one of another CA");
        } else {
            pck_crl = find_crl(ca_->certificate, "the revocation list of the PCK CA",
                               &evidence_.pck_crls);
        }
        if (root_crl_ != nullptr) {
            check_listed(*root_crl_, ca_->certificate);
        }
        if (pck_crl != nullptr) {
            check_listed(*pck_crl, *pck_);
        }
    }

    void check_listed(const Crl& crl, const Certificate& certificate) {
        const std::string_view name = certificate.common_name();
        const bool listed = crl.lists(certificate.serial());
        out_.check("dcap.revoked", !listed, "not on the list of its issuer",
                   quoted(name) + (listed ? " is revoked" : " is not on it"));
    }

    /// The attestation key: the quoting enclave vouches for it, and the platform for that enclave.
    void check_quoting_enclave() {
        if (pck_ != nullptr) {
            const bool good = signs_qe_report(*pck_);
            out_.check("dcap.qe.signature", good, "ECDSA P-256 by the PCK",
                       good ? "verified" : "does not verify under the PCK");
        }
        const Sha256Digest bound = sha256({quote().attestation_key, quote().qe_auth_data});
        const ByteView report_data(quote().qe_report.report_data);
        out_.check("dcap.qe.binding",
                   equal(report_data.first(32), bound) && all_zero(report_data.subspan(32)),
                   hex(bound) + " and zeros", hex(report_data));
        const ByteView point(quote().attestation_key);
        const ByteView signature(quote().signature);
        const auto key = PublicKey::from_point(KeyKind::p256, point.first(32), point.subspan(32));
        const Status status = key ? key->verify_ecdsa(HashAlg::sha256, quote().signed_bytes,
                                                      signature.first(32), signature.subspan(32))
                                  : std::unexpected(key.error());
        out_.check("dcap.signature", status.has_value(), "ECDSA P-256 by the attestation key",
                   status ? "verified" : status.error().text());
    }

    /// Of this kind of TEE or platform there is nothing with a signer. Whatever was given of
    /// another one is wrong; what only lacks its signer is not.
    template <typename T, typename Fits>
    void report_missing(const std::vector<DcapDocument<T>>& documents, std::string_view what,
                        const Fits& fits) {
        bool unproven = false;
        bool of_other_root = false;
        bool foreign = false;
        for (const DcapDocument<T>& document : documents) {
            const bool fitting = fits(*document.content);
            unproven |= fitting && document.unproven;
            of_other_root |= fitting && !document.unproven && !document.source.carried;
            foreign |= !fitting && !document.source.carried;
        }
        if (unproven) {
            out_.fail("dcap.collateral.present", std::string(what),
                      "its signer's certificate or the root's is not at hand");
        } else if (of_other_root) {
            out_.fail("dcap.chain.root",
                      "a TCB signer issued by Intel's root, or by one from --trust-root",
                      "another issuer");
        } else if (foreign) {
            out_.fail("endorsements.fitting", std::string(what),
                      "only of another kind of TEE (TDX, SGX)");
        } else {
            out_.fail("dcap.collateral.present", std::string(what), "none that holds was given");
        }
    }

    /// The newest one that is valid now; else the newest, to say what is wrong with it. What a
    /// certificate carries is absent when it is out of date: null then.
    template <typename T>
    const DcapDocument<T>* newest(const std::vector<const DcapDocument<T>*>& candidates) const {
        const auto valid = [&](const DcapDocument<T>* document) {
            return in_date(document->content->issue_date, document->content->next_update) &&
                   in_date(document->signer->certificate);
        };
        const DcapDocument<T>* out = nullptr;
        for (const DcapDocument<T>* document : candidates) {
            if (!valid(document) && document->source.carried) {
                continue;
            }
            const auto rank = [&](const DcapDocument<T>* of) {
                return std::pair(valid(of), of->content->issue_date);
            };
            out = out == nullptr || rank(document) > rank(out) ? document : out;
        }
        return out;
    }

    /// One that was given before its time is a fault also beside a good one.
    template <typename T>
    void check_not_early(std::string_view rule,
                         const std::vector<const DcapDocument<T>*>& candidates) {
        for (const DcapDocument<T>* document : candidates) {
            if (!document->source.carried && now_ < document->content->issue_date) {
                out_.fail(rule, valid_now_,
                          "from " + format_rfc3339(document->content->issue_date) +
                              ", beside an older one");
                return;
            }
        }
    }

    template <typename T>
    void check_document_dates(std::string_view rule, const DcapDocument<T>& document) {
        const T& content = *document.content;
        out_.check(
            rule, in_date(content.issue_date, content.next_update), valid_now_,
            format_rfc3339(content.issue_date) + " to " + format_rfc3339(content.next_update));
        check_dates(rule, {&document.signer->certificate, &document.signer->root.certificate});
        if (root_crl_ != nullptr) {
            check_signer_listed(*document.signer);
        }
    }

    /// A signer under another root than the PCK's has no list here that could name it.
    void check_signer_listed(const DcapAuthority& signer) {
        const bool same_root = equal(signer.root.certificate.public_key().spki_sha256(),
                                     ca_->root.certificate.public_key().spki_sha256());
        out_.check("dcap.chain.root", same_root, "one root for quote and collateral",
                   same_root ? "the same" : "two roots");
        check_listed(*root_crl_, signer.certificate);
    }

    void check_collateral() {
        const auto* tcb_info = choose_tcb_info();
        const auto* identity = choose_qe_identity();
        if (tcb_info == nullptr || identity == nullptr || !pck_known_) {
            return;
        }
        check_qe_identity(*identity->content);
        if (quote().td) {
            check_module(*tcb_info->content);
        }
        auto verdict = evaluate_tcb(quote(), evidence_.pck, *tcb_info->content, *identity->content);
        if (verdict && verdict->status == dcap::TcbStatus::revoked) {
            verdict = fail(Code::untrusted, "TCB level", "Revoked");
        }
        out_.check(
            "dcap.tcb.level", verdict.has_value(), "a TCB level that is not revoked",
            verdict ? std::string(dcap::status_name(verdict->status)) : verdict.error().text());
        if (verdict) {
            evidence_.tcb = *std::move(verdict);
        }
        evidence_.evaluation_number =
            std::min(tcb_info->content->evaluation_number, identity->content->evaluation_number);
    }

    /// Those of this TEE with a signer.
    template <typename T>
    std::vector<const DcapDocument<T>*> signed_ones(
        const std::vector<DcapDocument<T>>& documents) const {
        std::vector<const DcapDocument<T>*> out;
        for (const DcapDocument<T>& document : documents) {
            if (document.content->tee == collateral_.tee && document.signer) {
                out.push_back(&document);
            }
        }
        return out;
    }

    bool of_platform(const dcap::TcbInfo& info) const {
        return info.tee == collateral_.tee && info.fmspc == evidence_.pck.fmspc &&
               info.pce_id == evidence_.pck.pce_id;
    }

    const DcapDocument<dcap::TcbInfo>* choose_tcb_info() {
        constexpr std::string_view kWhat = "the TCB info of this platform";
        const auto of_tee = [&](const dcap::TcbInfo& info) { return info.tee == collateral_.tee; };
        auto fitting = signed_ones(collateral_.tcb_infos);
        if (fitting.empty()) {
            report_missing(collateral_.tcb_infos, kWhat, of_tee);
            return nullptr;
        }
        if (!pck_known_) {
            return nullptr;
        }
        const DcapDocument<dcap::TcbInfo>* given = nullptr;
        for (const auto* document : fitting) {
            given = document->source.carried ? given : document;
        }
        std::erase_if(fitting, [&](const auto* one) { return !of_platform(*one->content); });
        const bool unsigned_one =
            std::ranges::any_of(collateral_.tcb_infos, [&](const auto& document) {
                return !document.signer && of_platform(*document.content);
            });
        const auto* chosen = newest(fitting);
        if (fitting.empty() && given != nullptr && !unsigned_one) {
            const dcap::TcbInfo& other = *given->content;
            out_.fail("dcap.tcb_info.platform",
                      "FMSPC " + hex(evidence_.pck.fmspc) + ", PCEID " + hex(evidence_.pck.pce_id),
                      "FMSPC " + hex(other.fmspc) + ", PCEID " + hex(other.pce_id));
            return nullptr;
        }
        if (chosen == nullptr) {
            out_.fail("dcap.collateral.present", std::string(kWhat),
                      "none given, and what the certificate carries is out of date or another's");
            return nullptr;
        }
        out_.pass("dcap.tcb_info.platform", "equal");
        for (const auto* document : fitting) {
            const dcap::TcbInfo& info = *document->content;
            if (in_date(info.issue_date, info.next_update)) {
                evidence_.tcb_infos.push_back({document->sha256, info.issue_date});
            }
        }
        check_document_dates("dcap.tcb_info.dates", *chosen);
        check_not_early("dcap.tcb_info.dates", fitting);
        return chosen;
    }

    const DcapDocument<dcap::QeIdentity>* choose_qe_identity() {
        constexpr std::string_view kWhat = "the identity of the quoting enclave";
        const auto fitting = signed_ones(collateral_.qe_identities);
        if (fitting.empty()) {
            report_missing(collateral_.qe_identities, kWhat, [&](const dcap::QeIdentity& identity) {
                return identity.tee == collateral_.tee;
            });
            return nullptr;
        }
        const auto* chosen = newest(fitting);
        if (chosen == nullptr) {
            out_.fail("dcap.collateral.present", std::string(kWhat),
                      "none given, and what the certificate carries is out of date");
            return nullptr;
        }
        check_document_dates("dcap.qe_identity.dates", *chosen);
        check_not_early("dcap.qe_identity.dates", fitting);
        return chosen;
    }

    void check_qe_identity(const dcap::QeIdentity& wanted) {
        const dcap::EnclaveReport& report = quote().qe_report;
        std::string wrong;
        const auto compare = [&](std::string_view name, bool same) {
            wrong += same ? "" : (wrong.empty() ? "" : ", ") + std::string(name);
        };
        compare("MRSIGNER", report.mr_signer == wanted.mr_signer);
        compare("ISVPRODID", report.isv_prod_id == wanted.isv_prod_id);
        compare("MISCSELECT", (report.misc_select & wanted.misc_select_mask) ==
                                  (wanted.misc_select & wanted.misc_select_mask));
        bool attributes = true;
        for (std::size_t i = 0; i < wanted.attributes.size(); ++i) {
            attributes &=
                ((report.attributes[i] ^ wanted.attributes[i]) & wanted.attributes_mask[i]) == 0;
        }
        compare("ATTRIBUTES", attributes);
        out_.check("dcap.qe.identity", wrong.empty(), "Intel's quoting enclave",
                   wrong.empty() ? "it is" : "differs in " + wrong);
    }

    void check_module(const dcap::TcbInfo& info) {
        const dcap::TdReport& td = *quote().td;
        const dcap::ModuleIdentity* wanted = find_module(info, td.tee_tcb_svn);
        const bool good = wanted != nullptr && td.mr_signer_seam == wanted->mr_signer &&
                          all_zero(td.seam_attributes) && all_zero(wanted->attributes);
        out_.check("tdx.module", good,
                   wanted != nullptr ? "MRSIGNERSEAM " + hex(wanted->mr_signer) +
                                           ", SEAMATTRIBUTES " + hex(wanted->attributes)
                                     : "an identity of the TDX module's version",
                   "version " + std::to_string(td.tee_tcb_svn[1]) + ", MRSIGNERSEAM " +
                       hex(td.mr_signer_seam) + ", SEAMATTRIBUTES " + hex(td.seam_attributes));
    }

    /// What was given and is not of this platform, or was replaced by something newer.
    void list_skipped() {
        for (const auto& list : {std::cref(collateral_.others), std::cref(collateral_.pcks)}) {
            for (const auto& [certificate, source] : list.get()) {
                skip(source, label_of(certificate.subject()),
                     &certificate == pck_ ||
                         equal(certificate.subject(), ca_->root.certificate.subject()),
                     in_date(certificate));
            }
        }
        for (const DcapAuthority& authority : collateral_.authorities) {
            const Certificate& certificate = authority.certificate;
            skip(authority.source, label_of(certificate.subject()),
                 is_signer(certificate) || equal(certificate.subject(), ca_->certificate.subject()),
                 in_date(certificate));
        }
        for (const DcapCrl& list : collateral_.crls) {
            const ByteView issuer = list.crl.issuer();
            skip(list.source, "revocation list of " + label_of(issuer),
                 equal(issuer, ca_->certificate.subject()) ||
                     equal(issuer, ca_->root.certificate.subject()),
                 now_ <= list.crl.next_update());
        }
        for (const auto& document : collateral_.tcb_infos) {
            const dcap::TcbInfo& info = *document.content;
            skip(document.source, "TCB info of FMSPC " + hex(info.fmspc), of_platform(info),
                 now_ <= info.next_update);
        }
        for (const auto& document : collateral_.qe_identities) {
            const dcap::QeIdentity& identity = *document.content;
            skip(document.source, "QE identity", identity.tee == collateral_.tee,
                 now_ <= identity.next_update);
        }
    }

    void skip(const EndorsementSource& source, std::string_view what, bool fits, bool dated) {
        if (!source.carried && (!fits || !dated)) {
            evidence_.skipped.push_back(skipped_text(source, what, fits));
        }
    }

    ByteView raw_;
    const DcapCollateral& collateral_;
    UnixTime now_;
    std::string valid_now_ = "valid at " + format_rfc3339(now_);
    Findings& out_;
    ProvenSignatures& proven_;
    DcapEvidence evidence_;
    /// In the quote: PCK, CA, root; the PCK alone if the others are known byte by byte.
    std::vector<Certificate> carried_;
    const DcapAuthority* carried_ca_ = nullptr;
    const Certificate* pck_ = nullptr;
    bool pck_known_ = false;
    std::optional<DcapAuthority> ca_;
    bool ca_proven_ = false;  // its signature holds, as the collateral's proof found
    const Crl* root_crl_ = nullptr;
};

}  // namespace

DcapCollateral prove_dcap_collateral(const EndorsementProof& proof, dcap::Tee tee) {
    return Prover(proof, tee).run();
}

std::optional<Verified<DcapEvidence>> verify_dcap(ByteView quote, const DcapCollateral& collateral,
                                                  UnixTime now, Findings& out,
                                                  ProvenSignatures* proven) {
    Findings findings;
    ProvenSignatures own(0);
    auto evidence =
        DcapVerifier(quote, collateral, now, findings, proven != nullptr ? *proven : own).run();
    out.append(std::move(findings));
    return evidence;
}

}  // namespace ratls::verify
