#include "ratls/collect/vm.h"

#include <arpa/inet.h>

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/collect/carried.h"
#include "ratls/collect/find_tee.h"
#include "ratls/evidence/tpm/public_area.h"
#include "ratls/platform/named_files.h"
#include "ratls/platform/quote_provider_azure.h"
#include "ratls/platform/recovering_tpm.h"

namespace ratls {
namespace {

constexpr std::int64_t kBackdate = 5 * 60;

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

/// None if the text is empty.
Result<std::optional<std::uint32_t>> parse_handle(std::string_view option,
                                                  const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto bytes = parse_hex(text.starts_with("0x") ? text.substr(2) : text, 4);
    constexpr std::uint8_t kPersistent = 0x81;  // TPM_HT_PERSISTENT
    if (!bytes || (*bytes)[0] != kPersistent) {
        return fail(Code::usage, std::string(option), "0x81000000 to 0x81ffffff wanted");
    }
    std::uint32_t handle = 0;
    for (const std::uint8_t byte : *bytes) {
        handle = handle << 8 | byte;
    }
    return handle;
}

/// The AKs of Google's cloud: NV indexes of certificate and template.
/// Source: go-tpm-tools, client/handles.go.
struct GceAk {
    std::string_view type;
    std::uint32_t certificate, key_template;
};
constexpr std::array<GceAk, 2> kGceAks = {
    {{"gce-rsa", 0x01c10000, 0x01c10001}, {"gce-ecc", 0x01c10002, 0x01c10003}}};

/// Null for another type.
const GceAk* find_gce_ak(const std::string& type) {
    const auto* found = std::ranges::find(kGceAks, std::string_view(type), &GceAk::type);
    return found == kGceAks.end() ? nullptr : found;
}

Result<TpmKeys> parse_keys(const VmOptions& options) {
    TpmKeys out;
    if (const GceAk* gce = find_gce_ak(options.ak_type)) {
        out.ak_template = gce->key_template;
    } else if (options.ak_type != "ecc" && options.ak_type != "rsa") {
        return fail(Code::usage, "ak_type",
                    "ecc, rsa, gce-ecc or gce-rsa wanted, " + quoted(options.ak_type));
    }
    out.ak_type = options.ak_type == "rsa" ? AkType::rsa : AkType::ecc;
    RATLS_TRY(out.ak_handle, parse_handle("ak_handle", options.ak_handle));
    RATLS_TRY(out.ek_handle, parse_handle("ek_handle", options.ek_handle));
    return out;
}

Result<std::unique_ptr<Tpm>> open_tpm(const VmOptions& options, const VmPlatform& platform,
                                      const TpmKeys& keys) {
    return RecoveringTpm::start(
        [tcti = options.tcti, keys, open = platform.open_tpm]() -> Result<std::unique_ptr<Tpm>> {
            auto tpm = open(tcti, keys);
            if (!tpm) {
                return std::unexpected(std::move(tpm).error().in("tpm " + tcti));
            }
            return tpm;
        });
}

/// The first of the chain is about the AK that signs here.
Status check_ak_certificate(const Bytes& der, Tpm& tpm) {
    RATLS_TRY(const Certificate certificate, Certificate::parse(der));
    RATLS_TRY(const Bytes ak, tpm.ak_public());
    RATLS_TRY(const tpm::PublicArea area, tpm::parse_public_area(ak));
    if (area.key.spki_sha256() != certificate.public_key().spki_sha256()) {
        return fail(Code::mismatch, "AK certificate",
                    "about another key than this AK; the leaf comes first in ak_certificate, and "
                    "ak_handle or ak_type name the AK");
    }
    return {};
}

/// A file, or what Google's cloud left in the TPM.
Result<std::vector<Bytes>> ak_chain(const VmOptions& options, const VmPlatform& platform,
                                    Tpm& tpm) {
    const GceAk* gce = options.ak_handle.empty() ? find_gce_ak(options.ak_type) : nullptr;
    if (gce == nullptr || !options.ak_certificate.empty()) {
        RATLS_TRY(std::vector<Bytes> chain,
                  read_carried_chain("ak_certificate", options.ak_certificate, platform.files));
        if (!chain.empty()) {
            RATLS_CHECK(check_ak_certificate(chain.front(), tpm));
        }
        return chain;
    }
    auto leaf = nv_certificate(tpm, gce->certificate);
    if (!leaf) {
        return std::unexpected(std::move(leaf).error().in("AK certificate"));
    }
    RATLS_CHECK(check_ak_certificate(*leaf, tpm));
    return std::vector<Bytes>{*std::move(leaf)};
}

/// The first way to a TEE that is usable. Behind Azure's paravisor only the AK that it names
/// counts, so the TPM is opened again with that one.
Result<std::unique_ptr<QuoteProvider>> open_tee(const VmOptions& options,
                                                const VmPlatform& platform, Waiter& waiter,
                                                std::unique_ptr<Tpm>& tpm) {
    const auto find = [&] {
        TeePaths paths;
        paths.tsm = options.tsm;
        TeePlatform where{platform.files, platform.tsm_files, platform.clock, waiter};
        where.tpm = tpm.get();
        where.http = platform.http;
        return find_tee(paths, where);
    };
    FoundTee found = find();
    if (found.provider && found.used()->way == TeeWay::azure && options.ak_handle.empty()) {
        found.provider.reset();
        RATLS_TRY(TpmKeys keys, parse_keys(options));
        keys.ak_handle = AzureQuoteProvider::kAkHandle;
        RATLS_TRY(tpm, open_tpm(options, platform, keys));
        found = find();
    }
    if (!found.provider) {
        std::string reasons;
        for (const TeeCandidate& candidate : found.candidates) {
            reasons += (reasons.empty() ? "" : "; ") + std::string(tee_way_name(candidate.way)) +
                       ": " + candidate.reason;
        }
        return fail(Code::unavailable, "tee", "none that is usable (" + reasons + ")");
    }
    return std::move(found.provider);
}

/// A log that was named must be there; one where the kernel has it may be out of reach.
Status check_log(std::string_view option, Files& files, const std::string& path,
                 const std::string& usual) {
    if (path.empty() || path == usual) {
        return {};
    }
    if (const auto file = files.open(path); !file) {
        return std::unexpected(in_call(file.error(), option));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Vm>> Vm::open(const VmOptions& options, const VmPlatform& platform) {
    std::unique_ptr<Vm> out(new Vm);
    EvidenceSources sources;
    if (!options.tcti.empty()) {
        RATLS_TRY(const TpmKeys keys, parse_keys(options));
        RATLS_TRY(out->tpm_, open_tpm(options, platform, keys));
        sources.tpm = out->tpm_.get();
        RATLS_TRY(out->ek_chain_,
                  read_carried_chain("ek_certificate", options.ek_certificate, platform.files));
        const VmOptions usual;
        RATLS_CHECK(check_log("ima_log", platform.files, options.ima_log, usual.ima_log));
        RATLS_CHECK(check_log("boot_log", platform.files, options.boot_log, usual.boot_log));
        sources.ima_log = options.ima_log;
        sources.boot_log = options.boot_log;
    }
    if (!options.tsm.empty()) {
        RATLS_TRY(out->tee_, open_tee(options, platform, out->waiter_, out->tpm_));
        sources.tpm = out->tpm_.get();
        sources.tee = out->tee_.get();
        sources.ccel = options.ccel;
    }
    if (out->tpm_ != nullptr) {  // the one that stays
        RATLS_TRY(sources.ak_certificates, ak_chain(options, platform, *out->tpm_));
    }
    if (sources.tpm == nullptr && sources.tee == nullptr) {
        return fail(Code::usage, "evidence", "neither a TPM nor a TEE is configured");
    }
    const CarriedFiles carried{options.vek, options.ask, options.amd_crl, options.collateral};
    RATLS_TRY(sources.endorsements, read_carried(carried, platform.files));
    out->attester_ = std::make_unique<Attester>(std::move(sources), platform.files, platform.clock);
    return out;
}

const Result<EndorsementKey>& Vm::endorsement_key() {
    if (!ek_) {
        ek_ = tpm_ ? find_endorsement_key(*tpm_, ek_chain_)
                   : Result<EndorsementKey>(fail(Code::unavailable, "EK", "there is no TPM"));
    }
    return *ek_;
}

Result<Secret> Vm::activate(ByteView id_object, ByteView encrypted_secret) {
    const Result<EndorsementKey>& key = endorsement_key();
    if (!key) {
        return std::unexpected(key.error());
    }
    return tpm_->activate(key->kind, id_object, encrypted_secret);
}

std::vector<std::string> ServiceNames::dns() const {
    std::vector<std::string> out;
    std::ranges::copy_if(names, std::back_inserter(out),
                         [](const std::string& name) { return !parse_ip(name); });
    return out;
}

std::vector<Bytes> ServiceNames::ips() const {
    std::vector<Bytes> out;
    for (const std::string& name : names) {
        if (auto ip = parse_ip(name)) {
            out.push_back(*std::move(ip));
        }
    }
    return out;
}

Result<IssuedIdentity> issue_identity(Attester& attester, const PrivateKey& key,
                                      const ServiceNames& names, std::int64_t validity_s,
                                      unsigned max_fresh, unsigned key_origin, UnixTime now) {
    if (validity_s < 60 || validity_s + kBackdate > cert::kMaxValiditySeconds) {
        return fail(Code::usage, "validity", "1 minute to 23 hours 55 minutes wanted");
    }
    IssuedIdentity out;
    out.spki_sha256 = key.public_key().spki_sha256();
    out.not_before = now - kBackdate;
    out.not_after = now + validity_s;
    ClaimsRequest request;
    request.spki_sha256 = out.spki_sha256;
    request.not_before = out.not_before;
    request.not_after = out.not_after;
    request.service_names = names.names;
    request.max_fresh = max_fresh;
    request.key_origin = key_origin;
    RATLS_TRY(cert::Collection collection, attester.collect(request));
    RATLS_TRY(out.certificate, cert::issue({.dns_names = names.dns(),
                                            .ip_addresses = names.ips(),
                                            .not_before = out.not_before,
                                            .not_after = out.not_after,
                                            .collection = std::move(collection)},
                                           key));
    return out;
}

}  // namespace ratls
