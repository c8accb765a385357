#include "test/support/intel_pki.h"

#include <map>
#include <stdexcept>

#include "ratls/base/writer.h"
#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"

namespace ratls::test {
namespace {

using dcap::Tee;

constexpr UnixTime kDay = 86400;
constexpr std::uint8_t kPrintableString = 0x13;
constexpr std::uint8_t kUtcTime = 0x17;
constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t kEnumerated = 0x0a;
constexpr std::string_view kEcdsaWithSha256 = "300a06082a8648ce3d040302";

Bytes from_hex(std::string_view digits) {
    return parse_hex(digits).value();
}

Bytes joined(const std::vector<Bytes>& pieces) {
    Bytes out;
    for (const Bytes& piece : pieces) {
        append(out, piece);
    }
    return out;
}

Bytes sequence(const std::vector<Bytes>& pieces) {
    return der::encode(der::kSequence, joined(pieces));
}

Bytes oid(const Bytes& content) {
    return der::encode(der::kOid, content);
}

/// Content of a non-negative INTEGER in its shortest form.
Bytes integer_content(ByteView number) {
    while (number.size() > 1 && number[0] == 0) {
        number = number.subspan(1);
    }
    Bytes content = to_bytes(number);
    if ((content[0] & 0x80) != 0) {
        content.insert(content.begin(), 0);
    }
    return content;
}

Bytes integer(unsigned value) {
    return der::encode(der::kInteger, integer_content(Writer().u32_be(value).view()));
}

/// YYMMDDHHMMSSZ: all that we make is before 2050.
Bytes utc_time(UnixTime time) {
    std::string digits;
    for (const char c : format_rfc3339(time).substr(2)) {
        if (c != '-' && c != ':' && c != 'T') {
            digits += c;
        }
    }
    return der::encode(kUtcTime, as_bytes(digits));
}

/// r || s. A signature is deterministic and the dearest thing here, so each is made once.
const Bytes& sign(const PrivateKey& key, ByteView message) {
    static std::map<std::pair<const PrivateKey*, Sha256Digest>, Bytes> made;
    const auto [place, is_new] = made.try_emplace({&key, sha256(message)});
    if (is_new) {
        place->second = key.sign_ecdsa(HashAlg::sha256, message).value();
    }
    return place->second;
}

std::array<std::uint8_t, 64> sign_raw(const PrivateKey& key, ByteView message) {
    std::array<std::uint8_t, 64> out{};
    std::ranges::copy(sign(key, message), out.begin());
    return out;
}

/// SEQUENCE { tbs, ecdsa-with-SHA256, signature }
Bytes signed_der(const Bytes& tbs, const PrivateKey& signer) {
    const ByteView raw(sign(signer, tbs));
    Bytes bits = {0};
    append(bits, sequence({der::encode(der::kInteger, integer_content(raw.first(32))),
                           der::encode(der::kInteger, integer_content(raw.last(32)))}));
    return sequence({tbs, from_hex(kEcdsaWithSha256), der::encode(der::kBitString, bits)});
}

Bytes key_id(const PrivateKey& key) {
    return to_bytes(ByteView(key.public_key().spki_sha256()).first(20));
}

/// Below id-ce (2.5.29).
Bytes standard_extension(std::uint8_t number, bool critical, const Bytes& value) {
    return x509_extension({0x55, 0x1d, number}, critical, value);
}

Bytes authority_key_id(const PrivateKey& key) {
    return standard_extension(35, false, sequence({der::encode(0x80, key_id(key))}));
}

Bytes distribution_point() {
    constexpr std::uint8_t kUri = 0x86;
    const Bytes uri =
        der::encode(kUri, as_bytes("https://certificates.example/IntelSGXRootCA.der"));
    const Bytes name = der::encode(der::context(0), der::encode(der::context(0), uri));
    return standard_extension(31, false, sequence({sequence({name})}));
}

Bytes basic_constraints(bool is_ca, int path_length) {
    Bytes content = is_ca ? from_hex("0101ff") : Bytes{};
    if (is_ca && path_length >= 0) {
        append(content, integer(static_cast<unsigned>(path_length)));
    }
    return standard_extension(19, true, der::encode(der::kSequence, content));
}

/// Content of 1.2.840.113741.1.13.1, the SGX extension.
Bytes sgx_oid() {
    return from_hex("2a864886f84d010d01");
}

Bytes octets(ByteView content) {
    return der::encode(der::kOctetString, content);
}

Bytes boolean(bool value) {
    return der::encode(der::kBoolean, Bytes{static_cast<std::uint8_t>(value ? 0xff : 0)});
}

Json facts_into(Json level, const dcap::LevelFacts& facts) {
    level.set("tcbDate", format_rfc3339(facts.date));
    level.set("tcbStatus", dcap::status_name(facts.status));
    if (!facts.advisories.empty()) {
        Json advisories(Json::Array{});
        for (const std::string& advisory : facts.advisories) {
            advisories.push(advisory);
        }
        level.set("advisoryIDs", std::move(advisories));
    }
    return level;
}

Json components_json(const std::array<std::uint8_t, 16>& svns) {
    Json out(Json::Array{});
    for (const std::uint8_t svn : svns) {
        Json component(Json::Object{});
        component.set("svn", int{svn});
        out.push(std::move(component));
    }
    return out;
}

Json isv_levels_json(const std::vector<dcap::IsvLevel>& levels) {
    Json out(Json::Array{});
    for (const dcap::IsvLevel& level : levels) {
        Json tcb(Json::Object{});
        tcb.set("isvsvn", int{level.isv_svn});
        Json item(Json::Object{});
        item.set("tcb", std::move(tcb));
        out.push(facts_into(std::move(item), level.facts));
    }
    return out;
}

Json module_json(const dcap::ModuleIdentity& module) {
    Json out(Json::Object{});
    out.set("mrsigner", hex(module.mr_signer)).set("attributes", hex(module.attributes));
    out.set("attributesMask", hex(module.attributes_mask));
    return out;
}

void document_into(Json& out, const dcap::SignedDocument& document) {
    out.set("issueDate", format_rfc3339(document.issue_date));
    out.set("nextUpdate", format_rfc3339(document.next_update));
    out.set("tcbEvaluationDataNumber", document.evaluation_number);
}

std::string u32_text(std::uint32_t value) {
    return hex(Writer().u32_be(value).view());
}

template <std::size_t N>
void fill(std::array<std::uint8_t, N>& field, std::uint8_t first) {
    for (std::size_t i = 0; i < N; ++i) {
        field[i] = static_cast<std::uint8_t>(first + i);
    }
}

dcap::EnclaveReport qe_report() {
    dcap::EnclaveReport out;
    fill(out.cpu_svn, 0x10);
    out.attributes = {0x11, 0, 0, 0, 0, 0, 0, 0, 0xe7};  // INIT, PROVISION_KEY; XFRM
    fill(out.mr_enclave, 0x20);
    fill(out.mr_signer, 0x8c);
    out.isv_prod_id = 2;
    out.isv_svn = 6;
    return out;
}

dcap::TdReport td(bool with_15) {
    dcap::TdReport out;
    out.tee_tcb_svn = {5, 1, 6};
    fill(out.mr_seam, 0x30);
    out.td_attributes[3] = 0x10;  // SEPT_VE_DISABLE
    out.xfam = {0xe7, 0x02, 0x06};
    fill(out.mr_td, 0x40);
    fill(out.mr_config_id, 0x50);
    fill(out.mr_owner, 0x60);
    fill(out.mr_owner_config, 0x70);
    for (std::size_t i = 0; i < out.rtmr.size(); ++i) {
        fill(out.rtmr[i], static_cast<std::uint8_t>(0x80 + 0x10 * i));
    }
    fill(out.report_data, 0xc0);
    if (with_15) {
        out.v15.emplace();
        out.v15->tee_tcb_svn_2 = out.tee_tcb_svn;
    }
    return out;
}

dcap::EnclaveReport enclave() {
    dcap::EnclaveReport out;
    fill(out.cpu_svn, 0x10);
    fill(out.isv_ext_prod_id, 0x18);
    out.attributes = {0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7};  // INIT, MODE64BIT; XFRM
    fill(out.mr_enclave, 0x40);
    fill(out.mr_signer, 0x60);
    fill(out.config_id, 0x70);
    out.isv_prod_id = 0x0102;
    out.isv_svn = 0x0304;
    out.config_svn = 0x0506;
    fill(out.isv_family_id, 0x90);
    fill(out.report_data, 0xc0);
    return out;
}

dcap::LevelFacts facts(dcap::TcbStatus status, UnixTime date,
                       std::vector<std::string> advisories = {}) {
    return {status, date, std::move(advisories)};
}

}  // namespace

const IntelKeys& intel_keys() {
    const auto make = [] { return PrivateKey::generate(KeyKind::p256).value(); };
    static const IntelKeys keys{make(), make(), make(), make(), make(), make(), make()};
    return keys;
}

Bytes intel_name(std::string_view common_name) {
    const auto attribute = [](std::uint8_t number, std::uint8_t tag, std::string_view value) {
        return der::encode(
            kSet, sequence({oid({0x55, 0x04, number}), der::encode(tag, as_bytes(value))}));
    };
    return sequence({attribute(3, der::kUtf8String, common_name),
                     attribute(10, der::kUtf8String, "Intel Corporation"),
                     attribute(7, der::kUtf8String, "Santa Clara"),
                     attribute(8, der::kUtf8String, "CA"), attribute(6, kPrintableString, "US")});
}

Bytes x509_extension(const Bytes& oid_content, bool critical, const Bytes& value) {
    return sequence({oid(oid_content), critical ? from_hex("0101ff") : Bytes{}, octets(value)});
}

Bytes CertificateFields::der() const {
    std::vector<Bytes> extensions = {
        authority_key_id(*signer), distribution_point(),
        standard_extension(14, false, octets(key_id(*key))),
        standard_extension(15, true, der::encode(der::kBitString, Bytes{0, key_usage})),
        basic_constraints(is_ca, path_length)};
    if (!sgx_extension.empty()) {
        extensions.push_back(x509_extension(sgx_oid(), false, sgx_extension));
    }
    extensions.insert(extensions.end(), more.begin(), more.end());
    const Bytes tbs =
        sequence({from_hex("a003020102"), der::encode(der::kInteger, serial),
                  from_hex(kEcdsaWithSha256), intel_name(issuer),
                  sequence({utc_time(not_before), utc_time(not_after)}), intel_name(subject),
                  key->public_key().spki(), der::encode(der::context(3), sequence(extensions))});
    return signed_der(tbs, *signer);
}

Bytes CrlFields::der() const {
    Bytes revoked;
    for (const Bytes& serial : serials) {
        append(revoked, sequence({der::encode(der::kInteger, serial), utc_time(this_update)}));
    }
    std::vector<Bytes> extensions = {standard_extension(20, false, integer(1)),
                                     authority_key_id(*signer)};
    extensions.insert(extensions.end(), more.begin(), more.end());
    const Bytes tbs = sequence({integer(1), from_hex(kEcdsaWithSha256), intel_name(issuer),
                                utc_time(this_update), utc_time(next_update),
                                revoked.empty() ? Bytes{} : der::encode(der::kSequence, revoked),
                                der::encode(der::context(0), sequence(extensions))});
    return signed_der(tbs, *signer);
}

std::vector<SgxField> tcb_fields(const dcap::Pck& pck) {
    std::vector<SgxField> out;
    for (unsigned i = 0; i < pck.components.size(); ++i) {
        out.push_back({i + 1, integer(pck.components[i])});
    }
    out.push_back({17, integer(pck.pce_svn)});
    out.push_back({18, octets(pck.cpu_svn)});
    return out;
}

std::vector<SgxField> configuration_fields(const dcap::Pck& pck) {
    return {{1, boolean(pck.dynamic_platform.value_or(false))},
            {2, boolean(pck.cached_keys.value_or(false))},
            {3, boolean(pck.smt_enabled.value_or(false))}};
}

std::vector<SgxField> sgx_fields(const dcap::Pck& pck) {
    std::vector<SgxField> out = {
        {1, octets(pck.ppid)},
        {2, encode_sgx_fields(2, tcb_fields(pck))},
        {3, octets(pck.pce_id)},
        {4, octets(pck.fmspc)},
        {5, der::encode(kEnumerated, Bytes{static_cast<std::uint8_t>(pck.sgx_type)})}};
    if (pck.platform_instance_id) {
        out.push_back({6, octets(*pck.platform_instance_id)});
        out.push_back({7, encode_sgx_fields(7, configuration_fields(pck))});
    }
    return out;
}

Bytes encode_sgx_fields(unsigned parent, const std::vector<SgxField>& fields) {
    Bytes prefix = sgx_oid();
    if (parent != 0) {
        prefix.push_back(static_cast<std::uint8_t>(parent));
    }
    std::vector<Bytes> items;
    for (const SgxField& field : fields) {
        Bytes name = prefix;
        name.push_back(static_cast<std::uint8_t>(field.number));
        items.push_back(sequence({oid(name), field.value}));
    }
    return sequence(items);
}

Bytes enclave_report(const dcap::EnclaveReport& report) {
    Writer out;
    out.bytes(report.cpu_svn).u32_le(report.misc_select).zeros(12).bytes(report.isv_ext_prod_id);
    out.bytes(report.attributes).bytes(report.mr_enclave).zeros(32).bytes(report.mr_signer);
    out.zeros(32).bytes(report.config_id).u16_le(report.isv_prod_id).u16_le(report.isv_svn);
    out.u16_le(report.config_svn).zeros(42).bytes(report.isv_family_id).bytes(report.report_data);
    return out.take();
}

Bytes td_report(const dcap::TdReport& report) {
    Writer out;
    out.bytes(report.tee_tcb_svn).bytes(report.mr_seam).bytes(report.mr_signer_seam);
    out.bytes(report.seam_attributes).bytes(report.td_attributes).bytes(report.xfam);
    out.bytes(report.mr_td).bytes(report.mr_config_id).bytes(report.mr_owner);
    out.bytes(report.mr_owner_config);
    for (const auto& rtmr : report.rtmr) {
        out.bytes(rtmr);
    }
    out.bytes(report.report_data);
    if (report.v15) {
        out.bytes(report.v15->tee_tcb_svn_2).bytes(report.v15->mr_service_td);
    }
    return out.take();
}

Bytes quote_start(const dcap::Quote& quote) {
    constexpr std::uint16_t kEcdsaP256 = 2;
    Writer out;
    out.u16_le(quote.version).u16_le(kEcdsaP256).u32_le(quote.tee == Tee::tdx ? 0x81 : 0);
    out.u16_le(quote.qe_svn).u16_le(quote.pce_svn);
    out.bytes(from_hex("939a7233f79c4ca9940a0db3957f0607")).bytes(quote.user_data);
    const Bytes body = quote.td ? td_report(*quote.td) : enclave_report(*quote.enclave);
    if (quote.version == 5) {
        out.u16_le(!quote.td ? 1 : quote.td->v15 ? 3 : 2);
        out.u32_le(static_cast<std::uint32_t>(body.size()));
    }
    return out.bytes(body).take();
}

Bytes encode_quote(const dcap::Quote& quote) {
    constexpr std::uint16_t kQeReportData = 6;
    const auto size = [](const Writer& part) { return static_cast<std::uint32_t>(part.size()); };
    Writer qe;
    qe.bytes(quote.qe_report_bytes).bytes(quote.qe_report_signature);
    qe.u16_le(static_cast<std::uint16_t>(quote.qe_auth_data.size())).bytes(quote.qe_auth_data);
    qe.u16_le(static_cast<std::uint16_t>(quote.certification));
    qe.u32_le(static_cast<std::uint32_t>(quote.certification_data.size()));
    qe.bytes(quote.certification_data);
    Writer data;
    data.bytes(quote.signature).bytes(quote.attestation_key);
    if (quote.version > 3) {
        data.u16_le(kQeReportData).u32_le(size(qe));
    }
    data.bytes(qe.view());
    return Writer().bytes(quote.signed_bytes).u32_le(size(data)).bytes(data.view()).take();
}

Json tcb_info_json(const dcap::TcbInfo& info) {
    const bool tdx = info.tee == Tee::tdx;
    Json out(Json::Object{});
    out.set("id", dcap::tee_name(info.tee)).set("version", 3);
    document_into(out, info);
    out.set("fmspc", hex(info.fmspc)).set("pceId", hex(info.pce_id)).set("tcbType", 0);
    if (info.module) {
        out.set("tdxModule", module_json(*info.module));
    }
    if (tdx) {
        Json modules(Json::Array{});
        for (const dcap::ModuleIdentity& module : info.modules) {
            Json item = module_json(module);
            item.set("id", "TDX_" + hex(Bytes{static_cast<std::uint8_t>(module.version)}));
            item.set("tcbLevels", isv_levels_json(module.levels));
            modules.push(std::move(item));
        }
        out.set("tdxModuleIdentities", std::move(modules));
    }
    Json levels(Json::Array{});
    for (const dcap::TcbLevel& level : info.levels) {
        Json tcb(Json::Object{});
        tcb.set("sgxtcbcomponents", components_json(level.sgx)).set("pcesvn", int{level.pce_svn});
        if (tdx) {
            tcb.set("tdxtcbcomponents", components_json(level.tdx));
        }
        Json item(Json::Object{});
        item.set("tcb", std::move(tcb));
        levels.push(facts_into(std::move(item), level.facts));
    }
    out.set("tcbLevels", std::move(levels));
    return out;
}

Json qe_identity_json(const dcap::QeIdentity& identity) {
    Json out(Json::Object{});
    out.set("id", identity.tee == Tee::tdx ? "TD_QE" : "QE").set("version", 2);
    document_into(out, identity);
    out.set("miscselect", u32_text(identity.misc_select));
    out.set("miscselectMask", u32_text(identity.misc_select_mask));
    out.set("attributes", hex(identity.attributes));
    out.set("attributesMask", hex(identity.attributes_mask));
    out.set("mrsigner", hex(identity.mr_signer)).set("isvprodid", int{identity.isv_prod_id});
    out.set("tcbLevels", isv_levels_json(identity.levels));
    return out;
}

std::string signed_document(std::string_view name, std::string_view value,
                            const PrivateKey& signer) {
    return "{\"" + std::string(name) + "\":" + std::string(value) + ",\"signature\":\"" +
           hex(sign(signer, as_bytes(value))) + "\"}";
}

void replace(std::string& text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) {
        throw std::runtime_error("there is no " + std::string(from));
    }
    text.replace(at, from.size(), to);
}

