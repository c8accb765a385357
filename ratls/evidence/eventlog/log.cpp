#include "ratls/evidence/eventlog/log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "ratls/base/reader.h"
#include "ratls/evidence/eventlog/event_type.h"

namespace ratls::eventlog {
namespace {

constexpr std::string_view kName = "eventlog";
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kMaxDigest = 64;
constexpr std::uint32_t kNoIndex = 0xffffffff;
constexpr std::uint32_t kUnlimited = 0xffffffff;
constexpr std::uint32_t kFirmwarePcrs = 8;  // PCR 0 to 7, which firmware closes with a separator

/// Source: TCG Algorithm Registry 1.34, table of algorithm identifiers.
std::optional<HashAlg> alg_from_tpm_id(std::uint16_t id) {
    switch (id) {
        case 0x0004:
            return HashAlg::sha1;
        case 0x000b:
            return HashAlg::sha256;
        case 0x000c:
            return HashAlg::sha384;
        case 0x000d:
            return HashAlg::sha512;
        default:
            return std::nullopt;
    }
}

/// An algorithm as the header declares it; it may be one that we do not know, such as SM3.
struct Declared {
    std::uint16_t id = 0;
    std::uint16_t size = 0;
};

ByteView read_data(Reader& r) {
    const std::uint32_t size = r.u32_le("eventSize");
    if (size > kMaxEventData) {
        r.fail(Code::too_large, "eventSize",
               "at most 4 MiB wanted, " + std::to_string(size) + " found");
    }
    return r.bytes(size, "event");
}

/// TCG_PCR_EVENT: the form of every event in a legacy log, and of the first in a crypto-agile one.
Event read_legacy(Reader& r) {
    Event event;
    event.index = r.u32_le("pcrIndex");
    event.type = r.u32_le("eventType");
    event.digests.add({HashAlg::sha1, r.bytes(kSha1Size, "digest")});
    event.data = read_data(r);
    return event;
}

/// TCG_EfiSpecIdEvent, which declares the algorithms.
Result<std::vector<Declared>> read_spec_id(ByteView data) {
    Reader r(data, "Spec ID");
    r.bytes(kSpecId.size(), "signature");
    r.bytes(4 + 1 + 1 + 1 + 1, "platformClass, specVersion, specErrata, uintnSize");
    const std::uint32_t count = r.u32_le("numberOfAlgorithms");
    if (r.ok() && (count == 0 || count > kMaxAlgorithms)) {
        r.fail(Code::malformed, "numberOfAlgorithms",
               "1 to 8 wanted, " + std::to_string(count) + " found");
    }
    std::vector<Declared> out;
    for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
        const Declared one{r.u16_le("algorithmId"), r.u16_le("digestSize")};
        const auto alg = alg_from_tpm_id(one.id);
        if (r.ok() &&
            (one.size == 0 || one.size > kMaxDigest || (alg && digest_size(*alg) != one.size))) {
            r.fail(Code::malformed, "digestSize",
                   std::to_string(one.size) + " for algorithm " + std::to_string(one.id));
        } else if (std::ranges::find(out, one.id, &Declared::id) != out.end()) {
            r.fail(Code::malformed, "algorithmId", std::to_string(one.id) + " twice");
        }
        out.push_back(one);
    }
    r.bytes(r.u8("vendorInfoSize"), "vendorInfo");
    return r.finish(std::move(out));
}

/// TCG_PCR_EVENT2: a digest of each declared algorithm, in any order.
Event read_agile(Reader& r, const std::vector<Declared>& declared) {
    Event event;
    event.index = r.u32_le("pcrIndex");
    event.type = r.u32_le("eventType");
    const std::uint32_t count = r.u32_le("digests.count");
    r.expect(count, static_cast<std::uint32_t>(declared.size()), "digests.count");
    unsigned seen = 0;
    for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
        const std::uint16_t id = r.u16_le("digests.hashAlg");
        const auto found = std::ranges::find(declared, id, &Declared::id);
        const auto bit = 1U << (found - declared.begin());
        if (found == declared.end() || (seen & bit) != 0) {
            r.fail(Code::malformed, "digests.hashAlg",
                   "each declared algorithm once wanted, " + std::to_string(id) + " found");
            break;
        }
        seen |= bit;
        const ByteView digest = r.bytes(found->size, "digests.digest");
        if (const auto alg = alg_from_tpm_id(id)) {
            event.digests.add({*alg, digest});
        }
    }
    event.data = read_data(r);
    return event;
}

