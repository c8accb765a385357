#include "ratls/collect/attester.h"

#include <algorithm>
#include <numeric>

#include "ratls/crypto/crl.h"
#include "ratls/evidence/dcap/collateral.h"
#include "ratls/evidence/ima/prefix.h"
#include "ratls/evidence/ima/replay.h"
#include "ratls/evidence/snp/cert_table.h"
#include "ratls/evidence/tpm/attest.h"
#include "ratls/evidence/tpm/public_area.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxBootLog = std::size_t{16} << 20;
constexpr std::uint32_t kQuotedMask = 0xffff;  // PCR 0 to 15
constexpr int kQuoteAttempts = 5;

Result<cert::ImaClaim> claim_of(ByteView log) {
    ima::Replay replay({{HashAlg::sha256, ima::BankMode::hashed}});
    RATLS_CHECK(ima::replay_log(log, replay));
    cert::ImaClaim out;
    out.entries = replay.count();
    out.log_sha256 = sha256(log);
    std::ranges::copy(replay.value(0, ima::kImaPcr).view(), out.pcr10.begin());
    return out;
}

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

Result<cert::Collection> Attester::collect(const ClaimsRequest& request) {
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
    cert::Collection out;
    Bytes ak_public;
    if (sources_.tpm != nullptr) {
        RATLS_TRY(ak_public, sources_.tpm->ak_public());
        RATLS_TRY(tpm::PublicArea area, tpm::parse_public_area(ak_public));
        claims.ak_name = std::move(area.name);
    }
    RATLS_TRY(const std::optional<BootLog> boot, read_boot_log());
    if (boot) {
        out.eventlog = cert::make_event_log(boot->kind, boot->log, false);
        claims.eventlog_sha256 = out.eventlog->sha256;
    }
    if (sources_.tpm != nullptr && !sources_.ima_log.empty()) {
        RATLS_TRY(const Bytes log, files_.read(sources_.ima_log, kMaxImaLog));
        RATLS_TRY(claims.ima, claim_of(log));
    }
    RATLS_TRY(claims.beacon, beacon_of(sources_.endorsements, claims.issued_at));
    out.claims_buffer = cert::encode_claims(claims);
    RATLS_CHECK(add_tee(out));
    RATLS_CHECK(add_tpm(out, ak_public));
    if (claims.ima) {
        RATLS_CHECK(add_ima(out));
    }
    return out;
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

Status Attester::add_tpm(cert::Collection& out, const Bytes& ak_public) {
    if (sources_.tpm == nullptr) {
        return {};
    }
    const auto tee_evidence = out.tee ? std::optional<ByteView>(out.tee->evidence) : std::nullopt;
    const auto qualifying = cert::qualifying_data(out.claims_buffer, tee_evidence);
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
            out.tpm = std::move(part);
            return {};
        }
    }
    return fail(Code::unavailable, "tpm",
                "the PCRs do not hash to the quote; is the SHA-256 bank active?");
}

Status Attester::add_ima(cert::Collection& out) {
    RATLS_TRY(const Bytes log, files_.read(sources_.ima_log, kMaxImaLog));
    RATLS_TRY(const auto match,
              ima::match_prefix(log, HashAlg::sha256, out.tpm->pcr_values[ima::kImaPcr]));
    if (!match || match->mode != ima::BankMode::hashed) {
        return fail(Code::mismatch, "ima",
                    "no prefix of " + sources_.ima_log + " replays to PCR 10 of the TPM");
    }
    RATLS_TRY(const Sha256Digest digest, ima::prefix_digest(log, match->entries));
    out.ima = cert::ImaPart{match->entries, digest};
    return {};
}

/// The log of the TEE's own registers comes before that of the TPM.
Result<std::optional<Attester::BootLog>> Attester::read_boot_log() {
    if (!sources_.ccel.empty()) {
        auto log = files_.read(sources_.ccel, kMaxBootLog);
        if (log) {
            return BootLog{cert::EventLogKind::ccel, *std::move(log)};
        }
        if (log.error().code != Code::unavailable) {
            return std::unexpected(std::move(log).error());
        }
    }
    if (sources_.boot_log.empty()) {
        return std::nullopt;
    }
    RATLS_TRY(Bytes log, files_.read(sources_.boot_log, kMaxBootLog));
    return BootLog{cert::EventLogKind::tpm, std::move(log)};
}

Result<Bytes> Attester::boot_log() {
    RATLS_TRY(std::optional<BootLog> boot, read_boot_log());
    if (!boot) {
        return fail(Code::unavailable, "boot log", "this VM has none");
    }
    return std::move(boot->log);
}

Result<Bytes> Attester::ima_log_from(std::size_t first_entry) {
    if (sources_.ima_log.empty()) {
        return fail(Code::unavailable, "ima", "this VM has no IMA log");
    }
    RATLS_TRY(Bytes log, files_.read(sources_.ima_log, kMaxImaLog));
    ima::LogReader reader(log);
    ima::Entry entry;
    while (reader.index() < first_entry && reader.next(entry)) {
    }
    RATLS_CHECK(reader.status());
    if (reader.index() < first_entry) {
        return fail(Code::usage, "ima",
                    "the log has " + std::to_string(reader.index()) + " entries");
    }
    log.erase(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(reader.offset()));
    return log;
}

}  // namespace ratls
