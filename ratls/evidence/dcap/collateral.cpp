#include "ratls/evidence/dcap/collateral.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <tuple>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"

namespace ratls::dcap {
namespace {

constexpr JsonLimits kLimits = {.max_bytes = kMaxCollateralJson, .max_depth = 8};

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

template <std::size_t N>
std::array<std::uint8_t, N> read_hex(JsonReader& reader, std::string_view key) {
    std::array<std::uint8_t, N> out{};
    reader.required(key);
    const Bytes bytes = reader.hex_bytes(key, N);
    std::copy_n(bytes.begin(), std::min(bytes.size(), N), out.begin());
    return out;
}

std::uint32_t read_hex_u32(JsonReader& reader, std::string_view key) {
    std::uint32_t out = 0;
    const auto bytes = read_hex<4>(reader, key);  // big-endian text of a number
    for (const std::uint8_t byte : bytes) {
        out = out << 8 | byte;
    }
    return out;
}

std::uint64_t read_number(JsonReader& reader, std::string_view key, std::int64_t most) {
    reader.required(key);
    return static_cast<std::uint64_t>(reader.integer(key, 0, 0, most));
}

UnixTime read_date(JsonReader& reader, std::string_view key) {
    const auto time = parse_rfc3339(reader.required_string(key));
    if (!time) {
        reader.fail(key, time.error().what);
    }
    return time.value_or(0);
}

void required_each(JsonReader& reader, std::string_view key, std::size_t most,
                   const std::function<void(JsonReader&)>& read) {
    reader.required(key);
    reader.each(key, most, read);
}

void required_object(JsonReader& reader, std::string_view key,
                     const std::function<void(JsonReader&)>& read) {
    reader.required(key);
    reader.object(key, read);
}

LevelFacts read_facts(JsonReader& level) {
    LevelFacts out;
    out.date = read_date(level, "tcbDate");
    const auto status = status_from_name(level.required_string("tcbStatus"));
    // What no service may say: these follow from comparing.
    const bool derived = status == TcbStatus::td_relaunch_advised ||
                         status == TcbStatus::td_relaunch_advised_configuration_needed ||
                         status == TcbStatus::not_supported;
    if (!status || derived) {
        level.fail("tcbStatus", "an unknown status");
    }
    out.status = status.value_or(TcbStatus::not_supported);
    out.advisories = level.strings("advisoryIDs");
    return out;
}

std::array<std::uint8_t, 16> read_components(JsonReader& tcb, std::string_view key) {
    std::array<std::uint8_t, 16> out{};
    std::size_t count = 0;
    required_each(tcb, key, out.size(), [&](JsonReader& component) {
        out[count++] = static_cast<std::uint8_t>(read_number(component, "svn", 255));
        component.string("category", "");
        component.string("type", "");
    });
    if (tcb.ok() && count != out.size()) {
        tcb.fail(key, "16 components wanted, " + std::to_string(count) + " found");
    }
    return out;
}

/// Levels of a QE or a TDX module, which may only have these three states.
std::vector<IsvLevel> read_isv_levels(JsonReader& reader) {
    std::vector<IsvLevel> out;
    required_each(reader, "tcbLevels", 256, [&](JsonReader& level) {
        IsvLevel read;
        required_object(level, "tcb", [&](JsonReader& tcb) {
            read.isv_svn = static_cast<std::uint16_t>(read_number(tcb, "isvsvn", 65535));
        });
        read.facts = read_facts(level);
        out.push_back(std::move(read));
    });
    std::ranges::sort(out, std::greater(), &IsvLevel::isv_svn);
    if (std::ranges::adjacent_find(out, {}, &IsvLevel::isv_svn) != out.end()) {
        reader.fail("tcbLevels", "a level twice");
    }
    return out;
}

ModuleIdentity read_module(JsonReader& reader) {
    ModuleIdentity out;
    out.mr_signer = read_hex<48>(reader, "mrsigner");
    out.attributes = read_hex<8>(reader, "attributes");
    out.attributes_mask = read_hex<8>(reader, "attributesMask");
    return out;
}

/// "TDX_" and two hex digits.
unsigned read_module_version(JsonReader& reader) {
    const std::string id = lower(reader.required_string("id"));
    const auto version = parse_hex(id.size() == 6 ? id.substr(4) : "");
    if (!id.starts_with("tdx_") || !version || version->size() != 1 || (*version)[0] == 0) {
        reader.fail("id", "TDX_01 to TDX_FF wanted, " + quoted(id) + " found");
        return 0;
    }
    return (*version)[0];
}

/// A document and the signature over its exact bytes.
struct Envelope {
    Json body;
    SignedDocument document;
};

Result<Envelope> open(std::string_view text, std::string_view name) {
    if (text.size() > kMaxCollateralJson) {
        return fail(Code::too_large, std::string(name), "at most 1 MiB wanted");
    }
    RATLS_TRY(const auto members, raw_members(text));
    if (members.size() != 2 || !members.contains(name) || !members.contains("signature")) {
        return fail(Code::malformed, std::string(name),
                    "the members " + std::string(name) + " and signature wanted, no others");
    }
    Envelope out;
    const std::string_view body = members.at(name);
    out.document.signed_bytes = to_bytes(as_bytes(body));
    RATLS_TRY(out.body, parse_json(body, kLimits));
    RATLS_TRY(const Json signature, parse_json(members.at("signature"), kLimits));
    const std::string* hex_text = signature.if_string();
    const auto bytes = parse_hex(hex_text != nullptr ? *hex_text : "", 64);
    if (!bytes) {
        return fail(Code::malformed, std::string(name) + ": signature", bytes.error().what);
    }
    std::ranges::copy(*bytes, out.document.signature.begin());
    return out;
}

void read_document(JsonReader& reader, SignedDocument& out) {
    out.issue_date = read_date(reader, "issueDate");
    out.next_update = read_date(reader, "nextUpdate");
    out.evaluation_number = read_number(reader, "tcbEvaluationDataNumber", 1'000'000'000);
}

Tee read_tee(JsonReader& reader, std::string_view sgx, std::string_view tdx) {
    const std::string id = reader.required_string("id");
    if (id != sgx && id != tdx) {
        reader.fail("id", quoted(sgx) + " or " + quoted(tdx) + " wanted, " + quoted(id) + " found");
    }
    return id == tdx ? Tee::tdx : Tee::sgx;
}

void expect_version(JsonReader& reader, std::int64_t version) {
    if (const auto found = reader.integer("version", 0, 0, 1000); found != version) {
        reader.fail("version", std::to_string(version) + " wanted, " + std::to_string(found));
    }
}

void read_modules(JsonReader& reader, TcbInfo& out) {
    required_object(reader, "tdxModule",
                    [&](JsonReader& module) { out.module = read_module(module); });
    if (reader.member("tdxModuleIdentities") == nullptr) {
        return;
    }
    required_each(reader, "tdxModuleIdentities", 255, [&](JsonReader& identity) {
        ModuleIdentity module = read_module(identity);
        module.version = read_module_version(identity);
        module.levels = read_isv_levels(identity);
        const auto same = [&](const ModuleIdentity& m) { return m.version == module.version; };
        if (std::ranges::any_of(out.modules, same)) {
            identity.fail("id", "a module twice");
        }
        out.modules.push_back(std::move(module));
    });
}

bool begins_with_member(ByteView text, std::string_view name) {
    std::string start;
    for (const std::uint8_t byte : text.first(std::min<std::size_t>(text.size(), 64))) {
        if (byte > ' ') {
            start.push_back(static_cast<char>(byte));
        }
    }
    return start.starts_with("{\"" + std::string(name) + "\"");
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
    RATLS_TRY(Envelope envelope, open(text, "tcbInfo"));
    TcbInfo out;
    static_cast<SignedDocument&>(out) = std::move(envelope.document);
    JsonReader reader(envelope.body, "tcbInfo");
    out.tee = read_tee(reader, "SGX", "TDX");
    expect_version(reader, 3);
    read_document(reader, out);
    out.fmspc = read_hex<6>(reader, "fmspc");
    out.pce_id = read_hex<2>(reader, "pceId");
    read_number(reader, "tcbType", 0);  // how to compare; 0 is the only way that exists
    if (out.tee == Tee::tdx) {
        read_modules(reader, out);
    }
    required_each(reader, "tcbLevels", 1024, [&](JsonReader& level) {
        TcbLevel read;
        required_object(level, "tcb", [&](JsonReader& tcb) {
            read.sgx = read_components(tcb, "sgxtcbcomponents");
            read.pce_svn = static_cast<std::uint16_t>(read_number(tcb, "pcesvn", 65535));
            if (out.tee == Tee::tdx) {
                read.tdx = read_components(tcb, "tdxtcbcomponents");
            }
        });
        read.facts = read_facts(level);
        out.levels.push_back(std::move(read));
    });
    RATLS_CHECK(reader.finish());
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
    RATLS_TRY(Envelope envelope, open(text, "enclaveIdentity"));
    QeIdentity out;
    static_cast<SignedDocument&>(out) = std::move(envelope.document);
    JsonReader reader(envelope.body, "enclaveIdentity");
    out.tee = read_tee(reader, "QE", "TD_QE");
    expect_version(reader, 2);
    read_document(reader, out);
    out.misc_select = read_hex_u32(reader, "miscselect");
    out.misc_select_mask = read_hex_u32(reader, "miscselectMask");
    out.attributes = read_hex<16>(reader, "attributes");
    out.attributes_mask = read_hex<16>(reader, "attributesMask");
    out.mr_signer = read_hex<32>(reader, "mrsigner");
    out.isv_prod_id = static_cast<std::uint16_t>(read_number(reader, "isvprodid", 65535));
    out.levels = read_isv_levels(reader);
    RATLS_CHECK(reader.finish());
    return out;
}

bool looks_like_tcb_info(ByteView text) {
    return begins_with_member(text, "tcbInfo");
}

bool looks_like_qe_identity(ByteView text) {
    return begins_with_member(text, "enclaveIdentity");
}

}  // namespace ratls::dcap
