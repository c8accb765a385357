// VCEK and VLEK: the certificate of the key that signs reports.
#pragma once

#include "ratls/crypto/certificate.h"
#include "ratls/evidence/snp/report.h"

namespace ratls::snp {

/// What the AMD extensions of a VCEK or VLEK certificate say.
/// Source: AMD 57230, VCEK and VLEK certificate definitions.
struct Vek {
    SigningKey kind = SigningKey::vcek;
    Line line = Line::milan;
    std::string product_name;  ///< "Milan-B0", "Genoa", "Turin"
    Tcb tcb;                   ///< the TCB version that the key is derived from
    Bytes hw_id;               ///< VCEK: 64 bytes, Turin 8
    std::string csp_id;        ///< VLEK: the cloud provider
};

/// Reads the extensions. Form only; every TCB extension must be there exactly once, from 0 to 255.
Result<Vek> parse_vek(const Certificate& certificate);

/// The common names of the certificates above a VEK: "SEV-Milan" or "SEV-VLEK-Milan", "ARK-Milan".
std::string intermediate_name(Line line, SigningKey kind);
std::string root_name(Line line);

}  // namespace ratls::snp
