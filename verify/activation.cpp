#include "verify/activation.h"

#include <algorithm>

#include "ratls/codec/hex.h"
#include "ratls/evidence/tpm/credential.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kRule = "tpm.activation";
constexpr std::string_view kWanted = "the AK in the TPM of an EK that is vouched for";

/// The finding that said that it was still to be done gives way to what came of it.
void set_finding(bool holds, std::string actual, VerificationResult& result) {
    Findings out;
    for (const Finding& finding : result.findings.all()) {
        if (finding.rule != kRule) {
            out.add(finding);
        }
    }
    out.check(kRule, holds, std::string(kWanted), std::move(actual));
    result.findings = std::move(out);
}

/// The list is empty, or has the SHA-256 of the key's SubjectPublicKeyInfo.
bool pinned(const std::vector<Bytes>& list, const PublicKey& key) {
    return list.empty() || contains(list, key.spki_sha256());
}

void raise_class(bool ek_pinned, TpmClass& out) {
    const bool alone = out.name == "none";
    const std::string before = alone ? "" : out.assumption + "; ";
    out.name = alone ? "ek-activated" : out.name + "+ek-activated";
    out.excludes_guest_root = true;
    out.assumption =
        before +
        "the maker's CA vouches for the EK, and the TPM of that EK showed that it holds "
        "the AK: what it quotes is what its owner lets it measure; " +
        (ek_pinned ? "the policy names this EK"
                   : "any TPM below the given root will do, as the policy names no EK");
}

}  // namespace

void require_activation(const TpmPolicy& policy, std::string why, Findings& out) {
    if (policy.ek_activation_required) {
        out.fail(kRule, std::string(kWanted), std::move(why));
    }
}

bool only_activation_missing(const VerificationResult& result) {
    const auto failed = [](const Finding& finding) { return finding.verdict == Verdict::fail; };
    return result.ak_name.has_value() && result.findings.has(kRule, Verdict::fail) &&
           std::ranges::all_of(result.findings.all(), [&](const Finding& finding) {
               return !failed(finding) || finding.rule == kRule;
           });
}

std::optional<Activation> begin_activation(ByteView ek_answer,
                                           const cert::ActivationContext& context, Secret secret,
                                           const CertificateInputs& inputs,
                                           VerificationResult& result) {
    const Context& about = inputs.context;
    const auto ek = verify_ek_certificate(ek_answer, about.user_roots, about.now, result.findings);
    if (!ek) {
        refuse_activation("no EK that a given root vouches for", inputs, result);
        return std::nullopt;
    }
    const PublicKey& key = (*ek)->area.key;
    result.claims.set("ek", Json(Json::Object{})
                                .set("spki_sha256", hex(key.spki_sha256()))
                                .set("issuer", name_text((*ek)->certificate.issuer())));
    const std::vector<Bytes>& wanted = about.policy.tpm.ek_keys;
    if (!wanted.empty()) {
        result.findings.check("tpm.ek_key", pinned(wanted, key),
                              "one of " + std::to_string(wanted.size()) + " EKs",
                              hex(key.spki_sha256()));
    }
    auto credential =
        result.ak_name && pinned(wanted, key)
            ? tpm::make_credential((*ek)->area, *result.ak_name, secret)
            : Result<tpm::Credential>(fail(Code::untrusted, "EK", "not one that the policy names"));
    if (!credential) {
        refuse_activation(credential.error().text(), inputs, result);
        return std::nullopt;
    }
    return Activation(
        {context, std::move(credential->id_object), std::move(credential->encrypted_secret)},
        std::move(secret), *result.ak_name);
}

void finish_activation(const Activation& activation, ByteView answer, ByteView leaf_spki,
                       const CertificateInputs& inputs, VerificationResult& result) {
    const auto proof = cert::parse_activation_answer(answer);
    if (!proof) {
        refuse_activation(proof.error().text(), inputs, result);
        return;
    }
    // What was asked must still be all that is missing, and about the same AK.
    if (!only_activation_missing(result) || *result.ak_name != activation.ak_name_) {
        refuse_activation("asked too early", inputs, result);
        return;
    }
    const Sha256Digest expected =
        cert::activation_proof(activation.secret_, activation.request_.context, leaf_spki);
    if (!equal_constant_time(*proof, expected)) {
        refuse_activation("another proof", inputs, result);
        return;
    }
    set_finding(true, "the proof about the key of this connection", result);
    result.root = kRootOfUser;
    raise_class(!inputs.context.policy.tpm.ek_keys.empty(), result.tpm);
    if (inputs.context.policy.tpm.ek_keys.empty()) {
        result.not_checked.emplace_back("which TPM it is (the policy names no EK)");
    }
    result.outcome = conclude(result.findings, is_compared(inputs));
}

void refuse_activation(std::string reason, const CertificateInputs& inputs,
                       VerificationResult& result) {
    set_finding(false, std::move(reason), result);
    result.outcome = conclude(result.findings, is_compared(inputs));
}

}  // namespace ratls::verify
