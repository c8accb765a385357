// What boot events say, for people: variables, images, boot entries, commands, command lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratls/evidence/eventlog/log.h"

namespace ratls::eventlog {

/// One thing that an event says. A replay that matches a quote proves the digests of the events
/// and nothing else: neither data nor type. Only a field whose bytes hash to every digest of its
/// event is proved; the others are what the log claims.
struct Field {
    std::string name;
    std::string value;  ///< printable ASCII, tabs and newlines; other text is quoted and escaped
    bool covered = false;
};

struct Decoded {
    std::string kind;           ///< "variable", "application", "grub", ..
    std::string digest_of;      ///< what the digest was made over, by this kind of event
    std::vector<Field> fields;  ///< names may come several times
};

/// Nothing if the event is not understood, which is no error: its data may be anything.
/// Source: TCG PC Client Platform Firmware Profile 1.06, sections 9.2.5, 10.2 and 10.4; UEFI 2.10,
/// sections 3.1.3, 5.3 and 32.4.1; GRUB grub-core/commands/tpm.c; shim tpm.c and mok.c; systemd
/// src/boot/measure.c and src/fundamental/tpm2-pcr.h; Linux drivers/firmware/efi/libstub.
std::optional<Decoded> decode(const Event& event);

/// True if every digest of the event is that of these bytes. Never for EV_NO_ACTION, whose digest
/// is not extended.
bool covers(const Event& event, ByteView bytes);

}  // namespace ratls::eventlog
