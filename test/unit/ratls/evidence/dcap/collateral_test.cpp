#include "ratls/evidence/dcap/collateral.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "test/support/intel_pki.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;
using dcap::TcbStatus;
using dcap::Tee;

namespace {

constexpr UnixTime kDay = 86400;

std::string with_signature(std::string_view name, std::string_view value) {
    return "{\"" + std::string(name) + "\":" + std::string(value) + ",\"signature\":\"" +
           std::string(128, 'a') + "\"}";
}

std::string info_value(Tee tee = Tee::tdx) {
    return tcb_info_json(IntelPlatform(tee, 4).tcb_info).canonical();
}

std::string identity_value(Tee tee = Tee::tdx) {
    return qe_identity_json(IntelPlatform(tee, 4).qe_identity).canonical();
}

std::string info_parses(std::string_view value) {
    return refusal(dcap::parse_tcb_info(with_signature("tcbInfo", value)));
}

std::string identity_parses(std::string_view value) {
    return refusal(dcap::parse_qe_identity(with_signature("enclaveIdentity", value)));
}

/// The good value with the first `from` replaced.
std::string info_with(std::string_view from, std::string_view to, Tee tee = Tee::tdx) {
    std::string value = info_value(tee);
    replace(value, from, to);
    return info_parses(value);
}

std::string identity_with(std::string_view from, std::string_view to) {
    std::string value = identity_value();
    replace(value, from, to);
    return identity_parses(value);
}

/// A document that differs in one member, and that member.
struct Variant {
    std::string member;
    Json json;
};

/// Every document with one member less, or one more, at any level.
std::vector<Variant> variants(const Json& json) {
    std::vector<Variant> out;
    if (const Json::Object* object = json.if_object()) {
        for (std::size_t i = 0; i < object->size(); ++i) {
            Json::Object fewer = *object;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
            out.push_back({(*object)[i].first, Json(std::move(fewer))});
            for (Variant& below : variants((*object)[i].second)) {
                Json::Object changed = *object;
                changed[i].second = std::move(below.json);
                out.push_back({std::move(below.member), Json(std::move(changed))});
            }
        }
        Json::Object more = *object;
        more.emplace_back("condition", Json(true));
        out.push_back({"condition", Json(std::move(more))});
    } else if (const Json::Array* array = json.if_array()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            for (Variant& below : variants((*array)[i])) {
                Json::Array changed = *array;
                changed[i] = std::move(below.json);
                out.push_back({std::move(below.member), Json(std::move(changed))});
            }
        }
    }
    return out;
}

}  // namespace

TEST_CASE("dcap.tcb_info: a TCB info of TDX gives its fields") {
    IntelPlatform platform;
    dcap::TcbInfo& written = platform.tcb_info;
    written.fmspc = {0xab, 0xcd, 0xef, 1, 2, 3};
    written.pce_id = {4, 5};
    written.modules[0].mr_signer.fill(6);
    written.module->mr_signer.fill(7);
    written.modules[0].attributes = {1, 2, 3, 4, 5, 6, 7, 8};
    const auto info = dcap::parse_tcb_info(platform.tcb_info_text());
    REQUIRE(info);
    CHECK(info->tee == Tee::tdx);
    CHECK(info->issue_date == kIntelNow - 10 * kDay);
    CHECK(info->next_update == kIntelNow + 20 * kDay);
    CHECK(info->evaluation_number == 17);
    CHECK(hex(info->fmspc) == "abcdef010203");
    CHECK(hex(info->pce_id) == "0405");
    REQUIRE(info->module);
    CHECK(info->module->version == 0);
    CHECK(info->module->mr_signer[47] == 7);
    CHECK(info->module->levels.empty());
    REQUIRE(info->modules.size() == 1);
    const dcap::ModuleIdentity& module = info->modules[0];
    CHECK(module.version == 1);
    CHECK(module.mr_signer[0] == 6);
    CHECK(hex(module.attributes) == "0102030405060708");
    CHECK(hex(module.attributes_mask) == "ffffffffffffffff");
    REQUIRE(module.levels.size() == 2);
    CHECK(module.levels[0].isv_svn == 5);
    CHECK(module.levels[0].facts.status == TcbStatus::up_to_date);
    CHECK(module.levels[0].facts.date == kIntelNow - 200 * kDay);
    CHECK(module.levels[0].facts.advisories.empty());
    CHECK(module.levels[1].facts.advisories == std::vector<std::string>{"INTEL-SA-00002"});
    REQUIRE(info->levels.size() == 2);
    CHECK(info->levels[0].sgx[15] == 5);
    CHECK(info->levels[0].pce_svn == 13);
    CHECK(hex(info->levels[0].tdx) == "05000600000000000000000000000000");
    CHECK(info->levels[1].facts.status == TcbStatus::out_of_date);
    CHECK(info->levels[1].facts.advisories == std::vector<std::string>{"INTEL-SA-00001"});
}

