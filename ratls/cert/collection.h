// The collection of evidence that a certificate or the evidence route carries.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "ratls/cert/claims.h"

namespace ratls::cert {

/// id-pe-cmw. Source: draft-ietf-rats-msg-wrap.
inline constexpr std::string_view kCmwOid = "1.3.6.1.5.5.7.1.35";
/// Media type of a collection outside a certificate.
inline constexpr std::string_view kCollectionMediaType = "application/cmw+cbor";
inline constexpr std::string_view kCollectionType = "tag:ratls-vm,2026:cert/1";

inline constexpr std::size_t kMaxCollectionBytes = std::size_t{256} << 10;
inline constexpr std::size_t kSnpReportBytes = 1184;
inline constexpr std::size_t kQuotedPcrs = 16;
inline constexpr std::size_t kMaxAkCertificates = 4;

enum class TeeType : std::uint8_t { sev_snp, tdx };

/// "sev-snp", "tdx"
std::string_view tee_type_name(TeeType type);

/// Label 2.
struct Tee {
    TeeType type = TeeType::sev_snp;
    Bytes evidence = {};  ///< SNP attestation report, or TDX quote without padding
    friend bool operator==(const Tee&, const Tee&) = default;
};

/// Label 3.
struct TpmPart {
    Bytes attest = {};                                   ///< TPMS_ATTEST as signed
    Bytes signature = {};                                ///< TPMT_SIGNATURE
    Bytes ak_public = {};                                ///< TPMT_PUBLIC
    std::array<Sha256Digest, kQuotedPcrs> pcr_values{};  ///< sha256:0 to sha256:15
    std::vector<Bytes> ak_certificates = {};             ///< DER, leaf first
    friend bool operator==(const TpmPart&, const TpmPart&) = default;
};

/// Label 4: the part of the IMA log that replays to the quoted PCR 10.
struct ImaPart {
    std::uint64_t entries = 0;  ///< m: entries counted from the start of the log
    Sha256Digest log_sha256{};  ///< over the raw bytes of these entries
    friend bool operator==(const ImaPart&, const ImaPart&) = default;
};

enum class EventLogKind : std::uint8_t {
    tpm = 1,   ///< TCG PC Client crypto-agile log of the TPM's PCRs
    ccel = 2,  ///< the same format for the measurement registers of a TD (ACPI table CCEL)
};

/// Label 5.
struct EventLogPart {
    EventLogKind kind = EventLogKind::tpm;
    Sha256Digest sha256{};               ///< of the log
    std::optional<Bytes> deflated = {};  ///< raw deflate; `event_log` gives the log
    friend bool operator==(const EventLogPart&, const EventLogPart&) = default;
};

/// Keys of label 6.
namespace endorsement {
inline constexpr std::uint64_t kVek = 1;            ///< VCEK or VLEK, DER
inline constexpr std::uint64_t kAsk = 2;            ///< ASK or ASVK, DER
inline constexpr std::uint64_t kAmdCrl = 3;         ///< DER
inline constexpr std::uint64_t kTcbInfo = 10;       ///< JSON, bytes as Intel delivers them
inline constexpr std::uint64_t kQeIdentity = 11;    ///< JSON, bytes as Intel delivers them
inline constexpr std::uint64_t kPckCrl = 12;        ///< DER
inline constexpr std::uint64_t kRootCrl = 13;       ///< DER
inline constexpr std::uint64_t kIssuerChains = 14;  ///< PEM, the certificates that sign the others
}  // namespace endorsement

/// Label 6. Documents that help to verify; none of them is ever a root.
struct Endorsements {
    std::map<std::uint64_t, Bytes> documents = {};  ///< by key of label 6, not deflated

    /// Null if absent.
    const Bytes* find(std::uint64_t key) const;
    friend bool operator==(const Endorsements&, const Endorsements&) = default;
};

struct Collection {
    Bytes claims_buffer = {};                       ///< 1, as received: hashes are made over it
    std::optional<Tee> tee = {};                    ///< 2
    std::optional<TpmPart> tpm = {};                ///< 3
    std::optional<ImaPart> ima = {};                ///< 4
    std::optional<EventLogPart> eventlog = {};      ///< 5
    std::optional<Endorsements> endorsements = {};  ///< 6
    std::optional<Bytes> nvgpu = {};                ///< 7, deterministic CBOR, not looked into
    std::optional<Bytes> hcl_report = {};           ///< 8
    friend bool operator==(const Collection&, const Collection&) = default;
};

/// Documents of label 6 are deflated where that makes them smaller.
Bytes encode_collection(const Collection& collection);

/// Parses the CBOR of a collection: the extension's, or the answer of the evidence route.
/// Refused: another type of collection, media types and indicators that are not those of the label,
/// unknown labels below 64 (from 64 on they are ignored), sizes out of range, deflated documents
/// beyond their limit, CBOR that is not deterministic. Form only; the claims-buffer is not parsed.
/// Source: docs/certificate.md, "Collection".
Result<Collection> parse_collection(ByteView in);

/// Label 3 is there exactly if claim 3 is, 4 if 4, 5 if 5, 7 if 17.
Status check_presence(const Collection& collection, const Claims& claims);

/// The boot event log of label 5, inflated and compared with its hash; fails with
/// `Code::unavailable` if only the hash is there.
Result<Bytes> event_log(const EventLogPart& part);

/// A log in the form that label 5 carries it.
EventLogPart make_event_log(EventLogKind kind, ByteView log, bool with_log);

/// The document that claim 7 hashes, from label 6; fails if it is missing or another one.
Result<Bytes> beacon_document(const Collection& collection, const Beacon& beacon);

}  // namespace ratls::cert
