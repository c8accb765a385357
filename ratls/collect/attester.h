// Gathers evidence in the VM and binds it to a TLS key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/base/byte_stream.h"
#include "ratls/cert/binding.h"
#include "ratls/cert/native.h"
#include "ratls/collect/ima_log.h"
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
/// of a caller beyond `ClaimsRequest`. `collect` is for one thread at a time, the logs are for any,
/// and do not wait for TPM or TEE.
class Attester {
  public:
    /// `files` and `clock` outlive it, and what is in `sources`.
    Attester(EvidenceSources sources, Files& files, const Clock& clock);

    /// In this order: AK name, log (n), TEE report, TPM quote over sha256:0-15, log again (m is the
    /// prefix that replays to the quote). So log and quote match without retries. Fails with
    /// `mismatch` if no part of the log replays to the quote.
    /// Source: docs/certificate.md, "Collection of evidence".
    Result<cert::Collection> collect(const ClaimsRequest& request);

    /// The raw IMA list from this entry on; none if this VM has none. Fails with `usage` beyond its
    /// end.
    Result<std::optional<ByteStream>> ima_log_from(std::uint64_t first_entry);
    /// The boot event log that claim 5 hashed last; none if this VM has none.
    Result<std::optional<ByteStream>> boot_log();
    /// Whether the logs can be read, by reading what is new.
    Status check_logs();

  private:
    struct BootLog {
        cert::EventLogKind kind;
        Bytes log;
    };

    Result<cert::Collection> collect_once(const ClaimsRequest& request);
    Result<cert::Claims> make_claims(const ClaimsRequest& request, const Bytes& ak_public,
                                     cert::Collection& out);
    Status add_tee(cert::Collection& out);
    Status add_tpm(cert::Collection& out, const Bytes& ak_public, bool with_ima);
    Result<cert::TpmPart> quote(ByteView qualifying, const Bytes& ak_public);
    bool may_read_again();
    void add_endorsements(const TeeQuote& quote, cert::Collection& out);
    /// The same object as last time if its content is; null if there is none.
    Result<std::shared_ptr<const BootLog>> read_boot_log();

    EvidenceSources sources_;
    Files& files_;
    const Clock& clock_;
    std::optional<ImaLog> ima_;
    bool log_differs_ = false;  ///< the log was not readable, or of another TPM state
    std::optional<std::chrono::milliseconds> read_again_at_;
    std::mutex boot_mutex_;
    std::shared_ptr<const BootLog> boot_log_;  ///< the last one
};

}  // namespace ratls
