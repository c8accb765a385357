#include "ratls/evidence/hcl/metadata.h"

#include "ratls/codec/base64.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"

namespace ratls::hcl {
namespace {

constexpr std::string_view kName = "azure metadata";

Result<Json> parse_metadata(ByteView in) {
    return parse_json(as_text(in), {.max_bytes = kMaxMetadata, .max_depth = 4});
}

Result<std::string> text_of(const Json& json, const std::string& key) {
    const Json* member = json.find(key);
    const std::string* text = member != nullptr ? member->if_string() : nullptr;
    if (text == nullptr) {
        return fail(Code::malformed, key, "a text wanted");
    }
    return *text;
}

Result<std::vector<Bytes>> certificates_of(const Json& json, const std::string& key,
                                           std::size_t count) {
    RATLS_TRY(const std::string text, text_of(json, key));
    RATLS_TRY(std::vector<PemBlock> blocks, parse_pem(text));
    std::vector<Bytes> out;
    for (PemBlock& block : blocks) {
        if (block.label != "CERTIFICATE") {
            return fail(Code::malformed, key, "certificates only wanted");
        }
        out.push_back(std::move(block.der));
    }
    if (out.size() != count) {
        return fail(Code::malformed, key,
                    std::to_string(count) + " wanted, " + std::to_string(out.size()) + " found");
    }
    return out;
}

Result<Certification> read_certification(ByteView in) {
    RATLS_TRY(const Json json, parse_metadata(in));
    RATLS_TRY(std::vector<Bytes> vcek, certificates_of(json, "vcekCert", 1));
    RATLS_TRY(std::vector<Bytes> chain, certificates_of(json, "certificateChain", 2));
    return Certification{std::move(vcek[0]), std::move(chain[0]), std::move(chain[1])};
}

Result<Bytes> read_td_quote(ByteView in) {
    RATLS_TRY(const Json json, parse_metadata(in));
    RATLS_TRY(std::string text, text_of(json, "quote"));
    text.erase(text.find_last_not_of('=') + 1);
    RATLS_TRY(Bytes quote, parse_base64url(text));
    if (quote.empty()) {
        return fail(Code::malformed, "quote", "is empty");
    }
    return quote;
}

template <typename T>
Result<T> named(Result<T> result) {
    if (!result) {
        return std::unexpected(std::move(result).error().in(kName));
    }
    return result;
}

}  // namespace

Result<Certification> parse_certification(ByteView in) {
    return named(read_certification(in));
}

std::string encode_td_quote_request(ByteView td_report) {
    return Json(Json::Object{{"report", base64url(td_report)}}).canonical();
}

Result<Bytes> parse_td_quote_response(ByteView in) {
    return named(read_td_quote(in));
}

}  // namespace ratls::hcl
