// Every member of policy.snp and of the snapshot's reference for SEV-SNP, and what it decides: a
// table with at least one accepted, one refused and one edge row for each of them. A member that
// has none fails the last test case, so that none can be added without being checked.
#include <doctest/doctest.h>

#include <set>

#include "ratls/codec/hex.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

using Change = std::function<void(Scene&)>;

enum class Verdicts { accepted, refused };

struct Row {
    std::string member;  ///< "snp.vmpl" of a policy, "tee.snp.host_data" of a snapshot
    std::string rule;
    std::string value;  ///< JSON of the member at the top; "" if it is absent
    Change vm;          ///< what is changed in the VM, after the member was set
    Verdicts wanted = Verdicts::accepted;
    bool edge = false;      ///< at a limit, or with a value or the member missing
    std::string also = {};  ///< rules that fail too
    bool waived = false;    ///< accepted, and the finding says why
};

const std::string kPolicy = "snp.";
const std::string kReference = "tee.snp.";

// Offsets in ATTESTATION_REPORT. Source: AMD 56860 rev. 1.58.
constexpr std::size_t kReportIdMa = 0x160;
constexpr std::size_t kCurrentVersion = 0x1e8;
constexpr std::size_t kCommittedVersion = 0x1ec;
constexpr std::size_t kLaunchMitigations = 0x1f8;
constexpr std::size_t kCurrentMitigations = 0x200;

std::uint64_t bit(unsigned index) {
    return std::uint64_t{1} << index;
}

Change nothing() {
    return [](Scene&) {};
}

Change guest_policy(std::uint64_t value) {
    return [=](Scene& scene) { scene.tee.fields.policy = value; };
}

Change bytes_at(std::size_t offset, const Bytes& bytes, std::uint32_t version = 3) {
    return [=](Scene& scene) {
        scene.tee.fields.version = version;
        scene.edits.report = [=](Bytes& report) {
            std::ranges::copy(bytes, report.begin() + static_cast<std::ptrdiff_t>(offset));
        };
    };
}

template <std::size_t N>
Change field(std::array<std::uint8_t, N> SnpFields::* member, std::uint8_t byte) {
    return [=](Scene& scene) { (scene.tee.fields.*member).fill(byte); };
}

std::string quote(const std::string& text) {
    return "\"" + text + "\"";
}

std::string list(const std::string& item) {
    return "[" + item + "]";
}

std::string hex_list(std::size_t size, std::uint8_t byte) {
    return list(quote(hex(Bytes(size, byte))));
}

class Table {
  public:
    void accepts(Row row) { add(std::move(row), Verdicts::accepted, false); }
    void refuses(Row row) { add(std::move(row), Verdicts::refused, false); }
    void edge_accepts(Row row) { add(std::move(row), Verdicts::accepted, true); }
    void edge_refuses(Row row) { add(std::move(row), Verdicts::refused, true); }
    const std::vector<Row>& rows() const { return rows_; }

  private:
    void add(Row row, Verdicts wanted, bool edge) {
        row.wanted = wanted;
        row.edge = edge;
        rows_.push_back(std::move(row));
    }

    std::vector<Row> rows_;
};

/// A bit of the guest policy that the member allows.
void add_allowed_bit(Table& table, const std::string& name, const std::string& rule, unsigned index,
                     bool by_default) {
    const std::string member = kPolicy + name;
    const std::uint64_t set = bit(17) | bit(index);
    table.accepts({member, rule, "true", guest_policy(set)});
    table.accepts({member, rule, "false", guest_policy(bit(17))});
    table.refuses({member, rule, "false", guest_policy(set)});
    const Row absent{member, rule, "", guest_policy(set)};
    by_default ? table.edge_accepts(absent) : table.edge_refuses(absent);
}

/// A bit of the guest policy that the member requires: this bit, and none of its neighbours.
void add_required_bit(Table& table, const std::string& name, const std::string& rule,
                      unsigned index) {
    constexpr std::uint64_t kAllRequired = 0x3d20000;  // bits 17, 20, 22 to 25
    const std::string member = kPolicy + name;
    table.accepts({member, rule, "true", guest_policy(bit(17) | bit(index))});
    table.refuses({member, rule, "true", guest_policy(bit(17))});
    table.edge_refuses({member, rule, "true", guest_policy(kAllRequired & ~bit(index))});
    table.edge_accepts({member, rule, "", guest_policy(bit(17))});
}

