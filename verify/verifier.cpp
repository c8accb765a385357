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

bool in_san(const Certificate& certificate, const std::string& name) {
    if (const auto ip = parse_ip(name)) {
        return std::ranges::find(certificate.ip_addresses(), *ip) !=
               certificate.ip_addresses().end();
    }
    return std::ranges::any_of(certificate.dns_names(),
                               [&](const std::string& dns) { return same_name(dns, name); });
}

void check_dates(const Certificate& certificate, UnixTime now, Findings& out) {
    const auto dates = verify_dates(certificate, now, "certificate");
    out.check("cert.dates", dates.has_value(), "valid at " + format_rfc3339(now),
              dates ? "valid" : dates.error().what);
}

void check_name(const Certificate& certificate, const cert::Claims& claims, const std::string& name,
                Findings& out) {
    const bool in_names = in_san(certificate, name);
    const bool in_claims = std::ranges::any_of(
        claims.service_names, [&](const std::string& service) { return same_name(service, name); });
    out.check("cert.name", in_names && in_claims, quoted(name) + " in SAN and service names",
              in_names ? (in_claims ? "there" : "not in claim 10") : "not in SAN");
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
    if (claims.owner_spki) {
        out.set("owner_key_sha256", hex(*claims.owner_spki));
    }
    if (claims.agent_config) {
        out.set("agent_configuration_sha256", hex(*claims.agent_config));
    }
    return out;
}

/// Rule 8, for a live target: what policy and claims demand. A key that outlives a boot needs the
/// binder. What a lower demand lets through is never a pass.
void check_freshness(unsigned promised, bool persistent, const FreshnessPolicy& policy,
                     VerificationResult& out) {
    constexpr std::string_view kRule = "freshness.required";
    const bool by_claims = static_cast<int>(promised) > policy.required;
    const int required = by_claims ? static_cast<int>(promised) : policy.required;
    std::string expected =
        "at least " + std::to_string(required) + (by_claims ? " (claim 13)" : " (policy)");
    std::string actual = std::to_string(out.freshness);
    if (out.freshness < required) {
        const bool no_more = static_cast<int>(promised) < required;
        out.findings.fail(kRule, std::move(expected),
                          actual + (no_more ? "; this endpoint offers at most " +
                                                  std::to_string(promised) + " (claim 13)"
                                            : ""));
    } else if (out.freshness == kFullFreshness) {
        out.findings.check(kRule, true, std::move(expected), std::move(actual));
    } else if (persistent && !policy.persistent_key_waived) {
        out.findings.fail(kRule, "3, since the key outlives a boot", std::move(actual));
    } else {
        out.findings.add({std::string(kRule), Verdict::waived, "3",
                          actual + ", and at least " + std::to_string(required) + " is asked for" +
                              (persistent ? " (persistent_key: waived)" : "")});
    }
}

void check_freshness(const cert::Claims& claims, const CertificateInputs& inputs,
                     VerificationResult& out) {
    check_freshness(claims.max_fresh,
                    claims.key_origin == cert::kKeyPersistent || !claims.other_spki.empty(),
                    inputs.context.policy.freshness, out);
}

/// The same for a certificate in a file: it was made for nobody, so what the endpoint offers (claim
/// 13) and how long its key lives are no part of it.
void check_file_freshness(const FreshnessPolicy& policy, VerificationResult& out) {
    if (policy.required_for_files > 0) {
        out.findings.check("freshness.required", out.freshness >= policy.required_for_files,
                           "at least " + std::to_string(policy.required_for_files) +
                               " (policy: required_for_files)",
                           std::to_string(out.freshness));
    } else if (out.freshness == 0) {
        out.not_checked.emplace_back("freshness");
    }
}

/// Claim 6 is the guest's own word: it finds wrong clocks, and counts as no freshness.
void check_issued_at(UnixTime issued_at, UnixTime from, std::optional<UnixTime> to, UnixTime now,
                     Findings& out) {
    constexpr std::int64_t kAhead = 5 * 60;  // of our clock
    const bool holds = issued_at >= from && (!to || issued_at <= *to) && issued_at <= now + kAhead;
    out.check("freshness.issued_at", holds,
              "from " + format_rfc3339(from) + (to ? " to " + format_rfc3339(*to) : "") +
                  ", and not after " + format_rfc3339(now + kAhead),
              format_rfc3339(issued_at));
}

/// Rules that only the certificate and the snapshot answer, not the evidence.
bool is_about_certificate(std::string_view rule) {
    return rule.starts_with("snapshot.") || rule == "cert.format" || rule == "cert.profile" ||
           rule == "cert.dates" || rule == "cert.name" || rule == "cert.key_binding";
}

