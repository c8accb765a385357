#include "ratls/evidence/endorsement/document.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/base64.h"
#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"

namespace ratls::endorsement {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kMark = "\xef\xbb\xbf";  // UTF-8 byte order mark
constexpr std::string_view kEncodedPem = "-----BEGIN%20";

std::string without_space(std::string_view text) {
    std::string out(text);
    std::erase_if(out, [](char c) { return kSpace.contains(c); });
    return out;
}

/// Within two SEQUENCEs, a list begins with its version as an INTEGER, a certificate with its
/// version in brackets. Also of a file that is cut short, so that its error is the right one.
bool begins_like_crl(ByteView der) {
    constexpr std::uint8_t kLongLength = 0x80;
    std::size_t at = 0;
    for (int level = 0; level < 2 && at + 1 < der.size(); ++level) {
        const std::uint8_t length = der[at + 1];
        at += 2U + (length >= kLongLength ? std::size_t{length} - kLongLength : std::size_t{0});
    }
    return at < der.size() && der[at] == der::kInteger;
}

Result<Document> read_der(ByteView der) {
    if (begins_like_crl(der)) {
        RATLS_TRY(Crl crl, Crl::parse(der));
        return crl;
    }
    RATLS_TRY(Certificate certificate, Certificate::parse(der));
    return certificate;
}

Result<Document> read_json(ByteView content) {
    const auto read = [&](const auto& parse) -> Result<Document> {
        using T = std::decay_t<decltype(*parse(std::string_view()))>;
        RATLS_TRY(T document, parse(as_text(content)));
        return Collateral<T>{std::make_shared<const T>(std::move(document)), sha256(content)};
    };
    if (dcap::looks_like_tcb_info(content)) {
        return read(dcap::parse_tcb_info);
    }
    if (dcap::looks_like_qe_identity(content)) {
        return read(dcap::parse_qe_identity);
    }
    return fail(
        Code::malformed, "JSON",
        "TCB info (a first member \"tcbInfo\") or QE identity (\"enclaveIdentity\") wanted");
}

Result<Document> read_block(const PemBlock& block) {
    if (block.label == "CERTIFICATE") {
        RATLS_TRY(Certificate certificate, Certificate::parse(block.der));
        return certificate;
    }
    if (block.label == "X509 CRL") {
        RATLS_TRY(Crl crl, Crl::parse(block.der));
        return crl;
    }
    return fail(Code::malformed, "label",
                "CERTIFICATE or X509 CRL wanted, " + quoted(block.label) + " found");
}

/// Hex or base64 digits over several lines, as bytes.
std::optional<Bytes> decode_digits(ByteView content) {
    if (content.empty() || !is_utf8(as_text(content))) {
        return std::nullopt;
    }
    const std::string text = without_space(as_text(content));
    if (auto bytes = parse_hex(text)) {
        return *std::move(bytes);
    }
    if (auto bytes = parse_base64(text)) {
        return *std::move(bytes);
    }
    return std::nullopt;
}

bool reads_as_der(ByteView content) {
    return form_of(content) == Form::der && read_der(content).has_value();
}

std::optional<std::string> text_of(const Json& json, std::string_view key) {
    const Json* member = json.find(key);
    const std::string* text = member != nullptr ? member->if_string() : nullptr;
    return text != nullptr ? std::optional(*text) : std::nullopt;
}

/// The members of `{"tcb_info": "{...}", "tcb_info_signature": "hex", ...}` as Intel serves them.
std::optional<Wrapped> unwrap_dcap(const Json& json) {
    Wrapped out{"JSON of DCAP tools",
                "jq -r '\"{\\\"tcbInfo\\\":\\(.tcb_info),\\\"signature\\\":\\\""
                "\\(.tcb_info_signature)\\\"}\"' FILE > tcb_info.json, and so on for each member"};
    for (const auto& [name, member] :
         {std::pair("tcb_info", "tcbInfo"), std::pair("qe_identity", "enclaveIdentity")}) {
        const auto content = text_of(json, name);
        const auto signature = text_of(json, std::string(name) + "_signature");
        if (!content || !signature) {
            return std::nullopt;
        }
        out.plain.push_back(to_bytes(as_bytes("{\"" + std::string(member) + "\":" + *content +
                                              ",\"signature\":\"" + *signature + "\"}")));
    }
    for (const char* name : {"tcb_info_issuer_chain", "qe_identity_issuer_chain",
                             "pck_crl_issuer_chain", "pck_certificate_chain"}) {
        if (const auto chain = text_of(json, name)) {
            out.plain.push_back(to_bytes(as_bytes(*chain)));
        }
    }
    for (const char* name : {"pck_crl", "root_ca_crl"}) {
        const auto list = text_of(json, name);
        const auto der = list ? parse_hex(*list) : std::unexpected(Error{});
        if (list && !der) {
            return std::nullopt;
        }
        if (list) {
            out.plain.push_back(*der);
        }
    }
    return out;
}

std::optional<Wrapped> unwrap_thim(const Json& json) {
    const auto vcek = text_of(json, "vcekCert");
    const auto chain = text_of(json, "certificateChain");
    if (!vcek || !chain) {
        return std::nullopt;
    }
    return Wrapped{"JSON of Azure's THIM service",
                   "jq -r '.vcekCert + .certificateChain' FILE > chain.pem",
                   {to_bytes(as_bytes(*vcek)), to_bytes(as_bytes(*chain))}};
}

std::optional<Wrapped> unwrap_json(ByteView content) {
    const auto json = parse_json(as_text(content), {.max_bytes = dcap::kMaxCollateralJson});
    if (!json) {
        return std::nullopt;
    }
    auto out = unwrap_dcap(*json);
    return out ? std::move(out) : unwrap_thim(*json);
}

}  // namespace

