#include "ratls/collect/attester.h"

#include <algorithm>
#include <numeric>

#include "ratls/base/text.h"
#include "ratls/crypto/crl.h"
#include "ratls/evidence/dcap/collateral.h"
#include "ratls/evidence/snp/cert_table.h"
#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/public_area.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxBootLog = std::size_t{16} << 20;
constexpr std::uint32_t kQuotedMask = 0xffff;  // PCR 0 to 15
constexpr int kQuoteAttempts = 5;
constexpr int kPrefixAttempts = 2;
constexpr std::chrono::seconds kReadAgainPause{60};

/// A clock outside of the document's dates would make evidence that nobody accepts.
Status check_beacon_dates(UnixTime from, UnixTime to, UnixTime now) {
    if (now < from || now > to) {
        return fail(Code::stale, "beacon",
                    "the document is valid from " + format_rfc3339(from) + " to " +
                        format_rfc3339(to) + ", the clock says " + format_rfc3339(now));
    }
    return {};
}

/// The document of the vendor that shows when the evidence was not yet made.
Result<std::optional<cert::Beacon>> beacon_of(const cert::Endorsements& endorsements,
                                              UnixTime now) {
    if (const Bytes* der = endorsements.find(cert::endorsement::kAmdCrl)) {
        RATLS_TRY(const Crl crl, Crl::parse(*der));
        RATLS_CHECK(check_beacon_dates(crl.this_update(), crl.next_update(), now));
        return cert::Beacon{cert::BeaconKind::amd_crl, sha256(*der)};
    }
    if (const Bytes* text = endorsements.find(cert::endorsement::kTcbInfo)) {
        RATLS_TRY(const dcap::TcbInfo info, dcap::parse_tcb_info(as_text(*text)));
        RATLS_CHECK(check_beacon_dates(info.issue_date, info.next_update, now));
        return cert::Beacon{cert::BeaconKind::tcb_info, sha256(*text)};
    }
    return std::nullopt;
}

}  // namespace

Attester::Attester(EvidenceSources sources, Files& files, const Clock& clock)
    : sources_(std::move(sources)), files_(files), clock_(clock) {
    if (sources_.tpm != nullptr && !sources_.ima_log.empty()) {
        ima_.emplace(sources_.ima_log, files_);
    }
}

/// A log that differs is read once more from its start: it may have been written anew.
Result<cert::Collection> Attester::collect(const ClaimsRequest& request) {
    auto out = collect_once(request);
    if (out || !log_differs_ || !may_read_again()) {
        return out;
    }
    ima_->forget();
    return collect_once(request);
}

bool Attester::may_read_again() {
    const auto now = clock_.monotonic();
    if (read_again_at_ && now - *read_again_at_ < kReadAgainPause) {
        return false;
    }
    read_again_at_ = now;
    return true;
}

Result<cert::Collection> Attester::collect_once(const ClaimsRequest& request) {
    log_differs_ = false;
    cert::Collection out;
    Bytes ak_public;
    if (sources_.tpm != nullptr) {
        RATLS_TRY(ak_public, sources_.tpm->ak_public());
    }
    RATLS_TRY(const cert::Claims claims, make_claims(request, ak_public, out));
    out.claims_buffer = cert::encode_claims(claims);
    RATLS_CHECK(add_tee(out));
    if (sources_.tpm != nullptr) {
        RATLS_CHECK(add_tpm(out, ak_public, claims.ima.has_value()));
    }
    return out;
}

