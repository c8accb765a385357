// Credential activation: is the AK of a verified quote in a TPM whose maker is trusted?
//
// `conclude_handshake` and `verify_session` leave a failed finding tpm.activation if the policy
// requires one. If nothing else failed, it can be done on the same connection:
//   begin_activation(answer of the route `ek`), send its request, finish_activation(answer).
// Only the last one takes the failed finding away, and only for the right proof.
#pragma once

#include "ratls/cert/activation.h"
#include "verify/formats/ek_certificate.h"
#include "verify/verifier.h"

namespace ratls::verify {

/// Leaves the failed finding if the policy requires an activation; `why` says why there is none.
void require_activation(const TpmPolicy& policy, std::string why, Findings& out);

/// True if the activation is all that a verdict waits for.
bool only_activation_missing(const VerificationResult& result);

/// One question to one TPM. The random parts are the caller's, new for each.
class Activation {
  public:
    /// What to send to the route `activate`.
    Bytes request() const { return cert::encode_activation_request(request_); }

  private:
    friend std::optional<Activation> begin_activation(ByteView ek_answer,
                                                      const cert::ActivationContext& context,
                                                      Secret secret,
                                                      const CertificateInputs& inputs,
                                                      VerificationResult& result);
    friend void finish_activation(const Activation& activation, ByteView answer, ByteView leaf_spki,
                                  const CertificateInputs& inputs, VerificationResult& result);
    Activation(cert::ActivationRequest request, Secret secret, Bytes ak_name)
        : request_(std::move(request)), secret_(std::move(secret)), ak_name_(std::move(ak_name)) {}

    cert::ActivationRequest request_;
    Secret secret_;
    Bytes ak_name_;
};

/// Judges the EK (rules tpm.ek_chain and tpm.ek_key) and encrypts 32 secret bytes to it, for the AK
/// of the quote that `result` verified on this connection. Nothing if the EK is not good enough.
std::optional<Activation> begin_activation(ByteView ek_answer,
                                           const cert::ActivationContext& context, Secret secret,
                                           const CertificateInputs& inputs,
                                           VerificationResult& result);

/// Rule tpm.activation: the answer is the proof for this secret, context and the key of the leaf of
/// this connection. Then the class says so. Ends the verification.
void finish_activation(const Activation& activation, ByteView answer, ByteView leaf_spki,
                       const CertificateInputs& inputs, VerificationResult& result);

/// The host gave no such answer. Ends the verification too.
void refuse_activation(std::string reason, const CertificateInputs& inputs,
                       VerificationResult& result);

}  // namespace ratls::verify
