#include "verify/formats/dcap.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "verify/formats/pinned.h"

namespace ratls::verify {
namespace {

using dcap::Tee;

// Facts about the Intel SGX Root CA: its key, and the certificate that is served today.
constexpr Sha256Digest kIntelRootKey =
    pinned_digest("a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e");
constexpr Sha256Digest kIntelRootCertificate =
    pinned_digest("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");

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

Status check_issued(const Certificate& child, const Certificate& issuer, int cas_below,
                    ProvenSignatures& proven) {
    if (child.public_key().kind() != KeyKind::p256 || issuer.public_key().kind() != KeyKind::p256 ||
        !(child.scheme() == kIntelScheme)) {
        return fail(Code::untrusted, "chain", "ECDSA with P-256 and SHA-256 wanted");
    }
    return proven.verify_issued_by(child, issuer, cas_below);
}

/// A certificate that is known byte by byte needs no signature; of any other with a trusted key,
/// every field is only as good as its self-signature.
std::optional<DcapRoot> trust_root(const Certificate& certificate,
                                   const std::vector<Certificate>& user_roots,
                                   ProvenSignatures& proven) {
    if (certificate.common_name() != kRootName) {
        return std::nullopt;
    }
    if (sha256(certificate.der()) == kIntelRootCertificate) {
        return DcapRoot{certificate, false};
    }
    const Sha256Digest& key = certificate.public_key().spki_sha256();
    const bool pinned = equal(key, kIntelRootKey);
    bool user = false;
    for (const Certificate& root : user_roots) {
        if (!pinned && equal(root.der(), certificate.der())) {
            return DcapRoot{certificate, true};
        }
        user |= equal(key, root.public_key().spki_sha256());
    }
    if ((!pinned && !user) || !check_issued(certificate, certificate, 1, proven)) {
        return std::nullopt;
    }
    return DcapRoot{certificate, !pinned};
}

class Prover {
  public:
    Prover(const Endorsements& endorsements, const std::vector<UserRoot>& user_roots, Tee tee,
           ProvenSignatures& proven)
        : endorsements_(endorsements), proven_(proven) {
        out_.tee = tee;
        for (const UserRoot& root : user_roots) {
            if (root.kind == (tee == Tee::tdx ? RootKind::tdx : RootKind::sgx)) {
                out_.user_roots.push_back(root.certificate);
            }
        }
    }

    DcapCollateral run() {
        for (const Certificate& certificate : out_.user_roots) {
            add_root(certificate);
        }
        for (const Certificate& certificate : endorsements_.certificates()) {
            add_root(certificate);
        }
        for (const Certificate& certificate : endorsements_.certificates()) {
            add_authority(certificate);
            if (dcap::is_pck(certificate)) {
                out_.pcks.push_back(certificate);
            }
        }
        for (const Bytes& text : endorsements_.tcb_infos()) {
            prove(text, dcap::parse_tcb_info(as_text(text)), "dcap.tcb_info", out_.tcb_infos);
        }
        for (const Bytes& text : endorsements_.qe_identities()) {
            prove(text, dcap::parse_qe_identity(as_text(text)), "dcap.qe_identity",
                  out_.qe_identities);
        }
        for (const Result<Crl>& crl : endorsements_.crls()) {
            if (crl) {
                prove_crl(*crl);
            }
        }
        return std::move(out_);
    }

  private:
    void add_root(const Certificate& certificate) {
        if (auto root = trust_root(certificate, out_.user_roots, proven_)) {
            roots_.push_back(*std::move(root));
        }
    }

    void add_authority(const Certificate& certificate) {
        const bool signer = is_signer(certificate);
        if (!signer && !is_pck_ca(certificate)) {
            return;
        }
        for (const DcapRoot& root : roots_) {
            if (check_issued(certificate, root.certificate, signer ? 0 : 1, proven_)) {
                out_.authorities.push_back({certificate, root});
                return;
            }
        }
    }

