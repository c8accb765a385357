// Verification of a live host, inside the TLS handshake.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "ratls/platform/http_client.h"
#include "ratls/platform/log_file.h"
#include "ratls/tls/client.h"
#include "verify/verifier.h"

namespace ratls::verify {

/// What verified connections leave for the next ones, in memory only. One thread at a time.
struct LiveMemory {
    ProvenSignatures proven;
    ImaMemory ima;
    /// By endpoint: entries of its IMA log that need not be fetched again.
    std::map<std::string, std::size_t> ima_entries;
};

struct LiveInputs {
    Endpoint endpoint;
    const Context& context;
    std::optional<SnapshotInput> snapshot;
    bool evidence_only = false;
    /// The IMA log, if the caller has it; else it is fetched on a connection of its own before, as
    /// bytes that prove themselves by the quote.
    std::shared_ptr<ima::LogSource> ima_log;
    std::optional<ByteView> boot_log;
    /// Called as the IMA log comes, with the bytes that have come so far.
    std::function<void(std::size_t bytes)> progress = {};
    std::chrono::milliseconds timeout{30'000};
    /// What earlier connections left; none: this one is the first. Stands for `context.proven` and
    /// `context.ima`.
    LiveMemory* memory = nullptr;
};

/// What a verified connection leaves in hand.
struct LiveResult {
    VerificationResult result;
    /// The leaf, and the evidence that the result rests on: that of the session if there was one.
    std::optional<cert::NativeCertificate> native;
    std::optional<cert::Collection> collection;
    std::shared_ptr<ima::LogSource> ima_log;  ///< the caller's, or as far as it was fetched
    std::size_t ima_log_first = 0;            ///< index of its first entry; 0 without memory
    /// Open only if the result is accepted, or genuine with `evidence_only`.
    std::unique_ptr<TlsConnection> connection;
};

/// Connects, verifies the certificate inside the handshake (a refused one ends it before any byte
/// of HTTP), asks for fresh evidence on the same connection if the claims or the policy want it,
/// and verifies that. If the policy requires it, has the TPM activate a credential, last of all.
/// Fails only if nothing could be judged: out of reach, no TLS 1.3.
/// A long log is kept in a temporary file meanwhile, of `files`, which outlive the result.
Result<LiveResult> verify_live(const LiveInputs& inputs, HttpClient& http, Files& files);

}  // namespace ratls::verify