/// The locality that TPM2_Startup came from, if the event says so. Some firmware logs zeros behind
/// it.
std::optional<std::uint8_t> startup_locality(const Event& event) {
    const std::size_t size = kStartupLocality.size() + 1;
    if (event.type == kNoAction && event.index == 0 && event.data.size() >= size &&
        as_text(event.data).starts_with(kStartupLocality) && all_zero(event.data.subspan(size))) {
        return event.data[size - 1];
    }
    return std::nullopt;
}

/// What a CRTM in hardware measures before TPM2_Startup sets PCR 0 to 4, also where no event says
/// StartupLocality. Source: TCG PFP 1.06, section 10.4.5.3; TPM 2.0 Library, Part 1, H-CRTM.
constexpr std::uint8_t kHcrtmLocality = 4;
bool is_hcrtm(const Log& log, const Event& event) {
    return log.kind == Kind::tcg && event.type == kEfiHcrtmEvent && event.index == 0;
}

/// Linux ends the log of a TPM 1.2 at an event of type 0 without data, which is what a copy of the
/// whole area in memory has behind the last one. Source: Linux drivers/char/tpm/eventlog/tpm1.c.
bool is_end_of_legacy(const Log& log, const Event& event) {
    return log.kind == Kind::tcg && !log.crypto_agile && event.type == 0 && event.data.empty();
}

/// How many separators a register can have: one for each PCR of the firmware that it stands for.
/// TDVF extends PCR 1 and 7 into RTMR0, 2 to 6 into RTMR1; PCR 0 is MRTD.
/// Source: TCG PFP 1.06, section 10.4.1, EV_SEPARATOR; UEFI 2.10, section 38.4.1, mapping table.
std::uint32_t max_separators(Kind kind, std::uint32_t index) {
    constexpr std::array<std::uint32_t, 3> kPcrsOfImr = {1, 2, 5};
    if (kind == Kind::ccel) {
        return index < kPcrsOfImr.size() ? kPcrsOfImr[index] : kUnlimited;
    }
    return index < kFirmwarePcrs ? 1 : kUnlimited;
}

/// What the events must be like together.
class EventChecker {
  public:
    explicit EventChecker(Kind kind) : kind_(kind) {}

    Status check(const Event& event) {
        // Some informative events of TPM logs have no PCR, as 0xffffffff says.
        const bool no_register =
            kind_ == Kind::tcg && event.type == kNoAction && event.index == kNoIndex;
        const std::uint32_t last = kind_ == Kind::ccel ? kMaxImr : kMaxPcr;
        if (event.index > last && !no_register) {
            return fail(Code::malformed, kind_ == Kind::ccel ? "register" : "pcrIndex",
                        "0 to " + std::to_string(last) + " wanted, " + std::to_string(event.index) +
                            " found");
        }
        if (event.type == kSeparator &&
            ++separators_[event.index] > max_separators(kind_, event.index)) {
            return fail(Code::malformed, "separator",
                        "one too many in register " + std::to_string(event.index));
        }
        RATLS_CHECK(check_start(event));
        pcr0_begun_ = pcr0_begun_ || (event.index == 0 && event.type != kNoAction);
        return {};
    }

  private:
    /// Source: TCG PFP 1.06, section 10.4.5.3.
    Status check_start(const Event& event) {
        const auto locality = startup_locality(event);
        if (!locality) {
            return {};
        }
        if (kind_ == Kind::ccel || pcr0_begun_) {
            return fail(Code::malformed, "StartupLocality", "PCR 0 has begun, or there is none");
        }
        if (*locality != 0 && *locality != 3 && *locality != 4) {
            return fail(Code::malformed, "StartupLocality",
                        "0, 3 or 4 wanted, " + std::to_string(*locality) + " found");
        }
        pcr0_begun_ = true;
        return {};
    }

    Kind kind_;
    std::array<std::uint32_t, kMaxPcr + 1> separators_{};
    bool pcr0_begun_ = false;
};