    template <typename T>
    void prove(const Bytes& text, Result<T> document, std::string_view rule,
               std::vector<DcapDocument<T>>& place) {
        if (!document) {
            out_.faults.push_back({rule, document.error().text()});
            return;
        }
        if (document->tee != out_.tee) {
            return;  // of the other kind, and no fault
        }
        // Intel renews the signer's certificate under the same key: each that fits is kept.
        std::vector<const DcapAuthority*> signers;
        for (const DcapAuthority& authority : out_.authorities) {
            if (is_signer(authority.certificate) &&
                proven_.verify_ecdsa(authority.certificate.public_key(), document->signed_bytes,
                                     document->signature)) {
                signers.push_back(&authority);
            }
        }
        if (!signers.empty()) {
            const auto content = std::make_shared<const T>(*std::move(document));
            const Sha256Digest digest = sha256(text);
            for (const DcapAuthority* signer : signers) {
                place.push_back({content, digest, *signer});
            }
            return;
        }
        if (std::ranges::none_of(endorsements_.certificates(), is_signer)) {
            out_.faults.push_back(
                {"dcap.collateral.present", "no issuer chain of TCB info and QE identity"});
            return;
        }
        out_.faults.push_back({rule, "not signed by a TCB signer under a trusted root"});
    }

    void prove_crl(const Crl& crl) {
        std::vector<const Certificate*> issuers;
        for (const DcapRoot& root : roots_) {
            issuers.push_back(&root.certificate);
        }
        for (const DcapAuthority& authority : out_.authorities) {
            issuers.push_back(&authority.certificate);
        }
        DcapCrl proven{crl, {}};
        for (const Certificate* issuer : issuers) {
            if (equal(issuer->subject(), proven.crl.issuer()) &&
                proven_.verify_issued_by(proven.crl, *issuer)) {
                proven.signer_spki_sha256 = issuer->public_key().spki_sha256();
                break;
            }
        }
        out_.crls.push_back(std::move(proven));
    }

    const Endorsements& endorsements_;
    ProvenSignatures& proven_;
    std::vector<DcapRoot> roots_;
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
        for (const Certificate& candidate : collateral_.pcks) {
            if (signs_qe_report(candidate)) {
                pck_ = &candidate;
            }
        }
        out_.check("dcap.pck.present", pck_ != nullptr,
                   "the PCK certificate, which this quote does not carry, among the endorsements",
                   pck_ != nullptr ? "given" : "none fits");
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
                is_pck_ca(authority.certificate)) {
                ca_proven_ = true;
                return authority;
            }
        }
        if (carried_.size() < 3) {
            fault = "no CA " + name_text(pck_->issuer()) + " under a trusted root was given";
            return std::nullopt;
        }
        const auto root = trust_root(carried_[2], collateral_.user_roots, proven_);
        if (!root) {
            fault = name_text(carried_[2].subject()) + ", " +
                    hex(carried_[2].public_key().spki_sha256());
            return std::nullopt;
        }
        return DcapAuthority{carried_[1], *root};
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

    /// The newest valid list of this issuer; a list of the issuer's name that another key signed
    /// is a fault.
    const Crl* find_crl(const Certificate& issuer, std::string_view what,
                        std::vector<DcapEvidence::Dated>* all = nullptr) {
        const Crl* newest = nullptr;
        std::string fault;
        for (const DcapCrl& candidate : collateral_.crls) {
            const Crl& crl = candidate.crl;
            if (!equal(crl.issuer(), issuer.subject())) {
                continue;
            }
            const bool proven = candidate.signer_spki_sha256 == issuer.public_key().spki_sha256();
            if (!proven && !crl.verify_issued_by(issuer)) {
                fault = std::string(what) + " is not signed by its issuer";
            } else if (!in_date(crl.this_update(), crl.next_update())) {
                fault = std::string(what) + " is valid from " + format_rfc3339(crl.this_update()) +
                        " to " + format_rfc3339(crl.next_update());
            } else {
                const bool newer = newest == nullptr || crl.this_update() > newest->this_update();
                newest = newer ? &crl : newest;
                if (all != nullptr) {
                    all->push_back({sha256(crl.der()), crl.this_update()});
                }
            }
        }
        if (newest != nullptr) {
            out_.pass("dcap.crl",
                      std::string(what) + " of " + format_rfc3339(newest->this_update()));
        } else if (!fault.empty()) {
            out_.fail("dcap.crl", "signed by its issuer, " + valid_now_, fault);
        } else {
            out_.fail("dcap.collateral.present", std::string(what), "none given");
        }
        return newest;
    }

