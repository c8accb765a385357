// Boot event logs of the TCG: firmware, boot loader and kernel record what they measured.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/crypto/hash.h"

namespace ratls::eventlog {

// Limits, with room above what firmware writes.
inline constexpr std::size_t kMaxLogBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxEvents = 65536;
inline constexpr std::uint32_t kMaxEventData = 4U << 20;
inline constexpr std::uint32_t kMaxAlgorithms = 8;
inline constexpr std::uint32_t kMaxPcr = 23;
inline constexpr std::uint32_t kMaxImr = 4;  ///< CCEL: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3

enum class Kind : std::uint8_t {
    tcg,   ///< of a TPM, as in binary_bios_measurements
    ccel,  ///< of a TDX guest, as in the ACPI table CCEL
};

struct EventDigest {
    HashAlg alg = HashAlg::sha1;
    ByteView value;
};

/// The digests of one event, at most one for each algorithm that we know; a range.
class EventDigests {
  public:
    void add(EventDigest digest) { list_[size_++] = digest; }
    const EventDigest* begin() const { return list_.data(); }
    const EventDigest* end() const { return list_.data() + size_; }
    std::size_t size() const { return size_; }
    /// Null if there is none of this algorithm.
    const EventDigest* find(HashAlg alg) const;

  private:
    std::array<EventDigest, kAllHashAlgs.size()> list_;
    std::size_t size_ = 0;
};

/// One event; views point into the log. A replay that matches a quote proves the digests, not the
/// data: see `data_mismatches`.
struct Event {
    std::uint32_t index = 0;  ///< PCR (0xffffffff: none, EV_NO_ACTION only), or CCEL register
    std::uint32_t type = 0;
    EventDigests digests;
    ByteView data;
};

struct Log {
    Kind kind = Kind::tcg;
    bool crypto_agile = false;
    std::vector<HashAlg> banks;  ///< those that the header declares and we know
    std::vector<Event> events;   ///< the header event, if there is one, is the first
};

/// Parses a log. Refused: an empty log, an algorithm that the header does not declare, an event
/// without a digest of each declared one, indexes beyond the registers, more separators than the
/// register can have, a StartupLocality that PCR 0 cannot have started with, anything left over. A
/// legacy log (SHA-1 only) ends at zeros, if it has an event before. A CCEL ends at the padding of
/// its area: 0xff bytes, zeros, or the one before the other. Source: TCG PC Client Platform
/// Firmware Profile 1.06, sections 10.2 and 10.4; UEFI 2.10, section 38.4 (CC event log).
Result<Log> parse_log(ByteView in, Kind kind);

/// Values of the registers that a bank's events extend, by index. EV_NO_ACTION never extends; PCR 0
/// starts with the locality that a StartupLocality event names, or else with 4 if its first event
/// is of a CRTM in hardware. Registers without events are left out. An event in PCR 17 to 22 means
/// a dynamic launch, which has set them to zero. Source: TCG PFP 1.06, section 10.4.5; PC Client
/// Platform TPM Profile 1.05, section 4.6.2.
std::map<std::uint32_t, Digest> replay(const Log& log, HashAlg bank);

/// A register's value after a replay; zeros, the value of the reset, if the log never extends it.
Digest replayed_value(const std::map<std::uint32_t, Digest>& replayed, std::uint32_t index,
                      HashAlg bank);

/// Indexes of events whose data is what was hashed, but whose digests are not the data's: somebody
/// may have changed the data and kept the digests. Only types for which this holds are looked at;
/// the digest of an image or a firmware blob is not that of its event data, and systemd's EV_IPL
/// events name what they hash. Source: TCG PFP 1.06, section 10.4.1, table of events; GRUB
/// grub-core/commands/tpm.c.
std::vector<std::size_t> data_mismatches(const Log& log);

/// "EV_SEPARATOR", or the number in hex.
std::string event_type_name(std::uint32_t type);

}  // namespace ratls::eventlog
