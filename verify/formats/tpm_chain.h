// Certificate chains of keys in TPMs: those of attestation keys and of endorsement keys.
#pragma once

#include "verify/endorsements.h"

namespace ratls::verify {

inline constexpr std::size_t kMaxTpmChain = 4;

bool has_tpm_root(const std::vector<UserRoot>& roots);

/// All certificates of a chain, at least one, each in DER. One that is byte by byte a root of kind
/// tpm may be signed by any algorithm, as the root itself.
Result<std::vector<Certificate>> parse_chain(const std::vector<Bytes>& chain,
                                             const std::vector<UserRoot>& roots);

/// From the leaf to a root of kind tpm that the caller gave, each signed by the next, all valid
/// now. The root may be left out. Nothing in the chain is ever a root by itself.
Status verify_tpm_chain(const std::vector<Certificate>& chain, const std::vector<UserRoot>& roots,
                        UnixTime now);

}  // namespace ratls::verify
