#include "verify/formats/endorsement_proof.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "verify/formats/vendor_roots.h"

namespace ratls::verify {
namespace {

constexpr std::size_t kMaxShown = 5;
constexpr std::string_view kTcbSigner = "Intel SGX TCB Signing";

/// The first few, and how many more there are.
std::string list_text(const std::vector<std::string>& items) {
    std::string out;
    for (std::size_t i = 0; i < items.size() && i < kMaxShown; ++i) {
        out += (i > 0 ? "; " : "") + items[i];
    }
    if (items.size() > kMaxShown) {
        out += "; and " + std::to_string(items.size() - kMaxShown) + " more";
    }
    return out;
}

}  // namespace

std::string label_of(ByteView name) {
    const std::string_view common = common_name(name);
    return common.empty() ? name_text(name) : quoted(common);
}

std::string describe(const EndorsementSource& source, std::string_view what) {
    return quoted(source.name, 300) + ": " + std::string(what);
}

std::string skipped_text(const EndorsementSource& source, std::string_view what, bool fits) {
    return describe(source, what) +
           (fits ? ": expired, and a newer one is there" : ": not of this platform");
}

EndorsementProof::EndorsementProof(const Endorsements& endorsements,
                                   const std::vector<UserRoot>& user_roots,
                                   ProvenSignatures* proven)
    : endorsements_(endorsements),
      user_roots_(user_roots),
      proven_(proven != nullptr ? proven : &nothing_proven_) {
    const auto add = [&](const Certificate& certificate, const EndorsementSource* source) {
        nodes_.push_back({&certificate, source, name_key(certificate.subject()),
                          name_key(certificate.issuer())});
    };
    for (const auto& given : endorsements.certificates()) {
        add(given.document, &given.source);
    }
    for (const UserRoot& root : user_roots) {
        const bool known = std::ranges::any_of(nodes_, [&](const Node& node) {
            return equal(node.certificate->der(), root.certificate.der());
        });
        if (!known) {
            add(root.certificate, nullptr);
        }
    }
    progress_.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        by_subject_.emplace(nodes_[i].subject, i);
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        judge(i);
    }
    for (const auto& crl : endorsements.crls()) {
        judge_crl(crl);
    }
    for (const auto& info : endorsements.tcb_infos()) {
        judge_document(info, tcb_infos_);
    }
    for (const auto& identity : endorsements.qe_identities()) {
        judge_document(identity, qe_identities_);
    }
}

bool EndorsementProof::is_root_of_caller(const Certificate& certificate, bool by_key) const {
    return std::ranges::any_of(user_roots_, [&](const UserRoot& root) {
        return by_key ? equal(root.certificate.public_key().spki_sha256(),
                              certificate.public_key().spki_sha256())
                      : equal(root.certificate.der(), certificate.der());
    });
}

const Status& EndorsementProof::issued(const Node& child, const Node& issuer) const {
    const auto [place, is_new] = tried_.try_emplace({&child, &issuer});
    if (is_new) {
        // No chain of the vendors has more than one CA below its root.
        place->second = proven_->verify_issued_by(*child.certificate, *issuer.certificate,
                                                  child.certificate->is_ca() ? 1 : 0);
    }
    return place->second;
}

/// By the candidates of the issuer's name: the best of those that issued it.
template <typename Issued>
Standing EndorsementProof::judge_by_issuers(const std::string& issuer_key, std::string& fault,
                                            Issued issued_by) {
    bool any = false;
    std::optional<Standing> best;
    const auto [begin, end] = by_subject_.equal_range(issuer_key);
    for (auto at = begin; at != end; ++at) {
        if (progress_[at->second] == Progress::busy) {
            continue;
        }
        any = true;
        const Status status = issued_by(nodes_[at->second]);
        if (!status) {
            fault = status.error().text();
            continue;
        }
        // What hangs on a damaged certificate is not reported again.
        const Standing above = std::min(judge(at->second), Standing::unproven);
        best = std::min(best.value_or(above), above);
    }
    if (best) {
        fault.clear();
        return *best;
    }
    if (!any && is_vendor_issuer(issuer_key)) {
        return Standing::unproven;
    }
    if (fault.empty()) {
        fault =
            "its issuer is neither a vendor whose root is built in, nor below a root of "
            "--trust-root";
    }
    return Standing::damaged;
}

