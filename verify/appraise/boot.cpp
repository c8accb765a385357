#include "verify/appraise/boot.h"

#include <algorithm>
#include <array>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/decode.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"

namespace ratls::verify {
namespace {

using eventlog::Event;

constexpr std::size_t kDigest = 32;
constexpr unsigned kLoaderPcr = 4;
constexpr unsigned kSecureBootPcr = 7;
constexpr unsigned kGrubTextPcr = 8;
constexpr unsigned kFilePcr = 9;
constexpr unsigned kShimPcr = 14;
constexpr std::uint32_t kLoadOptions = 0x8f3b22ed;  // of the tagged event of Linux's EFI stub
constexpr std::size_t kMostNamed = 5;               // events that a finding names

/// The digest that extended this PCR; empty if the event did not.
ByteView extended(const Event& event, unsigned pcr) {
    const eventlog::EventDigest* digest = event.digests.find(HashAlg::sha256);
    const bool does = event.index == pcr && event.type != eventlog::kNoAction && digest != nullptr;
    return does ? digest->value : ByteView();
}

bool is_digest_of(ByteView digest, ByteView data) {
    return equal(digest, sha256(data));
}

/// What one event says about one reference.
enum class Says {
    nothing,  ///< it is about something else
    wanted,   ///< what the reference wants, and its digest proves it
    other,    ///< something else, or its digest does not prove it
};

/// Types and data are not proved, digests are. So an event can hide what it is about, but only
/// where something else than its events stands for the PCR: `is_known` has no place for it.
Says about_variable(const Event& event, std::string_view guid, std::string_view name,
                    const std::vector<Bytes>& accepted_values, const std::vector<Bytes>& digests) {
    const ByteView digest = extended(event, kSecureBootPcr);
    if (digest.empty() || event.type != eventlog::kEfiVariableDriverConfig) {
        return Says::nothing;
    }
    const auto variable = eventlog::parse_variable(event.data);
    if (!variable || variable->name != name || variable->guid != guid) {
        return Says::nothing;
    }
    const bool proved = variable->size == event.data.size() && is_digest_of(digest, event.data);
    const bool wanted = contains(accepted_values, variable->value) || contains(digests, digest);
    return proved && wanted ? Says::wanted : Says::other;
}

/// Firmware ends its part of PCR 7 with zeros, or ones. Known by the digest, since no type is
/// proved.
bool is_separator(const Event& event) {
    const ByteView digest = extended(event, kSecureBootPcr);
    return is_digest_of(digest, Bytes(4)) || is_digest_of(digest, Bytes(4, 0xff));
}

/// SecureBoot is one byte. Some firmware has an empty one for off.
Says about_secure_boot(const Event& event, bool wanted) {
    const std::vector<Bytes> values =
        wanted ? std::vector<Bytes>{Bytes{1}} : std::vector<Bytes>{Bytes{0}, Bytes()};
    return about_variable(event, eventlog::kGlobalVariable, "SecureBoot", values, {});
}

Says about_db(const Event& event, const std::vector<Bytes>& digests) {
    return about_variable(event, eventlog::kImageSecurity, "db", {}, digests);
}

bool is_load_options(const Event& event) {
    Reader r(event.data, "TCG_PCClientTaggedEvent");
    return event.type == eventlog::kEventTag && r.u32_le("taggedEventID") == kLoadOptions;
}

/// GRUB hashes its text without prefix and NUL, into PCR 8. Linux's EFI stub hashes the load
/// options, UTF-16 with NUL, into PCR 9 and does not log them: there the digest alone says it.
Says about_cmdline(const Event& event, const std::vector<std::string>& accepted) {
    constexpr std::string_view kGrub = "kernel_cmdline: ";
    if (const ByteView digest = extended(event, kFilePcr);
        !digest.empty() && is_load_options(event)) {
        const bool wanted = std::ranges::any_of(accepted, [&](const std::string& line) {
            return is_digest_of(digest, eventlog::utf8_to_utf16(line));
        });
        return wanted ? Says::wanted : Says::other;
    }
    const ByteView digest = extended(event, kGrubTextPcr);
    if (digest.empty() || event.type != eventlog::kIpl || !as_text(event.data).starts_with(kGrub)) {
        return Says::nothing;
    }
    std::string_view text = as_text(event.data).substr(kGrub.size());
    if (text.ends_with('\0')) {
        text.remove_suffix(1);
    }
    const bool wanted =
        std::ranges::find(accepted, text) != accepted.end() && is_digest_of(digest, as_bytes(text));
    return wanted ? Says::wanted : Says::other;
}

bool is_application(const Event& event) {
    return event.type == eventlog::kEfiBootServicesApplication;
}

/// The digest of an image is the statement: no data needs to be proved.
Says about_loader(const Event& event, const BootReference& reference) {
    const ByteView digest = extended(event, kLoaderPcr);
    if (digest.empty() || !is_application(event)) {
        return Says::nothing;
    }
    if (contains(reference.boot_loader_digests, digest)) {
        return Says::wanted;
    }
    return contains(reference.kernel_digests, digest) ? Says::nothing : Says::other;
}

/// Which of the files that GRUB read is the kernel, no digest says: only a known one says
/// something.
Says about_kernel(const Event& event, const std::vector<Bytes>& kernels) {
    const bool image = is_application(event) && contains(kernels, extended(event, kLoaderPcr));
    const bool file = event.type == eventlog::kIpl && contains(kernels, extended(event, kFilePcr));
    return image || file ? Says::wanted : Says::nothing;
}

bool is_known(const Event& event, unsigned pcr, const BootReference& reference) {
    const auto listed = reference.events.find(pcr);
    if (listed != reference.events.end() && contains(listed->second, extended(event, pcr))) {
        return true;
    }
    return about_loader(event, reference) == Says::wanted ||
           about_kernel(event, reference.kernel_digests) == Says::wanted ||
           about_cmdline(event, reference.kernel_cmdline) == Says::wanted ||
           about_db(event, reference.db_sha256) == Says::wanted ||
           (reference.secure_boot &&
            about_secure_boot(event, *reference.secure_boot) == Says::wanted);
}

/// "event 12 (EV_IPL, path "/vmlinuz", sha256 ..)": what stands in the log, quoted. Of the fields
/// that were decoded the last says most; a variable is nothing without its name.
std::string event_text(const eventlog::Log& log, std::size_t index) {
    const Event& event = log.events[index];
    std::string out =
        "event " + std::to_string(index) + " (" + eventlog::event_type_name(event.type);
    if (const auto decoded = eventlog::decode(event)) {
        for (const eventlog::Field& field : decoded->fields) {
            if (field.name == "name" || &field == &decoded->fields.back()) {
                out += ", " + field.name + " " + quoted(field.value);
            }
        }
    }
    if (const auto* digest = event.digests.find(HashAlg::sha256)) {
        out += ", sha256 " + hex(digest->value);
    }
    return out + ")";
}

/// Names the first few of some events.
class List {
  public:
    explicit List(const eventlog::Log& log) : log_(log) {}
    void add(std::size_t index) {
        if (++count_ <= kMostNamed) {
            text_ += (text_.empty() ? "" : ", ") + event_text(log_, index);
        }
    }
    std::string text() const {
        return text_ +
               (count_ > kMostNamed ? " and " + std::to_string(count_ - kMostNamed) + " more" : "");
    }
    bool empty() const { return count_ == 0; }