TEST_CASE("dcap.tcb_info: a TCB info of SGX has neither module nor TDX components") {
    const IntelPlatform platform(Tee::sgx, 4);
    const auto info = dcap::parse_tcb_info(platform.tcb_info_text());
    REQUIRE(info);
    CHECK(info->tee == Tee::sgx);
    CHECK_FALSE(info->module);
    CHECK(info->modules.empty());
    CHECK(all_zero(info->levels[0].tdx));
    std::string value = info_value();
    replace(value, R"("id":"TDX",)", R"("id":"SGX",)");
    CHECK(info_parses(value) == says("tcbInfo: no members of TDX wanted in TCB info of SGX"));
    value = info_value(Tee::sgx);
    replace(value, R"("id":"SGX",)", R"("id":"TDX",)");
    CHECK(info_parses(value) ==
          says("tcbInfo: tdxModule, and tdxtcbcomponents in each of tcbLevels, wanted"));
}

TEST_CASE("dcap.qe_identity: an identity gives its fields") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        IntelPlatform platform(tee, 4);
        platform.qe_identity.misc_select = 0x01020304;
        platform.qe_identity.misc_select_mask = 0xfffefdfc;
        const auto identity = dcap::parse_qe_identity(platform.qe_identity_text());
        REQUIRE(identity);
        CHECK(identity->tee == tee);
        CHECK(identity->issue_date == kIntelNow - 11 * kDay);
        CHECK(identity->next_update == kIntelNow + 19 * kDay);
        CHECK(identity->evaluation_number == 18);
        CHECK(identity->misc_select == 0x01020304);
        CHECK(identity->misc_select_mask == 0xfffefdfc);
        CHECK(hex(identity->attributes) == "11000000000000000000000000000000");
        CHECK(hex(identity->attributes_mask) == "fbffffffffffffff0000000000000000");
        CHECK(identity->mr_signer == platform.qe_identity.mr_signer);
        CHECK(identity->isv_prod_id == 2);
        REQUIRE(identity->levels.size() == 2);
        CHECK(identity->levels[0].isv_svn == 6);
        CHECK(identity->levels[1].facts.status == TcbStatus::out_of_date);
        CHECK(identity->levels[1].facts.advisories == std::vector<std::string>{"INTEL-SA-00003"});
    }
}

TEST_CASE("dcap.collateral: what is signed are the bytes of the value as they stand") {
    std::string text = info_value();
    replace(text, ",", " ,\n\t");
    const auto info = dcap::parse_tcb_info("{\"signature\" : \"" + std::string(126, '0') +
                                           "Ff\",\n \"tcbInfo\" :  " + text + " \r\n}\n");
    REQUIRE(info);
    CHECK(as_text(info->signed_bytes) == text);
    CHECK(info->signature[62] == 0);
    CHECK(info->signature[63] == 0xff);
}

