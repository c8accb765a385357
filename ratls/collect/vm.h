// The VM that a program runs in: its devices, opened by options.
#pragma once

#include <functional>
#include <memory>

#include "ratls/collect/attester.h"
#include "ratls/collect/endorsement_key.h"
#include "ratls/platform/http_client.h"
#include "ratls/platform/waiter.h"

namespace ratls {

/// What a program takes from its machine. Tests hand in pretended ones.
struct VmPlatform {
    Files& files;
    Files& tsm_files;  ///< the file system that has configfs-tsm
    const Clock& clock;
    std::function<Result<std::unique_ptr<Tpm>>(const std::string& tcti, const TpmKeys& keys)>
        open_tpm;
    HttpClient* http = nullptr;  ///< for the host's metadata service; none: it is not asked
};

/// Where the evidence is. An empty text means: this VM has none.
struct VmOptions {
    std::string tcti = "device:/dev/tpmrm0";
    std::string ak_handle;  ///< "0x81000003": a persistent AK; empty: a primary key of our own
    std::string ak_type = "ecc";  ///< "ecc" or "rsa": of the primary key
    std::string ak_certificate;   ///< PEM or DER file with the AK's chain, leaf first; may be empty
    std::string ek_handle;        ///< "0x81010001": a persistent EK; empty: made by its template
    /// PEM or DER file with the CAs above the EK's certificate, or the whole chain with that first;
    /// may be empty.
    std::string ek_certificate;
    /// Empty: no TEE, wherever it might be. Without this folder the older devices and the paravisor
    /// of Azure are looked for.
    std::string tsm = "/sys/kernel/config/tsm/report";
    std::string ima_log = "/sys/kernel/security/ima/binary_runtime_measurements";
    std::string boot_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
    std::string ccel = "/sys/firmware/acpi/tables/data/CCEL";
    /// DER or PEM files for label 6, beside what the host hands over; may be empty.
    std::string vek, ask, amd_crl;
    /// Folder with Intel's documents for label 6, as `ratls collateral fetch` writes it; may be
    /// empty.
    std::string collateral;
};

/// Open devices and the attester on them.
class Vm {
  public:
    /// Opens the TPM and reads the endorsements. The platform must outlive it.
    static Result<std::unique_ptr<Vm>> open(const VmOptions& options, const VmPlatform& platform);

    Attester& attester() { return *attester_; }

    /// The EK that `activate` uses. Looked for at the first call, since to make one can take a TPM
    /// seconds. Fails as `find_endorsement_key` does, and with `unavailable` without a TPM.
    const Result<EndorsementKey>& endorsement_key();
    /// As in Tpm.
    Result<Secret> activate(ByteView id_object, ByteView encrypted_secret);

  private:
    Vm() = default;

    LinuxWaiter waiter_;
    std::unique_ptr<Tpm> tpm_;
    std::unique_ptr<QuoteProvider> tee_;
    std::unique_ptr<Attester> attester_;
    std::vector<Bytes> ek_chain_;
    std::optional<Result<EndorsementKey>> ek_;  ///< none: not looked for
};

/// A freshly issued identity of a service.
struct IssuedIdentity {
    Bytes certificate;  ///< DER
    Sha256Digest spki_sha256{};
    UnixTime not_before = 0;
    UnixTime not_after = 0;
};

struct ServiceNames {
    std::vector<std::string> names;  ///< DNS names and addresses, as given

    std::vector<std::string> dns() const;
    std::vector<Bytes> ips() const;
};

/// Collects evidence for the key and issues the certificate: valid from 5 minutes ago for
/// `validity_s` (at most 24 hours in all). Source: docs/certificate.md, "Certificate".
Result<IssuedIdentity> issue_identity(Attester& attester, const PrivateKey& key,
                                      const ServiceNames& names, std::int64_t validity_s,
                                      unsigned max_fresh, unsigned key_origin, UnixTime now);

}  // namespace ratls
