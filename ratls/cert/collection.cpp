#include "ratls/cert/collection.h"

#include <algorithm>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/cert/cbor_fields.h"
#include "ratls/cert/deflate.h"

namespace ratls::cert {
namespace {

using cbor::Value;

constexpr std::string_view kName = "cert.collection";
constexpr std::string_view kTypeKey = "__cmwc_t";
constexpr std::string_view kMediaPrefix = "application/vnd.ratls-vm.";

/// Indicator bits of a CMW record: what it is. Source: draft-ietf-rats-msg-wrap.
constexpr std::uint64_t kEndorsement = 1 << 1;
constexpr std::uint64_t kEvidence = 1 << 2;

/// Marks a value of label 6 as deflated.
constexpr std::uint64_t kDeflated = 1;

constexpr std::uint64_t kMaxEntries = 0xffffffff;  // of an IMA log
constexpr std::size_t kMaxTdxQuoteBytes = std::size_t{32} << 10;
constexpr std::size_t kMaxTpmBytes = 1024;  // a TPMS_ATTEST, TPMT_SIGNATURE or TPMT_PUBLIC
constexpr std::size_t kMaxAkCertificateBytes = 4096;
constexpr std::size_t kMaxDocumentBytes = std::size_t{256} << 10;   // one of label 6
constexpr std::size_t kMaxDocumentsBytes = std::size_t{512} << 10;  // all of label 6
constexpr std::size_t kMaxEventLogBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxGpuBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxHclBytes = std::size_t{16} << 10;

struct Label {
    std::uint64_t number;
    std::string_view media;  ///< after the prefix
    std::uint64_t indicator;
    std::string_view field;   ///< for messages
    std::string_view nested;  ///< for messages from inside its CBOR
};

constexpr Label kClaims{1, "claims+cbor", kEvidence, "label 1 (claims)", ""};
constexpr Label kTpm{3, "tpm-quote+cbor", kEvidence, "label 3 (TPM quote)",
                     "cert.collection: label 3 (TPM quote)"};
constexpr Label kIma{4, "ima+cbor", kEvidence, "label 4 (IMA)", "cert.collection: label 4 (IMA)"};
constexpr Label kEventLog{5, "eventlog+cbor", kEvidence, "label 5 (event log)",
                          "cert.collection: label 5 (event log)"};
constexpr Label kEndorsements{6, "endorsements+cbor", kEndorsement, "label 6 (endorsements)",
                              "cert.collection: label 6 (endorsements)"};
constexpr Label kGpu{7, "nvgpu-evidence+cbor", kEvidence, "label 7 (GPU)",
                     "cert.collection: label 7 (GPU)"};
constexpr Label kHcl{8, "hcl-report", kEvidence, "label 8 (HCL report)", ""};

constexpr std::uint64_t kTeeLabel = 2;
constexpr std::string_view kTeeField = "label 2 (TEE)";
constexpr std::string_view kSnpMedia = "sev-snp-report";
constexpr std::string_view kTdxMedia = "tdx-quote";

std::string media_type(std::string_view name) {
    return std::string(kMediaPrefix) + std::string(name);
}

// ---- writing

void put(cbor::Encoder& out, std::uint64_t label, std::string_view media, ByteView content,
         std::uint64_t indicator) {
    out.uint(label).array(3).text(media_type(media)).bytes(content).uint(indicator);
}

void put(cbor::Encoder& out, const Label& label, ByteView content) {
    put(out, label.number, label.media, content, label.indicator);
}

Bytes encode_tpm(const TpmPart& tpm) {
    cbor::Encoder out;
    out.array(tpm.ak_certificates.empty() ? 4 : 5);
    out.bytes(tpm.attest).bytes(tpm.signature).bytes(tpm.ak_public).array(kQuotedPcrs);
    for (const Sha256Digest& value : tpm.pcr_values) {
        out.bytes(value);
    }
    if (!tpm.ak_certificates.empty()) {
        out.array(tpm.ak_certificates.size());
        for (const Bytes& certificate : tpm.ak_certificates) {
            out.bytes(certificate);
        }
    }
    return out.take();
}

Bytes encode_event_log(const EventLogPart& part) {
    cbor::Encoder out;
    out.array(part.deflated ? 3 : 2).uint(static_cast<std::uint64_t>(part.kind));
    out.bytes(part.sha256);
    if (part.deflated) {
        out.bytes(*part.deflated);
    }
    return out.take();
}

Bytes encode_endorsements(const Endorsements& endorsements) {
    cbor::Encoder out;
    out.map(endorsements.documents.size());
    for (const auto& [key, document] : endorsements.documents) {
        const Bytes small = deflate(document);
        out.uint(key);
        if (small.size() + 2 < document.size()) {  // the array around it takes two
            out.array(2).uint(kDeflated).bytes(small);
        } else {
            out.bytes(document);
        }
    }
    return out.take();
}

// ---- reading

/// The content of a record [media type, content, indicator].
ByteView record(Fields& f, const Value& value, std::string_view media, std::uint64_t indicator,
                std::size_t least, std::size_t most, std::string_view field) {
    f.array(&value, 3, 3, field);
    const Value* type = at(&value, 0);
    const std::string wanted = media_type(media);
    if (f.ok() && (!type->is(Value::Kind::text) || type->text() != wanted)) {
        f.fail(Code::unsupported, field, "media type " + wanted + " wanted");
    }
    f.uint(at(&value, 2), indicator, indicator, field);
    return f.bytes(at(&value, 1), least, most, field);
}

ByteView record(Fields& f, const Value& value, const Label& label, std::size_t least,
                std::size_t most) {
    return record(f, value, label.media, label.indicator, least, most, label.field);
}

/// The size that a TDX quote says it has; 0 if it is of no version that we know.
/// Source: Intel TDX DCAP quoting library API, "Quote Format" versions 4 and 5. Little-endian.
std::size_t tdx_quote_size(ByteView quote) {
    constexpr std::size_t kHeader = 48;
    constexpr std::size_t kBody10 = 584;
    Reader r(quote, kName);
    const std::uint16_t version = r.u16_le("version");
    r.bytes(kHeader - 2, "header");
    if (version == 4) {
        r.bytes(kBody10, "body");
    } else if (version == 5) {
        r.u16_le("body type");
        r.bytes_u32_le("body");
    } else {
        return 0;
    }
    const std::size_t signature = r.u32_le("signature size");
    return r.ok() ? r.offset() + signature : 0;
}

Result<Tee> parse_tee(const Value& value) {
    Fields f(kName);
    Tee out;
    const Value* media = at(&value, 0);
    const bool is_text = media != nullptr && media->is(Value::Kind::text);
    if (is_text && media->text() == media_type(kSnpMedia)) {
        out.type = TeeType::sev_snp;
        out.evidence = to_bytes(
            record(f, value, kSnpMedia, kEvidence, kSnpReportBytes, kSnpReportBytes, kTeeField));
    } else if (is_text && media->text() == media_type(kTdxMedia)) {
        out.type = TeeType::tdx;
        out.evidence =
            to_bytes(record(f, value, kTdxMedia, kEvidence, 1, kMaxTdxQuoteBytes, kTeeField));
        if (f.ok() && tdx_quote_size(out.evidence) != out.evidence.size()) {
            f.fail(Code::malformed, kTeeField, "a TDX quote without padding wanted");
        }
    } else {
        f.fail(Code::unsupported, kTeeField,
               "[" + media_type(kSnpMedia) + " or " + std::string(kTdxMedia) +
                   ", evidence, 4] wanted");
    }
    return f.finish(std::move(out));
}

Result<TpmPart> parse_tpm(ByteView in) {
    RATLS_TRY(const Value value, cbor::parse(in, kTpm.nested));
    Fields f(kTpm.nested);
    f.array(&value, 4, 5, "quote");
    TpmPart out;
    out.attest = to_bytes(f.bytes(at(&value, 0), 1, kMaxTpmBytes, "attest"));
    out.signature = to_bytes(f.bytes(at(&value, 1), 1, kMaxTpmBytes, "signature"));
    out.ak_public = to_bytes(f.bytes(at(&value, 2), 1, kMaxTpmBytes, "ak-public"));
    f.array(at(&value, 3), kQuotedPcrs, kQuotedPcrs, "pcr-values");
    for (std::size_t i = 0; i < kQuotedPcrs; ++i) {
        out.pcr_values[i] = f.digest(at(at(&value, 3), i), "pcr-values");
    }
    if (const Value* certificates = at(&value, 4)) {
        const std::size_t count = f.array(certificates, 1, kMaxAkCertificates, "ak-certificates");
        for (std::size_t i = 0; i < count; ++i) {
            out.ak_certificates.push_back(to_bytes(
                f.bytes(at(certificates, i), 1, kMaxAkCertificateBytes, "ak-certificate")));
        }
    }
    return f.finish(std::move(out));
}

Result<ImaPart> parse_ima(ByteView in) {
    RATLS_TRY(const Value value, cbor::parse(in, kIma.nested));
    Fields f(kIma.nested);
    f.array(&value, 2, 2, "log");
    ImaPart out;
    out.entries = f.uint(at(&value, 0), 0, kMaxEntries, "entries");
    out.log_sha256 = f.digest(at(&value, 1), "log hash");
    return f.finish(out);
}

Result<EventLogPart> parse_event_log(ByteView in) {
    RATLS_TRY(const Value value, cbor::parse(in, kEventLog.nested));
    Fields f(kEventLog.nested);
    f.array(&value, 2, 3, "log");
    EventLogPart out;
    out.kind = static_cast<EventLogKind>(f.known(at(&value, 0), 1, 2, "kind"));
    out.sha256 = f.digest(at(&value, 1), "log hash");
    if (const Value* log = at(&value, 2)) {
        out.deflated = to_bytes(f.bytes(log, 1, kMaxCollectionBytes, "deflated log"));
    }
    return f.finish(std::move(out));
}

/// One value of label 6: bytes, or [1, deflated bytes].
Result<Bytes> parse_document(const Value& value, std::size_t most) {
    Fields f(kEndorsements.nested);
    if (!value.is(Value::Kind::array)) {
        return f.finish(to_bytes(f.bytes(&value, 1, most, "document")));
    }
    f.array(&value, 2, 2, "document");
    f.known(at(&value, 0), kDeflated, kDeflated, "document: encoding");
    const ByteView small = f.bytes(at(&value, 1), 1, kMaxCollectionBytes, "document");
    RATLS_CHECK(f.status());
    auto document = inflate(small, most);
    if (!document) {
        return std::unexpected(std::move(document).error().in(kEndorsements.nested));
    }
    if (document->empty()) {
        return fail(Code::malformed, std::string(kEndorsements.nested), "an empty document");
    }
    return document;
}

Result<Endorsements> parse_endorsements(ByteView in) {
    namespace e = endorsement;
    RATLS_TRY(const Value map, cbor::parse(in, kEndorsements.nested));
    Fields f(kEndorsements.nested);
    f.known_keys(map,
                 {e::kVek, e::kAsk, e::kAmdCrl, e::kTcbInfo, e::kQeIdentity, e::kPckCrl,
                  e::kRootCrl, e::kIssuerChains},
                 "", "documents");
    RATLS_CHECK(f.status());
    Endorsements out;
    std::size_t left = kMaxDocumentsBytes;
    for (std::size_t i = 0; i < map.items().size(); i += 2) {
        const std::uint64_t key = map.items()[i].number();
        if (key >= kFirstIgnored) {
            continue;
        }
        RATLS_TRY(Bytes document,
                  parse_document(map.items()[i + 1], std::min(left, kMaxDocumentBytes)));
        left -= document.size();
        out.documents.emplace(key, std::move(document));
    }
    return out;
}

/// GPU evidence is looked into by its own verifier; here it only obeys the rules of its carrier.
Result<Bytes> parse_gpu(ByteView in) {
    RATLS_CHECK(cbor::parse(in, kGpu.nested));
    return to_bytes(in);
}

/// Reads an optional label with `parse`, which takes the record's content.
template <typename T, typename Parse>
Status read_label(const Value& map, const Label& label, std::size_t most, std::optional<T>& out,
                  Parse parse) {
    const Value* value = map.find(label.number);
    if (value == nullptr) {
        return {};
    }
    Fields f(kName);
    const ByteView content = record(f, *value, label, 1, most);
    RATLS_CHECK(f.status());
    RATLS_TRY(out, parse(content));
    return {};
}

}  // namespace

std::string_view tee_type_name(TeeType type) {
    return type == TeeType::sev_snp ? "sev-snp" : "tdx";
}

const Bytes* Endorsements::find(std::uint64_t key) const {
    const auto found = documents.find(key);
    return found == documents.end() ? nullptr : &found->second;
}

Bytes encode_collection(const Collection& c) {
    std::size_t labels = 2;  // 1 and the type
    for (const bool there :
         {c.tee.has_value(), c.tpm.has_value(), c.ima.has_value(), c.eventlog.has_value(),
          c.endorsements.has_value(), c.nvgpu.has_value(), c.hcl_report.has_value()}) {
        labels += there ? 1 : 0;
    }
    cbor::Encoder out;
    out.map(labels);
    put(out, kClaims, c.claims_buffer);
    if (c.tee) {
        put(out, kTeeLabel, c.tee->type == TeeType::tdx ? kTdxMedia : kSnpMedia, c.tee->evidence,
            kEvidence);
    }
    if (c.tpm) {
        put(out, kTpm, encode_tpm(*c.tpm));
    }
    if (c.ima) {
        put(out, kIma,
            cbor::Encoder().array(2).uint(c.ima->entries).bytes(c.ima->log_sha256).view());
    }
    if (c.eventlog) {
        put(out, kEventLog, encode_event_log(*c.eventlog));
    }
    if (c.endorsements) {
        put(out, kEndorsements, encode_endorsements(*c.endorsements));
    }
    if (c.nvgpu) {
        put(out, kGpu, *c.nvgpu);
    }
    if (c.hcl_report) {
        put(out, kHcl, *c.hcl_report);
    }
    out.text(kTypeKey).text(kCollectionType);
    return out.take();
}

Result<Collection> parse_collection(ByteView in) {
    if (in.size() > kMaxCollectionBytes) {
        return fail(Code::too_large, std::string(kName),
                    "at most " + std::to_string(kMaxCollectionBytes) + " bytes wanted");
    }
    RATLS_TRY(const Value map, cbor::parse(in, kName));
    Fields f(kName);
    f.known_keys(map, {1, 2, 3, 4, 5, 6, 7, 8}, kTypeKey, "labels");
    const Value* type = map.find(kTypeKey);
    if (type == nullptr || !type->is(Value::Kind::text) || type->text() != kCollectionType) {
        f.fail(Code::unsupported, kTypeKey, std::string(kCollectionType) + " wanted");
    }
    const Value* claims = map.find(kClaims.number);
    if (claims == nullptr) {
        f.fail(Code::malformed, kClaims.field, "missing");
    }
    RATLS_CHECK(f.status());
    Collection out;
    out.claims_buffer = to_bytes(record(f, *claims, kClaims, 1, kMaxClaimsBytes));
    RATLS_CHECK(f.status());
    if (const Value* tee = map.find(kTeeLabel)) {
        RATLS_TRY(out.tee, parse_tee(*tee));
    }
    RATLS_CHECK(read_label(map, kTpm, kMaxCollectionBytes, out.tpm, parse_tpm));
    RATLS_CHECK(read_label(map, kIma, kMaxCollectionBytes, out.ima, parse_ima));
    RATLS_CHECK(read_label(map, kEventLog, kMaxCollectionBytes, out.eventlog, parse_event_log));
    RATLS_CHECK(
        read_label(map, kEndorsements, kMaxCollectionBytes, out.endorsements, parse_endorsements));
    RATLS_CHECK(read_label(map, kGpu, kMaxGpuBytes, out.nvgpu, parse_gpu));
    RATLS_CHECK(read_label(map, kHcl, kMaxHclBytes, out.hcl_report,
                           [](ByteView report) { return Result<Bytes>(to_bytes(report)); }));
    return out;
}

Status check_presence(const Collection& collection, const Claims& claims) {
    struct Pair {
        int label;
        bool label_there;
        int claim;
        bool claim_there;
    };
    const Pair pairs[] = {
        {3, collection.tpm.has_value(), 3, claims.ak_name.has_value()},
        {4, collection.ima.has_value(), 4, claims.ima.has_value()},
        {5, collection.eventlog.has_value(), 5, claims.eventlog_sha256.has_value()},
        {7, collection.nvgpu.has_value(), 17, !claims.gpu_certificates.empty()},
    };
    for (const Pair& pair : pairs) {
        if (pair.label_there != pair.claim_there) {
            const std::string label = "label " + std::to_string(pair.label);
            const std::string claim = "claim " + std::to_string(pair.claim);
            return fail(Code::mismatch, std::string(kName),
                        pair.label_there ? label + " is there, " + claim + " is not"
                                         : claim + " is there, " + label + " is not");
        }
    }
    return {};
}

Result<Bytes> event_log(const EventLogPart& part) {
    if (!part.deflated) {
        return fail(Code::unavailable, std::string(kEventLog.nested), "only its hash is there");
    }
    auto log = inflate(*part.deflated, kMaxEventLogBytes);
    if (!log) {
        return std::unexpected(std::move(log).error().in(kEventLog.nested));
    }
    if (sha256(*log) != part.sha256) {
        return fail(Code::mismatch, std::string(kEventLog.nested), "the log is not the hashed one");
    }
    return log;
}

EventLogPart make_event_log(EventLogKind kind, ByteView log, bool with_log) {
    return {.kind = kind,
            .sha256 = sha256(log),
            .deflated = with_log ? std::optional(deflate(log)) : std::nullopt};
}

Result<Bytes> beacon_document(const Collection& collection, const Beacon& beacon) {
    std::uint64_t key = endorsement::kPckCrl;
    if (beacon.kind == BeaconKind::amd_crl) {
        key = endorsement::kAmdCrl;
    } else if (beacon.kind == BeaconKind::tcb_info) {
        key = endorsement::kTcbInfo;
    }
    const std::string where = "cert.collection: beacon";
    const Bytes* document = collection.endorsements ? collection.endorsements->find(key) : nullptr;
    if (document == nullptr) {
        return fail(Code::malformed, where,
                    "key " + std::to_string(key) + " of label 6 wanted, not found");
    }
    if (sha256(*document) != beacon.sha256) {
        return fail(Code::mismatch, where, "the document is not the one that claim 7 hashes");
    }
    return *document;
}

}  // namespace ratls::cert