void add_guest_policy(Table& table) {
    add_allowed_bit(table, "allow_smt", "snp.policy.smt", 16, true);
    add_allowed_bit(table, "allow_migration_agent", "snp.policy.migration_agent", 18, false);
    add_allowed_bit(table, "allow_debug", "snp.policy.debug", 19, false);
    add_allowed_bit(table, "allow_cxl", "snp.policy.cxl", 21, false);
    add_required_bit(table, "require_single_socket", "snp.policy.single_socket", 20);
    add_required_bit(table, "require_mem_aes_256_xts", "snp.policy.mem_aes_256_xts", 22);
    add_required_bit(table, "require_rapl_dis", "snp.policy.rapl_dis", 23);
    add_required_bit(table, "require_ciphertext_hiding", "snp.policy.ciphertext_hiding", 24);
    add_required_bit(table, "require_page_swap_disable", "snp.policy.page_swap_disable", 25);
    const auto abi = [](std::uint64_t major, std::uint64_t minor) {
        return guest_policy(0x30000 | major << 8 | minor);
    };
    const std::string major = kPolicy + "min_abi_major";
    const std::string minor = kPolicy + "min_abi_minor";
    const std::string rule = "snp.policy.abi";
    table.accepts({major, rule, "1", abi(2, 0)});
    table.edge_accepts({major, rule, "1", abi(1, 0)});
    table.edge_accepts({major, rule, "", abi(0, 0)});
    table.refuses({major, rule, "1", abi(0, 255)});
    const auto one_51 = [&](std::uint64_t with_major, std::uint64_t with_minor) {
        return [=](Scene& scene) {
            scene.policy.snp.min_abi_major = 1;
            abi(with_major, with_minor)(scene);
        };
    };
    table.accepts({minor, rule, "51", one_51(1, 52)});
    table.edge_accepts({minor, rule, "51", one_51(1, 51)});
    table.edge_accepts({minor, rule, "51", one_51(2, 0)});  // major before minor
    table.refuses({minor, rule, "51", one_51(1, 50)});
    table.edge_refuses({minor, rule, "51", one_51(0, 255)});
}

void add_identity(Table& table) {
    const auto version = [](std::uint32_t number) {
        return [=](Scene& scene) {
            scene.tee.fields.version = number;
            if (number == 2) {
                scene.tee.fields.cpuid = {};
            }
        };
    };
    std::string member = kPolicy + "min_report_version";
    std::string rule = "snp.report_version";
    table.accepts({member, rule, "3", version(5)});
    table.edge_accepts({member, rule, "3", version(3)});
    table.edge_accepts({member, rule, "", version(2)});
    table.refuses({member, rule, "3", version(2)});
    table.refuses({member, rule, "5", version(4)});

    const auto vmpl = [](std::uint32_t level) {
        return [=](Scene& scene) { scene.tee.fields.vmpl = level; };
    };
    member = kPolicy + "vmpl";
    rule = "snp.vmpl";
    for (const std::uint32_t level : {1U, 2U, 3U}) {
        table.accepts({member, rule, "[0, " + std::to_string(level) + "]", vmpl(level)});
        table.edge_refuses({member, rule, "", vmpl(level)});
    }
    table.refuses({member, rule, "[1]", vmpl(0)});
    table.edge_refuses({member, rule, "[0, 1, 2, 3]", vmpl(0xffffffff)});  // the host's own

    member = kPolicy + "signing_keys";
    rule = "snp.signing_key";
    table.accepts({member, rule, R"(["vcek"])", nothing()});
    table.accepts({member, rule, R"(["vlek"])", use_vlek});
    table.refuses({member, rule, R"(["vlek"])", nothing()});
    table.refuses({member, rule, R"(["vcek"])", use_vlek});
    table.edge_accepts({member, rule, "", use_vlek});

    member = kPolicy + "csp_ids";
    rule = "snp.csp_id";
    table.accepts({member, rule, R"(["other", "pretended cloud"])", use_vlek});
    table.refuses({member, rule, R"(["other"])", use_vlek});
    table.edge_refuses({member, rule, R"(["pretended clou", "pretended cloud "])", use_vlek});
    table.edge_refuses({member, rule, R"(["pretended cloud"])", nothing()});  // a VCEK has none
    table.edge_accepts({member, rule, "[]", use_vlek});

    member = kPolicy + "allow_masked_chip_id";
    rule = "snp.chip_id.masked";
    const Change masked = field(&SnpFields::chip_id, 0);
    table.accepts({member, rule, "true", masked});
    table.refuses({member, rule, "false", masked});
    table.edge_refuses({member, rule, "", masked});

    member = kPolicy + "chip_ids";
    rule = "snp.chip_id";
    table.refuses({member, rule, hex_list(64, 0x33), nothing()});
    table.edge_accepts({member, rule, "[]", nothing()});
    table.edge_refuses({member, rule, hex_list(64, 0), [=](Scene& scene) {
                            masked(scene);
                            scene.policy.snp.allow_masked_chip_id = true;
                        }});
    table.accepts({member, rule, hex_list(64, 0x33), [](Scene& scene) {
                       scene.policy.snp.chip_ids.push_back(to_bytes(scene.tee.fields.chip_id));
                   }});

    member = kPolicy + "report_ids";
    rule = "snp.report_id";
    table.accepts({member, rule, hex_list(32, 0x77), field(&SnpFields::report_id, 0x77)});
    table.refuses({member, rule, hex_list(32, 0x78), field(&SnpFields::report_id, 0x77)});
    table.edge_accepts({member, rule, "[]", field(&SnpFields::report_id, 0x77)});

    member = kPolicy + "allow_migration_agent";
    rule = "snp.report_id_ma";
    Bytes almost(32, 0xff);
    almost[31] = 0xfe;
    table.accepts({member, rule, "true", bytes_at(kReportIdMa, Bytes(32, 0x55))});
    table.refuses({member, rule, "false", bytes_at(kReportIdMa, Bytes(32, 0x55))});
    table.edge_refuses({member, rule, "", bytes_at(kReportIdMa, almost)});
    table.edge_refuses({member, rule, "", bytes_at(kReportIdMa, Bytes(32, 0))});

    member = kPolicy + "require_author_key";
    rule = "snp.author_key.present";
    const auto key_info = [](std::uint32_t value) {
        return [=](Scene& scene) { scene.tee.fields.key_info = value; };
    };
    table.accepts({member, rule, "true", key_info(1)});
    table.refuses({member, rule, "true", nothing()});
    table.edge_refuses({member, rule, "true", key_info(2)});  // MASK_CHIP_KEY
    table.edge_accepts({member, rule, "", nothing()});
}

