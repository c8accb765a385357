// Verification of Intel SGX and TDX quotes.
#pragma once

#include <memory>

#include "verify/endorsements.h"
#include "verify/finding.h"
#include "verify/formats/dcap_tcb.h"
#include "verify/formats/proven.h"
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
};

/// TCB info or QE identity whose signature holds.
template <typename T>
struct DcapDocument {
    std::shared_ptr<const T> content;  ///< shared by all signers under which it holds; never null
    Sha256Digest sha256{};             ///< of the file as delivered
    DcapAuthority signer;
};

/// A revocation list with the key under which its signature holds; zeros if it was not tried.
struct DcapCrl {
    Crl crl;
    Sha256Digest signer_spki_sha256{};
};

/// A document that was given and does not hold.
struct DcapFault {
    std::string_view rule;
    std::string what;
};

/// Everything of the endorsements that rests on a trusted root, with the signatures verified: made
/// once, used for many quotes. No date has been looked at, so each use checks them all.
struct DcapCollateral {
    dcap::Tee tee = dcap::Tee::tdx;
    std::vector<Certificate> user_roots;
    std::vector<DcapAuthority> authorities;
    std::vector<DcapDocument<dcap::TcbInfo>> tcb_infos;
    std::vector<DcapDocument<dcap::QeIdentity>> qe_identities;
    std::vector<DcapCrl> crls;
    std::vector<Certificate> pcks;  ///< leaf certificates, for quotes that carry none
    std::vector<DcapFault> faults;
};

/// `tee` selects which roots of the caller count. `proven`: signatures that were verified before.
DcapCollateral prove_dcap_collateral(const Endorsements& endorsements,
                                     const std::vector<UserRoot>& user_roots, dcap::Tee tee,
                                     ProvenSignatures* proven = nullptr);

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
};

/// Form, chain to a pinned root, collateral and its dates, revocation, the quoting enclave, the
/// TDX module, the quote's signature over the raw bytes, and a TCB level. Gives the evidence only
/// if all of it holds; what the TCB level is worth is the appraisal's business. Source: Intel DCAP
/// Quote Verification Library, 4.1.2; Intel PCS API version 4.
std::optional<Verified<DcapEvidence>> verify_dcap(ByteView quote, const DcapCollateral& collateral,
                                                  UnixTime now, Findings& out,
                                                  ProvenSignatures* proven = nullptr);

}  // namespace ratls::verify
