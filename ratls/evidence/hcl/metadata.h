// What the metadata service of an Azure confidential VM gives beside the report.
#pragma once

#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::hcl {

inline constexpr std::size_t kMaxMetadata = 64 * 1024;

/// Certificates of the processor, DER. Nobody vouches for them but their own signatures.
struct Certification {
    Bytes vcek;
    Bytes ask;
    Bytes ark;
};

/// Parses the answer of `/metadata/THIM/amd/certification`: JSON with PEM texts "vcekCert" (one
/// certificate) and "certificateChain" (two: ASK, ARK). Other members are left alone.
/// Source: Microsoft, "Azure confidential VM FAQ", THIM certificate cache.
Result<Certification> parse_certification(ByteView in);

/// The body of a request to `/acc/tdquote`: {"report": base64url of the TDREPORT}.
/// Source: Microsoft, "Azure confidential VM guest attestation", TD quote.
std::string encode_td_quote_request(ByteView td_report);

/// The quote in the answer: {"quote": base64url}, with or without padding. Refused: an empty one.
/// Nothing is said about the quote.
Result<Bytes> parse_td_quote_response(ByteView in);

}  // namespace ratls::hcl