TEST_CASE("dcap.collateral: a member less, or one more, is refused at every level") {
    for (const Tee tee : {Tee::sgx, Tee::tdx}) {
        const IntelPlatform platform(tee, 4);
        const Json info = tcb_info_json(platform.tcb_info);
        REQUIRE(info_parses(info.canonical()) == kAccepted);
        for (const auto& [member, changed] : variants(info)) {
            CAPTURE(member);
            if (member == "advisoryIDs" || member == "tdxModuleIdentities") {
                CHECK(info_parses(changed.canonical()) == kAccepted);
            } else {
                CHECK(info_parses(changed.canonical()) == says(member));
            }
        }
        const Json identity = qe_identity_json(platform.qe_identity);
        REQUIRE(identity_parses(identity.canonical()) == kAccepted);
        for (const auto& [member, changed] : variants(identity)) {
            CAPTURE(member);
            if (member == "advisoryIDs") {
                CHECK(identity_parses(changed.canonical()) == kAccepted);
            } else {
                CHECK(identity_parses(changed.canonical()) == says(member));
            }
        }
    }
}

TEST_CASE("dcap.collateral: components may say category and type, and nothing else") {
    CHECK(info_with(R"({"svn":5})", R"({"svn":5,"category":"BIOS","type":"Early Microcode"})") ==
          kAccepted);
    CHECK(info_with(R"({"svn":5})", R"({"svn":5,"category":1})") ==
          says("tcbLevels[0]: tcb: sgxtcbcomponents[0]: category: a text wanted"));
    CHECK(info_with(R"({"svn":5})", R"({"svn":5,"name":"x"})") ==
          says("tcbLevels[0]: tcb: sgxtcbcomponents[0]: \"name\": unknown member"));
}

TEST_CASE("dcap.collateral: 16 components, no more and no less, each at most 255") {
    CHECK(info_with(R"({"svn":5},)", "") ==
          says("tcb: sgxtcbcomponents: 16 components wanted, 15 found"));
    CHECK(info_with(R"({"svn":5},)", R"({"svn":5},{"svn":5},)") ==
          says("tcbLevels[0]: tcb: sgxtcbcomponents: at most 16 items wanted"));
    CHECK(info_with(R"({"svn":5})", R"({"svn":255})") == kAccepted);
    for (const char* wrong : {"256", "-1", "\"5\"", "null", "5.0", "[]"}) {
        CAPTURE(wrong);
        CHECK(info_with(R"({"svn":5})", R"({"svn":)" + std::string(wrong) + "}") ==
              says("tcb: sgxtcbcomponents[0]: svn: an integer from 0 to 255 wanted"));
    }
    CHECK(info_with(R"({"svn":5})", "5") ==
          says("tcbLevels[0]: tcb: sgxtcbcomponents[0]: an object wanted"));
    CHECK(info_with(R"("tdxtcbcomponents":[)", R"("tdxtcbcomponents":[{"svn":0},)") ==
          says("tcbLevels[0]: tcb: tdxtcbcomponents: at most 16 items wanted"));
    CHECK(info_with(R"("sgxtcbcomponents":[)", R"("sgxtcbcomponents":[[],)") ==
          says("tcbLevels[0]: tcb: sgxtcbcomponents[0]: an object wanted"));
}