/// Fresh evidence of other kinds than the certificate's would prove less, or something else, in
/// silence. It may add GPUs, never leave them out; endorsements are no evidence.
bool same_kinds(const cert::Collection& fresh, const cert::Collection& old) {
    const auto type = [](const cert::Tee& tee) { return tee.type; };
    const auto kind = [](const cert::EventLogPart& log) { return log.kind; };
    return fresh.tee.transform(type) == old.tee.transform(type) &&
           fresh.tpm.has_value() == old.tpm.has_value() &&
           fresh.ima.has_value() == old.ima.has_value() &&
           fresh.eventlog.transform(kind) == old.eventlog.transform(kind) &&
           (fresh.nvgpu || !old.nvgpu) &&
           fresh.hcl_report.has_value() == old.hcl_report.has_value();
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

const Snapshot* references(const CertificateInputs& inputs) {
    const bool usable =
        inputs.snapshot && !inputs.evidence_only &&
        (!inputs.snapshot->signature_fault || inputs.context.policy.unsigned_snapshot_waived);
    return usable ? inputs.snapshot->snapshot : nullptr;
}

bool is_compared(const CertificateInputs& inputs) {
    return references(inputs) != nullptr;
}

VerificationResult verify_certificate(std::span<const Bytes> chain, const CertificateInputs& inputs,
                                      Stage stage) {
    VerificationResult out;
    out.verified_at = inputs.context.now;
    out.dialect = "ratls-vm/1";
    appraise_snapshot(inputs, out);
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
    check_dates(*certificate, inputs.context.now, out.findings);
    if (inputs.name.empty()) {
        out.not_checked.emplace_back("name");
    } else {
        check_name(*certificate, native->claims, inputs.name, out.findings);
    }
    constexpr std::int64_t kBefore = 5 * 60;  // of claim 6, around not-before
    constexpr std::int64_t kBehind = 10 * 60;
    check_issued_at(native->claims.issued_at, certificate->not_before() - kBefore,
                    certificate->not_before() + kBehind, inputs.context.now, out.findings);
    out.claims.set("certificate", claims_json(native->claims));
    verify_collection(native->collection, native->claims, inputs, false, out);
    if (stage == Stage::file) {
        out.not_checked.emplace_back("key possession");
        require_activation(inputs.context.policy.tpm, "a live host is needed", out.findings);
        check_file_freshness(inputs.context.policy.freshness, out);
    }
    out.outcome = conclude(out.findings, is_compared(inputs));
    return out;
}

VerificationResult conclude_handshake(const cert::Claims& claims, const CertificateInputs& inputs,
                                      VerificationResult before) {
    check_freshness(claims, inputs, before);
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
    out.snapshot = before.snapshot;
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
        claims->owner_spki == old.owner_spki && claims->agent_config == old.agent_config &&
        same_kinds(*collection, native->collection);
    out.findings.check(
        "session.key", same_key && same_vm,
        "key, AK, names, validity, owner, configuration and kinds of evidence of the certificate",
        !same_key ? "another key"
        : same_vm ? "the same"
                  : "other claims");
    out.findings.check("session.nonce", claims->nonce == session.nonce, hex(session.nonce),
                       claims->nonce ? hex(*claims->nonce) : "none");
    const Sha256Digest binder =
        cert::binder(cert::Role::server, session.leaf_spki_sha256, session.nonce, session.exporter);
    out.findings.check("session.binder", claims->binder == binder, hex(binder),
                       claims->binder ? hex(*claims->binder) : "none");
    check_issued_at(claims->issued_at, old.issued_at, std::nullopt, inputs.context.now,
                    out.findings);
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
        out.attested = {claims->pubkey_sha256, claims->other_spki, claims->key_origin};
    }
    check_freshness(old, inputs, out);
    require_activation(inputs.context.policy.tpm, std::string(kNotYet), out.findings);
    out.outcome = conclude(out.findings, is_compared(inputs));
    return out;
}

VerificationResult verify_second(std::span<const Bytes> chain, const CertificateInputs& inputs,
                                 const VerificationResult& first) {
    constexpr std::string_view kRule = "second.key";
    VerificationResult out = first;
    out.freshness = 0;
    out.not_older_than.reset();
    out.attested.reset();
    const bool sound_first =
        first.freshness == kFullFreshness && first.attested &&
        (first.outcome == Outcome::accepted || first.outcome == Outcome::genuine);
    const auto leaf =
        chain.empty() ? Result<Certificate>(fail(Code::malformed, "certificate", "none was sent"))
                      : Certificate::parse(chain[0]);
    if (!sound_first || !leaf) {
        out.findings.fail(kRule, "a key that evidence of freshness 3 names",
                          sound_first ? leaf.error().text() : "no such evidence");
        out.outcome = conclude(out.findings, false);
        return out;
    }
    if (cert::has_collection(*leaf)) {
        out.findings.append(
            std::move(verify_certificate(chain, inputs, Stage::handshake).findings));
    } else {
        check_dates(*leaf, inputs.context.now, out.findings);
        out.findings.check("cert.name", in_san(*leaf, inputs.name), quoted(inputs.name) + " in SAN",
                           in_san(*leaf, inputs.name) ? "there" : "not in SAN");
    }
    const AttestedKeys& keys = *first.attested;
    const Sha256Digest key = sha256(leaf->spki());
    const bool same = key == keys.pubkey;
    const bool listed = std::ranges::find(keys.listed, key) != keys.listed.end();
    out.findings.check(kRule, same || listed, "the key of the fresh evidence, or one of claim 9",
                       same     ? "the same"
                       : listed ? "listed in claim 9"
                                : "another, " + hex(key));
    if (same || listed) {
        out.freshness = 2;
        out.not_older_than = first.not_older_than;
    }
    // What claim 13 promises, the first connection had.
    check_freshness(0, !same || keys.key_origin == cert::kKeyPersistent,
                    inputs.context.policy.freshness, out);
    out.outcome = conclude(out.findings, is_compared(inputs));
    return out;
}

}  // namespace ratls::verify