/// One component of a minimum: at its value, one below it, and the minimum of another line.
void add_component(Table& table, const std::string& name, const std::string& rule,
                   const std::string& line, const Change& use, const std::string& component,
                   std::size_t offset, int level) {
    const std::string member = kPolicy + name + "." + line + "." + component;
    const auto minimum = [&](const std::string& of, int value) {
        return R"({")" + of + R"(": {")" + component + R"(": )" + std::to_string(value) + "}}";
    };
    const auto lowered = [&](std::array<std::uint8_t, 8> SnpFields::* tcb) {
        return [=](Scene& scene) {
            use(scene);
            scene.policy.snp.allow_provisional_firmware = true;
            (scene.tee.fields.*tcb)[offset] -= 1;
        };
    };
    table.edge_accepts({member, rule, minimum(line, level), use});
    table.refuses({member, rule, minimum(line, level + 1), use});
    table.accepts({member, rule, minimum(line, 0), use});
    if (component != "fmc") {
        table.edge_accepts({member, rule, minimum(line == "genoa" ? "milan" : "genoa", 255), use});
    }
    if (level > 0) {
        table.edge_refuses(
            {member, rule, minimum(line, level),
             lowered(name == "min_tcb" ? &SnpFields::committed_tcb : &SnpFields::launch_tcb)});
    }
}

void add_tcb(Table& table) {
    struct Line {
        std::string name;
        Change use;
        std::vector<std::pair<std::string, std::size_t>> components;
    };
    const std::vector<std::pair<std::string, std::size_t>> old = {
        {"bl", 0}, {"tee", 1}, {"snp", 6}, {"ucode", 7}};
    const std::vector<Line> lines = {
        {"milan", use_milan, old},
        {"genoa", nothing(), old},
        {"turin", use_turin, {{"fmc", 0}, {"bl", 1}, {"tee", 2}, {"snp", 3}, {"ucode", 7}}}};
    const std::map<std::string, int> levels = {
        {"fmc", 5}, {"bl", 10}, {"tee", 0}, {"snp", 23}, {"ucode", 200}};
    for (const Line& line : lines) {
        for (const auto& [component, offset] : line.components) {
            for (const auto& [name, rule] :
                 {std::pair("min_tcb", "snp.tcb.minimum"),
                  std::pair("min_launch_tcb", "snp.tcb.launch_minimum")}) {
                add_component(table, name, rule, line.name, line.use, component, offset,
                              levels.at(component));
            }
        }
    }
}

void add_firmware(Table& table) {
    const std::string rule = "snp.firmware.minimum";
    // Both versions are set alike, as build, minor, major: the platform has committed.
    const auto version = [](std::uint8_t major, std::uint8_t minor, std::uint8_t build) {
        return bytes_at(kCurrentVersion, {build, minor, major, 0, build, minor, major, 0});
    };
    const std::string major = kPolicy + "min_firmware.major";
    const std::string minor = kPolicy + "min_firmware.minor";
    const std::string build = kPolicy + "min_firmware.build";
    const std::string all = R"({"major": 1, "minor": 55, "build": 38})";
    table.accepts({major, rule, all, version(2, 0, 0)});
    table.refuses({major, rule, all, version(0, 255, 255)});
    table.edge_accepts({major, rule, R"({"major": 1})", version(1, 0, 0)});
    table.edge_accepts({major, rule, "", version(0, 0, 0)});
    table.accepts({minor, rule, all, version(1, 56, 0)});
    table.refuses({minor, rule, all, version(1, 54, 255)});
    table.edge_accepts({minor, rule, R"({"major": 1, "minor": 55})", version(1, 55, 0)});
    table.accepts({build, rule, all, version(1, 55, 39)});
    table.refuses({build, rule, all, version(1, 55, 37)});
    table.edge_accepts({build, rule, all, version(1, 55, 38)});
    // What counts is the committed version, not the one that runs.
    table.edge_refuses({build, rule, all, [](Scene& scene) {
                            scene.policy.snp.allow_provisional_firmware = true;
                            bytes_at(kCommittedVersion, {37, 55, 1, 0})(scene);
                        }});

    const std::string provisional = kPolicy + "allow_provisional_firmware";
    const Change older = bytes_at(kCommittedVersion, {37, 55, 1, 0});
    table.accepts({provisional, "snp.tcb.provisional", "true", older});
    table.refuses({provisional, "snp.tcb.provisional", "false", older});
    table.edge_refuses({provisional, "snp.tcb.provisional", "", older});
}

