// Endorsements of AMD SEV-SNP, from the Key Distribution Service (KDS).
#pragma once

#include <optional>

#include "ratls/endorse/plan.h"
#include "ratls/evidence/snp/report.h"

namespace ratls::endorse {

inline constexpr const char* kAmdServer = "https://kdsintf.amd.com";

/// What the KDS must be told.
struct AmdKey {
    snp::Line line = snp::Line::milan;
    snp::SigningKey kind = snp::SigningKey::vcek;
    Bytes hw_id = {};          ///< VCEK: 64 bytes, Turin 8
    snp::RawTcb raw_tcb = {};  ///< REPORTED_TCB, of which the key is derived
    snp::Tcb tcb = {};         ///< the same, by component
};

/// What signed this report. The product is needed for reports of version 2, which do not name it,
/// and must agree with the others. Fails if the report hides the chip.
Result<AmdKey> amd_key(const snp::Report& report, std::optional<snp::Line> product);

/// VCEK, ASK and ARK, revocation list. The certificate of a VLEK is not among it: the KDS gives it
/// to cloud providers only, who put it into the certificate table of their hosts.
/// Source: AMD 57230, Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface.
Result<Plan> amd_plan(const AmdKey& key, const std::string& server);

}  // namespace ratls::endorse
