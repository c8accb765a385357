// What others say about the hardware: certificates and revocation lists, as given by the caller.
#pragma once

#include <string>
#include <vector>

#include "ratls/crypto/crl.h"

namespace ratls::verify {

/// Endorsements are data that nobody believes yet. What is of no use is left out and named.
class Endorsements {
  public:
    /// Takes a file: PEM or DER certificates, PEM or DER revocation lists, TCB info and QE identity
    /// of Intel as delivered. The content decides what it is. A file that is nothing of this is
    /// recorded as skipped, under its name. A certificate that is there already is left out.
    void add_file(const std::string& name, ByteView content);
    void add(Certificate certificate) { certificates_.push_back(std::move(certificate)); }
    /// A list that was given as one: if it is none, whoever needs it says so.
    void add_crl(Result<Crl> list) { crls_.push_back(std::move(list)); }

    const std::vector<Certificate>& certificates() const { return certificates_; }
    const std::vector<Result<Crl>>& crls() const { return crls_; }
    const std::vector<Bytes>& tcb_infos() const { return tcb_infos_; }
    const std::vector<Bytes>& qe_identities() const { return qe_identities_; }
    const std::vector<std::string>& skipped() const { return skipped_; }

  private:
    /// A certificate or a list; false if it is neither.
    bool add_der(ByteView der);

    std::vector<Certificate> certificates_;
    std::vector<Result<Crl>> crls_;
    std::vector<Bytes> tcb_infos_;
    std::vector<Bytes> qe_identities_;
    std::vector<std::string> skipped_;
};

enum class RootKind : std::uint8_t { snp, tdx, sgx, tpm, nvgpu };

/// A root that the caller named on the command line, by kind.
struct UserRoot {
    RootKind kind;
    Certificate certificate;
};

}  // namespace ratls::verify
