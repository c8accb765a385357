#include "verify/verifier.h"

#include <arpa/inet.h>

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "verify/activation.h"
#include "verify/collection_verifier.h"

namespace ratls::verify {
namespace {

constexpr int kFullFreshness = 3;

std::optional<Bytes> parse_ip(const std::string& text) {
    Bytes out(4);
    if (inet_pton(AF_INET, text.c_str(), out.data()) == 1) {
        return out;
    }
    out.resize(16);
    if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) {
        return out;
    }
    return std::nullopt;
}

bool same_name(std::string_view a, std::string_view b) {
    return lower(a) == lower(b);
}

void check_name(const Certificate& certificate, const cert::Claims& claims, const std::string& name,
                Findings& out) {
    bool in_san = false;
    if (const auto ip = parse_ip(name)) {
        in_san =
            std::ranges::find(certificate.ip_addresses(), *ip) != certificate.ip_addresses().end();
    } else {
        in_san = std::ranges::any_of(certificate.dns_names(),
                                     [&](const std::string& dns) { return same_name(dns, name); });
    }
    const bool in_claims = std::ranges::any_of(
        claims.service_names, [&](const std::string& service) { return same_name(service, name); });
    out.check("cert.name", in_san && in_claims, quoted(name) + " in SAN and service names",
              in_san ? (in_claims ? "there" : "not in claim 10") : "not in SAN");
}

/// All checks of a kind as one finding: what holds, or what does not.
void add_checks(std::string_view rule, const std::vector<cert::Check>& checks, Findings& out) {
    std::string expected;
    std::string actual;
    for (const cert::Check& check : checks) {
        if (!check.holds) {
            expected +=
                (expected.empty() ? "" : "; ") + std::string(check.part) + ": " + check.expected;
            actual += (actual.empty() ? "" : "; ") + std::string(check.part) + ": " + check.actual;
        }
    }
    out.check(rule, actual.empty(), expected, actual.empty() ? "as the profile says" : actual);
}

Json claims_json(const cert::Claims& claims) {
    Json out(Json::Object{});
    out.set("not_before", format_rfc3339(claims.not_before));
    out.set("not_after", format_rfc3339(claims.not_after));
    out.set("issued_at", format_rfc3339(claims.issued_at));
    out.set("pubkey_sha256", hex(claims.pubkey_sha256));
    if (claims.ak_name) {
        out.set("ak_name", hex(*claims.ak_name));
    }
    if (claims.ima) {
        out.set("ima_entries", claims.ima->entries);
    }
    Json names(Json::Array{});
    for (const std::string& name : claims.service_names) {
        names.push(name);
    }
    out.set("service_names", std::move(names));
    out.set("max_fresh", std::uint64_t{claims.max_fresh});
    out.set("key_origin", std::uint64_t{claims.key_origin});
    return out;
}

/// Rule 8. What the claims promise is demanded, and a key that outlives a boot needs the binder.
void check_freshness(const cert::Claims& claims, const CertificateInputs& inputs,
                     VerificationResult& out) {
    const FreshnessPolicy& policy = inputs.context.policy.freshness;
    int required = policy.required;
    std::string why = "policy";
    if (claims.max_fresh == kFullFreshness && required < kFullFreshness) {
        required = kFullFreshness;
        why = "claim 13";
    }
    const bool persistent = claims.key_origin == cert::kKeyPersistent || !claims.other_spki.empty();
    const std::string expected = "at least " + std::to_string(required) + " (" + why + ")";
    const std::string actual = std::to_string(out.freshness);
    if (out.freshness >= required && (!persistent || out.freshness == kFullFreshness)) {
        out.findings.check("freshness.required", true, expected, actual);
    } else if (persistent && policy.persistent_key_waived && out.freshness >= policy.required) {
        out.findings.add({"freshness.required", Verdict::waived, expected,
                          actual + " (persistent_key: waived)"});
    } else {
        out.findings.check("freshness.required", false,
                           persistent ? "3 (the key outlives a boot)" : expected, actual);
    }
}

/// Rules that only the certificate and the snapshot answer, not the evidence.
bool is_about_certificate(std::string_view rule) {
    return rule.starts_with("snapshot.") || rule == "cert.format" || rule == "cert.profile" ||
           rule == "cert.dates" || rule == "cert.name" || rule == "cert.key_binding";
}

/// Fresh evidence that leaves out what the certificate had would prove less in silence.
bool same_parts(const cert::Collection& a, const cert::Collection& b) {
    return a.tee.has_value() == b.tee.has_value() && a.tpm.has_value() == b.tpm.has_value() &&
           a.ima.has_value() == b.ima.has_value() &&
           a.eventlog.has_value() == b.eventlog.has_value();
}

constexpr std::string_view kNotYet = "not done, since this comes last";

/// What was read of the log for the certificate was read on this connection too.
void add_entries_read(const VerificationResult& before, VerificationResult& out) {
    const Json* then = before.claims.find("ima");
    const Json* now = out.claims.find("ima");
    if (then != nullptr && now != nullptr) {
        Json sum = *now;
        sum.set("entries_read",
                *then->find("entries_read")->if_int() + *now->find("entries_read")->if_int());
        out.claims.set("ima", std::move(sum));
    }
}

}  // namespace

bool is_compared(const CertificateInputs& inputs) {
    return inputs.snapshot.has_value() && !inputs.evidence_only;
}

