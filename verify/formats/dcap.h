// Verification of Intel SGX and TDX quotes.
#pragma once

#include <memory>

#include "verify/formats/dcap_tcb.h"
#include "verify/formats/endorsement_proof.h"
#include "verify/verified.h"

namespace ratls::verify {

/// A root that is trusted: Intel's, or one that the caller named.
struct DcapRoot {
    Certificate certificate;
    bool user = false;
};

/// A CA or signer that a trusted root has issued.
struct DcapAuthority {
    Certificate certificate;
    DcapRoot root;
    EndorsementSource source;
};

/// TCB info or QE identity that is not damaged.
template <typename T>
struct DcapDocument {
    std::shared_ptr<const T> content;  ///< shared by all signers under which it holds; never null
    Sha256Digest sha256{};             ///< of the file as delivered
    EndorsementSource source;
    /// None: its signer is none that a trusted root has issued, or (`unproven`) is not at hand.
    std::optional<DcapAuthority> signer;
    bool unproven = false;
};

/// A revocation list with the key under which its signature holds; zeros if no certificate of its
/// issuer was at hand.
struct DcapCrl {
    Crl crl;
    EndorsementSource source;
    Sha256Digest signer_spki_sha256{};
};

/// Everything of the endorsements that is not damaged, for one kind of quote: made once, used for
/// many. No date has been looked at, so each use checks them all.
struct DcapCollateral {
    dcap::Tee tee = dcap::Tee::tdx;
    std::vector<Certificate> user_roots;
    std::vector<DcapAuthority> authorities;
    std::vector<DcapDocument<dcap::TcbInfo>> tcb_infos;  ///< of both kinds of TEE
    std::vector<DcapDocument<dcap::QeIdentity>> qe_identities;
    std::vector<DcapCrl> crls;
    /// Leaf certificates, for quotes that carry none, and all others that were given.
    std::vector<Endorsement<Certificate>> pcks, others;
};

/// `tee` selects which roots of the caller count.
DcapCollateral prove_dcap_collateral(const EndorsementProof& proof, dcap::Tee tee);

/// A quote with what its verification found out.
struct DcapEvidence {
    dcap::Quote quote;
    dcap::Pck pck;
    TcbVerdict tcb;
    bool user_root = false;
    std::uint64_t evaluation_number = 0;  ///< the lower one of TCB info and QE identity
    /// Every PCK CRL and TCB info of this platform that holds and is in date, each good for a
    /// beacon.
    struct Dated {
        Sha256Digest sha256{};
        UnixTime date = 0;
    };
    std::vector<Dated> pck_crls, tcb_infos;
    /// Documents that were given and are not of this platform, for people.
    std::vector<std::string> skipped;
};

/// Form, chain to a pinned root, collateral and its dates, revocation, the quoting enclave, the
/// TDX module, the quote's signature over the raw bytes, and a TCB level. Gives the evidence only
/// if all of it holds; what the TCB level is worth is the appraisal's business. Source: Intel DCAP
/// Quote Verification Library, 4.1.2; Intel PCS API version 4.
std::optional<Verified<DcapEvidence>> verify_dcap(ByteView quote, const DcapCollateral& collateral,
                                                  UnixTime now, Findings& out,
                                                  ProvenSignatures* proven = nullptr);

}  // namespace ratls::verify
