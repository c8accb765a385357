// Who verifies signatures and hashes: chosen when the program is built.
#pragma once

#include <string_view>

namespace ratls {

/// Names and versions at run time, e.g. "libcrypto 3.0.17, mbedtls 3.6.7" or "mbedtls 3.6.7".
/// Private keys, random numbers and TLS are mbedTLS in any case.
std::string_view crypto_provider();

}  // namespace ratls
