// The rules boot.*: what the events of a boot log must say.
#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/event_type.h"
#include "ratls/evidence/eventlog/variable.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using verify::Outcome;
using verify::Verdict;

namespace {

constexpr std::uint32_t kLoadOptionsTag = 0x8f3b22ed;
const std::string kLine = "/vmlinuz root=/dev/vda1 quiet";

struct BootEvent {
    unsigned pcr;
    std::uint32_t type;
    Bytes data;
    Bytes hashed;
};

Bytes variable(std::string_view guid, std::string_view name, ByteView value) {
    Bytes out = uefi_variable(name, value);
    const Bytes bytes = parse_hex(guid).value();
    std::ranges::copy(bytes, out.begin());
    return out;
}

BootEvent hashed_data(unsigned pcr, std::uint32_t type, const Bytes& data) {
    return {pcr, type, data, data};
}

BootEvent secure_boot(const Bytes& value) {
    return hashed_data(7, eventlog::kEfiVariableDriverConfig,
                       variable("61dfe48bca93d211aa0d00e098032b8c", "SecureBoot", value));
}

BootEvent db(std::string_view value) {
    return hashed_data(7, eventlog::kEfiVariableDriverConfig,
                       variable("cbb219d73a3d9645a3bcdad00e67656f", "db", text_bytes(value)));
}

BootEvent separator(unsigned pcr) {
    return hashed_data(pcr, eventlog::kSeparator, Bytes(4));
}

BootEvent application(std::string_view image) {
    return {4, eventlog::kEfiBootServicesApplication, Bytes(32), text_bytes(image)};
}

BootEvent grub_line(std::string_view line) {
    Bytes data = text_bytes("kernel_cmdline: " + std::string(line));
    data.push_back(0);
    return {8, eventlog::kIpl, data, text_bytes(line)};
}

BootEvent grub_file(std::string_view path, std::string_view content) {
    return {9, eventlog::kIpl, text_bytes(path), text_bytes(content)};
}

BootEvent load_options(std::string_view line) {
    const Bytes text = text_bytes("LOADED_IMAGE::LoadOptions");
    Writer data;
    data.u32_le(kLoadOptionsTag).u32_le(static_cast<std::uint32_t>(text.size())).bytes(text);
    return {9, eventlog::kEventTag, data.take(), eventlog::utf8_to_utf16(line)};
}

Bytes digest(const BootEvent& event) {
    return to_bytes(sha256(event.hashed));
}

Bytes digest(std::string_view content) {
    return to_bytes(sha256(text_bytes(content)));
}

/// A VM that booted by shim, GRUB and Linux with Secure Boot.
std::vector<BootEvent> good_boot() {
    return {secure_boot({1}),     db("keys"),          separator(7),
            separator(4),         application("shim"), application("grub"),
            application("linux"), grub_line(kLine),    grub_file("/vmlinuz", "linux file"),
            load_options(kLine)};
}

/// What wants all of it, with PCR 4, 7, 8 and 9 by log.
verify::BootReference good_reference() {
    verify::BootReference out;
    out.secure_boot = true;
    out.db_sha256 = {digest(db("keys"))};
    out.boot_loader_digests = {digest("shim"), digest("grub")};
    out.kernel_digests = {digest("linux"), digest("linux file")};
    out.kernel_cmdline = {kLine};
    out.events[4] = {digest(separator(4))};
    out.events[7] = {digest(separator(7))};
    out.pcrs_by_log = {4, 7, 8, 9};
    return out;
}

Bytes boot_pcr(Scene& scene, unsigned index) {
    const auto values = scene.tpm.read_pcrs(HashAlg::sha256, std::array{index});
    return to_bytes(values.value()[0].view());
}

/// The scene after this boot. `logged` is what its log says, if not the same.
Scene scene_of(const std::vector<BootEvent>& boot, const verify::BootReference& reference,
               std::optional<std::vector<BootEvent>> logged = std::nullopt) {
    Scene scene;
    for (unsigned index = 0; index < 10; ++index) {
        scene.tpm.set_pcr(index, HashAlg::sha256, Bytes(32));
    }
    EventLogBuilder log({HashAlg::sha256});
    for (const BootEvent& event : logged ? *logged : boot) {
        log.add(event.pcr, event.type, event.data, event.hashed);
    }
    for (const BootEvent& event : boot) {
        scene.tpm.extend(event.pcr, HashAlg::sha256, sha256(event.hashed));
    }
    scene.boot_log = log.log();
    scene.snapshot->pcrs->clear();
    Bytes pcrs;
    for (unsigned index = 0; index < 16; ++index) {
        if (index < 10) {
            append(pcrs, boot_pcr(scene, index));
        }
        if (index != 10 && !reference.pcrs_by_log.contains(index)) {
            (*scene.snapshot->pcrs)[index] = {boot_pcr(scene, index)};
        }
    }
    scene.snapshot->boot = reference;
    scene.ima = ImaBuilder();
    scene.ima.add("boot_aggregate", sha256(pcrs));
    scene.add_file("/usr/bin/ratls-agent", 0xa1);
    scene.add_file("/etc/ima/ima-policy", 0xa2);
    return scene;
}

std::string judge(const std::vector<BootEvent>& boot, const verify::BootReference& reference,
                  std::optional<std::vector<BootEvent>> logged = std::nullopt) {
    return summary(scene_of(boot, reference, std::move(logged)).verify());
}

std::string actual(const verify::VerificationResult& result, std::string_view rule) {
    for (const verify::Finding& finding : result.findings.all()) {
        if (finding.rule == rule) {
            return finding.actual;
        }
    }
    return {};
}

bool has_text(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// Without the events for which `is` holds.
template <typename Is>
std::vector<BootEvent> without(Is is) {
    std::vector<BootEvent> out = good_boot();
    std::erase_if(out, is);
    return out;
}

/// Only one predicate, over PCRs that all have exact values.
verify::BootReference only(const std::function<void(verify::BootReference&)>& set) {
    verify::BootReference out;
    set(out);
    return out;
}

}  // namespace

TEST_CASE("boot.present: the log that the snapshot asks for must be part of the certificate") {
    CHECK(judge(good_boot(), good_reference()) == "accepted");
    Scene scene = scene_of(good_boot(), good_reference());
    scene.has_boot_log = false;
    CHECK(summary(scene.verify()) == "unavailable: boot.present, boot.log, tpm.pcrs");
}

TEST_CASE("boot.log: without the log nothing is accepted, although all values are equal") {
    const auto reference = only([](auto& boot) { boot.secure_boot = true; });
    Scene scene = scene_of(good_boot(), reference);
    CHECK(summary(scene.verify()) == "accepted");
    scene.boot_log_at_hand = false;
    CHECK(summary(scene.verify()) == "unavailable: boot.log");
}

TEST_CASE("boot.log: a log that does not replay says nothing, be its events as wanted") {
    std::vector<BootEvent> evil = good_boot();
    evil.push_back(application("evil"));
    CHECK(judge(evil, good_reference(), good_boot()) ==
          "invalid: eventlog.replay, boot.log, tpm.pcrs");
    // The other way round: the log has more than the TPM.
    CHECK(judge(without([](const BootEvent& event) { return event.pcr == 8; }), good_reference(),
                good_boot()) == "invalid: eventlog.replay, boot.log, tpm.pcrs");
}

TEST_CASE("boot.secure_boot: on is one byte 1, off is 0 or none, anything else is neither") {
    struct Case {
        Bytes value;
        bool on, off;
    };
    for (const auto& [value, on, off] :
         {Case{{1}, true, false}, Case{{0}, false, true}, Case{{}, false, true},
          Case{{2}, false, false}, Case{{1, 0}, false, false}, Case{{0, 0}, false, false}}) {
        CAPTURE(hex(value));
        const std::vector<BootEvent> boot = {secure_boot(value), separator(7)};
        for (const bool wanted : {true, false}) {
            const auto reference = only([&](auto& one) { one.secure_boot = wanted; });
            CHECK(judge(boot, reference) ==
                  ((wanted ? on : off) ? "accepted" : "refused: boot.secure_boot"));
        }
    }
}

TEST_CASE("boot.secure_boot: the finding names the variable and its value") {
    const auto reference = only([](auto& boot) { boot.secure_boot = true; });
    const auto result = scene_of({secure_boot({0}), separator(7)}, reference).verify();
    CHECK(has_text(actual(result, "boot.secure_boot"),
                   "(EV_EFI_VARIABLE_DRIVER_CONFIG, name \"SecureBoot\", value \"off\", sha256 "));
}

TEST_CASE("boot.secure_boot: without an event that says so it is refused") {
    const auto reference = only([](auto& boot) { boot.secure_boot = true; });
    Scene scene = scene_of({separator(7)}, reference);
    const auto result = scene.verify();
    CHECK(summary(result) == "refused: boot.secure_boot");
    CHECK(actual(result, "boot.secure_boot") == "no event says so");
    // In another PCR, of another vendor or of another type it is another variable.
    BootEvent other = secure_boot({1});
    other.pcr = 6;
    CHECK(judge({other}, reference) == "refused: boot.secure_boot");
    other = secure_boot({1});
    other.data[0] ^= 1;
    other.hashed = other.data;
    CHECK(judge({other}, reference) == "refused: boot.secure_boot");
    other = secure_boot({1});
    other.type = eventlog::kEfiVariableAuthority;
    CHECK(judge({other}, reference) == "refused: boot.secure_boot");
}

TEST_CASE("boot.secure_boot: changed data under a kept digest is refused") {
    BootEvent lie = secure_boot({1});
    lie.hashed = secure_boot({0}).hashed;
    const auto reference = only([](auto& boot) { boot.secure_boot = true; });
    CHECK(judge({lie}, reference) == "refused: boot.secure_boot");
    BootEvent longer = secure_boot({1});
    longer.data.push_back(0);
    longer.hashed = longer.data;
    CHECK(judge({longer}, reference) == "refused: boot.secure_boot");
}

TEST_CASE("boot.secure_boot: what is measured behind the separator cannot make it good") {
    const auto reference = only([](auto& boot) { boot.secure_boot = true; });
    CHECK(judge({separator(7), secure_boot({1})}, reference) == "refused: boot.secure_boot");
    BootEvent hidden = separator(7);
    hidden.type = eventlog::kEfiAction;
    CHECK(judge({hidden, secure_boot({1})}, reference) == "refused: boot.secure_boot");
    CHECK(judge({secure_boot({1}), separator(7), secure_boot({0})}, reference) ==
          "refused: boot.secure_boot");
    CHECK(judge({secure_boot({0}), secure_boot({1}), separator(7)}, reference) ==
          "refused: boot.secure_boot");
}

TEST_CASE("boot.secure_boot: hidden under another type it is an unknown event") {
    for (const std::uint32_t type :
         {eventlog::kEfiAction, eventlog::kEfiVariableAuthority, eventlog::kEventTag, 0x12345U}) {
        std::vector<BootEvent> boot = good_boot();
        BootEvent off = secure_boot({0});
        off.type = type;
        boot.insert(boot.begin(), off);
        CHECK(judge(boot, good_reference()) == "refused: boot.events, tpm.pcrs");
    }
}

TEST_CASE("boot.db: another db, none, or one whose digest is not its own is refused") {
    const auto reference =
        only([](auto& boot) { boot.db_sha256 = {digest(db("old keys")), digest(db("keys"))}; });
    CHECK(judge({db("keys")}, reference) == "accepted");
    CHECK(judge({db("old keys")}, reference) == "accepted");
    CHECK(judge({db("other keys")}, reference) == "refused: boot.db");
    CHECK(judge({separator(7)}, reference) == "refused: boot.db");
    CHECK(judge({db("keys"), db("other keys")}, reference) == "refused: boot.db");
    BootEvent lie = db("nice keys");
    lie.hashed = db("keys").hashed;
    CHECK(judge({lie}, reference) == "refused: boot.db");
}

TEST_CASE("boot.loader: every application in PCR 4 is listed, and one is a loader") {
    const auto reference = only([](auto& boot) {
        boot.boot_loader_digests = {digest("shim"), digest("grub")};
        boot.kernel_digests = {digest("linux")};
    });
    CHECK(judge({application("shim"), application("linux")}, reference) == "accepted");
    CHECK(judge({application("shim"), application("evil"), application("linux")}, reference) ==
          "refused: boot.loader");
    CHECK(judge({application("linux")}, reference) == "refused: boot.loader");
    BootEvent elsewhere = application("shim");
    elsewhere.pcr = 2;
    CHECK(judge({elsewhere, application("linux")}, reference) == "refused: boot.loader");
    Scene scene =
        scene_of({application("evil"), application("shim"), application("linux")}, reference);
    CHECK(has_text(actual(scene.verify(), "boot.loader"), "event 1 (EV_EFI_BOOT_SERVICES"));
    CHECK(has_text(actual(scene.verify(), "boot.loader"), hex(digest("evil"))));
}

TEST_CASE("boot.kernel: a listed kernel was measured, as application or as GRUB's file") {
    const auto reference = only([](auto& boot) { boot.kernel_digests = {digest("linux")}; });
    CHECK(judge({application("linux")}, reference) == "accepted");
    CHECK(judge({grub_file("/vmlinuz", "linux")}, reference) == "accepted");
    CHECK(judge({application("other")}, reference) == "refused: boot.kernel");
    CHECK(judge({separator(4)}, reference) == "refused: boot.kernel");
    BootEvent elsewhere = grub_file("/vmlinuz", "linux");
    elsewhere.pcr = 8;
    CHECK(judge({elsewhere}, reference) == "refused: boot.kernel");
}

TEST_CASE("boot.kernel_cmdline: GRUB's and Linux's command lines are exactly the snapshot's") {
    const auto reference = only([](auto& boot) { boot.kernel_cmdline = {"other", kLine}; });
    CHECK(judge({grub_line(kLine)}, reference) == "accepted");
    CHECK(judge({load_options(kLine)}, reference) == "accepted");
    CHECK(judge({grub_line(kLine), load_options(kLine)}, reference) == "accepted");
    for (const std::string& wrong : {kLine + " ", kLine + " init=/bin/sh", kLine.substr(1),
                                     std::string(), kLine + std::string(1, '\0')}) {
        CHECK(judge({grub_line(wrong)}, reference) == "refused: boot.kernel_cmdline");
        CHECK(judge({load_options(wrong)}, reference) == "refused: boot.kernel_cmdline");
        CHECK(judge({grub_line(kLine), load_options(wrong)}, reference) ==
              "refused: boot.kernel_cmdline");
    }
    CHECK(judge({separator(4)}, reference) == "refused: boot.kernel_cmdline");
    BootEvent lie = grub_line(kLine);
    lie.hashed = text_bytes(kLine + " init=/bin/sh");
    CHECK(judge({lie}, reference) == "refused: boot.kernel_cmdline");
    BootEvent elsewhere = grub_line(kLine);
    elsewhere.pcr = 5;
    CHECK(judge({elsewhere}, reference) == "refused: boot.kernel_cmdline");
}

TEST_CASE("boot.kernel_cmdline: a line beyond ASCII is compared as UTF-16 too") {
    const std::string line = "root=/dev/\u00fc\U0001f600";
    const auto reference = only([&](auto& boot) { boot.kernel_cmdline = {line}; });
    CHECK(judge({load_options(line)}, reference) == "accepted");
    CHECK(judge({grub_line(line)}, reference) == "accepted");
}

TEST_CASE("boot.events: one unknown event in any PCR by log is refused and named") {
    for (const unsigned pcr : {4U, 7U, 8U, 9U}) {
        CAPTURE(pcr);
        std::vector<BootEvent> boot = good_boot();
        boot.push_back(hashed_data(pcr, eventlog::kEfiAction, text_bytes("unknown")));
        Scene scene = scene_of(boot, good_reference());
        const auto result = scene.verify();
        CHECK(summary(result) == "refused: boot.events, tpm.pcrs");
        CHECK(has_text(actual(result, "boot.events"), "PCR " + std::to_string(pcr) + ": event 11"));
        CHECK(has_text(actual(result, "boot.events"), "text \"unknown\""));
        CHECK(has_text(actual(result, "boot.events"), hex(digest("unknown"))));
        // Named in the snapshot it is known, in this PCR only.
        verify::BootReference knowing = good_reference();
        knowing.events[pcr].push_back(digest("unknown"));
        CHECK(judge(boot, knowing) == "accepted");
        verify::BootReference elsewhere = good_reference();
        elsewhere.events[pcr == 4 ? 7 : 4].push_back(digest("unknown"));
        CHECK(judge(boot, elsewhere) == "refused: boot.events, tpm.pcrs");
    }
}

TEST_CASE("boot.events: a PCR by log without any event is refused") {
    verify::BootReference reference = good_reference();
    reference.pcrs_by_log.insert(14);
    reference.events[14] = {digest("MokList")};
    Scene scene = scene_of(good_boot(), reference);
    const auto result = scene.verify();
    CHECK(summary(result) == "refused: boot.events, tpm.pcrs");
    CHECK(actual(result, "boot.events") == "PCR 14: it has no event");
    // An event that is not extended is none.
    std::vector<BootEvent> logged = good_boot();
    logged.push_back({14, eventlog::kNoAction, text_bytes("MokList"), text_bytes("MokList")});
    CHECK(judge(good_boot(), reference, logged) == "refused: boot.events, tpm.pcrs");
}

TEST_CASE("boot.events: what another reference wants is known in its own PCR only") {
    verify::BootReference reference = good_reference();
    std::vector<BootEvent> boot = good_boot();
    BootEvent shim = application("shim");
    shim.pcr = 9;
    boot.push_back(shim);
    CHECK(judge(boot, reference) == "refused: boot.events, tpm.pcrs");
    boot.back() = hashed_data(8, eventlog::kIpl, text_bytes("linux file"));
    CHECK(judge(boot, reference) == "refused: boot.events, tpm.pcrs");
}

TEST_CASE("boot.events: each reference that is left out makes its events unknown") {
    const auto refused_without = [](auto leave_out) {
        verify::BootReference reference = good_reference();
        leave_out(reference);
        return judge(good_boot(), reference) != "accepted";
    };
    CHECK(refused_without([](auto& boot) { boot.secure_boot.reset(); }));
    CHECK(refused_without([](auto& boot) { boot.db_sha256.clear(); }));
    CHECK(refused_without([](auto& boot) { boot.boot_loader_digests.clear(); }));
    CHECK(refused_without([](auto& boot) { boot.kernel_digests.clear(); }));
    CHECK(refused_without([](auto& boot) { boot.kernel_cmdline.clear(); }));
    CHECK(refused_without([](auto& boot) { boot.events.erase(4); }));
    CHECK(refused_without([](auto& boot) { boot.events.erase(7); }));
}

TEST_CASE("boot.events: only the first few events are named") {
    std::vector<BootEvent> boot = good_boot();
    for (int i = 0; i < 8; ++i) {
        boot.push_back(hashed_data(8, eventlog::kEfiAction, text_bytes("unknown")));
    }
    Scene scene = scene_of(boot, good_reference());
    CHECK(actual(scene.verify(), "boot.events").ends_with(" and 3 more"));
}

TEST_CASE("tpm.pcrs: neither by value nor by log is refused") {
    for (const unsigned pcr : {4U, 9U}) {
        verify::BootReference reference = good_reference();
        reference.pcrs_by_log.erase(pcr);
        Scene scene = scene_of(good_boot(), reference);
        CHECK(summary(scene.verify()) == "accepted");
        scene.snapshot->pcrs->erase(pcr);
        CHECK(summary(scene.verify()) == "refused: tpm.pcrs");
    }
}

TEST_CASE("tpm.pcrs: a PCR that differs names the events that the snapshot does not know") {
    verify::BootReference reference;
    reference.events[8] = {digest(kLine)};
    std::vector<BootEvent> boot = good_boot();
    Scene scene = scene_of(boot, reference);
    (*scene.snapshot->pcrs)[8][0][0] ^= 1;
    CHECK(summary(scene.verify()) == "refused: tpm.pcrs");
    CHECK(has_text(actual(scene.verify(), "tpm.pcrs"), "(all its events are known)"));
    boot.push_back(grub_line("evil"));
    Scene evil = scene_of(boot, reference);
    (*evil.snapshot->pcrs)[8][0][0] ^= 1;
    const std::string text = actual(evil.verify(), "tpm.pcrs");
    CHECK(has_text(text, "(not known: event 11 (EV_IPL, text \"evil\", sha256 "));
    CHECK_FALSE(has_text(text, "event 8"));
}

TEST_CASE("boot.log: without reference values nothing is compared") {
    Scene scene = scene_of(good_boot(), good_reference());
    scene.evidence_only = true;
    const auto result = scene.verify();
    CHECK(summary(result) == "genuine");
    CHECK(actual(result, "boot.log").empty());
}

TEST_CASE("boot.events: the references are read from the snapshot's text as they are written") {
    Scene scene = scene_of(good_boot(), good_reference());
    const std::string text = snapshot_json(*scene.snapshot).pretty();
    const auto read = verify::parse_snapshot(text);
    REQUIRE(read);
    REQUIRE(read->boot);
    CHECK(read->boot->secure_boot == std::optional(true));
    CHECK(read->boot->kernel_cmdline == good_reference().kernel_cmdline);
    CHECK(read->boot->kernel_digests == good_reference().kernel_digests);
    CHECK(read->boot->boot_loader_digests == good_reference().boot_loader_digests);
    CHECK(read->boot->db_sha256 == good_reference().db_sha256);
    CHECK(read->boot->events == good_reference().events);
    CHECK(read->boot->pcrs_by_log == good_reference().pcrs_by_log);
    CHECK(snapshot_json(*read).pretty() == text);
}

TEST_CASE("boot.events: a snapshot whose boot is empty, doubtful or unknown is refused") {
    const std::string d(64, 'a');
    const auto parses = [](const std::string& boot) {
        const std::string value(64, '0');
        return verify::parse_snapshot(
                   R"({"ratls_snapshot":1,"name":"x","sequence":1,)"
                   R"("not_before":"2026-01-01T00:00:00Z","not_after":"2026-01-02T00:00:00Z",)"
                   R"("origin":"built","dialects":["ratls-vm/1"],)"
                   R"("tpm":{"sha256":{"0":[")" +
                   value + R"("]},"boot":)" + boot + "}}")
            .has_value();
    };
    CHECK(parses(R"({"secure_boot":false})"));
    CHECK(parses(R"({"event_digests":{"4":[")" + d + R"("]},"pcrs_by_log":[4,14]})"));
    for (const std::string& bad : {
             std::string("{}"),
             std::string("[]"),
             std::string("null"),
             std::string(R"({"secure_boot":1})"),
             std::string(R"({"secure_boot":null})"),
             std::string(R"({"pcrs_by_log":[4]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[0]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[7,7]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[10]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[11]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[15]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":[-1]})"),
             std::string(R"({"secure_boot":true,"pcrs_by_log":["7"]})"),
             std::string(R"({"kernel_cmdline":[]})"),
             std::string(R"({"kernel_cmdline":"x"})"),
             std::string(R"({"kernel_digests":[]})"),
             std::string(R"({"boot_loader_digests":[]})"),
             std::string(R"({"db_sha256":[]})"),
             std::string(R"({"event_digests":{}})"),
             std::string(R"({"event_digests":{"4":[]}})"),
             R"({"event_digests":{"10":[")" + d + R"("]}})",
             R"({"event_digests":{"04":[")" + d + R"("]}})",
             R"({"event_digests":{"4":[")" + d.substr(2) + R"("]}})",
             R"({"kernel_digests":[")" + d.substr(2) + R"("]})",
             std::string(R"({"secure_boot":true,"unknown":1})"),
         }) {
        CAPTURE(bad);
        CHECK_FALSE(parses(bad));
    }
}