/// Each bit of POLICY and PLATFORM_INFO that has no meaning yet is refused or waived by its number.
void add_unknown_bits(Table& table) {
    const auto add = [&](const std::string& name, unsigned first, auto with_bits) {
        const std::string member = kPolicy + name;
        const std::string rule = "snp.unknown_bits";
        const std::string limit = std::to_string(first);
        const auto waived = [&](const std::string& value, std::uint64_t bits) {
            table.accepts({.member = member,
                           .rule = rule,
                           .value = value,
                           .vm = with_bits(bits),
                           .waived = true});
        };
        waived(list(limit), bit(first));
        waived(list(limit + ", 63"), bit(first) | bit(63));
        table.refuses({member, rule, list("63"), with_bits(bit(first))});
        table.refuses({member, rule, list(limit), with_bits(bit(first) | bit(63))});
        table.edge_refuses({member, rule, "", with_bits(bit(63))});
        table.edge_refuses({member, rule, "[]", with_bits(bit(first))});
        table.edge_accepts({member, rule, "", with_bits(bit(first - 1))});
    };
    add("allow_policy_bits", snp::policy_bit::kFirstUnknown,
        [](std::uint64_t bits) { return guest_policy(bit(17) | bits); });
    add("allow_platform_bits", snp::platform_bit::kFirstUnknown, [](std::uint64_t bits) -> Change {
        return [=](Scene& scene) { scene.tee.fields.platform_info = bits; };
    });
}

void add_platform(Table& table) {
    std::string member = kPolicy + "products";
    std::string rule = "snp.products";
    table.accepts({member, rule, R"(["Genoa"])", nothing()});
    table.accepts({member, rule, R"(["Turin"])", use_turin});
    table.refuses({member, rule, R"(["Milan", "Turin"])", nothing()});
    table.refuses({member, rule, R"(["Genoa"])", use_milan});
    table.edge_accepts({member, rule, "", use_milan});

    const auto info = [](std::uint64_t value) {
        return [=](Scene& scene) { scene.tee.fields.platform_info = value; };
    };
    add_unknown_bits(table);
    const std::string required = kPolicy + "required_platform";
    const std::string forbidden = kPolicy + "forbidden_platform";
    const std::vector<std::pair<std::string, unsigned>> features = {{"smt", 0},
                                                                    {"tsme", 1},
                                                                    {"ecc", 2},
                                                                    {"rapl_disabled", 3},
                                                                    {"ciphertext_hiding", 4},
                                                                    {"alias_check_complete", 5},
                                                                    {"tio", 7}};
    for (const auto& [name, index] : features) {
        const std::string names = list(quote(name));
        table.accepts({required, "snp.platform", names, info(bit(index))});
        table.refuses({required, "snp.platform", names, info(0xff & ~bit(index))});
        table.accepts({forbidden, "snp.platform.forbidden", names, info(0xff & ~bit(index))});
        table.refuses({forbidden, "snp.platform.forbidden", names, info(bit(index))});
    }
    table.edge_accepts({required, "snp.platform", "[]", info(0)});
    table.edge_refuses({required, "snp.platform", R"(["ecc", "tsme"])", info(bit(2))});
    table.edge_accepts({forbidden, "snp.platform.forbidden", "[]", info(0xff)});
    table.edge_refuses({forbidden, "snp.platform.forbidden", R"(["ecc", "tsme"])", info(bit(2))});

    for (const auto& [name, offset] :
         {std::pair("launch", kLaunchMitigations), std::pair("current", kCurrentMitigations)}) {
        member = kPolicy + "required_" + name + "_mitigations";
        rule = std::string("snp.mitigations.") + name;
        const Bytes set = {0x03, 0, 0, 0, 0, 0, 0, 0x80};  // bits 0, 1, 63
        table.accepts({member, rule, "[0, 1]", bytes_at(offset, set, 5)});
        table.edge_accepts({member, rule, "[63]", bytes_at(offset, set, 5)});
        table.edge_refuses({member, rule, "[62]", bytes_at(offset, set, 5)});
        table.refuses({member, rule, "[0, 2]", bytes_at(offset, set, 5)});
        table.edge_accepts({member, rule, "[]", nothing()});
        // Reports before version 5 have no vector.
        table.edge_refuses({member, rule, "[0]", nothing()});
        // The other vector does not count.
        const std::size_t other = kLaunchMitigations + kCurrentMitigations - offset;
        table.edge_refuses({member, rule, "[0]", bytes_at(other, set, 5)});
    }
}

