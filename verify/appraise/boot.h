// What the events of a boot log say, compared with the snapshot's references about the boot.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "verify/formats/boot_log.h"

namespace ratls::verify {

/// What the events must say, and which PCRs they vouch for in place of values. Each member is
/// optional. See docs/snapshot.md, "Boot".
struct BootReference {
    std::optional<bool> secure_boot;
    std::vector<std::string> kernel_cmdline;
    std::vector<Bytes> kernel_digests;              ///< as PCR 4 or GRUB in PCR 9 has them
    std::vector<Bytes> boot_loader_digests;         ///< Authenticode, as in PCR 4
    std::vector<Bytes> db_sha256;                   ///< digests of the event of the variable db
    std::map<unsigned, std::vector<Bytes>> events;  ///< "event_digests": allowed ones by PCR
    std::set<unsigned> pcrs_by_log;
};

/// Reads "boot" of a snapshot. Failures stick to `reader`.
BootReference read_boot(JsonReader& reader);
Json boot_json(const BootReference& boot);

/// Findings of the rules boot.* about events. Returns the PCRs of `pcrs_by_log` that the log
/// vouches for: each has events, and all are known.
std::set<unsigned> appraise_boot(const Verified<BootLog>& log, const BootReference& reference,
                                 Findings& out);

/// The events of a PCR that no reference knows, for people; "" if there is none.
std::string unknown_events(const Verified<BootLog>& log, unsigned pcr,
                           const BootReference& reference);

}  // namespace ratls::verify
