// PEM: labelled base64 blocks in a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

struct PemBlock {
    std::string label;  ///< as in "-----BEGIN label-----"
    Bytes der;
};

/// True if the bytes hold at least one "-----BEGIN" and begin as text that is no JSON object. (A
/// DER file or a JSON text may quote a PEM block; it is still a DER file or JSON.)
bool looks_like_pem(ByteView bytes);

/// What becomes of text outside of the blocks, which is explanatory. White space always may be.
enum class PemText : std::uint8_t { ignored, refused };

/// All blocks of a text, in order. No block, an unfinished block, an END line without its BEGIN
/// line, headers inside a block or more than 64 blocks are errors.
/// Source: RFC 7468, section 2 (the strict form, with any line length).
Result<std::vector<PemBlock>> parse_pem(std::string_view text, PemText around = PemText::ignored);

/// One block, 64 characters a line.
std::string pem(std::string_view label, ByteView der);

}  // namespace ratls
