// The platform of the pretended programs: a real TPM by TCTI, and a TEE that is none.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

#include "ratls/codec/hex.h"
#include "ratls/collect/vm.h"
#include "ratls/platform/tpm_esys.h"
#include "test/demo/relay_tpm.h"
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

    VmPlatform platform() {
        return {files_, tsm_, clock_,
                [](const std::string& tcti, const TpmKeys& keys) { return open(tcti, keys); }};
    }

  private:
    /// With RATLS_PRETENDED_EK_TCTI, endorsement key and NV indexes are those of that TPM.
    static Result<std::unique_ptr<Tpm>> open(const std::string& tcti, const TpmKeys& keys) {
        const char* other_tcti = std::getenv("RATLS_PRETENDED_EK_TCTI");
        if (other_tcti == nullptr || *other_tcti == '\0') {
            return open_tpm(tcti, keys);
        }
        RATLS_TRY(std::unique_ptr<Tpm> own, open_tpm(tcti, keys));
        RATLS_TRY(std::unique_ptr<Tpm> other, open_tpm(other_tcti));
        return std::make_unique<RelayTpm>(std::move(own), std::move(other));
    }

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