void add_revocation(Table& table) {
    const Change no_list = [](Scene& scene) { scene.crl.reset(); };
    std::string member = kPolicy + "revocation";
    std::string rule = "snp.revocation";
    table.accepts({member, rule, quote("waived"), no_list});
    table.accepts({member, rule, quote("required"), nothing()});
    table.refuses({member, rule, quote("required"), no_list});
    table.edge_refuses({member, rule, "", no_list});

    member = kPolicy + "min_crl_date";
    rule = "snp.crl.minimum_date";
    table.accepts({member, rule, quote("2023-12-31T00:00:00Z"), nothing()});
    table.edge_accepts({member, rule, quote("2024-01-01T00:00:00Z"), nothing()});
    table.edge_refuses({member, rule, quote("2024-01-01T00:00:01Z"), nothing()});
    table.refuses({member, rule, quote("2024-01-02T00:00:00Z"), nothing()});
    table.edge_accepts({member, rule, "null", nothing()});
    // The waiver is about no list at all; a date wants one.
    table.edge_refuses({.member = member,
                        .rule = rule,
                        .value = quote("2020-01-01T00:00:00Z"),
                        .vm =
                            [=](Scene& scene) {
                                scene.policy.snp.revocation_waived = true;
                                no_list(scene);
                            },
                        .also = " (waived: snp.revocation)"});
}

/// A list of byte strings of the snapshot, each of which equals a whole field.
template <std::size_t N>
void add_values(Table& table, const std::string& name, const std::string& rule,
                std::array<std::uint8_t, N> SnpFields::* member, std::uint32_t key_info = 0) {
    const auto filled = [=](std::uint8_t last) {
        return [=](Scene& scene) {
            scene.tee.fields.key_info = key_info;
            (scene.tee.fields.*member).fill(0x0d);
            (scene.tee.fields.*member)[N - 1] = last;
        };
    };
    const std::string path = kReference + name;
    const std::string two = list(quote(hex(Bytes(N, 0x0c))) + ", " + quote(hex(Bytes(N, 0x0d))));
    table.accepts({path, rule, two, filled(0x0d)});
    table.refuses({path, rule, hex_list(N, 0x0c), filled(0x0d)});
    table.edge_refuses({path, rule, two, filled(0x0c)});
    table.edge_refuses({path, rule, two, nothing()});  // the report has zeros there
    table.edge_accepts({path, rule, "[]", filled(0x0d)});
    table.edge_accepts({path, rule, "", filled(0x0d)});
}

void add_reference(Table& table) {
    add_values(table, "host_data", "snp.host_data", &SnpFields::host_data);
    add_values(table, "id_key_digests", "snp.id_key", &SnpFields::id_key_digest);
    add_values(table, "author_key_digests", "snp.author_key", &SnpFields::author_key_digest, 1);
    add_values(table, "family_ids", "snp.family_id", &SnpFields::family_id);
    add_values(table, "image_ids", "snp.image_id", &SnpFields::image_id);
    // The right digest without AUTHOR_KEY_EN.
    table.edge_refuses({kReference + "author_key_digests", "snp.author_key", hex_list(48, 0x0d),
                        field(&SnpFields::author_key_digest, 0x0d)});

    const auto svn = [](std::uint32_t number) {
        return [=](Scene& scene) { scene.tee.fields.guest_svn = number; };
    };
    const std::string minimum = kReference + "min_guest_svn";
    table.accepts({minimum, "snp.guest_svn", "3", svn(4)});
    table.edge_accepts({minimum, "snp.guest_svn", "3", svn(3)});
    table.refuses({minimum, "snp.guest_svn", "3", svn(2)});
    table.edge_accepts({minimum, "snp.guest_svn", "", svn(0)});
    table.edge_refuses({minimum, "snp.guest_svn", "4294967295", svn(0xfffffffe)});

    // Without a report of the paravisor these keys stand for nothing; hcl_rules_test.cpp has the
    // rest.
    const std::string paravisor_keys = kReference + "paravisor_id_key_digests";
    const auto launched_by = [](std::uint8_t key) {
        return [=](Scene& scene) {
            scene.tee.fields.id_key_digest.fill(key);
            scene.tee.fields.measurement.fill(0x4e);
        };
    };
    table.accepts({paravisor_keys, "snp.measurement", hex_list(48, 0x0d), nothing()});
    table.refuses({.member = paravisor_keys,
                   .rule = "snp.measurement",
                   .value = hex_list(48, 0x0d),
                   .vm = launched_by(0x0d),
                   .also = ", tpm.class"});
    table.edge_refuses({.member = paravisor_keys,
                        .rule = "snp.measurement",
                        .value = hex_list(48, 0x0c),
                        .vm = launched_by(0x0d),
                        .also = ", tpm.class"});
    table.edge_refuses({.member = paravisor_keys,
                        .rule = "snp.measurement",
                        .value = "",
                        .vm = launched_by(0x0d),
                        .also = ", tpm.class"});
    table.edge_accepts({paravisor_keys, "snp.measurement", "[]", nothing()});

    const auto entry = [](std::uint8_t byte, const std::string& more) {
        return list(R"({"value": )" + quote(hex(Bytes(48, byte))) + more + "}");
    };
    const std::string boot = R"(, "covers": ["kernel", "initrd", "cmdline"])";
    const std::string value = kReference + "measurements.value";
    const Change measured = field(&SnpFields::measurement, 0x4d);
    table.accepts({value, "snp.measurement", entry(0x4d, boot), measured});
    table.refuses({.member = value,
                   .rule = "snp.measurement",
                   .value = entry(0x4e, boot),
                   .vm = measured,
                   .also = ", tpm.class"});
    table.edge_refuses({.member = value,
                        .rule = "snp.measurement",
                        .value = entry(0x4d, boot),
                        .vm = [](Scene& scene) { scene.tee.fields.measurement[47] ^= 1; },
                        .also = ", tpm.class"});
    const std::string covers = kReference + "measurements.covers";
    table.accepts({covers, "tpm.class", entry(0x4d, boot), measured});
    table.refuses({covers, "tpm.class", entry(0x4d, R"(, "covers": ["firmware"])"), measured});
    for (const char* part : {R"(["kernel", "initrd"])", R"(["kernel", "cmdline"])",
                             R"(["initrd", "cmdline"])", "[]"}) {
        table.edge_refuses(
            {covers, "tpm.class", entry(0x4d, std::string(R"(, "covers": )") + part), measured});
    }
    // The tag is for people: it changes nothing, in either direction.
    const std::string tag = kReference + "measurements.tag";
    const std::string paravisor = R"(, "tag": "paravisor")";
    table.accepts({tag, "snp.measurement", entry(0x4d, boot + paravisor), measured});
    table.edge_accepts({tag, "snp.measurement", entry(0x4d, boot), measured});
    table.refuses({.member = tag,
                   .rule = "snp.measurement",
                   .value = entry(0x4e, boot + paravisor),
                   .vm = measured,
                   .also = ", tpm.class"});
}

