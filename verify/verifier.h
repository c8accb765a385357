// The one entry for a TLS client: is the VM behind this certificate the one that is meant?
#pragma once

#include <memory>

#include "ratls/cert/binding.h"
#include "ratls/cert/native.h"
#include "verify/appraise/ima_index.h"
#include "verify/raw.h"

namespace ratls::verify {

/// What the caller remembers of the sequence numbers of a snapshot's name, under the keys that
/// signed it.
struct SequenceMemory {
    std::optional<std::uint64_t> highest;  ///< seen before; none if this is the first use
    std::optional<Error> fault = {};       ///< why it could not be read, or this one not be kept
};

/// Reference values as the caller found them. Whether they were signed is the caller's to say, by
/// the error that `SnapshotText::verify` gave, if any. Unsigned ones are compared with nothing
/// unless the policy waives the signature, so they need not be read.
struct SnapshotInput {
    const Snapshot* snapshot = nullptr;  ///< null: not read
    std::optional<Error> signature_fault;
    /// SHA-256 in hex of the keys under which a signature holds.
    std::vector<std::string> signers = {};
    /// None if the caller remembers nothing: the result then says so.
    std::optional<SequenceMemory> sequences = {};
    /// Made of the snapshot once; if there is none, each verification makes its own.
    std::shared_ptr<const ImaIndex> ima_index = nullptr;
};

struct CertificateInputs {
    const Context& context;
    std::optional<SnapshotInput> snapshot;
    /// Judge without reference values: the outcome is at best `genuine`.
    bool evidence_only = false;
    /// The DNS name or address that was asked for; not checked if empty (a file).
    std::string name;
    /// The whole IMA log or more than what was quoted; null if it is not at hand. With what the
    /// context remembers of it, the entries from `ima_log_first` on may be enough.
    ima::LogSource* ima_log = nullptr;
    std::size_t ima_log_first = 0;
    /// A boot log, if the certificate does not carry it.
    std::optional<ByteView> boot_log;
};

/// What a live connection adds: everything here was made or seen by this verifier.
struct Session {
    cert::Nonce nonce{};
    cert::Exporter exporter{};
    Sha256Digest leaf_spki_sha256{};
};

enum class Stage {
    file,       ///< a certificate in a file: nobody proved that he holds its key
    handshake,  ///< inside it: freshness and activation are judged later, on the same connection
};

/// The reference values to compare with: signed ones, or with the policy's waiver others; null if
/// there are none.
const Snapshot* references(const CertificateInputs& inputs);
/// True if there are some, without which nothing is ever accepted.
bool is_compared(const CertificateInputs& inputs);

/// A certificate and all that it carries. `chain` is leaf first; only the leaf counts.
VerificationResult verify_certificate(std::span<const Bytes> chain, const CertificateInputs& inputs,
                                      Stage stage);

/// The end of a handshake after which no fresh evidence is asked for: judges the freshness that the
/// certificate itself has. If the policy requires an activation, what follows is
/// verify/activation.h.
VerificationResult conclude_handshake(const cert::Claims& claims, const CertificateInputs& inputs,
                                      VerificationResult before);

/// Evidence that was asked for on a connection whose certificate was verified before. `certificate`
/// is that leaf; `before` is its result, whose findings become part of this one. Freshness 3. If
/// the policy requires an activation, what follows is verify/activation.h.
VerificationResult verify_session(const Certificate& certificate, ByteView collection,
                                  const Session& session, const CertificateInputs& inputs,
                                  const VerificationResult& before);

/// A further connection to the name that `first` is about, whose server cannot give evidence on it:
/// freshness 2, and relaying is possible. `first` has freshness 3 and is accepted, or genuine with
/// `evidence_only`; `chain` is what the further connection showed. Its leaf must have a key that
/// the fresh evidence names; with an extension all rules but freshness are judged, without one its
/// dates and names.
VerificationResult verify_second(std::span<const Bytes> chain, const CertificateInputs& inputs,
                                 const VerificationResult& first);

}  // namespace ratls::verify
