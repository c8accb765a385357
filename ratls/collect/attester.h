// Gathers evidence in the VM and binds it to a TLS key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/cert/binding.h"
#include "ratls/cert/native.h"
#include "ratls/platform/clock.h"
#include "ratls/platform/files.h"
#include "ratls/platform/quote_provider.h"
#include "ratls/platform/tpm.h"

namespace ratls {

/// Where the evidence of this VM is.
struct EvidenceSources {
    QuoteProvider* tee = nullptr;  ///< none: a VM without a TEE
    Tpm* tpm = nullptr;            ///< none: a VM without a TPM, so without IMA evidence
    std::string ima_log;           ///< path of the binary list; empty: no IMA evidence
    std::string boot_log;          ///< path of the TCG log; empty: none
    std::string ccel;              ///< path of the CC event log; where it is, it comes first
    std::vector<Bytes>
        ak_certificates;  ///< DER, leaf first: what the cloud provider says of the AK
    /// Documents for label 6 that the host does not hand over, by their key.
    cert::Endorsements endorsements;
};

/// What the claims say about the service, beside the evidence.
struct ClaimsRequest {
    Sha256Digest spki_sha256{};
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    std::vector<std::string> service_names;
    std::vector<Sha256Digest> other_spki;
    unsigned max_fresh = 0;
    unsigned key_origin = cert::kKeyMadeAtBoot;
    /// For fresh evidence: the verifier's nonce and the exporter of its connection.
    struct Binding {
        cert::Nonce nonce;
        cert::Exporter exporter;
    };
    std::optional<Binding> binding;
};

/// Makes collections. It builds the claims from its own reads: what is signed is never the choice
/// of a caller beyond `ClaimsRequest`. One thread at a time.
class Attester {
  public:
    static constexpr std::size_t kMaxImaLog = std::size_t{256} << 20;

    Attester(EvidenceSources sources, Files& files, const Clock& clock)
        : sources_(std::move(sources)), files_(files), clock_(clock) {}

    /// In this order: AK name, log (n), TEE report, TPM quote over sha256:0-15, log again (m is the
    /// prefix that replays to the quote). So log and quote match without retries.
    /// Source: docs/certificate.md, "Collection of evidence".
    Result<cert::Collection> collect(const ClaimsRequest& request);

    /// The raw IMA list from this entry on. Fails with `usage` beyond its end.
    Result<Bytes> ima_log_from(std::size_t first_entry);
    /// The boot event log that claim 5 hashes; `unavailable` if this VM has none.
    Result<Bytes> boot_log();

  private:
    struct BootLog {
        cert::EventLogKind kind;
        Bytes log;
    };

    Status add_tee(cert::Collection& out);
    Status add_tpm(cert::Collection& out, const Bytes& ak_public);
    Status add_ima(cert::Collection& out);
    void add_endorsements(const TeeQuote& quote, cert::Collection& out);
    Result<std::optional<BootLog>> read_boot_log();

    EvidenceSources sources_;
    Files& files_;
    const Clock& clock_;
};

}  // namespace ratls