TEST_CASE("dcap.collateral: numbers have their limits") {
    const auto pce = [](const char* value) {
        return info_with(R"("pcesvn":13)", R"("pcesvn":)" + std::string(value));
    };
    CHECK(pce("0") == kAccepted);
    CHECK(pce("65535") == kAccepted);
    CHECK(pce("65536") == says("tcbLevels[0]: tcb: pcesvn: an integer from 0 to 65535 wanted"));
    CHECK(pce("-1") == says("tcbLevels[0]: tcb: pcesvn: an integer from 0 to 65535 wanted"));
    const auto isv = [](const char* value) {
        return identity_with(R"("isvsvn":6)", R"("isvsvn":)" + std::string(value));
    };
    CHECK(isv("65535") == kAccepted);
    CHECK(isv("65536") == says("tcbLevels[0]: tcb: isvsvn: an integer from 0 to 65535 wanted"));
    CHECK(isv("-1") == says("tcbLevels[0]: tcb: isvsvn: an integer from 0 to 65535 wanted"));
    CHECK(identity_with(R"("isvprodid":2)", R"("isvprodid":65536)") ==
          says("enclaveIdentity: isvprodid: an integer from 0 to 65535 wanted"));
    const auto evaluation = [](const char* value) {
        return info_with(R"("tcbEvaluationDataNumber":17)",
                         R"("tcbEvaluationDataNumber":)" + std::string(value));
    };
    CHECK(evaluation("1000000000") == kAccepted);
    CHECK(evaluation("1000000001") ==
          says("tcbEvaluationDataNumber: an integer from 0 to 1000000000 wanted"));
    CHECK(evaluation("-1") ==
          says("tcbEvaluationDataNumber: an integer from 0 to 1000000000 wanted"));
    CHECK(evaluation("\"17\"") ==
          says("tcbEvaluationDataNumber: an integer from 0 to 1000000000 wanted"));
}

TEST_CASE("dcap.collateral: other versions, kinds and ways to compare are refused") {
    for (const char* version : {"0", "1", "2", "4", "\"3\"", "1001", "-3"}) {
        CHECK(info_with(R"("version":3)", R"("version":)" + std::string(version)) ==
              says("tcbInfo: version: "));
    }
    for (const char* version : {"1", "3", "\"2\""}) {
        CHECK(identity_with(R"("version":2)", R"("version":)" + std::string(version)) ==
              says("enclaveIdentity: version: "));
    }
    CHECK(info_with(R"("tcbType":0)", R"("tcbType":1)") ==
          says("tcbInfo: tcbType: an integer from 0 to 0 wanted"));
    for (const char* id : {"tdx", "TDX ", "QE", ""}) {
        CHECK(info_with(R"("id":"TDX",)", R"("id":")" + std::string(id) + "\",") ==
              says("tcbInfo: id: \"SGX\" or \"TDX\" wanted, "));
    }
    for (const char* id : {"qe", "TDX", "QVE", "TD_QE2"}) {
        CHECK(identity_with(R"("id":"TD_QE")", R"("id":")" + std::string(id) + "\"") ==
              says("enclaveIdentity: id: \"QE\" or \"TD_QE\" wanted, "));
    }
}

TEST_CASE("dcap.collateral: byte strings are hex in both cases, of their size") {
    CHECK(info_with(R"("fmspc":"90c06f000000")", R"("fmspc":"90C06F000000")") == kAccepted);
    for (const char* wrong : {"90c06f0000", "90c06f00000000", "90c06f00000", "90c06f00000g", ""}) {
        CHECK(info_with(R"("fmspc":"90c06f000000")", R"("fmspc":")" + std::string(wrong) + "\"") ==
              says("tcbInfo: fmspc: "));
    }
    CHECK(info_with(R"("pceId":"0000")", R"("pceId":0)") == says("tcbInfo: pceId: a text wanted"));
    CHECK(info_with(R"("mrsigner":"00)", R"("mrsigner":")") ==
          says("tcbInfo: tdxModule: mrsigner: 96 hex digits wanted, 94 found"));
    CHECK(identity_with(R"("miscselect":"00000000")", R"("miscselect":"0000")") ==
          says("enclaveIdentity: miscselect: 8 hex digits wanted, 4 found"));
    CHECK(identity_with(R"("attributes":"1100)", R"("attributes":"11)") ==
          says("enclaveIdentity: attributes: 32 hex digits wanted, 30 found"));
}

