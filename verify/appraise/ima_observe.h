// Reference values from a log that was proved.
#pragma once

#include "ratls/cert/collection.h"
#include "ratls/evidence/ima/log_source.h"
#include "verify/appraise/ima_reference.h"

namespace ratls::verify {

/// Everything that was measured in the proved part becomes allowed; the paths of `require` become
/// required. The log came from whoever answered, and may be another one each time that it is read:
/// these bytes, in this pass, must be the ones that were proved. Fails for what no verification
/// accepts, or only blindly: a violation, an entry of another PCR, an fs-verity digest; and for a
/// required file that was not measured.
Result<ImaReference> observe_files(ima::LogSource& log, const cert::ImaPart& proved,
                                   const std::vector<std::string>& require);

}  // namespace ratls::verify