IntelPlatform::IntelPlatform(Tee tee, std::uint16_t version)
    : tcb_info_signer(&intel_keys().tcb_signer),
      qe_identity_signer(&intel_keys().tcb_signer),
      qe_report_signer(&intel_keys().pck),
      quote_signer(&intel_keys().attestation) {
    using dcap::TcbStatus;
    const IntelKeys& keys = intel_keys();
    const UnixTime since = kIntelNow - 1000 * kDay;
    const UnixTime until = kIntelNow + 1000 * kDay;
    const auto certificate = [&](std::string_view subject, std::string_view issuer,
                                 std::uint8_t number, const PrivateKey& key,
                                 const PrivateKey& signer) {
        return CertificateFields{.subject = std::string(subject),
                                 .issuer = std::string(issuer),
                                 .serial = Bytes(20, number),
                                 .not_before = since,
                                 .not_after = until,
                                 .key = &key,
                                 .signer = &signer};
    };
    root = certificate(kRootName, kRootName, 0x21, keys.root, keys.root);
    ca = certificate(kPlatformCaName, kRootName, 0x22, keys.platform_ca, keys.root);
    for (CertificateFields* authority : {&root, &ca}) {
        authority->is_ca = true;
        authority->key_usage = 0x06;  // keyCertSign, cRLSign
    }
    root.path_length = 1;
    leaf = certificate(kPckName, kPlatformCaName, 0x23, keys.pck, keys.platform_ca);
    tcb_signer = certificate(kTcbSignerName, kRootName, 0x24, keys.tcb_signer, keys.root);
    root_crl = {.issuer = std::string(kRootName),
                .this_update = kIntelNow - 100 * kDay,
                .next_update = kIntelNow + 265 * kDay,
                .serials = {},
                .signer = &keys.root,
                .more = {}};
    pck_crl = {.issuer = std::string(kPlatformCaName),
               .this_update = kIntelNow - 5 * kDay,
               .next_update = kIntelNow + 25 * kDay,
               .serials = {Bytes(20, 0x7f)},
               .signer = &keys.platform_ca,
               .more = {}};

    fill(pck.ppid, 0x01);
    pck.components.fill(5);
    pck.pce_svn = 13;
    fill(pck.cpu_svn, 0x10);
    pck.fmspc = {0x90, 0xc0, 0x6f, 0, 0, 0};
    pck.sgx_type = 1;
    pck.platform_instance_id.emplace();
    fill(*pck.platform_instance_id, 0xa0);
    pck.dynamic_platform = true;
    pck.cached_keys = false;
    pck.smt_enabled = true;

    quote.version = version;
    quote.tee = tee;
    quote.qe_svn = 0x0708;
    quote.pce_svn = 0x090a;
    fill(quote.user_data, 0xe0);
    if (tee == Tee::tdx) {
        quote.td = td(version == 5);
    } else {
        quote.enclave = enclave();
    }
    quote.qe_report = qe_report();
    quote.qe_auth_data.resize(32);
    for (std::uint8_t i = 0; i < 32; ++i) {
        quote.qe_auth_data[i] = i;
    }

    tcb_info.tee = tee;
    tcb_info.issue_date = kIntelNow - 10 * kDay;
    tcb_info.next_update = kIntelNow + 20 * kDay;
    tcb_info.evaluation_number = 17;
    tcb_info.fmspc = pck.fmspc;
    tcb_info.pce_id = pck.pce_id;
    dcap::TcbLevel newest;
    newest.sgx = pck.components;
    newest.pce_svn = pck.pce_svn;
    newest.facts = facts(TcbStatus::up_to_date, kIntelNow - 300 * kDay);
    dcap::TcbLevel older = newest;
    older.sgx.fill(4);
    older.pce_svn = 11;
    older.facts = facts(TcbStatus::out_of_date, kIntelNow - 700 * kDay, {"INTEL-SA-00001"});
    if (tee == Tee::tdx) {
        newest.tdx = {5, 0, 6};
        older.tdx = {3, 0, 5};
        tcb_info.module.emplace();
        dcap::ModuleIdentity module;
        module.version = 1;
        module.attributes_mask.fill(0xff);
        tcb_info.module->attributes_mask.fill(0xff);
        module.levels = {
            {5, facts(TcbStatus::up_to_date, kIntelNow - 200 * kDay)},
            {3, facts(TcbStatus::out_of_date, kIntelNow - 600 * kDay, {"INTEL-SA-00002"})}};
        tcb_info.modules = {module};
    }
    tcb_info.levels = {newest, older};

    qe_identity.tee = tee;
    qe_identity.issue_date = kIntelNow - 11 * kDay;
    qe_identity.next_update = kIntelNow + 19 * kDay;
    qe_identity.evaluation_number = 18;
    qe_identity.misc_select_mask = 0xffffffff;
    qe_identity.attributes = {0x11};
    qe_identity.attributes_mask = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    qe_identity.mr_signer = quote.qe_report.mr_signer;
    qe_identity.isv_prod_id = quote.qe_report.isv_prod_id;
    qe_identity.levels = {
        {6, facts(TcbStatus::up_to_date, kIntelNow - 100 * kDay)},
        {4, facts(TcbStatus::out_of_date, kIntelNow - 500 * kDay, {"INTEL-SA-00003"})}};
}