TEST_CASE("dcap.collateral: a status is one of Intel's, and none that follows from comparing") {
    for (const char* status : {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
                               "ConfigurationAndSWHardeningNeeded", "OutOfDate",
                               "OutOfDateConfigurationNeeded", "Revoked"}) {
        CAPTURE(status);
        CHECK(info_with("\"UpToDate\"", "\"" + std::string(status) + "\"") == kAccepted);
        CHECK(identity_with("\"UpToDate\"", "\"" + std::string(status) + "\"") == kAccepted);
    }
    for (const char* status : {"TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded",
                               "NotSupported", "uptodate", "UpToDate ", ""}) {
        CAPTURE(status);
        CHECK(info_with("\"UpToDate\"", "\"" + std::string(status) + "\"") ==
              says("tcbInfo: tcbLevels[0]: tcbStatus: an unknown status"));
        CHECK(identity_with("\"UpToDate\"", "\"" + std::string(status) + "\"") ==
              says("enclaveIdentity: tcbLevels[0]: tcbStatus: an unknown status"));
    }
    CHECK(info_with("\"UpToDate\"", "0") ==
          says("tcbInfo: tcbLevels[0]: tcbStatus: a text wanted"));
}

TEST_CASE("dcap.collateral: each status has a name that is read back") {
    for (int i = 0; i <= static_cast<int>(TcbStatus::not_supported); ++i) {
        const auto status = static_cast<TcbStatus>(i);
        CHECK_FALSE(dcap::status_name(status).empty());
        CHECK(dcap::status_from_name(dcap::status_name(status)) == status);
    }
    CHECK_FALSE(dcap::status_from_name("Unknown"));
    CHECK_FALSE(dcap::status_from_name(""));
}

TEST_CASE("dcap.collateral: dates are those of RFC 3339") {
    for (const char* date : {"2025-02-29T00:00:00Z", "2025-06-01", "1748779200", ""}) {
        CHECK(info_with(R"("issueDate":"2025-05-22T12:00:00Z")",
                        R"("issueDate":")" + std::string(date) + "\"") ==
              says("tcbInfo: issueDate: a time like 2025-05-15T21:21:54Z wanted, "));
    }
    CHECK(info_with(R"("issueDate":"2025-05-22T12:00:00Z")", R"("issueDate":1748779200)") ==
          says("tcbInfo: issueDate: a text wanted"));
}

TEST_CASE("dcap.collateral: modules are TDX_01 to TDX_ff, each once") {
    const auto module = [](const char* id) {
        return info_with(R"("id":"TDX_01")", R"("id":")" + std::string(id) + "\"");
    };
    CHECK(module("TDX_03") == kAccepted);
    CHECK(module("TDX_fF") == kAccepted);
    for (const char* id :
         {"TDX_00", "TDX_1", "TDX_001", "TDX_0g", "TDX-01", "SGX_01", "TDX_", ""}) {
        CAPTURE(id);
        CHECK(module(id) == says("tcbInfo: tdxModuleIdentities[0]: id: TDX_01 to TDX_FF wanted, "));
    }
    IntelPlatform platform;
    platform.tcb_info.modules.push_back(platform.tcb_info.modules[0]);
    CHECK(refusal(dcap::parse_tcb_info(platform.tcb_info_text())) ==
          says("tcbInfo: tdxModuleIdentities[1]: id: a module twice"));
    platform.tcb_info.modules[1].version = 2;
    CHECK(dcap::parse_tcb_info(platform.tcb_info_text()));
}

