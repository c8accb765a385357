// The platform of the pretended programs: a real TPM by TCTI, and a TEE that is none.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

#include "ratls/codec/hex.h"
#include "ratls/collect/vm.h"
#include "ratls/platform/tpm_esys.h"
#include "test/fake/fake_tsm_files.h"

namespace ratls::test {

/// The program's own code runs unchanged; only its configfs-tsm is ours. RATLS_PRETENDED_TEE names
/// the folder of the key hierarchy, RATLS_PRETENDED_MEASUREMENT the launch measurement (96 hex
/// digits).
class PretendedPlatform {
  public:
    PretendedPlatform() : tee_(variable("RATLS_PRETENDED_TEE")), tsm_(tee_) {
        const auto measurement = parse_hex(variable("RATLS_PRETENDED_MEASUREMENT"), 48);
        if (!measurement) {
            throw std::runtime_error("RATLS_PRETENDED_MEASUREMENT: " + measurement.error().text());
        }
        std::ranges::copy(*measurement, tee_.fields.measurement.begin());
        std::cerr << "note: the TEE of this program is pretended; its root is a test root\n";
    }

    VmPlatform platform() { return {files_, tsm_, clock_, open_tpm}; }

  private:
    static std::string variable(const char* name) {
        const char* value = std::getenv(name);
        if (value == nullptr) {
            throw std::runtime_error(std::string(name) + " is not set");
        }
        return value;
    }

    LinuxFiles files_;
    LinuxClock clock_;
    PretendedTee tee_;
    FakeTsmFiles tsm_;
};

}  // namespace ratls::test