Result<cert::Claims> Attester::make_claims(const ClaimsRequest& request, const Bytes& ak_public,
                                           cert::Collection& out) {
    cert::Claims claims;
    claims.pubkey_sha256 = request.spki_sha256;
    claims.not_before = request.not_before;
    claims.not_after = request.not_after;
    claims.service_names = request.service_names;
    claims.other_spki = request.other_spki;
    claims.max_fresh = request.max_fresh;
    claims.key_origin = request.key_origin;
    claims.issued_at = clock_.now();
    if (request.binding) {
        claims.nonce = request.binding->nonce;
        claims.binder = cert::binder(cert::Role::server, request.spki_sha256,
                                     request.binding->nonce, request.binding->exporter);
    }
    if (sources_.tpm != nullptr) {
        RATLS_TRY(tpm::PublicArea area, tpm::parse_public_area(ak_public));
        claims.ak_name = std::move(area.name);
    }
    RATLS_TRY(const std::shared_ptr<const BootLog> boot, read_boot_log());
    if (boot != nullptr) {
        out.eventlog = cert::make_event_log(boot->kind, boot->log, false);
        claims.eventlog_sha256 = out.eventlog->sha256;
    }
    if (ima_) {
        log_differs_ = true;  // until it is read
        RATLS_TRY(claims.ima, ima_->claim());
        log_differs_ = false;
    }
    RATLS_TRY(claims.beacon, beacon_of(sources_.endorsements, claims.issued_at));
    return claims;
}

Status Attester::add_tee(cert::Collection& out) {
    if (sources_.tee == nullptr) {
        return {};
    }
    RATLS_TRY(const TeeQuote quote, sources_.tee->quote(cert::report_data(out.claims_buffer)));
    const bool paravisor = quote.kind == "azure_snp" || quote.kind == "azure_tdx";
    if (paravisor) {
        // The report binds the AK of the TPM, whose quote binds the claims.
        out.hcl_report = quote.hcl;
    }
    if (quote.kind == "sev_guest" || quote.kind == "azure_snp") {
        out.tee = cert::Tee{cert::TeeType::sev_snp, quote.report};
    } else if (quote.kind == "tdx_guest" || quote.kind == "azure_tdx") {
        RATLS_TRY(const dcap::Quote parsed, dcap::parse_quote(quote.report));
        out.tee =
            cert::Tee{cert::TeeType::tdx, to_bytes(ByteView(quote.report).first(parsed.size))};
    } else {
        return fail(Code::unsupported, "tee",
                    "this version makes no certificate of " + quote.kind + " evidence");
    }
    add_endorsements(quote, out);
    return {};
}

/// Certificates that the host hands over with the report; what was configured wins.
void Attester::add_endorsements(const TeeQuote& quote, cert::Collection& out) {
    cert::Endorsements endorsements = sources_.endorsements;
    const auto table = quote.aux.empty()
                           ? Result<snp::CertTable>(fail(Code::unavailable, "aux", "none"))
                           : snp::parse_cert_table(quote.aux);
    if (table) {
        const auto add = [&](std::uint64_t key, const snp::Guid& guid) {
            const auto document = table->find(guid);
            if (document != table->end()) {
                // DER as AMD specifies it, though some hosts give PEM.
                auto certificates = parse_certificates(document->second);
                if (certificates) {
                    endorsements.documents.try_emplace(key, to_bytes(certificates->front().der()));
                }
            }
        };
        add(cert::endorsement::kVek, snp::kGuidVcek);
        add(cert::endorsement::kVek, snp::kGuidVlek);
        add(cert::endorsement::kAsk, snp::kGuidAsk);
    }
    if (!endorsements.documents.empty()) {
        out.endorsements = std::move(endorsements);
    }
}

/// The quote may be of the moment between an entry's way into the log and into the PCR: once more,
/// then.
Status Attester::add_tpm(cert::Collection& out, const Bytes& ak_public, bool with_ima) {
    const auto tee_evidence = out.tee ? std::optional<ByteView>(out.tee->evidence) : std::nullopt;
    const auto qualifying = cert::qualifying_data(out.claims_buffer, tee_evidence);
    for (int attempt = 0; attempt < kPrefixAttempts; ++attempt) {
        RATLS_TRY(out.tpm, quote(qualifying, ak_public));
        if (!with_ima) {
            return {};
        }
        RATLS_TRY(out.ima, ima_->part(out.tpm->pcr_values[ima::kImaPcr]));
        if (out.ima) {
            return {};
        }
    }
    log_differs_ = true;
    return fail(Code::mismatch, "ima",
                "the log " + quoted(ima_->path(), 300) + " does not replay to PCR 10 of the TPM");
}

