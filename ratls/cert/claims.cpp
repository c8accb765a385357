#include "ratls/cert/claims.h"

#include <algorithm>

#include "ratls/cert/cbor_fields.h"

namespace ratls::cert {
namespace {

using cbor::Value;

constexpr std::string_view kName = "cert.claims";

constexpr std::uint64_t kVersion = 1;
/// SHA-256 in the Named Information Hash Algorithm registry (RFC 6920), as in the CCC claims.
constexpr std::uint64_t kSha256 = 1;
constexpr std::uint64_t kMaxTime = 253402300799;   // 9999-12-31T23:59:59Z, X.509's last second
constexpr std::uint64_t kMaxEntries = 0xffffffff;  // of an IMA log
constexpr std::size_t kMaxHashes = 16;             // of claims 9 and 17
constexpr std::size_t kMaxServiceNames = 64;
constexpr std::size_t kMaxNameCharacters = 253;
constexpr std::size_t kMaxAccounts = 16;
constexpr std::size_t kMaxUrlCharacters = 512;
constexpr std::array<std::uint8_t, 2> kAkNameAlg = {0x00, 0x0b};  // TPM_ALG_SHA256

std::uint64_t count_native(const Claims& c) {
    std::uint64_t count = 5;  // 1, 2, 6, 13, 14
    for (const bool there :
         {c.ak_name.has_value(), c.ima.has_value(), c.eventlog_sha256.has_value(),
          c.beacon.has_value(), c.binder.has_value(), !c.other_spki.empty(),
          !c.service_names.empty(), c.snapshot_sha256.has_value(), !c.acme_accounts.empty(),
          c.owner_spki.has_value(), c.agent_config.has_value(), !c.gpu_certificates.empty()}) {
        count += there ? 1 : 0;
    }
    return count;
}

void put(cbor::Encoder& out, std::uint64_t key, const std::optional<Sha256Digest>& value) {
    if (value) {
        out.uint(key).bytes(*value);
    }
}

void put(cbor::Encoder& out, std::uint64_t key, const std::vector<Sha256Digest>& list) {
    if (list.empty()) {
        return;
    }
    out.uint(key).array(list.size());
    for (const Sha256Digest& item : list) {
        out.bytes(item);
    }
}

void put(cbor::Encoder& out, std::uint64_t key, const std::vector<std::string>& list) {
    if (list.empty()) {
        return;
    }
    out.uint(key).array(list.size());
    for (const std::string& item : list) {
        out.text(item);
    }
}

std::uint64_t seconds(UnixTime time) {
    return static_cast<std::uint64_t>(std::max<UnixTime>(time, 0));
}

Bytes encode_native(const Claims& c) {
    cbor::Encoder out;
    out.map(count_native(c));
    out.uint(1).uint(kVersion);
    out.uint(2).array(2).uint(seconds(c.not_before)).uint(seconds(c.not_after));
    if (c.ak_name) {
        out.uint(3).bytes(*c.ak_name);
    }
    if (c.ima) {
        out.uint(4).array(4).uint(c.ima->entries).bytes(c.ima->log_sha256).bytes(c.ima->pcr10);
        out.uint(kSha256);
    }
    put(out, 5, c.eventlog_sha256);
    out.uint(6).uint(seconds(c.issued_at));
    if (c.beacon) {
        out.uint(7).array(2).uint(static_cast<std::uint64_t>(c.beacon->kind));
        out.bytes(c.beacon->sha256);
    }
    put(out, 8, c.binder);
    put(out, 9, c.other_spki);
    put(out, 10, c.service_names);
    put(out, 11, c.snapshot_sha256);
    put(out, 12, c.acme_accounts);
    out.uint(13).uint(c.max_fresh);
    out.uint(14).uint(c.key_origin);
    put(out, 15, c.owner_spki);
    put(out, 16, c.agent_config);
    put(out, 17, c.gpu_certificates);
    return out.take();
}

UnixTime time(Fields& f, const Value* value, std::string_view field) {
    return static_cast<UnixTime>(f.uint(value, 0, kMaxTime, field));
}

Bytes read_ak_name(Fields& f, const Value& value) {
    constexpr std::string_view kField = "claim 3 (AK name)";
    const ByteView name = f.bytes(&value, kAkNameBytes, kAkNameBytes, kField);
    if (f.ok() && !equal(name.first(kAkNameAlg.size()), kAkNameAlg)) {
        f.fail(Code::unsupported, kField, "a SHA-256 name (000b) wanted");
    }
    return to_bytes(name);
}

ImaClaim read_ima(Fields& f, const Value& value) {
    f.array(&value, 4, 4, "claim 4 (IMA)");
    ImaClaim out;
    out.entries = f.uint(at(&value, 0), 0, kMaxEntries, "claim 4 (IMA): entries");
    out.log_sha256 = f.digest(at(&value, 1), "claim 4 (IMA): log hash");
    out.pcr10 = f.digest(at(&value, 2), "claim 4 (IMA): PCR 10");
    f.known(at(&value, 3), kSha256, kSha256, "claim 4 (IMA): hash algorithm");
    return out;
}

Beacon read_beacon(Fields& f, const Value& value) {
    f.array(&value, 2, 2, "claim 7 (beacon)");
    Beacon out;
    out.kind = static_cast<BeaconKind>(f.known(at(&value, 0), 1, 3, "claim 7 (beacon): kind"));
    out.sha256 = f.digest(at(&value, 1), "claim 7 (beacon): hash");
    return out;
}

Status parse_native_claims(ByteView in, Claims& out) {
    RATLS_TRY(const Value map, cbor::parse(in, "cert.claims: ratls-vm"));
    Fields f(kName);
    f.known_keys(map, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, "", "ratls-vm");
    const auto digest = [&](std::uint64_t key, std::string_view field) {
        const Value* value = map.find(key);
        return value == nullptr ? std::optional<Sha256Digest>() : f.digest(value, field);
    };
    f.known(map.find(1), kVersion, kVersion, "claim 1 (version)");
    const Value* validity = map.find(2);
    f.array(validity, 2, 2, "claim 2 (validity)");
    out.not_before = time(f, at(validity, 0), "claim 2 (validity): not-before");
    out.not_after = time(f, at(validity, 1), "claim 2 (validity): not-after");
    if (f.ok() && out.not_after < out.not_before) {
        f.fail(Code::malformed, "claim 2 (validity)", "it ends before it begins");
    }
    if (const Value* value = map.find(3)) {
        out.ak_name = read_ak_name(f, *value);
    }
    if (const Value* value = map.find(4)) {
        out.ima = read_ima(f, *value);
    }
    out.eventlog_sha256 = digest(5, "claim 5 (event log)");
    out.issued_at = time(f, map.find(6), "claim 6 (issued at)");
    if (const Value* value = map.find(7)) {
        out.beacon = read_beacon(f, *value);
    }
    out.binder = digest(8, "claim 8 (binder)");
    if (out.binder && !out.nonce) {
        f.fail(Code::malformed, "claim 8 (binder)", "a nonce wanted, none found");
    }
    if (const Value* value = map.find(9)) {
        out.other_spki = f.digests(value, kMaxHashes, "claim 9 (other keys)");
    }
    if (const Value* value = map.find(10)) {
        out.service_names =
            f.words(value, kMaxServiceNames, kMaxNameCharacters, "claim 10 (service names)");
    }
    out.snapshot_sha256 = digest(11, "claim 11 (snapshot)");
    if (const Value* value = map.find(12)) {
        out.acme_accounts =
            f.words(value, kMaxAccounts, kMaxUrlCharacters, "claim 12 (ACME accounts)");
    }
    out.max_fresh =
        static_cast<unsigned>(f.uint(map.find(13), 0, kMaxFreshness, "claim 13 (max-fresh)"));
    out.key_origin = static_cast<unsigned>(
        f.uint(map.find(14), kKeyMadeAtBoot, kKeyPersistent, "claim 14 (key-origin)"));
    out.owner_spki = digest(15, "claim 15 (owner key)");
    out.agent_config = digest(16, "claim 16 (agent configuration)");
    if (const Value* value = map.find(17)) {
        out.gpu_certificates = f.digests(value, kMaxHashes, "claim 17 (GPU certificates)");
    }
    return f.status();
}

}  // namespace

std::string_view beacon_kind_name(BeaconKind kind) {
    switch (kind) {
        case BeaconKind::pck_crl:
            return "PCK CRL";
        case BeaconKind::amd_crl:
            return "AMD CRL";
        case BeaconKind::tcb_info:
            return "TCB info";
    }
    return "unknown";
}

Bytes encode_claims(const Claims& claims) {
    cbor::Encoder out;
    out.map(claims.nonce ? 3 : 2);
    if (claims.nonce) {
        out.text("nonce").bytes(*claims.nonce);
    }
    out.text("ratls-vm").bytes(encode_native(claims));
    const Bytes hash = cbor::Encoder().array(2).uint(kSha256).bytes(claims.pubkey_sha256).take();
    out.text("pubkey-hash").bytes(hash);
    return out.take();
}

Result<Claims> parse_claims(ByteView claims_buffer) {
    if (claims_buffer.size() > kMaxClaimsBytes) {
        return fail(Code::too_large, std::string(kName),
                    "at most " + std::to_string(kMaxClaimsBytes) + " bytes wanted");
    }
    RATLS_TRY(const Value map, cbor::parse(claims_buffer, kName));
    Fields f(kName);
    const Value* nonce = map.find("nonce");
    const std::size_t pairs = nonce == nullptr ? 2 : 3;
    if (!map.is(Value::Kind::map) || map.items().size() != 2 * pairs) {
        f.fail(Code::malformed, "claims-buffer",
               "a map of \"ratls-vm\", \"pubkey-hash\" and perhaps \"nonce\" wanted");
    }
    Claims out;
    if (nonce != nullptr) {
        out.nonce = f.digest(nonce, "nonce");
    }
    const ByteView native = f.bytes(map.find("ratls-vm"), 1, kMaxClaimsBytes, "ratls-vm");
    const ByteView key_hash = f.bytes(map.find("pubkey-hash"), 1, kMaxClaimsBytes, "pubkey-hash");
    RATLS_CHECK(f.status());
    RATLS_CHECK(parse_native_claims(native, out));
    RATLS_TRY(const Value pair, cbor::parse(key_hash, "cert.claims: pubkey-hash"));
    f.array(&pair, 2, 2, "pubkey-hash");
    f.known(at(&pair, 0), kSha256, kSha256, "pubkey-hash: hash algorithm");
    out.pubkey_sha256 = f.digest(at(&pair, 1), "pubkey-hash");
    return f.finish(std::move(out));
}

}  // namespace ratls::cert
