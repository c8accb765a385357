// UEFI variables as boot events carry them, and the signature lists in some of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"

namespace ratls::eventlog {

/// UEFI_VARIABLE_DATA; views point into the event.
struct Variable {
    std::string guid;  ///< of the vendor, as text
    std::string name;  ///< UTF-8
    ByteView value;
    std::size_t size = 0;  ///< bytes that it takes; old shims log some more behind it
};

/// Nothing if the lengths do not fit or the name is no UTF-16. Source: TCG PC Client Platform
/// Firmware Profile 1.06, section 10.2.6.
std::optional<Variable> parse_variable(ByteView data);

/// "8be4df61-93ca-11d2-aa0d-00e098032b8c": global variables, as SecureBoot, PK, KEK.
inline constexpr std::string_view kGlobalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// Of db and dbx.
inline constexpr std::string_view kImageSecurity = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/// One EFI_SIGNATURE_LIST; views point into the variable.
struct SignatureList {
    std::string type;  ///< "x509", "sha256", "rsa2048" .., or the GUID
    struct Entry {
        std::string owner;
        ByteView data;
    };
    std::vector<Entry> entries;
};

inline constexpr std::size_t kMaxSignatures = 65536;  ///< entries of all lists of one variable

/// The lists of db, dbx, KEK, PK or MokList. Nothing if they do not fill the value exactly.
/// Source: UEFI 2.10, section 32.4.1.
std::optional<std::vector<SignatureList>> parse_signature_lists(ByteView value);

/// The 16 bytes of an EFI_GUID as text: the first three numbers are little-endian.
std::string guid_text(ByteView guid);

/// UTF-16LE up to its NUL or its end as UTF-8. Nothing if a surrogate is alone, a byte is left
/// over, or something stands behind the NUL.
std::optional<std::string> utf16_to_utf8(ByteView text);

/// UTF-8 as UTF-16LE, with a NUL at the end. The text must be well-formed.
Bytes utf8_to_utf16(std::string_view text);

}  // namespace ratls::eventlog