TEST_CASE("dcap.collateral: levels are sorted, highest first") {
    IntelPlatform platform;
    const std::vector<dcap::TcbLevel> good = platform.tcb_info.levels;
    dcap::TcbLevel pce = good[0];
    pce.pce_svn = 12;
    dcap::TcbLevel tdx = good[0];
    tdx.tdx[0] = 6;
    tdx.pce_svn = 1;
    platform.tcb_info.levels = {good[1], pce, good[0], tdx};
    const auto info = dcap::parse_tcb_info(platform.tcb_info_text());
    REQUIRE(info);
    REQUIRE(info->levels.size() == 4);
    CHECK(info->levels[0].tdx[0] == 6);
    CHECK(info->levels[1].pce_svn == 13);
    CHECK(info->levels[2].pce_svn == 12);
    CHECK(info->levels[3].pce_svn == 11);
}

TEST_CASE("dcap.collateral: there are at most 1024 levels of a platform, 256 of a module or QE") {
    IntelPlatform platform(Tee::sgx, 4);
    const auto levels_of = [&](std::size_t levels, std::size_t qe_levels) {
        platform.tcb_info.levels.resize(1);
        while (platform.tcb_info.levels.size() < levels) {
            platform.tcb_info.levels.push_back(platform.tcb_info.levels[0]);
            platform.tcb_info.levels.back().pce_svn =
                static_cast<std::uint16_t>(20'000 + platform.tcb_info.levels.size());
        }
        platform.qe_identity.levels.resize(1);
        while (platform.qe_identity.levels.size() < qe_levels) {
            platform.qe_identity.levels.push_back(platform.qe_identity.levels[0]);
            platform.qe_identity.levels.back().isv_svn =
                static_cast<std::uint16_t>(20'000 + platform.qe_identity.levels.size());
        }
        return std::pair(refusal(dcap::parse_tcb_info(platform.tcb_info_text())),
                         refusal(dcap::parse_qe_identity(platform.qe_identity_text())));
    };
    const auto [most, most_of_qe] = levels_of(1024, 256);
    CHECK(most == kAccepted);
    CHECK(most_of_qe == kAccepted);
    const auto [more, more_of_qe] = levels_of(1025, 257);
    CHECK(more == says("tcbInfo: tcbLevels: at most 1024 items wanted"));
    CHECK(more_of_qe == says("enclaveIdentity: tcbLevels: at most 256 items wanted"));
}

TEST_CASE("dcap.collateral: a level that is there twice is refused") {
    IntelPlatform platform(Tee::sgx, 4);
    platform.tcb_info.levels.push_back(platform.tcb_info.levels[0]);
    CHECK(refusal(dcap::parse_tcb_info(platform.tcb_info_text())) ==
          says("tcbInfo: tcbLevels: a level twice"));
    platform.qe_identity.levels.push_back(platform.qe_identity.levels[0]);
    CHECK(refusal(dcap::parse_qe_identity(platform.qe_identity_text())) ==
          says("enclaveIdentity: tcbLevels: a level twice"));
}

TEST_CASE("dcap.collateral: the envelope has two members, each once") {
    const std::string value = info_value();
    const std::string signature = "\"signature\":\"" + std::string(128, '0') + "\"";
    const std::string body = "\"tcbInfo\":" + value;
    const auto parses = [](const std::string& members) {
        return refusal(dcap::parse_tcb_info("{" + members + "}"));
    };
    CHECK(parses(body + "," + signature) == kAccepted);
    CHECK(parses(signature + "," + body) == kAccepted);
    CHECK(parses(body) == says("signature: missing"));
    CHECK(parses(signature) == says("tcbInfo: missing"));
    CHECK(parses(body + "," + signature + ",\"more\":1") == says("\"more\": unknown member"));
    CHECK(parses(body + "," + body + "," + signature) == says("tcbInfo: occurs twice"));
    CHECK(parses(body + "," + signature + "," + signature) == says("signature: occurs twice"));
    CHECK(parses("\"tcb\\u0049nfo\":" + value + "," + signature) == kAccepted);
    CHECK(parses(body + "," + signature + ",\"tcb\\u0049nfo\":" + value) ==
          says("tcbInfo: occurs twice"));
    CHECK(parses("\"enclaveIdentity\":" + value + "," + signature) ==
          says("\"enclaveIdentity\": unknown member"));
    CHECK(parses("\"tcbInfo\":" + value + value + "," + signature) ==
          says("json: a comma, colon, bracket or value missing or too much at offset 1725"));
    CHECK(parses("\"tcbInfo\":[" + value + "]," + signature) == says("tcbInfo: an object wanted"));
    CHECK(parses("\"tcbInfo\":1," + signature) == says("tcbInfo: an object wanted"));
    for (const std::size_t digits : {0U, 126U, 127U, 129U, 130U}) {
        CHECK(parses(body + ",\"signature\":\"" + std::string(digits, '0') + "\"") ==
              says("signature: 128 hex digits wanted, "));
    }
    CHECK(parses(body + ",\"signature\":\"" + std::string(128, 'g') + "\"") ==
          says("signature: not a hexadecimal digit at position 0"));
    CHECK(parses(body + ",\"signature\":0") == says("signature: a text wanted"));
    CHECK(
        refusal(dcap::parse_tcb_info("{" + body + "," + signature + "}x")) ==
        says("json: the text does not end with the bracket that closes its first one at offset 0"));
    CHECK(refusal(dcap::parse_tcb_info("x{" + body + "," + signature + "}")) ==
          says("json: an object or a list wanted"));
    CHECK(refusal(dcap::parse_tcb_info("[" + body + "," + signature + "]")) ==
          says("an object wanted"));
    CHECK(refusal(dcap::parse_tcb_info("")) == says("json: an object or a list wanted"));
}

TEST_CASE("dcap.collateral: a member of the value that occurs twice is refused") {
    CHECK(info_with(R"("tcbType":0)", R"("tcbType":0,"tcbType":0)") ==
          says("tcbInfo: tcbType: occurs twice"));
    CHECK(identity_with(R"("isvprodid":2)", R"("isvprodid":2,"isvprodid":2)") ==
          says("enclaveIdentity: isvprodid: occurs twice"));
}

TEST_CASE("dcap.collateral: every truncation is refused") {
    const std::string info = IntelPlatform().tcb_info_text();
    for (std::size_t n = 0; n < info.size(); ++n) {
        CAPTURE(n);
        CHECK(refusal(dcap::parse_tcb_info(std::string_view(info).substr(0, n))) == says("json: "));
    }
    const std::string identity = IntelPlatform().qe_identity_text();
    for (std::size_t n = 0; n < identity.size(); ++n) {
        CAPTURE(n);
        CHECK(refusal(dcap::parse_qe_identity(std::string_view(identity).substr(0, n))) ==
              says("json: "));
    }
}

TEST_CASE("dcap.collateral: more than 1 MiB is refused") {
    std::string text = IntelPlatform().tcb_info_text();
    text.resize(dcap::kMaxCollateralJson, ' ');
    CHECK(dcap::parse_tcb_info(text));
    text += ' ';
    CHECK(refusal(dcap::parse_tcb_info(text)) ==
          says("json: at most 1048576 bytes wanted, 1048577 found"));
}

TEST_CASE("dcap.collateral: a document is told by its first member") {
    const auto info = [](std::string_view text) {
        return dcap::looks_like_tcb_info(as_bytes(text));
    };
    CHECK(info(R"({"tcbInfo":)"));
    CHECK(info(" \r\n{\n\t\"tcbInfo\" : {"));
    CHECK_FALSE(info(R"({"tcbInfos":)"));
    CHECK_FALSE(info(R"({"enclaveIdentity":)"));
    CHECK_FALSE(info("{\"tcbInf"));
    CHECK_FALSE(info(""));
    const std::string identity = IntelPlatform().qe_identity_text();
    CHECK(dcap::looks_like_qe_identity(as_bytes(identity)));
    CHECK_FALSE(dcap::looks_like_tcb_info(as_bytes(identity)));
}
