#include "ratls/evidence/dcap/collateral.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json_cursor.h"

namespace ratls::dcap {
namespace {

constexpr JsonLimits kLimits = {.max_bytes = kMaxCollateralJson, .max_depth = 9};
constexpr std::size_t kMaxTcbLevels = 1024;
constexpr std::size_t kMaxIsvLevels = 256;
constexpr std::size_t kMaxAdvisories = 4096;

constexpr std::array<std::pair<std::string_view, TcbStatus>, 10> kStatuses = {{
    {"UpToDate", TcbStatus::up_to_date},
    {"SWHardeningNeeded", TcbStatus::sw_hardening_needed},
    {"ConfigurationNeeded", TcbStatus::configuration_needed},
    {"ConfigurationAndSWHardeningNeeded", TcbStatus::configuration_and_sw_hardening_needed},
    {"OutOfDate", TcbStatus::out_of_date},
    {"OutOfDateConfigurationNeeded", TcbStatus::out_of_date_configuration_needed},
    {"TDRelaunchAdvised", TcbStatus::td_relaunch_advised},
    {"TDRelaunchAdvisedConfigurationNeeded", TcbStatus::td_relaunch_advised_configuration_needed},
    {"Revoked", TcbStatus::revoked},
    {"NotSupported", TcbStatus::not_supported},
}};

template <typename Number>
Number read_number(JsonCursor& at) {
    return static_cast<Number>(at.integer(0, std::numeric_limits<Number>::max()));
}

template <std::size_t N>
std::array<std::uint8_t, N> read_hex(JsonCursor& at) {
    std::array<std::uint8_t, N> out{};
    const auto bytes = parse_hex(at.string(), N);
    if (!bytes) {
        at.fail(bytes.error().what);
        return out;
    }
    std::ranges::copy(*bytes, out.begin());
    return out;
}

std::uint32_t read_hex_u32(JsonCursor& at) {
    std::uint32_t out = 0;
    const auto bytes = read_hex<4>(at);  // big-endian text of a number
    for (const std::uint8_t byte : bytes) {
        out = out << 8 | byte;
    }
    return out;
}

UnixTime read_date(JsonCursor& at) {
    const auto time = parse_rfc3339(at.string());
    if (!time) {
        at.fail(time.error().what);
    }
    return time.value_or(0);
}

TcbStatus read_status(JsonCursor& at) {
    const auto status = status_from_name(at.string());
    // What no service may say: these follow from comparing.
    const bool derived = status == TcbStatus::td_relaunch_advised ||
                         status == TcbStatus::td_relaunch_advised_configuration_needed ||
                         status == TcbStatus::not_supported;
    if (!status || derived) {
        at.fail("an unknown status");
    }
    return status.value_or(TcbStatus::not_supported);
}

/// A level; `read_tcb` reads what it is compared by.
template <typename ReadTcb>
LevelFacts read_level(JsonCursor& at, const ReadTcb& read_tcb) {
    LevelFacts out;
    at.members(json_required("tcb", read_tcb),
               json_required("tcbDate", [&] { out.date = read_date(at); }),
               json_required("tcbStatus", [&] { out.status = read_status(at); }),
               json_optional("advisoryIDs", [&] {
                   at.items(kMaxAdvisories, [&] { out.advisories.emplace_back(at.string()); });
               }));
    return out;
}

std::array<std::uint8_t, 16> read_components(JsonCursor& at) {
    std::array<std::uint8_t, 16> out{};
    std::size_t count = 0;
    at.items(out.size(), [&] {
        at.members(json_required("svn", [&] { out[count] = read_number<std::uint8_t>(at); }),
                   json_optional("category", [&] { at.string(); }),
                   json_optional("type", [&] { at.string(); }));
        ++count;
    });
    if (at.ok() && count != out.size()) {
        at.fail("16 components wanted, " + std::to_string(count) + " found");
    }
    return out;
}

/// Levels of a QE or a TDX module, which may only have these three states.
std::vector<IsvLevel> read_isv_levels(JsonCursor& at) {
    std::vector<IsvLevel> out;
    at.items(kMaxIsvLevels, [&] {
        IsvLevel level;
        level.facts = read_level(at, [&] {
            at.members(
                json_required("isvsvn", [&] { level.isv_svn = read_number<std::uint16_t>(at); }));
        });
        out.push_back(std::move(level));
    });
    std::ranges::sort(out, std::greater(), &IsvLevel::isv_svn);
    if (at.ok() && std::ranges::adjacent_find(out, {}, &IsvLevel::isv_svn) != out.end()) {
        at.fail("a level twice");
    }
    return out;
}

/// `more`: members beside the three that every identity has.
template <typename... More>
void read_module(JsonCursor& at, ModuleIdentity& out, const JsonMember<More>&... more) {
    at.members(json_required("mrsigner", [&] { out.mr_signer = read_hex<48>(at); }),
               json_required("attributes", [&] { out.attributes = read_hex<8>(at); }),
               json_required("attributesMask", [&] { out.attributes_mask = read_hex<8>(at); }),
               more...);
}

/// "TDX_" and two hex digits.
unsigned read_module_version(JsonCursor& at) {
    const std::string id = lower(at.string());
    const auto version = parse_hex(id.size() == 6 ? id.substr(4) : "");
    if (!id.starts_with("tdx_") || !version || version->size() != 1 || (*version)[0] == 0) {
        at.fail("TDX_01 to TDX_FF wanted, " + quoted(id) + " found");
        return 0;
    }
    return (*version)[0];
}

std::vector<ModuleIdentity> read_modules(JsonCursor& at) {
    std::vector<ModuleIdentity> out;
    at.items(255, [&] {
        ModuleIdentity module;
        read_module(at, module,
                    json_required("id", [&] { module.version = read_module_version(at); }),
                    json_required("tcbLevels", [&] { module.levels = read_isv_levels(at); }));
        if (std::ranges::find(out, module.version, &ModuleIdentity::version) != out.end()) {
            at.fail_at("id", "a module twice");
        }
        out.push_back(std::move(module));
    });
    return out;
}

Tee read_tee(JsonCursor& at, std::string_view sgx, std::string_view tdx) {
    const std::string_view id = at.string();
    if (id != sgx && id != tdx) {
        at.fail(quoted(sgx) + " or " + quoted(tdx) + " wanted, " + quoted(id) + " found");
    }
    return id == tdx ? Tee::tdx : Tee::sgx;
}

void expect_version(JsonCursor& at, std::int64_t version) {
    if (const auto found = at.integer(0, 1000); found != version) {
        at.fail(std::to_string(version) + " wanted, " + std::to_string(found));
    }
}

/// {name: {...}, "signature": hex}; `more` are the members of the document beside those that every
/// one has.
template <typename... More>
Status read_envelope(JsonCursor& at, std::string_view name, std::int64_t version,
                     SignedDocument& out, const JsonMember<More>&... more) {
    const auto read_document = [&] {
        at.members(json_required("version", [&] { expect_version(at, version); }),
                   json_required("issueDate", [&] { out.issue_date = read_date(at); }),
                   json_required("nextUpdate", [&] { out.next_update = read_date(at); }),
                   json_required("tcbEvaluationDataNumber",
                                 [&] {
                                     out.evaluation_number =
                                         static_cast<std::uint64_t>(at.integer(0, 1'000'000'000));
                                 }),
                   more...);
    };
    at.members(json_required(
                   name, [&] { out.signed_bytes = to_bytes(as_bytes(at.text_of(read_document))); }),
               json_required("signature", [&] { out.signature = read_hex<64>(at); }));
    return at.finish();
}

bool begins_with_member(ByteView text, std::string_view name) {
    std::string_view start = as_text(text.first(std::min<std::size_t>(text.size(), 64)));
    for (const std::string_view wanted : {std::string_view("{"), std::string_view("\""), name}) {
        start.remove_prefix(std::min(start.find_first_not_of(" \t\r\n"), start.size()));
        if (!start.starts_with(wanted)) {
            return false;
        }
        start.remove_prefix(wanted.size());
    }
    return start.starts_with('"');
}

}  // namespace

std::string_view status_name(TcbStatus status) {
    for (const auto& [name, value] : kStatuses) {
        if (value == status) {
            return name;
        }
    }
    return "";
}

std::optional<TcbStatus> status_from_name(std::string_view name) {
    for (const auto& [known, value] : kStatuses) {
        if (known == name) {
            return value;
        }
    }
    return std::nullopt;
}

Result<TcbInfo> parse_tcb_info(std::string_view text) {
    TcbInfo out;
    std::size_t tdx_levels = 0;
    JsonCursor at(text, "", kLimits);
    const auto read_tcb_level = [&] {
        TcbLevel level;
        level.facts = read_level(at, [&] {
            at.members(
                json_required("sgxtcbcomponents", [&] { level.sgx = read_components(at); }),
                json_required("pcesvn", [&] { level.pce_svn = read_number<std::uint16_t>(at); }),
                json_optional("tdxtcbcomponents", [&] {
                    level.tdx = read_components(at);
                    ++tdx_levels;
                }));
        });
        out.levels.push_back(std::move(level));
    };
    bool has_modules = false;
    RATLS_CHECK(read_envelope(
        at, "tcbInfo", 3, out,  //
        json_required("id", [&] { out.tee = read_tee(at, "SGX", "TDX"); }),
        json_required("fmspc", [&] { out.fmspc = read_hex<6>(at); }),
        json_required("pceId", [&] { out.pce_id = read_hex<2>(at); }),
        json_required("tcbType", [&] { at.integer(0, 0); }),  // 0 is the only way to compare
        json_optional("tdxModule", [&] { read_module(at, out.module.emplace()); }),
        json_optional("tdxModuleIdentities",
                      [&] {
                          out.modules = read_modules(at);
                          has_modules = true;
                      }),
        json_required("tcbLevels", [&] { at.items(kMaxTcbLevels, read_tcb_level); })));
    // Which of them must be there is known when all is read: the id may come last.
    const bool tdx = out.tee == Tee::tdx;
    if (tdx != out.module.has_value() || (has_modules && !tdx) ||
        tdx_levels != (tdx ? out.levels.size() : 0)) {
        return fail(Code::malformed, "tcbInfo",
                    tdx ? "tdxModule, and tdxtcbcomponents in each of tcbLevels, wanted"
                        : "no members of TDX wanted in TCB info of SGX");
    }
    const auto order = [](const TcbLevel& level) {
        return std::tie(level.sgx, level.tdx, level.pce_svn);
    };
    std::ranges::sort(out.levels, std::greater(), order);
    if (std::ranges::adjacent_find(out.levels, {}, order) != out.levels.end()) {
        return fail(Code::malformed, "tcbInfo: tcbLevels", "a level twice");
    }
    return out;
}

Result<QeIdentity> parse_qe_identity(std::string_view text) {
    QeIdentity out;
    JsonCursor at(text, "", kLimits);
    RATLS_CHECK(read_envelope(
        at, "enclaveIdentity", 2, out,  //
        json_required("id", [&] { out.tee = read_tee(at, "QE", "TD_QE"); }),
        json_required("miscselect", [&] { out.misc_select = read_hex_u32(at); }),
        json_required("miscselectMask", [&] { out.misc_select_mask = read_hex_u32(at); }),
        json_required("attributes", [&] { out.attributes = read_hex<16>(at); }),
        json_required("attributesMask", [&] { out.attributes_mask = read_hex<16>(at); }),
        json_required("mrsigner", [&] { out.mr_signer = read_hex<32>(at); }),
        json_required("isvprodid", [&] { out.isv_prod_id = read_number<std::uint16_t>(at); }),
        json_required("tcbLevels", [&] { out.levels = read_isv_levels(at); })));
    return out;
}

bool looks_like_tcb_info(ByteView text) {
    return begins_with_member(text, "tcbInfo");
}

bool looks_like_qe_identity(ByteView text) {
    return begins_with_member(text, "enclaveIdentity");
}

}  // namespace ratls::dcap