Form form_of(ByteView content) {
    constexpr std::uint8_t kLongLength = 0x80;
    if (content.size() > 1 && content[0] == der::kSequence && (content[1] & kLongLength) != 0) {
        return Form::der;
    }
    const std::size_t begin = as_text(content).find_first_not_of(kSpace);
    return begin != std::string_view::npos && content[begin] == '{' ? Form::json : Form::pem;
}

Result<std::vector<Document>> read_documents(ByteView content) {
    std::vector<Document> out;
    if (content.empty()) {
        return fail(Code::malformed, "file", "it is empty");
    }
    const Form form = form_of(content);
    if (form != Form::pem) {
        RATLS_TRY(Document document, form == Form::der ? read_der(content) : read_json(content));
        out.push_back(std::move(document));
        return out;
    }
    RATLS_TRY(const std::vector<PemBlock> blocks, parse_pem(as_text(content)));
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        auto document = read_block(blocks[i]);
        if (!document) {
            return std::unexpected(
                std::move(document).error().in("PEM block " + std::to_string(i + 1)));
        }
        out.push_back(*std::move(document));
    }
    return out;
}

std::optional<Bytes> decode_text(ByteView content, bool (*fits)(ByteView)) {
    auto bytes = decode_digits(content);
    return bytes && fits(*bytes) ? std::move(bytes) : std::nullopt;
}

std::optional<Wrapped> unwrap(ByteView content) {
    const std::string_view text = as_text(content);
    if (text.starts_with(kMark)) {
        const ByteView rest = content.subspan(kMark.size());
        if (auto more = unwrap(rest)) {
            return more;
        }
        return Wrapped{
            "a text with a byte order mark", "tail -c +4 FILE > PLAIN", {to_bytes(rest)}};
    }
    if (text.starts_with(kEncodedPem)) {
        const auto decoded = percent_decode(text);
        return decoded ? std::optional(Wrapped{
                             "percent-encoded PEM",
                             "python3 -c 'import sys, urllib.parse; "
                             "print(urllib.parse.unquote(sys.stdin.read()))' < FILE > chain.pem",
                             {to_bytes(as_bytes(*decoded))}})
                       : std::nullopt;
    }
    if (form_of(content) == Form::json) {
        return unwrap_json(content);
    }
    if (auto der = decode_text(content, reads_as_der)) {
        const bool is_hex = parse_hex(without_space(text)).has_value();
        return Wrapped{is_hex ? "hex text" : "base64 text",
                       is_hex ? "xxd -r -p FILE > PLAIN" : "base64 -d FILE > PLAIN",
                       {*std::move(der)}};
    }
    return std::nullopt;
}

}  // namespace ratls::endorsement
