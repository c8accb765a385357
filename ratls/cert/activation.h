// What a verifier and the agent say to each other when an AK proves in which TPM it is.
#pragma once

#include <vector>

#include "ratls/base/result.h"
#include "ratls/base/secret.h"
#include "ratls/crypto/hash.h"

namespace ratls::cert {

inline constexpr std::string_view kActivationMediaType = "application/cbor";
inline constexpr std::size_t kMaxEkCertificates = 4;
inline constexpr std::size_t kMaxEkCertificateBytes = 4096;
/// The most that any of the messages here takes.
inline constexpr std::size_t kMaxActivationMessage = std::size_t{20} << 10;

/// The answer of the route `ek`: {1: [+ certificate, DER], 2: TPMT_PUBLIC}.
struct EkAnswer {
    std::vector<Bytes> certificates;  ///< that of the EK first
    Bytes public_area;                ///< of the EK
    friend bool operator==(const EkAnswer&, const EkAnswer&) = default;
};
Bytes encode_ek_answer(const EkAnswer& answer);
/// Form only. As in `parse_collection`, unknown keys below 64 are refused.
Result<EkAnswer> parse_ek_answer(ByteView in);

/// The verifier's random bytes that the proof repeats.
using ActivationContext = std::array<std::uint8_t, 32>;

/// What the route `activate` is asked: {1: context, 2: TPM2B_ID_OBJECT, 3: TPM2B_ENCRYPTED_SECRET}.
struct ActivationRequest {
    ActivationContext context{};
    Bytes id_object;
    Bytes encrypted_secret;
    friend bool operator==(const ActivationRequest&, const ActivationRequest&) = default;
};
Bytes encode_activation_request(const ActivationRequest& request);
Result<ActivationRequest> parse_activation_request(ByteView in);

/// Its answer: {1: proof}.
Bytes encode_activation_answer(const Sha256Digest& proof);
Result<Sha256Digest> parse_activation_answer(ByteView in);

/// HMAC-SHA256(secret, "ratls-vm/activate/1" 00 || context || SPKI). The secret itself never leaves
/// the VM: whoever relays the question to another VM gets a proof for that one's key.
/// `leaf_spki` is the SubjectPublicKeyInfo of the certificate of this connection, DER.
Sha256Digest activation_proof(const Secret& secret, const ActivationContext& context,
                              ByteView leaf_spki);

}  // namespace ratls::cert