Standing EndorsementProof::judge(std::size_t index) {
    Node& node = nodes_[index];
    if (progress_[index] == Progress::done) {
        return node.standing;
    }
    progress_[index] = Progress::busy;
    const Certificate& certificate = *node.certificate;
    const bool self_issued = node.subject == node.issuer;
    const bool known_key =
        self_issued && (has_vendor_root_key(certificate) || is_root_of_caller(certificate, true));
    if (is_vendor_root(certificate) || is_root_of_caller(certificate, false)) {
        node.standing = Standing::sound;
    } else if (known_key) {
        const Status& status = issued(node, node);
        node.standing = status ? Standing::sound : Standing::damaged;
        node.fault = status ? "" : status.error().text();
    } else {
        node.standing = judge_by_issuers(node.issuer, node.fault,
                                         [&](const Node& issuer) { return issued(node, issuer); });
        if (self_issued && node.standing == Standing::unproven) {
            // A vendor's name over a key that is not the vendor's.
            node.standing = Standing::damaged;
            node.fault = "its key is that of no vendor's root, nor of one from --trust-root";
        }
    }
    progress_[index] = Progress::done;
    return node.standing;
}

void EndorsementProof::judge_crl(const Endorsement<Crl>& crl) {
    Signed<Crl> out{&crl, {}};
    out.standing = judge_by_issuers(
        name_key(crl.document.issuer()), out.fault, [&](const Node& issuer) -> Status {
            RATLS_CHECK(proven_->verify_issued_by(crl.document, *issuer.certificate));
            out.signers.push_back(&issuer);
            return {};
        });
    crls_.push_back(std::move(out));
}

/// Intel renews the signer's certificate under the same key: each that fits is kept.
template <typename T>
void EndorsementProof::judge_document(const Endorsement<endorsement::Collateral<T>>& document,
                                      std::vector<Signed<endorsement::Collateral<T>>>& place) {
    Signed<endorsement::Collateral<T>> out{&document, {}};
    const T& content = *document.document.content;
    bool any = false;
    Standing best = Standing::unproven;
    for (const Node& node : nodes_) {
        if (node.certificate->common_name() != kTcbSigner || node.standing == Standing::damaged) {
            continue;
        }
        any = true;
        if (node.certificate->public_key().kind() == KeyKind::p256 &&
            proven_->verify_ecdsa(node.certificate->public_key(), content.signed_bytes,
                                  content.signature)) {
            out.signers.push_back(&node);
            best = std::min(best, node.standing);
        }
    }
    const bool damaged = any && out.signers.empty();
    out.standing = damaged ? Standing::damaged : best;
    out.fault = damaged ? "not signed by Intel's TCB signer" : "";
    place.push_back(std::move(out));
}

void EndorsementProof::report(Findings& out) const {
    const std::vector<EndorsementFault>& faults = endorsements_.faults();
    const std::size_t documents = endorsements_.certificates().size() + crls_.size() +
                                  tcb_infos_.size() + qe_identities_.size();
    if (documents == 0 && faults.empty()) {
        return;
    }
    std::vector<std::string> unreadable;
    for (const EndorsementFault& fault : faults) {
        unreadable.push_back(describe(fault.source, fault.what));
    }
    out.check(
        "endorsements.form", unreadable.empty(),
        "certificates, revocation lists, TCB info and QE identity that read",
        unreadable.empty() ? std::to_string(documents) + " documents" : list_text(unreadable));
    std::vector<std::string> damaged;
    for (const Node& node : nodes_) {
        if (node.standing == Standing::damaged) {
            damaged.push_back(
                describe(*node.source, label_of(node.certificate->subject()) + ": " + node.fault));
        }
    }
    const auto collect = [&](const auto& list, std::string_view what) {
        for (const auto& document : list) {
            if (document.standing == Standing::damaged) {
                damaged.push_back(
                    describe(document.given->source, std::string(what) + ": " + document.fault));
            }
        }
    };
    collect(crls_, "revocation list");
    collect(tcb_infos_, "TCB info");
    collect(qe_identities_, "QE identity");
    out.check("endorsements.signatures", damaged.empty(),
              "each document signed up to a vendor's root or one from --trust-root",
              damaged.empty() ? "signed" : list_text(damaged));
}

}  // namespace ratls::verify
