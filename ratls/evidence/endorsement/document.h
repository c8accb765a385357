// What others say about the hardware, as files: certificates, revocation lists, collateral.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ratls/crypto/crl.h"
#include "ratls/evidence/dcap/collateral.h"

namespace ratls::endorsement {

/// How a file is read. Its beginning alone decides: a PEM block within a JSON text is no PEM.
enum class Form : std::uint8_t {
    der,   ///< a SEQUENCE with a length of more than one byte
    json,  ///< an object, after white space
    pem,   ///< any other text
};

Form form_of(ByteView content);

/// A document of Intel with the hash of the file as it was delivered.
template <typename T>
struct Collateral {
    std::shared_ptr<const T> content;  ///< never null
    Sha256Digest sha256{};
};

using Document =
    std::variant<Certificate, Crl, Collateral<dcap::TcbInfo>, Collateral<dcap::QeIdentity>>;

/// All documents of a file, at least one: DER or PEM certificates and revocation lists, or one of
/// Intel's JSON documents. Form only. A part that does not read is an error that names it, and so
/// is text in PEM blocks that is something else.
Result<std::vector<Document>> read_documents(ByteView content);

/// A form that tools write and no vendor serves.
struct Wrapped {
    std::string_view form;       ///< "hex text", for people
    std::string_view command;    ///< a shell command that makes plain files of FILE
    std::vector<Bytes> plain{};  ///< what `read_documents` takes
};

/// Hex or base64 text of a DER document, percent-encoded PEM, a UTF-8 byte order mark before any of
/// them, the JSON of DCAP tools (members tcb_info, tcb_info_signature, ...), that of Azure's THIM
/// service (vcekCert, certificateChain). Nothing for any other file.
std::optional<Wrapped> unwrap(ByteView content);

/// Hex or base64 text of binary evidence that passes `fits`: the bytes. Both may be broken into
/// lines.
std::optional<Bytes> decode_text(ByteView content, bool (*fits)(ByteView));

}  // namespace ratls::endorsement
