// The report of the paravisor of Azure confidential VMs (HCL, OpenHCL), from the NV index
// 0x01400001 of the virtual TPM.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "ratls/crypto/public_key.h"

namespace ratls::hcl {

inline constexpr std::size_t kHardwareReportSize = 1184;
inline constexpr std::size_t kMaxReport = 16 * 1024;

enum class ReportType : std::uint8_t { snp, tdx };

std::string_view report_type_name(ReportType type);  ///< "SNP", "TDX"

/// What the paravisor says about itself. It counts only as far as the hardware report hashes it.
struct RuntimeData {
    PublicKey ak;  ///< HCLAkPub: the attestation key of the virtual TPM
    std::optional<bool> secure_boot, tpm_enabled, tpm_persisted, console_enabled;
    std::string vm_unique_id;
    std::optional<std::array<std::uint8_t, 64>> user_data;  ///< what the guest wrote to 0x01400002
};

/// All of the report but the meaning of the JSON.
struct Frame {
    std::uint32_t version = 0;       ///< 1 or 2
    std::uint32_t request_type = 0;  ///< 2
    ReportType type = ReportType::snp;
    Bytes hardware_report;  ///< ATTESTATION_REPORT of 1184 bytes, or TDREPORT of 1024 bytes
    HashAlg hash = HashAlg::sha256;
    Bytes runtime_bytes;  ///< the JSON text: what the hardware report hashes

    /// REPORT_DATA or REPORTDATA of the hardware report.
    ByteView report_data() const;
    /// Bytes of the whole report, without what stands behind it.
    std::size_t size() const;
    /// What it must be: the hash of `runtime_bytes`, then zeros.
    std::array<std::uint8_t, 64> expected_report_data() const;
};

struct Report : Frame {
    RuntimeData runtime;
};

/// Parses such a report. Form only. Zero bytes behind it are allowed, as the NV index is larger.
/// Refused: sizes that do not fit, another hash than SHA-256, 384 or 512, JSON that is not strict,
/// no or two keys HCLAkPub. Members of the JSON that we do not know are left alone: the paravisor
/// writes them, and all of it is hashed.
/// Source: Microsoft, "Azure confidential VM guest attestation", attestation report format.
Result<Report> parse_report(ByteView in);

/// Offset of REPORTDATA in a TDREPORT. Source: Intel TDX Module ABI, REPORTMACSTRUCT.
inline constexpr std::size_t kTdReportDataOffset = 128;

}  // namespace ratls::hcl
