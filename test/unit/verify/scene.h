// A whole good VM with its verifier, in process: each part can be changed before it is judged.
#pragma once

#include <functional>

#include "ratls/collect/attester.h"
#include "test/fake/fake_clock.h"
#include "test/fake/fake_files.h"
#include "test/fake/fake_tpm.h"
#include "test/fake/pretended_tee.h"
#include "test/support/eventlog_builder.h"
#include "test/support/ima_builder.h"
#include "test/support/snapshot_json.h"
#include "test/support/snp_pki.h"
#include "verify/verifier.h"

namespace ratls::test {

inline constexpr std::int64_t kDay = 86400;
/// When the pretended AMD issued its revocation list, and when the scene plays, 3.5 days later.
inline constexpr UnixTime kCrlIssued = 1'704'067'200;  // 2024-01-01T00:00:00Z
inline constexpr UnixTime kNow = kCrlIssued + 3 * kDay + kDay / 2;

/// A file of make_variants.sh.
Bytes variant(const std::string& name);
Certificate certificate_of(ByteView der);

/// What to change in evidence. `claims`, `report` and `attest` change what is signed, and it is
/// signed again with the right keys; `collection` comes last, and nothing is signed after it.
struct Edits {
    std::function<void(cert::Claims&)> claims;
    std::function<void(Bytes& report)> report;
    std::function<void(Bytes& attest)> attest;
    std::function<void(cert::Collection&)> collection;
};

/// Bytes of a TPMS_ATTEST that the pretended TPM quotes: where `safe` and the PCR bitmap stand.
inline constexpr std::size_t kAttestSafe = 6 + 2 + 34 + 2 + 32 + 8 + 4 + 4;
inline constexpr std::size_t kAttestSelect = kAttestSafe + 1 + 8 + 4 + 2 + 1;

class Scene {
  public:
    Scene();

    // The VM.
    UnixTime now = kNow;  ///< by the clock of the VM and of the verifier
    PretendedTee tee;
    PrivateKey tee_key;  ///< that of the VCEK
    PrivateKey ak;
    FakeTpm tpm;  ///< with this AK; PCR 10 is set from `ima`
    PrivateKey key;
    bool has_tee = true;
    /// If set, the TEE is TDX, and this makes its quote.
    std::function<Bytes(const std::array<std::uint8_t, 64>& report_data)> tdx_quote;
    bool has_tpm = true;
    bool has_ima = true;
    bool has_boot_log = true;
    std::optional<Bytes> vek, ask, crl;        ///< label 6; no CRL, no beacon
    std::map<std::uint64_t, Bytes> documents;  ///< more of label 6, by key
    ImaBuilder ima;
    std::size_t ima_quoted = 0;  ///< entries of `ima` that PCR 10 had seen at the quote
    Bytes boot_log;
    std::optional<Bytes> ccel;  ///< comes before `boot_log`
    std::vector<std::string> service_names = {"vm.example"};
    std::vector<std::string> dns_names = {"vm.example"};
    std::vector<Sha256Digest> other_spki;
    UnixTime not_before = kNow - 300;
    UnixTime not_after = kNow + 3600;
    unsigned max_fresh = 3;
    unsigned key_origin = cert::kKeyMadeAtBoot;
    Edits edits;          ///< of the certificate
    Edits session_edits;  ///< of fresh evidence

    // The verifier.
    verify::Policy policy;
    verify::Endorsements endorsements;
    std::vector<verify::UserRoot> user_roots;
    std::optional<verify::Snapshot> snapshot;
    std::optional<std::string> snapshot_text;  ///< instead of `snapshot`, signed
    PrivateKey snapshot_key;
    std::optional<verify::SequenceMemory> sequences{{.highest = 0}};
    bool evidence_only = false;
    std::string name = "vm.example";
    std::optional<Bytes> given_log;       ///< instead of `ima`
    std::optional<Bytes> given_boot_log;  ///< instead of `boot_log`
    std::size_t given_log_first = 0;      ///< the log is handed over from this entry on
    std::size_t piece = 0;        ///< of a log that is handed over in pieces, its size; else 0
    bool log_breaks_off = false;  ///< only its first piece can be read
    verify::ImaMemory* memory = nullptr;  ///< of the verifier
    bool log_at_hand = true;
    bool boot_log_at_hand = true;
    verify::Session session;                          ///< of the verifier
    std::optional<verify::Session> attested_session;  ///< what the VM is told, if another one
    cert::Role attested_role = cert::Role::server;

    /// `add` entries to `ima`, all of them quoted.
    void add_file(std::string_view path, std::uint8_t digest_byte);
    static Bytes file_digest(std::uint8_t byte) { return Bytes(32, byte); }
    static std::string file_digest_text(std::uint8_t byte);
    /// The verifier is given what label 6 had of certificates, and they are in label 6 no more.
    void give_certificates();
    /// As Attester::collect, then the edits.
    cert::Collection collect(const Edits& wanted, bool fresh);
    /// The certificate, DER, as it is issued in this scene.
    Bytes certificate();
    /// The snapshot with the signature of `snapshot_key`.
    std::string signed_snapshot() const;

    /// What the verifier says inside the handshake, or about a file.
    verify::VerificationResult verify(verify::Stage stage = verify::Stage::handshake);
    /// The same about these certificates.
    verify::VerificationResult verify_chain(const std::vector<Bytes>& chain,
                                            verify::Stage stage = verify::Stage::handshake);
    /// What it says at the end of the handshake if nothing fresh can be had.
    verify::VerificationResult without_fresh();
    /// What it says after fresh evidence on the same connection.
    verify::VerificationResult fresh();
    /// The same about this certificate and this answer.
    verify::VerificationResult verify_answer(const Bytes& certificate, ByteView answer);
    /// One report or one quote outside of a certificate, with the verifier's policy and roots.
    verify::VerificationResult verify_report(ByteView report, std::optional<Bytes> nonce = {});
    verify::VerificationResult verify_quote(const verify::RawTpm& raw,
                                            std::optional<Bytes> nonce = {});
    /// The TPM's quote over these PCRs, with all values; PCR 10 as after `ima_quoted` entries.
    verify::RawTpm raw_quote(const std::vector<tpm::PcrSelection>& selection, ByteView nonce);

    /// Signs TPMS_ATTEST with the AK: a TPMT_SIGNATURE.
    Bytes sign_attest(ByteView attest) const;
    /// Signs the first 0x2a0 bytes of a report with the VCEK's key.
    void sign_report(Bytes& report) const;

    /// What somebody says who is given all that this verifier has.
    using Judge = std::function<verify::VerificationResult(const verify::CertificateInputs&)>;
    verify::VerificationResult judge(const Judge& with);

  private:
    void set_pcr10();
    void sign_again(const Edits& wanted, cert::Collection& out);
};

/// The scene on a processor of another line, with the same TCB levels; the defaults are a Genoa.
void use_milan(Scene& scene);
void use_turin(Scene& scene);
/// A report under a VLEK, without a chip id, which the policy then allows.
void use_vlek(Scene& scene);

/// The outcome, then the rules that failed, then those that were waived, each once in the order of
/// the findings: "refused: tpm.class, tpm.pcrs", "accepted (waived: snp.revocation)".
std::string summary(const verify::VerificationResult& result);
bool passed(const verify::VerificationResult& result, std::string_view rule);
bool not_checked(const verify::VerificationResult& result, std::string_view what);

}  // namespace ratls::test