const Table& table() {
    static const Table kTable = [] {
        Table out;
        add_guest_policy(out);
        add_identity(out);
        add_tcb(out);
        add_firmware(out);
        add_platform(out);
        add_revocation(out);
        add_reference(out);
        return out;
    }();
    return kTable;
}

/// The member's first part, below "snp" or "tee.snp".
std::string top_of(const Row& row, const std::string& prefix) {
    const std::string path = row.member.substr(prefix.size());
    return path.substr(0, path.find('.'));
}

void set_member(Scene& scene, const Row& row) {
    if (row.member.starts_with(kPolicy)) {
        const std::string member =
            row.value.empty() ? "" : quote(top_of(row, kPolicy)) + ": " + row.value;
        const auto parsed = parse_policy(R"({"ratls_policy": 1, "snp": {)" + member + "}}");
        REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text()));
        scene.policy.snp = parsed->snp;
        return;
    }
    Json::Object snp = *snapshot_json(*scene.snapshot).find("tee")->find("snp")->if_object();
    const std::string top = top_of(row, kReference);
    std::erase_if(snp, [&](const auto& member) { return member.first == top; });
    Json changed(snp);
    if (!row.value.empty()) {
        changed.set(top, parse_json("[" + row.value + "]").value().if_array()->front());
    }
    Json text = snapshot_json(*scene.snapshot);
    text.set("tee", Json(Json::Object{}).set("snp", std::move(changed)));
    const auto parsed = parse_snapshot(text.pretty());
    REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text()));
    scene.snapshot = *parsed;
}

void check_certificate(const Row& row) {
    CAPTURE(row.member);
    CAPTURE(row.value);
    Scene scene;
    set_member(scene, row);
    row.vm(scene);
    const std::string refusal = "refused: " + row.rule + row.also;
    const VerificationResult result = scene.verify();
    if (row.wanted == Verdicts::refused) {
        CHECK(summary(result) == refusal);
        CHECK(result.genuine());
    } else {
        CHECK(result.outcome == Outcome::accepted);
        CHECK_FALSE(result.findings.has(row.rule, Verdict::fail));
    }
}

void check_raw(const Row& row) {
    CAPTURE(row.member);
    CAPTURE(row.value);
    Scene scene;
    set_member(scene, row);
    row.vm(scene);
    Bytes report = scene.tee.report({});
    if (scene.edits.report) {
        scene.edits.report(report);
        scene.sign_report(report);
    }
    const std::string good = row.waived ? "genuine (waived: " + row.rule + ")" : "genuine";
    CHECK(summary(scene.verify_report(report)) ==
          (row.wanted == Verdicts::refused ? "refused: " + row.rule : good));
}