    void check_revocation() {
        if (!ca_) {
            return;
        }
        root_crl_ = find_crl(ca_->root.certificate, "the revocation list of the root");
        const Crl* pck_crl =
            find_crl(ca_->certificate, "the revocation list of the PCK CA", &evidence_.pck_crls);
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

    /// The fault of a kind, or that there is none of it.
    void report_missing(std::string_view rule, std::string_view what) {
        for (const DcapFault& fault : collateral_.faults) {
            if (fault.rule == rule) {
                out_.fail(rule, std::string(what) + " as Intel signed it", fault.what);
                return;
            }
        }
        std::string found = "none given";
        for (const DcapFault& fault : collateral_.faults) {
            found = fault.rule == "dcap.collateral.present" ? fault.what : found;
        }
        out_.fail("dcap.collateral.present", std::string(what), found);
    }

    /// The newest one that is valid now; else the newest, to say what is wrong with it.
    template <typename T>
    const DcapDocument<T>* newest(const std::vector<const DcapDocument<T>*>& candidates) const {
        const auto rank = [&](const DcapDocument<T>* document) {
            const T& content = *document->content;
            const Certificate& signer = document->signer.certificate;
            return std::pair(in_date(content.issue_date, content.next_update) &&
                                 in_date(signer.not_before(), signer.not_after()),
                             content.issue_date);
        };
        return *std::ranges::max_element(candidates, {}, rank);
    }

    template <typename T>
    void check_document_dates(std::string_view rule, const DcapDocument<T>& document) {
        const T& content = *document.content;
        out_.check(
            rule, in_date(content.issue_date, content.next_update), valid_now_,
            format_rfc3339(content.issue_date) + " to " + format_rfc3339(content.next_update));
        check_dates(rule, {&document.signer.certificate, &document.signer.root.certificate});
        if (root_crl_ != nullptr) {
            check_signer_listed(document.signer);
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

    const DcapDocument<dcap::TcbInfo>* choose_tcb_info() {
        if (collateral_.tcb_infos.empty()) {
            report_missing("dcap.tcb_info", "the TCB info of this platform");
            return nullptr;
        }
        out_.pass("dcap.tcb_info", "signed by Intel's TCB signer");
        if (!pck_known_) {
            return nullptr;
        }
        std::vector<const DcapDocument<dcap::TcbInfo>*> fitting;
        for (const auto& document : collateral_.tcb_infos) {
            const dcap::TcbInfo& info = *document.content;
            if (info.fmspc == evidence_.pck.fmspc && info.pce_id == evidence_.pck.pce_id) {
                fitting.push_back(&document);
                if (in_date(info.issue_date, info.next_update)) {
                    evidence_.tcb_infos.push_back({document.sha256, info.issue_date});
                }
            }
        }
        const dcap::TcbInfo& first = *collateral_.tcb_infos[0].content;
        out_.check("dcap.tcb_info.platform", !fitting.empty(),
                   "FMSPC " + hex(evidence_.pck.fmspc) + ", PCEID " + hex(evidence_.pck.pce_id),
                   fitting.empty() ? "FMSPC " + hex(first.fmspc) + ", PCEID " + hex(first.pce_id)
                                   : "equal");
        if (fitting.empty()) {
            return nullptr;
        }
        const auto* chosen = newest(fitting);
        check_document_dates("dcap.tcb_info.dates", *chosen);
        return chosen;
    }

    const DcapDocument<dcap::QeIdentity>* choose_qe_identity() {
        if (collateral_.qe_identities.empty()) {
            report_missing("dcap.qe_identity", "the identity of the quoting enclave");
            return nullptr;
        }
        out_.pass("dcap.qe_identity", "signed by Intel's TCB signer");
        std::vector<const DcapDocument<dcap::QeIdentity>*> all;
        for (const auto& document : collateral_.qe_identities) {
            all.push_back(&document);
        }
        const auto* chosen = newest(all);
        check_document_dates("dcap.qe_identity.dates", *chosen);
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

DcapCollateral prove_dcap_collateral(const Endorsements& endorsements,
                                     const std::vector<UserRoot>& user_roots, dcap::Tee tee,
                                     ProvenSignatures* proven) {
    ProvenSignatures own(0);
    return Prover(endorsements, user_roots, tee, proven != nullptr ? *proven : own).run();
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
