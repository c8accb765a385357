// What an errno means for a caller.
#pragma once

#include <string>

#include "ratls/base/result.h"

namespace ratls {

Code code_of_errno(int error);

/// The failure with the system's words.
std::unexpected<Error> system_failure(std::string where, int error);

}  // namespace ratls
