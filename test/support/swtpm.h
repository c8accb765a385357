// A TPM simulator that runs beside the test.
#pragma once

#include <string>

#include "ratls/crypto/hash.h"
#include "test/support/child.h"
#include "test/support/temp_dir.h"

namespace ratls::test {

/// A maker of TPMs, by swtpm_setup, with a CA of its own in a folder of the test.
class TpmMaker {
  public:
    TpmMaker();

    std::string root_file() const { return folder_ / "swtpm-localca-rootca-cert.pem"; }
    std::string ca_file() const { return folder_ / "issuercert.pem"; }  ///< below the root
    /// A new TPM with EKs of RSA (persistent at kRsaEk) and P-384 (at kP384Ek) and their
    /// certificates. Throws if swtpm_setup fails.
    void make(const std::string& state_folder) const;

    static constexpr std::uint32_t kRsaEk = 0x81010001;
    static constexpr std::uint32_t kP384Ek = 0x81010016;

  private:
    TempDir folder_;
};

/// swtpm with a new TPM, started up. Throws if it does not answer. It serves one connection at a
/// time; the TCTI makes one for each command, so several clients can take turns.
class Swtpm {
  public:
    Swtpm();
    explicit Swtpm(const TpmMaker& maker);

    unsigned port() const { return port_; }  ///< the control port is the next
    /// For `open_tpm`.
    std::string tcti() const;
    /// TPM2_PCR_Extend of one bank, which the project itself never does. Throws if it is refused.
    void extend(unsigned pcr, HashAlg bank, ByteView digest) const;
    /// As a reset of the machine: the same TPM, PCRs as at power on, nothing loaded.
    void reboot();

  private:
    void start();

    TempDir state_;
    unsigned port_ = 0;
    Child process_;
};

}  // namespace ratls::test