  private:
    const eventlog::Log& log_;
    std::string text_;
    std::size_t count_ = 0;
};

/// At least one event says what is wanted, and none says something else.
template <typename About>
void check(const eventlog::Log& log, std::string_view rule, const std::string& expected,
           About about, Findings& out) {
    std::size_t wanted = 0;
    List others(log);
    for (std::size_t i = 0; i < log.events.size(); ++i) {
        const Says says = about(log.events[i]);
        wanted += says == Says::wanted ? 1 : 0;
        if (says == Says::other) {
            others.add(i);
        }
    }
    const bool holds = wanted > 0 && others.empty();
    out.check(rule, holds, expected,
              holds            ? std::to_string(wanted) + " events say so"
              : others.empty() ? "no event says so"
                               : "not so: " + others.text());
}

void check_predicates(const eventlog::Log& log, const BootReference& reference, Findings& out) {
    if (reference.secure_boot) {
        const bool on = *reference.secure_boot;
        bool closed = false;  // what comes later is not what the firmware booted with
        check(
            log, "boot.secure_boot", on ? "on" : "off",
            [&](const Event& event) {
                closed = closed || is_separator(event);
                const Says says = about_secure_boot(event, on);
                return closed && says != Says::nothing ? Says::other : says;
            },
            out);
    }
    if (!reference.db_sha256.empty()) {
        check(
            log, "boot.db", "the snapshot's db",
            [&](const Event& event) { return about_db(event, reference.db_sha256); }, out);
    }
    if (!reference.boot_loader_digests.empty()) {
        check(
            log, "boot.loader", "the snapshot's boot loaders",
            [&](const Event& event) { return about_loader(event, reference); }, out);
    }
    if (!reference.kernel_digests.empty()) {
        check(
            log, "boot.kernel", "one of the snapshot's kernels",
            [&](const Event& event) { return about_kernel(event, reference.kernel_digests); }, out);
    }
    if (!reference.kernel_cmdline.empty()) {
        check(
            log, "boot.kernel_cmdline", "one of the snapshot's command lines",
            [&](const Event& event) { return about_cmdline(event, reference.kernel_cmdline); },
            out);
    }
}

std::vector<Bytes> read_digests(JsonReader& reader, std::string_view key) {
    std::vector<Bytes> out = reader.hex_list(key, kDigest);
    if (out.empty() && reader.member(key) != nullptr) {
        reader.fail(key, "an empty list accepts nothing: at least one digest wanted");
    }
    return out;
}

void read_events(const Json& json, JsonReader& parent, BootReference& out) {
    JsonReader reader(json, parent, "event_digests");
    for (unsigned index = 0; index <= kShimPcr; ++index) {
        const std::string key = std::to_string(index);
        if (is_boot_log_pcr(index) && json.find(key) != nullptr) {
            out.events[index] = read_digests(reader, key);
        }
    }
    if (out.events.empty() && reader.ok()) {
        reader.fail({}, "at least one PCR wanted");
    }
    parent.absorb(reader);
}

}  // namespace

BootReference read_boot(JsonReader& reader) {
    BootReference out;
    if (reader.member("secure_boot") != nullptr) {
        out.secure_boot = reader.boolean("secure_boot", false);
    }
    out.kernel_cmdline = reader.strings("kernel_cmdline");
    if (out.kernel_cmdline.empty() && reader.member("kernel_cmdline") != nullptr) {
        reader.fail("kernel_cmdline", "an empty list accepts nothing: at least one text wanted");
    }
    out.kernel_digests = read_digests(reader, "kernel_digests");
    out.boot_loader_digests = read_digests(reader, "boot_loader_digests");
    out.db_sha256 = read_digests(reader, "db_sha256");
    if (const Json* member = reader.member("event_digests")) {
        read_events(*member, reader, out);
    }
    const auto by_log = reader.integers("pcrs_by_log", 0, kShimPcr);
    if (by_log.empty() && reader.member("pcrs_by_log") != nullptr) {
        reader.fail("pcrs_by_log", "an empty list says nothing: at least one PCR wanted");
    }
    for (const std::int64_t index : by_log) {
        const auto pcr = static_cast<unsigned>(index);
        if (!is_boot_log_pcr(pcr)) {
            reader.fail("pcrs_by_log", "0 to 9 and 14 wanted, " + std::to_string(pcr) + " found");
        } else if (!out.pcrs_by_log.insert(pcr).second) {
            reader.fail("pcrs_by_log", std::to_string(pcr) + " twice");
        }
    }
    const bool asks = out.secure_boot || !out.kernel_cmdline.empty() ||
                      !out.kernel_digests.empty() || !out.boot_loader_digests.empty() ||
                      !out.db_sha256.empty() || !out.events.empty();
    if (!asks && reader.ok()) {
        reader.fail({}, "it says nothing about any event");
    }
    return out;
}

Json boot_json(const BootReference& boot) {
    Json out(Json::Object{});
    const auto set_list = [&out](std::string_view key, const std::vector<Bytes>& values) {
        if (!values.empty()) {
            out.set(key, hex_array(values));
        }
    };
    if (boot.secure_boot) {
        out.set("secure_boot", *boot.secure_boot);
    }
    if (!boot.kernel_cmdline.empty()) {
        Json lines(Json::Array{});
        for (const std::string& line : boot.kernel_cmdline) {
            lines.push(line);
        }
        out.set("kernel_cmdline", std::move(lines));
    }
    set_list("kernel_digests", boot.kernel_digests);
    set_list("boot_loader_digests", boot.boot_loader_digests);
    set_list("db_sha256", boot.db_sha256);
    if (!boot.events.empty()) {
        Json events(Json::Object{});
        for (const auto& [pcr, digests] : boot.events) {
            events.set(std::to_string(pcr), hex_array(digests));
        }
        out.set("event_digests", std::move(events));
    }
    if (!boot.pcrs_by_log.empty()) {
        Json pcrs(Json::Array{});
        for (const unsigned pcr : boot.pcrs_by_log) {
            pcrs.push(std::uint64_t{pcr});
        }
        out.set("pcrs_by_log", std::move(pcrs));
    }
    return out;
}

std::string unknown_events(const Verified<BootLog>& log, unsigned pcr,
                           const BootReference& reference) {
    const std::vector<Event>& events = log->log.events;
    List out(log->log);
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!extended(events[i], pcr).empty() && !is_known(events[i], pcr, reference)) {
            out.add(i);
        }
    }
    return out.text();
}

std::set<unsigned> appraise_boot(const Verified<BootLog>& log, const BootReference& reference,
                                 Findings& out) {
    check_predicates(log->log, reference, out);
    std::set<unsigned> vouched;
    std::string wrong;
    for (const unsigned pcr : reference.pcrs_by_log) {
        const bool has_events = std::ranges::any_of(
            log->log.events, [pcr](const Event& event) { return !extended(event, pcr).empty(); });
        const std::string unknown =
            has_events ? unknown_events(log, pcr, reference) : "it has no event";
        if (unknown.empty()) {
            vouched.insert(pcr);
        } else {
            wrong += (wrong.empty() ? "PCR " : "; PCR ") + std::to_string(pcr) + ": " + unknown;
        }
    }
    if (!reference.pcrs_by_log.empty()) {
        out.check("boot.events", wrong.empty(), "only events that the snapshot knows",
                  wrong.empty() ? "all known" : wrong);
    }
    return vouched;
}

}  // namespace ratls::verify
