// What each endorsement is worth on its own: signed up to a root that counts, or not.
#pragma once

#include <map>

#include "verify/endorsements.h"
#include "verify/finding.h"
#include "verify/formats/proven.h"

namespace ratls::verify {

/// Ordered from best to worst.
enum class Standing : std::uint8_t {
    sound,     ///< its signature holds up to a vendor's pinned root or to one of the caller's
    unproven,  ///< an issuer's certificate is not at hand: nobody can say
    damaged,   ///< it is not what its issuer signed, or nobody who counts issued it
};

/// All endorsements with their standing: each signature is tried once, at construction. No date has
/// been looked at, and no kind of root: whether a sound document is of use is for whoever needs
/// it. Refers to the endorsements and roots that it was made of.
class EndorsementProof {
  public:
    /// A certificate with those of the same proof that issued it or may have.
    struct Node {
        const Certificate* certificate;
        const EndorsementSource* source;  ///< null for a root of the caller's
        std::string subject, issuer;      ///< as `name_key`
        Standing standing = Standing::damaged;
        std::string fault = {};  ///< if it is damaged

        bool carried() const { return source != nullptr && source->carried; }
    };
    /// A list or a document, with the certificates under which its signature holds.
    template <typename T>
    struct Signed {
        const Endorsement<T>* given;
        std::vector<const Node*> signers;
        Standing standing = Standing::damaged;
        std::string fault = {};
    };
    using TcbInfo = Signed<endorsement::Collateral<dcap::TcbInfo>>;
    using QeIdentity = Signed<endorsement::Collateral<dcap::QeIdentity>>;

    /// `proven`: signatures that were verified before, or null.
    EndorsementProof(const Endorsements& endorsements, const std::vector<UserRoot>& user_roots,
                     ProvenSignatures* proven);
    EndorsementProof(const EndorsementProof&) = delete;
    EndorsementProof& operator=(const EndorsementProof&) = delete;

    /// Certificates that were given or carried, and the caller's roots.
    const std::vector<Node>& certificates() const { return nodes_; }
    const std::vector<Signed<Crl>>& crls() const { return crls_; }
    const std::vector<TcbInfo>& tcb_infos() const { return tcb_infos_; }
    const std::vector<QeIdentity>& qe_identities() const { return qe_identities_; }
    const std::vector<UserRoot>& user_roots() const { return user_roots_; }
    const Endorsements& endorsements() const { return endorsements_; }

    /// `verify_issued_by` for two of `certificates()`: nothing is computed twice.
    const Status& issued(const Node& child, const Node& issuer) const;

    /// The rules endorsements.form and endorsements.signatures, if there is anything.
    void report(Findings& out) const;

  private:
    enum class Progress : std::uint8_t { untouched, busy, done };

    Standing judge(std::size_t index);
    template <typename Issued>
    Standing judge_by_issuers(const std::string& issuer_key, std::string& fault, Issued issued);
    void judge_crl(const Endorsement<Crl>& crl);
    template <typename T>
    void judge_document(const Endorsement<endorsement::Collateral<T>>& document,
                        std::vector<Signed<endorsement::Collateral<T>>>& place);
    bool is_root_of_caller(const Certificate& certificate, bool by_key) const;

    const Endorsements& endorsements_;
    const std::vector<UserRoot>& user_roots_;
    ProvenSignatures* proven_;
    ProvenSignatures nothing_proven_{0};
    std::vector<Node> nodes_;
    std::vector<Progress> progress_;
    std::multimap<std::string, std::size_t> by_subject_;
    mutable std::map<std::pair<const Node*, const Node*>, Status> tried_;
    std::vector<Signed<Crl>> crls_;
    std::vector<TcbInfo> tcb_infos_;
    std::vector<QeIdentity> qe_identities_;
};

/// A DER Name for people: its commonName, or all of it if there is not one.
std::string label_of(ByteView name);

/// A document for people: its file and what it is.
std::string describe(const EndorsementSource& source, std::string_view what);

/// The same, with why it was not used: it is not of this platform, or it fits and has expired
/// beside a newer one.
std::string skipped_text(const EndorsementSource& source, std::string_view what, bool fits);

}  // namespace ratls::verify
