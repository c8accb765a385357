// A TPM simulator that runs beside the test.
#pragma once

#include <string>

#include "ratls/crypto/hash.h"
#include "test/support/child.h"
#include "test/support/temp_dir.h"

namespace ratls::test {

/// swtpm with a new TPM, started up. Throws if it does not answer. It serves one connection at a
/// time; the TCTI makes one for each command, so several clients can take turns.
class Swtpm {
  public:
    Swtpm();

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
