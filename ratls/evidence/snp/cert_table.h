// The certificate table that the host gives along with an SNP report.
#pragma once

#include <array>
#include <map>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::snp {

/// As it stands in the table: the bytes in the order of the text form.
using Guid = std::array<std::uint8_t, 16>;

/// Source: AMD 56421 (GHCB), section 4.1.8.1, "SNP Extended Guest Request", certificate table.
inline constexpr Guid kGuidArk = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                  0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
inline constexpr Guid kGuidAsk = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                  0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
inline constexpr Guid kGuidVcek = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                   0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
inline constexpr Guid kGuidVlek = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
                                   0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1};
inline constexpr Guid kGuidCrl = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
                                  0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea};

/// GUID to content. ASK is also the entry of an ASVK; certificates are DER, from some hosts PEM.
using CertTable = std::map<Guid, Bytes>;

/// Parses a certificate table: entries of GUID, offset and length, ended by an entry of zeros, then
/// the contents, perhaps with padding. Refused: more than 32 entries, a GUID that occurs twice, a
/// content that lies in the entries or outside, more content in all than there are bytes. An
/// unknown GUID is kept. Nothing is said about the contents.
/// Source: AMD 56421 (GHCB), section 4.1.8.1. Integers are little-endian.
Result<CertTable> parse_cert_table(ByteView in);

/// The table of these contents, in the order of their GUIDs, without padding.
Bytes encode_cert_table(const CertTable& table);

}  // namespace ratls::snp