/// All rows of a rule. Certificates and raw evidence are appraised by the same policy, so the
/// slower certificates are left to one kind of row.
void check_rule(const std::string& rule) {
    std::size_t found = 0;
    for (const Row& row : table().rows()) {
        if (row.rule != rule) {
            continue;
        }
        ++found;
        const bool raw = row.member.starts_with(kPolicy) && rule != "snp.revocation";
        if (raw) {
            check_raw(row);
        }
        if (!raw || (row.wanted == Verdicts::refused && !row.edge)) {
            check_certificate(row);
        }
    }
    REQUIRE(found > 0);
}

/// A policy with every member set. A new member makes the binding fail to compile: it goes here,
/// and into the table.
SnpPolicy full_policy() {
    SnpPolicy out;
    auto& [allow_debug, allow_migration_agent, allow_smt, allow_cxl, allow_masked_chip_id,
           allow_provisional_firmware, require_single_socket, require_mem_aes_256_xts,
           require_rapl_dis, require_ciphertext_hiding, require_page_swap_disable,
           require_author_key, revocation_waived, min_crl_date, min_report_version, vmpl, products,
           signing_keys, csp_ids, min_tcb, min_launch_tcb, min_firmware, min_abi_major,
           min_abi_minor, required_platform_bits, forbidden_platform_bits, allowed_policy_bits,
           allowed_platform_bits, required_launch_mitigations, required_current_mitigations,
           chip_ids, report_ids] = out;
    for (const snp::Line line : snp::kAllLines) {
        min_tcb[line] = {std::nullopt, 1, 2, 3, 4};
    }
    min_tcb[snp::Line::turin].fmc = 5;
    min_launch_tcb = min_tcb;
    min_crl_date = kNow;
    return out;
}

SnpReference full_reference() {
    SnpReference out;
    auto& [measurements, host_data, id_key_digests, author_key_digests, family_ids, image_ids,
           min_guest_svn, paravisor_id_key_digests] = out;
    paravisor_id_key_digests = {Bytes(48, 1)};
    measurements = {{Bytes(48, 1), {"firmware"}, "paravisor"}};
    host_data = {Bytes(32, 1)};
    id_key_digests = author_key_digests = {Bytes(48, 1)};
    family_ids = image_ids = {Bytes(16, 1)};
    min_guest_svn = 1;
    return out;
}

/// The paths of all members that are no objects; items of a list have the path of the list.
void collect_paths(const Json& json, const std::string& path, std::set<std::string>& out) {
    if (const Json::Object* object = json.if_object()) {
        for (const auto& [name, value] : *object) {
            collect_paths(value, path.empty() ? name : path + "." + name, out);
        }
    } else if (const Json::Array* items = json.if_array();
               items != nullptr && !items->empty() && items->front().if_object() != nullptr) {
        for (const Json& item : *items) {
            collect_paths(item, path, out);
        }
    } else {
        out.insert(path);
    }
}

}  // namespace

TEST_CASE("snp.policy.debug: a guest that its host can read is refused, unless it is allowed") {
    check_rule("snp.policy.debug");
}

TEST_CASE("snp.policy.migration_agent: a guest that may be moved is refused, unless allowed") {
    check_rule("snp.policy.migration_agent");
}

TEST_CASE("snp.policy.smt: multithreading is refused if the policy forbids it") {
    check_rule("snp.policy.smt");
}

TEST_CASE("snp.policy.cxl: CXL is refused, unless the policy allows it") {
    check_rule("snp.policy.cxl");
}

TEST_CASE("snp.policy.single_socket: if required, a guest that does not demand it is refused") {
    check_rule("snp.policy.single_socket");
}

TEST_CASE("snp.policy.mem_aes_256_xts: if required, a guest that does not demand it is refused") {
    check_rule("snp.policy.mem_aes_256_xts");
}

TEST_CASE("snp.policy.rapl_dis: if required, a guest that does not demand it is refused") {
    check_rule("snp.policy.rapl_dis");
}

TEST_CASE("snp.policy.ciphertext_hiding: if required, a guest that does not demand it is refused") {
    check_rule("snp.policy.ciphertext_hiding");
}

TEST_CASE("snp.policy.page_swap_disable: if required, a guest that does not demand it is refused") {
    check_rule("snp.policy.page_swap_disable");
}

TEST_CASE("snp.policy.abi: a firmware ABI below the wanted one is refused, major before minor") {
    check_rule("snp.policy.abi");
}

TEST_CASE(
    "snp.unknown_bits: a bit that AMD may define later is refused, unless allowed by number") {
    check_rule("snp.unknown_bits");
    Scene scene;
    guest_policy(bit(17) | bit(40))(scene);
    scene.policy.snp.allowed_policy_bits = {40};
    const VerificationResult result = scene.verify();
    CHECK(result.findings.has("snp.unknown_bits", Verdict::waived));
    CHECK(result.genuine());
}

TEST_CASE("snp.report_version: an older report than the wanted version is refused") {
    check_rule("snp.report_version");
}

TEST_CASE("snp.vmpl: a level that the policy does not list is refused, the host's own always") {
    check_rule("snp.vmpl");
}