VerificationResult verify_certificate(std::span<const Bytes> chain, const CertificateInputs& inputs,
                                      Stage stage) {
    VerificationResult out;
    out.verified_at = inputs.context.now;
    out.dialect = "ratls-vm/1";
    appraise_snapshot(inputs, out.findings);
    const auto certificate =
        chain.empty() ? Result<Certificate>(fail(Code::malformed, "certificate", "none was sent"))
                      : Certificate::parse(chain[0]);
    const auto native = certificate
                            ? cert::parse_native(*certificate)
                            : Result<cert::NativeCertificate>(std::unexpected(certificate.error()));
    if (!native) {
        out.findings.fail("cert.format", "an RA-TLS certificate of profile ratls-vm/1",
                          native.error().text());
        out.outcome = conclude(out.findings, false);
        return out;
    }
    out.findings.pass("cert.format", "ratls-vm/1");
    add_checks("cert.profile", cert::check_profile(*certificate), out.findings);
    add_checks("cert.key_binding", cert::check_binding(*native), out.findings);
    const auto dates = verify_dates(*certificate, inputs.context.now, "certificate");
    out.findings.check("cert.dates", dates.has_value(),
                       "valid at " + format_rfc3339(inputs.context.now),
                       dates ? "valid" : dates.error().what);
    if (inputs.name.empty()) {
        out.not_checked.emplace_back("name");
    } else {
        check_name(*certificate, native->claims, inputs.name, out.findings);
    }
    out.claims.set("certificate", claims_json(native->claims));
    verify_collection(native->collection, native->claims, inputs, false, out);
    if (stage == Stage::file) {
        out.not_checked.emplace_back("key possession");
        require_activation(inputs.context.policy.tpm, "a live host is needed", out.findings);
        if (!inputs.evidence_only || inputs.context.policy.freshness.required > 0) {
            check_freshness(native->claims, inputs, out);
        }
    }
    out.outcome = conclude(out.findings, is_compared(inputs));
    return out;
}

VerificationResult conclude_handshake(const cert::Claims& claims, const CertificateInputs& inputs,
                                      VerificationResult before) {
    if (!inputs.evidence_only || inputs.context.policy.freshness.required > 0) {
        check_freshness(claims, inputs, before);
    }
    require_activation(inputs.context.policy.tpm, std::string(kNotYet), before.findings);
    before.outcome = conclude(before.findings, is_compared(inputs));
    return before;
}

VerificationResult verify_session(const Certificate& certificate, ByteView collection_bytes,
                                  const Session& session, const CertificateInputs& inputs,
                                  const VerificationResult& before) {
    VerificationResult out;
    out.verified_at = before.verified_at;
    out.dialect = before.dialect;
    if (const Json* certificate_claims = before.claims.find("certificate")) {
        out.claims.set("certificate", *certificate_claims);
    }
    // What the fresh evidence proves anew need not be said twice; what failed is never dropped, and
    // a boot that is new to this verifier was noticed at the certificate.
    for (const Finding& finding : before.findings.all()) {
        if (finding.verdict == Verdict::fail || is_about_certificate(finding.rule) ||
            finding.rule == "ima.continuity") {
            out.findings.add(finding);
        }
    }
    const auto native = cert::parse_native(certificate);
    const auto collection = cert::parse_collection(collection_bytes);
    const auto claims = collection ? cert::parse_claims(collection->claims_buffer)
                                   : Result<cert::Claims>(std::unexpected(collection.error()));
    const auto presence = claims ? cert::check_presence(*collection, *claims)
                                 : Status(std::unexpected(claims.error()));
    if (!native || !presence) {
        out.findings.fail("cert.format", "fresh evidence of profile ratls-vm/1",
                          native ? presence.error().text() : native.error().text());
        out.outcome = conclude(out.findings, false);
        return out;
    }
    const cert::Claims& old = native->claims;
    const bool same_key = claims->pubkey_sha256 == session.leaf_spki_sha256 &&
                          old.pubkey_sha256 == session.leaf_spki_sha256;
    const bool same_vm =
        claims->ak_name == old.ak_name && claims->service_names == old.service_names &&
        claims->not_before == old.not_before && claims->not_after == old.not_after &&
        same_parts(*collection, native->collection);
    out.findings.check(
        "session.key", same_key && same_vm,
        "the key, AK, names, validity and kinds of evidence of this connection's certificate",
        !same_key ? "another key"
        : same_vm ? "the same"
                  : "other claims");
    out.findings.check("session.nonce", claims->nonce == session.nonce, hex(session.nonce),
                       claims->nonce ? hex(*claims->nonce) : "none");
    const Sha256Digest binder =
        cert::binder(cert::Role::server, session.leaf_spki_sha256, session.nonce, session.exporter);
    out.findings.check("session.binder", claims->binder == binder, hex(binder),
                       claims->binder ? hex(*claims->binder) : "none");
    // The certificate carries what the answer need not repeat.
    cert::Collection complete = *collection;
    if (!complete.endorsements) {
        complete.endorsements = native->collection.endorsements;
    }
    verify_collection(complete, *claims, inputs, true, out);
    add_entries_read(before, out);
    const bool fresh = out.findings.has("session.binder", Verdict::pass) &&
                       out.findings.has("session.nonce", Verdict::pass) &&
                       out.findings.has("session.key", Verdict::pass);
    out.freshness = fresh ? kFullFreshness : 0;
    if (fresh) {
        out.not_older_than = inputs.context.now;
    }
    check_freshness(old, inputs, out);
    require_activation(inputs.context.policy.tpm, std::string(kNotYet), out.findings);
    out.outcome = conclude(out.findings, is_compared(inputs));
    return out;
}

}  // namespace ratls::verify
