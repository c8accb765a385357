// The known answers of test/vectors/cert, as the structures of the library.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "ratls/cert/collection.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"

namespace ratls::test {

inline Json known_answers(const std::string& name) {
    std::ifstream file(std::string(RATLS_CERT_VECTORS) + "/" + name, std::ios::binary);
    REQUIRE_MESSAGE(file, name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return parse_json(text).value();
}

inline Bytes hex_of(const Json& value) {
    REQUIRE(value.if_string() != nullptr);
    return parse_hex(*value.if_string()).value();
}

inline Bytes hex_of(const Json& object, std::string_view key) {
    const Json* value = object.find(key);
    REQUIRE_MESSAGE(value != nullptr, std::string(key));
    return hex_of(*value);
}

inline Sha256Digest digest_of(ByteView bytes) {
    REQUIRE(bytes.size() == 32);
    Sha256Digest out{};
    std::ranges::copy(bytes, out.begin());
    return out;
}

inline Sha256Digest digest_of(const Json& object, std::string_view key) {
    return digest_of(hex_of(object, key));
}

inline std::optional<Sha256Digest> maybe_digest(const Json& object, std::string_view key) {
    return object.find(key) == nullptr ? std::optional<Sha256Digest>() : digest_of(object, key);
}

inline std::int64_t integer_of(const Json& object, std::string_view key) {
    const Json* value = object.find(key);
    REQUIRE_MESSAGE(value != nullptr, std::string(key));
    REQUIRE(value->if_int() != nullptr);
    return *value->if_int();
}

/// Calls `visit` for each item of a list, if it is there.
template <typename Visit>
void each(const Json& object, std::string_view key, Visit visit) {
    if (const Json* list = object.find(key)) {
        for (const Json& item : *list->if_array()) {
            visit(item);
        }
    }
}

inline cert::Claims claims_of(const Json& fields) {
    cert::Claims out;
    out.nonce = maybe_digest(fields, "nonce");
    out.pubkey_sha256 = digest_of(fields, "pubkey_sha256");
    out.not_before = integer_of(fields, "not_before");
    out.not_after = integer_of(fields, "not_after");
    out.issued_at = integer_of(fields, "issued_at");
    out.max_fresh = static_cast<unsigned>(integer_of(fields, "max_fresh"));
    out.key_origin = static_cast<unsigned>(integer_of(fields, "key_origin"));
    if (fields.find("ak_name") != nullptr) {
        out.ak_name = hex_of(fields, "ak_name");
    }
    if (const Json* ima = fields.find("ima")) {
        out.ima = cert::ImaClaim{static_cast<std::uint64_t>(integer_of(*ima, "entries")),
                                 digest_of(*ima, "log_sha256"), digest_of(*ima, "pcr10")};
    }
    if (const Json* beacon = fields.find("beacon")) {
        out.beacon = cert::Beacon{static_cast<cert::BeaconKind>(integer_of(*beacon, "kind")),
                                  digest_of(*beacon, "sha256")};
    }
    out.eventlog_sha256 = maybe_digest(fields, "eventlog_sha256");
    out.binder = maybe_digest(fields, "binder");
    out.snapshot_sha256 = maybe_digest(fields, "snapshot_sha256");
    out.owner_spki = maybe_digest(fields, "owner_spki");
    out.agent_config = maybe_digest(fields, "agent_config");
    const auto digests = [&](std::string_view key, std::vector<Sha256Digest>& list) {
        each(fields, key, [&](const Json& item) { list.push_back(digest_of(hex_of(item))); });
    };
    const auto texts = [&](std::string_view key, std::vector<std::string>& list) {
        each(fields, key, [&](const Json& item) { list.push_back(*item.if_string()); });
    };
    digests("other_spki", out.other_spki);
    digests("gpu_certificates", out.gpu_certificates);
    texts("service_names", out.service_names);
    texts("acme_accounts", out.acme_accounts);
    return out;
}

inline cert::TpmPart tpm_of(const Json& fields) {
    cert::TpmPart out;
    out.attest = hex_of(fields, "attest");
    out.signature = hex_of(fields, "signature");
    out.ak_public = hex_of(fields, "ak_public");
    std::size_t index = 0;
    each(fields, "pcr_values",
         [&](const Json& item) { out.pcr_values.at(index++) = digest_of(hex_of(item)); });
    each(fields, "ak_certificates",
         [&](const Json& item) { out.ak_certificates.push_back(hex_of(item)); });
    return out;
}

inline cert::Collection collection_of(const Json& fields) {
    cert::Collection out;
    out.claims_buffer = hex_of(fields, "claims_buffer");
    if (const Json* tee = fields.find("tee")) {
        out.tee = cert::Tee{
            *tee->find("type")->if_string() == "tdx" ? cert::TeeType::tdx : cert::TeeType::sev_snp,
            hex_of(*tee, "evidence")};
    }
    if (const Json* tpm = fields.find("tpm")) {
        out.tpm = tpm_of(*tpm);
    }
    if (const Json* ima = fields.find("ima")) {
        out.ima = cert::ImaPart{static_cast<std::uint64_t>(integer_of(*ima, "entries")),
                                digest_of(*ima, "log_sha256")};
    }
    if (const Json* log = fields.find("eventlog")) {
        out.eventlog = cert::EventLogPart{static_cast<cert::EventLogKind>(integer_of(*log, "kind")),
                                          digest_of(*log, "sha256"), std::nullopt};
        if (log->find("deflated") != nullptr) {
            out.eventlog->deflated = hex_of(*log, "deflated");
        }
    }
    if (const Json* documents = fields.find("endorsements")) {
        out.endorsements.emplace();
        for (const auto& [key, document] : *documents->if_object()) {
            out.endorsements->documents.emplace(std::stoull(key), hex_of(document));
        }
    }
    if (fields.find("nvgpu") != nullptr) {
        out.nvgpu = hex_of(fields, "nvgpu");
    }
    if (fields.find("hcl_report") != nullptr) {
        out.hcl_report = hex_of(fields, "hcl_report");
    }
    return out;
}

/// One case of collection.json.
inline cert::Collection known_collection(std::string_view name) {
    const Json answers = known_answers("collection.json");
    std::optional<cert::Collection> out;
    each(answers, "cases", [&](const Json& item) {
        if (*item.find("name")->if_string() == name) {
            out = collection_of(*item.find("fields"));
        }
    });
    REQUIRE_MESSAGE(out, std::string(name));
    return *out;
}

}  // namespace ratls::test
