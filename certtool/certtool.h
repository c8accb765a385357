// ratls-certtool: makes and shows RA-TLS certificates.
#pragma once

#include <iosfwd>

#include "ratls/collect/vm.h"

namespace ratls::certtool {

/// Runs the program; gives its exit code. Codes 0, 1, 2, 4 and 5 as in every program; from 10 its
/// own: 10 the chain would be too large for TLS peers.
int run(int argc, const char* const* argv, const VmPlatform& platform, std::ostream& out,
        std::ostream& err);

}  // namespace ratls::certtool
