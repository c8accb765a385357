// Reference values that were written for other programs.
#pragma once

#include "verify/appraise/snapshot.h"

namespace ratls::verify {

struct ImportedReferences {
    Snapshot snapshot;               ///< references and origin only; nothing is in `ima.require`
    std::vector<std::string> notes;  ///< what was not carried over, each named
};

/// A snapshot of Cosmian VM: `tee_policy` and `filehashes`. Nothing in it is signed, and nobody
/// verified the VM that it was taken from.
/// Source: Cosmian VM, `cosmian_vm snapshot`, JSON.
Result<ImportedReferences> parse_cosmian_snapshot(std::string_view text);

/// A runtime policy of keylime: JSON, or the older list of lines "digest  path". How it was made
/// cannot be seen, so it counts as observed. Signatures (DSSE) are not opened.
/// Source: keylime, runtime policy version 1.
Result<ImportedReferences> parse_keylime_policy(std::string_view text);

}  // namespace ratls::verify
