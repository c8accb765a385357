// What others say about the hardware: certificates, revocation lists and collateral, as given by
// the caller or carried by the certificate.
#pragma once

#include <string>
#include <vector>

#include "ratls/cert/collection.h"
#include "ratls/evidence/endorsement/document.h"

namespace ratls::verify {

/// Where a document comes from.
struct EndorsementSource {
    std::string name;      ///< of a file, or of a key of label 6
    bool carried = false;  ///< in label 6: its sender chose it, not the caller
};

template <typename T>
struct Endorsement {
    T document;
    EndorsementSource source;
};

/// Something that was given and does not read.
struct EndorsementFault {
    EndorsementSource source;
    std::string what;
};

/// Endorsements are data that nobody believes yet. Each document is kept once.
class Endorsements {
  public:
    /// The certificates of key 14 of label 6: the issuers of three documents and their root.
    static constexpr std::size_t kMaxCarriedIssuers = 8;

    /// A file that the caller names: it must read, or it is a fault. Forms that tools write are
    /// taken too (`endorsement::unwrap`).
    void add_file(const std::string& name, ByteView content);
    /// A file that was found in a folder. It must read if its name ends in .der, .crt, .cer, .crl
    /// or .pem, if it is called tcb_info.json or qe_identity.json, or if it begins as DER or PEM;
    /// else it is skipped if it does not.
    void add_found(const std::string& name, ByteView content);
    /// The same, of a file that is too long to be an endorsement and has not been read whole.
    void add_too_large(const std::string& name, ByteView beginning, std::size_t max_bytes);
    /// Label 6: one document of its kind under each key, and certificates alone under key 14.
    void add_carried(const cert::Endorsements& carried);

    using Certificates = std::vector<Endorsement<Certificate>>;
    using Crls = std::vector<Endorsement<Crl>>;
    using TcbInfos = std::vector<Endorsement<endorsement::Collateral<dcap::TcbInfo>>>;
    using QeIdentities = std::vector<Endorsement<endorsement::Collateral<dcap::QeIdentity>>>;

    const Certificates& certificates() const { return certificates_; }
    const Crls& crls() const { return crls_; }
    const TcbInfos& tcb_infos() const { return tcb_infos_; }
    const QeIdentities& qe_identities() const { return qe_identities_; }
    const std::vector<EndorsementFault>& faults() const { return faults_; }
    /// Names of the files that are no endorsements.
    const std::vector<std::string>& skipped() const { return skipped_; }

  private:
    void add(endorsement::Document document, const EndorsementSource& source);
    void add_key(const cert::Endorsements& carried, std::uint64_t key);

    Certificates certificates_;
    Crls crls_;
    TcbInfos tcb_infos_;
    QeIdentities qe_identities_;
    std::vector<EndorsementFault> faults_;
    std::vector<std::string> skipped_;
};

enum class RootKind : std::uint8_t { snp, tdx, sgx, tpm, nvgpu };

/// A root that the caller named on the command line, by kind.
struct UserRoot {
    RootKind kind;
    Certificate certificate;
};

}  // namespace ratls::verify
