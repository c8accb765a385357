// Verification of what the paravisor of Azure says.
#pragma once

#include <optional>

#include "ratls/codec/json.h"
#include "ratls/evidence/hcl/report.h"
#include "verify/finding.h"

namespace ratls::verify {

/// Form, and that the hardware report in it hashes the runtime data. Who signed the hardware report
/// is another question: until that is answered, nothing of this counts.
std::optional<hcl::Report> verify_hcl_binding(ByteView report, Findings& out);

/// Every field but the hardware report.
Json hcl_claims(const hcl::Report& report);

}  // namespace ratls::verify