void IntelPlatform::use_processor_ca() {
    ca.subject = leaf.issuer = pck_crl.issuer = kProcessorCaName;
    ca.key = leaf.signer = pck_crl.signer = &intel_keys().processor_ca;
    pck.platform_instance_id.reset();
    pck.dynamic_platform = pck.cached_keys = pck.smt_enabled = std::nullopt;
}

Bytes IntelPlatform::leaf_der() const {
    CertificateFields fields = leaf;
    if (fields.sgx_extension.empty()) {
        fields.sgx_extension = encode_sgx_fields(0, sgx_fields(pck));
    }
    return fields.der();
}

std::string IntelPlatform::chain_pem() const {
    return pem("CERTIFICATE", leaf_der()) + pem("CERTIFICATE", ca.der()) +
           pem("CERTIFICATE", root.der());
}

std::string IntelPlatform::tcb_info_text() const {
    std::string value = tcb_info_json(tcb_info).canonical();
    if (edits.tcb_info) {
        edits.tcb_info(value);
    }
    return signed_document("tcbInfo", value, *tcb_info_signer);
}

std::string IntelPlatform::qe_identity_text() const {
    std::string value = qe_identity_json(qe_identity).canonical();
    if (edits.qe_identity) {
        edits.qe_identity(value);
    }
    return signed_document("enclaveIdentity", value, *qe_identity_signer);
}