TEST_CASE("snp.signing_key: a kind of key that the policy does not list is refused") {
    check_rule("snp.signing_key");
}

TEST_CASE("snp.csp_id: another provider than the pinned ones is refused, and so is none") {
    check_rule("snp.csp_id");
}

TEST_CASE("snp.chip_id.masked: a chip without a name is refused, unless the policy says so") {
    check_rule("snp.chip_id.masked");
}

TEST_CASE("snp.chip_id: a chip that the policy does not pin is refused, a masked one always") {
    check_rule("snp.chip_id");
}

TEST_CASE("snp.report_id: a running guest that the policy does not pin is refused") {
    check_rule("snp.report_id");
}

TEST_CASE("snp.report_id_ma: a guest that has a migration agent is refused, unless allowed") {
    check_rule("snp.report_id_ma");
}

TEST_CASE("snp.author_key.present: if required, a launch without an author key is refused") {
    check_rule("snp.author_key.present");
}

TEST_CASE("snp.tcb.minimum: reported or committed below it is refused, at each component") {
    check_rule("snp.tcb.minimum");
}

TEST_CASE("snp.tcb.launch_minimum: a launch below it is refused, at each component") {
    check_rule("snp.tcb.launch_minimum");
}

TEST_CASE("snp.firmware.minimum: a committed version below it is refused, major before minor") {
    check_rule("snp.firmware.minimum");
}

TEST_CASE("snp.tcb.provisional: a version that is not committed is refused, unless allowed") {
    check_rule("snp.tcb.provisional");
}

TEST_CASE("snp.products: a product line that the policy does not list is refused") {
    check_rule("snp.products");
}

TEST_CASE("snp.platform: each required platform feature must be on") {
    check_rule("snp.platform");
}

TEST_CASE("snp.platform.forbidden: each forbidden platform feature must be off") {
    check_rule("snp.platform.forbidden");
}

TEST_CASE("snp.mitigations.launch: each required bit must be set, and there must be a vector") {
    check_rule("snp.mitigations.launch");
}

TEST_CASE("snp.mitigations.current: each required bit must be set, and there must be a vector") {
    check_rule("snp.mitigations.current");
}

TEST_CASE("snp.revocation: the word of the policy decides what a missing list means") {
    check_rule("snp.revocation");
}

TEST_CASE("snp.crl.minimum_date: an older list is refused, and so is none") {
    check_rule("snp.crl.minimum_date");
}

TEST_CASE("snp.crl.minimum_date: the newest of several lists counts") {
    Scene scene;
    scene.now = kCrlIssued + 367 * kDay;
    scene.policy.snp.min_crl_date = kCrlIssued + 366 * kDay;
    const Bytes report = scene.tee.report({});
    CHECK(summary(scene.verify_report(report)) == "refused: snp.crl.minimum_date");
    scene.endorsements.add_file("list", variant("crl-later"));
    CHECK(summary(scene.verify_report(report)) == "genuine");
}

TEST_CASE("snp.host_data: another value than the references is refused") {
    check_rule("snp.host_data");
}

TEST_CASE("snp.id_key: another id key than the references is refused") {
    check_rule("snp.id_key");
}

TEST_CASE("snp.author_key: another author key than the references is refused, and so is none") {
    check_rule("snp.author_key");
}

TEST_CASE("snp.family_id: another family than the references is refused") {
    check_rule("snp.family_id");
}

TEST_CASE("snp.image_id: another image than the references is refused") {
    check_rule("snp.image_id");
}

TEST_CASE("snp.guest_svn: below the reference it is refused, at it and above it passes") {
    check_rule("snp.guest_svn");
}

TEST_CASE("snp.measurement: another measurement than the references is refused") {
    check_rule("snp.measurement");
}

TEST_CASE("tpm.class: only a measurement that covers kernel, initrd and command line vouches") {
    check_rule("tpm.class");
}

TEST_CASE("snp policy: every member of policy and reference decides something, at its edge too") {
    Policy policy;
    policy.snp = full_policy();
    Snapshot snapshot = *Scene().snapshot;
    snapshot.snp = full_reference();
    std::set<std::string> members;
    collect_paths(*policy_json(policy).find("snp"), "snp", members);
    collect_paths(*snapshot_json(snapshot).find("tee"), "tee", members);
    for (const std::string& member : members) {
        CAPTURE(member);
        bool accepted = false;
        bool refused = false;
        bool edge = false;
        for (const Row& row : table().rows()) {
            if (row.member == member) {
                accepted |= row.wanted == Verdicts::accepted;
                refused |= row.wanted == Verdicts::refused;
                edge |= row.edge;
            }
        }
        CHECK_MESSAGE(accepted, "no row that is accepted");
        CHECK_MESSAGE(refused, "no row that is refused");
        CHECK_MESSAGE(edge, "no row at an edge");
    }
    for (const Row& row : table().rows()) {
        CAPTURE(row.member);
        CHECK(members.contains(row.member));
        CHECK(find_rule(row.rule) != nullptr);
    }
}