Result<cert::TpmPart> Attester::quote(ByteView qualifying, const Bytes& ak_public) {
    const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, kQuotedMask}};
    std::array<unsigned, cert::kQuotedPcrs> indexes{};
    std::iota(indexes.begin(), indexes.end(), 0U);
    // The values are read beside the quote, so a PCR may change in between.
    for (int attempt = 0; attempt < kQuoteAttempts; ++attempt) {
        RATLS_TRY(const SignedQuote quote, sources_.tpm->quote(qualifying, selection));
        RATLS_TRY(const std::vector<Digest> read,
                  sources_.tpm->read_pcrs(HashAlg::sha256, indexes));
        RATLS_TRY(const tpm::Quote parsed, tpm::parse_quote(quote.attest));
        std::vector<tpm::PcrValue> values;
        cert::TpmPart part{quote.attest, quote.signature, ak_public, {}, sources_.ak_certificates};
        for (unsigned index = 0; index < read.size() && index < part.pcr_values.size(); ++index) {
            std::ranges::copy(read[index].view(), part.pcr_values[index].begin());
            values.push_back({HashAlg::sha256, index, to_bytes(read[index].view())});
        }
        const auto digest = tpm::pcr_digest(parsed.pcrs, values, HashAlg::sha256);
        if (parsed.pcrs == selection && digest && equal(digest->view(), parsed.pcr_digest)) {
            return part;
        }
    }
    return fail(Code::unavailable, "tpm",
                "the PCRs do not hash to the quote; is the SHA-256 bank active?");
}

/// The log of the TEE's own registers comes before that of the TPM.
Result<std::shared_ptr<const Attester::BootLog>> Attester::read_boot_log() {
    std::optional<BootLog> read;
    if (!sources_.ccel.empty()) {
        auto log = files_.read(sources_.ccel, kMaxBootLog);
        if (log) {
            read = BootLog{cert::EventLogKind::ccel, *std::move(log)};
        } else if (log.error().code != Code::unavailable) {
            return std::unexpected(std::move(log).error());
        }
    }
    if (!read && !sources_.boot_log.empty()) {
        RATLS_TRY(Bytes log, files_.read(sources_.boot_log, kMaxBootLog));
        read = BootLog{cert::EventLogKind::tpm, std::move(log)};
    }
    const std::lock_guard lock(boot_mutex_);
    if (!read) {
        boot_log_ = nullptr;
    } else if (boot_log_ == nullptr || boot_log_->kind != read->kind ||
               boot_log_->log != read->log) {
        boot_log_ = std::make_shared<const BootLog>(*std::move(read));
    }
    return boot_log_;
}

Result<std::optional<ByteStream>> Attester::boot_log() {
    std::shared_ptr<const BootLog> boot;
    {
        const std::lock_guard lock(boot_mutex_);
        boot = boot_log_;
    }
    if (boot == nullptr) {
        RATLS_TRY(boot, read_boot_log());
    }
    if (boot == nullptr) {
        return std::optional<ByteStream>();
    }
    const std::uint64_t size = boot->log.size();
    return ByteStream{
        size,
        [boot = std::move(boot)](std::uint64_t offset,
                                 std::span<std::uint8_t> into) -> Result<std::size_t> {
            const ByteView rest =
                ByteView(boot->log).subspan(std::min<std::uint64_t>(offset, boot->log.size()));
            const std::size_t got = std::min(rest.size(), into.size());
            std::ranges::copy(rest.first(got), into.begin());
            return got;
        }};
}

Result<std::optional<ByteStream>> Attester::ima_log_from(std::uint64_t first_entry) {
    if (!ima_) {
        return std::optional<ByteStream>();
    }
    return ima_->from(first_entry);
}

Status Attester::check_logs() {
    RATLS_CHECK(read_boot_log());
    return ima_ ? ima_->refresh() : Status();
}

}  // namespace ratls
