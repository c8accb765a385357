#include "ratls/cert/describe.h"

#include "ratls/codec/hex.h"

namespace ratls::cert {
namespace {

Json digests(const std::vector<Sha256Digest>& values) {
    Json out(Json::Array{});
    for (const Sha256Digest& value : values) {
        out.push(hex(value));
    }
    return out;
}

Json address_texts(const std::vector<Bytes>& addresses) {
    Json out(Json::Array{});
    for (const Bytes& address : addresses) {
        out.push(hex(address));
    }
    return out;
}

}  // namespace

Json describe_claims(const Claims& claims) {
    Json out(Json::Object{});
    out.set("pubkey_sha256", hex(claims.pubkey_sha256));
    out.set("not_before", format_rfc3339(claims.not_before));
    out.set("not_after", format_rfc3339(claims.not_after));
    out.set("issued_at", format_rfc3339(claims.issued_at));
    if (claims.nonce) {
        out.set("nonce", hex(*claims.nonce));
    }
    if (claims.ak_name) {
        out.set("ak_name", hex(*claims.ak_name));
    }
    if (claims.ima) {
        out.set("ima", Json(Json::Object{})
                           .set("entries", claims.ima->entries)
                           .set("log_sha256", hex(claims.ima->log_sha256))
                           .set("pcr10", hex(claims.ima->pcr10)));
    }
    if (claims.eventlog_sha256) {
        out.set("eventlog_sha256", hex(*claims.eventlog_sha256));
    }
    if (claims.beacon) {
        out.set("beacon", Json(Json::Object{})
                              .set("kind", beacon_kind_name(claims.beacon->kind))
                              .set("sha256", hex(claims.beacon->sha256)));
    }
    if (claims.binder) {
        out.set("binder", hex(*claims.binder));
    }
    out.set("other_spki", digests(claims.other_spki));
    out.set("service_names", text_array(claims.service_names));
    if (claims.snapshot_sha256) {
        out.set("snapshot_sha256", hex(*claims.snapshot_sha256));
    }
    out.set("acme_accounts", text_array(claims.acme_accounts));
    out.set("max_fresh", std::uint64_t{claims.max_fresh});
    out.set("key_origin", claims.key_origin == kKeyPersistent ? "persistent" : "made at boot");
    return out;
}

Json describe(const NativeCertificate& native) {
    const Certificate& certificate = native.certificate;
    Json out(Json::Object{});
    out.set("format", "cert").set("dialect", "ratls-vm/1");
    out.set("subject", name_text(certificate.subject()));
    out.set("serial", hex(certificate.serial()));
    out.set("not_before", format_rfc3339(certificate.not_before()));
    out.set("not_after", format_rfc3339(certificate.not_after()));
    out.set("dns_names", text_array(certificate.dns_names()));
    out.set("ip_addresses", address_texts(certificate.ip_addresses()));
    out.set("key", key_kind_name(certificate.public_key().kind()));
    out.set("spki_sha256", hex(certificate.public_key().spki_sha256()));
    out.set("der_bytes", std::uint64_t{certificate.der().size()});
    out.set("claims", describe_claims(native.claims));
    const Collection& collection = native.collection;
    if (collection.tee) {
        out.set("tee", Json(Json::Object{})
                           .set("type", tee_type_name(collection.tee->type))
                           .set("bytes", std::uint64_t{collection.tee->evidence.size()}));
    }
    if (collection.tpm) {
        Json values(Json::Object{});
        for (std::size_t i = 0; i < collection.tpm->pcr_values.size(); ++i) {
            values.set(std::to_string(i), hex(collection.tpm->pcr_values[i]));
        }
        out.set("pcrs", Json(Json::Object{}).set("sha256", std::move(values)));
    }
    if (collection.ima) {
        out.set("ima", Json(Json::Object{})
                           .set("entries", collection.ima->entries)
                           .set("log_sha256", hex(collection.ima->log_sha256)));
    }
    if (collection.endorsements) {
        Json documents(Json::Object{});
        for (const auto& [key, document] : collection.endorsements->documents) {
            documents.set(std::to_string(key), std::uint64_t{document.size()});
        }
        out.set("endorsement_bytes", std::move(documents));
    }
    return out;
}

}  // namespace ratls::cert
