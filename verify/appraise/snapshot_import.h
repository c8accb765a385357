// Reference values that were written for other programs.
#pragma once

#include "verify/appraise/snapshot.h"

namespace ratls::verify {

struct ImportedReferences {
    Snapshot snapshot;               ///< references and origin only; nothing is in `ima.require`
    std::vector<std::string> notes;  ///< what was not carried over, each named
};

struct ImportLimits {
    bool skip_invalid = false;  ///< lines and files that are none are noted, not refused
    bool sha1 = false;          ///< digests of SHA-1 are carried over too
};

/// A snapshot of Cosmian VM: `tee_policy` and `filehashes`. Nothing in it is signed, and nobody
/// verified the VM that it was taken from.
/// Source: Cosmian VM, `cosmian_vm snapshot`, JSON.
Result<ImportedReferences> parse_cosmian_snapshot(std::string_view text,
                                                  const ImportLimits& limits = {});

/// A runtime policy of keylime: JSON, or the older list of lines "digest  path", which is what
/// `sha256sum` writes, with its marks and escapes. How it was made cannot be seen, so it counts as
/// observed. Signatures (DSSE) are not opened.
/// Source: keylime, runtime policy version 1; GNU coreutils, "md5sum: output format".
Result<ImportedReferences> parse_keylime_policy(std::string_view text,
                                                const ImportLimits& limits = {});

}  // namespace ratls::verify
