// Messages between an SNP guest and the firmware of its processor.
#pragma once

#include <array>
#include <optional>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/base/secret.h"

namespace ratls::snp {

/// Space for a MSG_REPORT_RSP and a MSG_KEY_RSP, as /dev/sev-guest wants it.
inline constexpr std::size_t kReportResponseSize = 4000;
inline constexpr std::size_t kKeyResponseSize = 64;
inline constexpr std::size_t kDerivedKeySize = 32;

/// MSG_REPORT_REQ, 96 bytes. Source: AMD 56860, MSG_REPORT_REQ.
Bytes encode_report_request(const std::array<std::uint8_t, 64>& report_data, std::uint32_t vmpl);

/// The ATTESTATION_REPORT in a MSG_REPORT_RSP. Form only: nobody should believe the report yet.
/// Refused: another size than that of the buffer, a status that is not 0, a report of another size
/// than 1184 bytes. What stands behind the report is not looked at: the driver leaves it as it was.
/// Source: AMD 56860, MSG_REPORT_RSP. Integers are little-endian.
Result<Bytes> parse_report_response(ByteView in);

enum class KeyRoot : std::uint32_t { vcek = 0, vmrk = 1 };

/// What a derived key depends on beside its root. Whoever changes one of these gets another key.
struct KeyFields {
    bool guest_policy = false;
    bool image_id = false;
    bool family_id = false;
    bool measurement = false;
    bool guest_svn = false;
    bool tcb_version = false;
    bool launch_mit_vector = false;  ///< needs message version 2, so recent firmware
};

struct KeyRequest {
    KeyRoot root = KeyRoot::vcek;
    KeyFields fields;
    std::uint32_t vmpl = 0;         ///< not below that of the caller
    std::uint32_t guest_svn = 0;    ///< at most that of the guest
    std::uint64_t tcb_version = 0;  ///< at most the committed one
    std::uint64_t launch_mit_vector = 0;

    /// 1, or 2 if the mitigation vector is selected.
    std::uint8_t message_version() const { return fields.launch_mit_vector ? 2 : 1; }
};

/// MSG_KEY_REQ: 32 bytes, 40 in version 2. Source: AMD 56860, MSG_KEY_REQ.
Bytes encode_key_request(const KeyRequest& request);

/// The key in a MSG_KEY_RSP. Refused: another size, a status that is not 0, a key of zeros (which
/// is what stands there if the firmware wrote none).
Result<Secret> parse_key_response(ByteView in);

}  // namespace ratls::snp