Bytes IntelPlatform::make_quote() const {
    constexpr std::size_t kPointAt = 27;  // x || y in a SubjectPublicKeyInfo of P-256
    dcap::Quote out = quote;
    const ByteView spki(intel_keys().attestation.public_key().spki());
    std::ranges::copy(spki.subspan(kPointAt, 64), out.attestation_key.begin());
    const Sha256Digest bound = sha256({out.attestation_key, out.qe_auth_data});
    std::ranges::copy(bound, out.qe_report.report_data.begin());
    Bytes report = enclave_report(out.qe_report);
    if (edits.qe_report) {
        edits.qe_report(report);
    }
    std::ranges::copy(report, out.qe_report_bytes.begin());
    out.qe_report_signature = sign_raw(*qe_report_signer, report);
    if (out.certification_data.empty()) {
        std::string chain = chain_pem();
        if (edits.chain) {
            edits.chain(chain);
        }
        out.certification_data = to_bytes(as_bytes(chain));
    }
    out.signed_bytes = quote_start(out);
    if (edits.start) {
        edits.start(out.signed_bytes);
    }
    out.signature = sign_raw(*quote_signer, out.signed_bytes);
    Bytes bytes = encode_quote(out);
    if (edits.quote) {
        edits.quote(bytes);
    }
    return bytes;
}

}  // namespace ratls::test
