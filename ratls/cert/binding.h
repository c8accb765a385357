// The hashes that tie key, claims, TEE report, TPM quote and connection together.
#pragma once

#include <optional>

#include "ratls/cert/claims.h"

namespace ratls::cert {

/// REPORT_DATA of the TEE report: SHA-256 of the claims-buffer, then 32 zero bytes. A verifier
/// compares all 64 bytes.
std::array<std::uint8_t, 64> report_data(ByteView claims_buffer);

/// extraData of the TPM quote. `tee_evidence` is label 2, none if there is no TEE.
Sha256Digest qualifying_data(ByteView claims_buffer, std::optional<ByteView> tee_evidence);

/// The nonce that GPU evidence must carry.
Sha256Digest gpu_nonce(ByteView claims_buffer);

enum class Role : char { server = 'S', client = 'C' };

/// Label and size of the TLS exporter that the binder takes; its context is the nonce. TLS 1.3
/// only.
inline constexpr std::string_view kExporterLabel = "EXPORTER-ratls-vm";
using Exporter = std::array<std::uint8_t, 32>;

/// Claim 8: `role` is that of the attested side, `leaf_spki_sha256` the key of the certificate that
/// this side showed on this connection.
Sha256Digest binder(Role role, const Sha256Digest& leaf_spki_sha256, const Nonce& nonce,
                    const Exporter& exporter);

}  // namespace ratls::cert
