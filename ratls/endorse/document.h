// Endorsements as files: what one is, and from when to when it may be used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/base/time.h"

namespace ratls::endorse {

inline constexpr std::size_t kMaxDocument = std::size_t{64} * 1024;  ///< JSON, certificates
inline constexpr std::size_t kMaxCrl = std::size_t{4} * 1024 * 1024;

/// The dates that a document states about itself. Of several certificates: when all are valid.
struct Validity {
    UnixTime not_before = 0;
    UnixTime not_after = 0;
};

enum class Kind : std::uint8_t { certificates, crl, tcb_info, qe_identity };

/// "certificates", "crl", "tcb-info", "qe-identity".
std::string_view kind_name(Kind kind);

struct Description {
    Kind kind = Kind::certificates;
    Validity validity;
};

// None of these looks at a signature or at the time: a document that passes has the form and the
// subject that were wanted, and is still nothing that anybody should believe. That is the
// business of the verifier, which gets the bytes as they are.

/// What a file is, by its content: certificates or revocation lists (PEM or DER), or one of Intel's
/// JSON documents. As `endorsement::read_documents`, and not two kinds in one file.
Result<Description> describe(ByteView content);

/// One PEM certificate for each of these common names, in this order.
Result<Validity> check_chain(ByteView pem, const std::vector<std::string>& names);

/// A DER revocation list whose issuer has this common name.
Result<Validity> check_crl(ByteView der, std::string_view issuer);

/// {"tcbInfo":{...},"signature":"..."} of this id ("TDX", "SGX") and FMSPC (6 bytes).
/// Source: Intel PCS API v4, Get TCB Info.
Result<Validity> check_tcb_info(ByteView json, std::string_view id, ByteView fmspc);

/// {"enclaveIdentity":{...},"signature":"..."} of this id ("TD_QE", "QE").
/// Source: Intel PCS API v4, Get QE Identity.
Result<Validity> check_qe_identity(ByteView json, std::string_view id);

/// Fails with `stale` unless not_before <= now <= not_after.
Status check_current(const Validity& validity, UnixTime now);

}  // namespace ratls::endorse