/// The rest of a CCEL area behind the last event: firmware fills it with 0xff, the kernel or a copy
/// may add zeros.
bool is_padding(ByteView rest) {
    const auto other = std::ranges::find_if(rest, [](std::uint8_t byte) { return byte != 0xff; });
    const auto ones = static_cast<std::size_t>(other - rest.begin());
    return (ones == 0 || ones >= sizeof(std::uint32_t) || ones == rest.size()) &&
           all_zero(rest.subspan(ones));
}

}  // namespace

const EventDigest* EventDigests::find(HashAlg alg) const {
    const auto* found = std::ranges::find(*this, alg, &EventDigest::alg);
    return found == end() ? nullptr : found;
}

Result<Log> parse_log(ByteView in, Kind kind) {
    if (in.size() > kMaxLogBytes) {
        return fail(Code::too_large, std::string(kName),
                    "at most 16 MiB wanted, " + std::to_string(in.size()) + " bytes found");
    }
    Log out;
    out.kind = kind;
    out.banks = {HashAlg::sha1};
    std::vector<Declared> declared;
    EventChecker checker(kind);
    Reader r(in, kName);
    do {
        const std::string where = "event " + std::to_string(out.events.size());
        const auto refuse = [&where](Error error) {
            return std::unexpected(std::move(error).in(where).in(kName));
        };
        if (out.events.size() == kMaxEvents) {
            return fail(Code::too_large, std::string(kName), "more than 65536 events");
        }
        const std::size_t begin = r.offset();
        Event event = out.crypto_agile ? read_agile(r, declared) : read_legacy(r);
        if (!r.ok()) {
            return std::unexpected(r.error());
        }
        if (is_end_of_legacy(out, event)) {
            if (out.events.empty() || !all_zero(in.subspan(begin))) {
                return refuse({Code::malformed, "type",
                               out.events.empty() ? "zeros, where a log begins"
                                                  : "0 without data, which ends a log; zeros "
                                                    "wanted behind it"});
            }
            return out;
        }
        if (auto status = checker.check(event); !status) {
            return refuse(std::move(status).error());
        }
        if (out.events.empty() && event.type == kNoAction &&
            as_text(event.data).starts_with(kSpecId)) {
            auto algs = read_spec_id(event.data);
            if (!algs) {
                return refuse(std::move(algs).error());
            }
            declared = *std::move(algs);
            out.crypto_agile = true;
            out.banks.clear();
            for (const Declared& one : declared) {
                if (const auto alg = alg_from_tpm_id(one.id)) {
                    out.banks.push_back(*alg);
                }
            }
            if (out.banks.empty()) {
                return refuse({Code::unsupported, "Spec ID", "no algorithm that we know"});
            }
        } else if (out.events.empty() && kind == Kind::ccel) {
            return fail(Code::malformed, "eventlog: event 0", "a Spec ID event wanted");
        }
        out.events.push_back(event);
        if (kind == Kind::ccel && is_padding(in.subspan(r.offset()))) {
            return out;
        }
    } while (r.left() > 0);
    return out;
}

std::map<std::uint32_t, Digest> replay(const Log& log, HashAlg bank) {
    std::map<std::uint32_t, Digest> out;
    Hasher hasher(bank);
    for (const Event& event : log.events) {
        if (const auto locality = startup_locality(event)) {
            Digest start(digest_size(bank));
            start.writable().back() = *locality;
            out.try_emplace(0, start);
        } else if (is_hcrtm(log, event)) {
            Digest start(digest_size(bank));
            start.writable().back() = kHcrtmLocality;
            out.try_emplace(0, start);
        }
        const EventDigest* digest = event.digests.find(bank);
        if (event.type == kNoAction || digest == nullptr) {
            continue;
        }
        Digest& value = out.try_emplace(event.index, Digest(digest_size(bank))).first->second;
        hasher.reset();
        value = hasher.update(value.view()).update(digest->value).finish();
    }
    return out;
}

Digest replayed_value(const std::map<std::uint32_t, Digest>& replayed, std::uint32_t index,
                      HashAlg bank) {
    const auto value = replayed.find(index);
    return value == replayed.end() ? Digest(digest_size(bank)) : value->second;
}

}  // namespace ratls::eventlog
