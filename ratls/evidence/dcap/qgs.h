// Messages to and from the quote generation service (QGS), which signs for a TDX guest.
#pragma once

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::dcap {

inline constexpr std::size_t kTdReportSize = 1024;  ///< TDREPORT
/// Offset of REPORTDATA in a TDREPORT. Source: Intel TDX Module ABI, REPORTMACSTRUCT.
inline constexpr std::size_t kTdReportDataAt = 128;

inline constexpr std::size_t kMaxQgsQuote = 16 * 1024;
inline constexpr std::size_t kMaxQgsMessage = kMaxQgsQuote + 1024;  ///< header and id besides

/// The GET_QUOTE_REQ for this TDREPORT, in its frame: the length of the message, big-endian, then
/// the message.
/// Source: Intel TDX DCAP, QGS message library, qgs_msg_lib.h. Integers of the message are
/// little-endian.
Bytes encode_qgs_request(ByteView td_report);

/// The length in the frame of an answer: 4 bytes. Refused: 0, more than `kMaxQgsMessage`.
Result<std::size_t> parse_qgs_length(ByteView in);

/// The quote in a GET_QUOTE_RESP without its frame. Refused: another version or type, an error,
/// sizes that do not add up, a quote that is empty or larger than `kMaxQgsQuote`. Nothing is said
/// about the quote. Source: the same.
Result<Bytes> parse_qgs_response(ByteView in);

/// The port of the QGS as `/etc/tdx-attest.conf` has it: lines "port = NUMBER", "#" begins a
/// comment. 4050 if there is no such line. Other names are left alone. Refused: a line of another
/// form, a port that is no number from 1 to 2^32 - 2, two ports.
/// Source: Intel TDX DCAP, libtdx_attest.
Result<std::uint32_t> parse_tdx_attest_conf(std::string_view text);

inline constexpr std::uint32_t kDefaultQgsPort = 4050;

}  // namespace ratls::dcap
