#include "ratls/evidence/hcl/metadata.h"

#include <doctest/doctest.h>

#include "ratls/codec/base64.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"

using namespace ratls;

namespace {

const std::string kVcek = pem("CERTIFICATE", Bytes{1});
const std::string kChain = pem("CERTIFICATE", Bytes{2}) + pem("CERTIFICATE", Bytes{3});

Bytes body(const Json& json) {
    return to_bytes(as_bytes(json.canonical()));
}

Bytes certification(const std::string& vcek, const std::string& chain) {
    return body(
        Json::Object{{"vcekCert", vcek}, {"tcbm", "00"}, {"certificateChain", chain}, {"x", 1}});
}

Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().where.starts_with("azure metadata"));
    return result.error().code;
}

}  // namespace

TEST_CASE("hcl.metadata: the certificates are taken out of their texts") {
    const auto known = hcl::parse_certification(certification(kVcek, kChain));
    REQUIRE(known);
    CHECK(known->vcek == Bytes{1});
    CHECK(known->ask == Bytes{2});
    CHECK(known->ark == Bytes{3});
}

TEST_CASE("hcl.metadata: too few or too many certificates, or something else, are refused") {
    for (const Bytes& bytes :
         {certification("", kChain), certification(kVcek + kVcek, kChain),
          certification(kVcek, kVcek), certification(kVcek, kChain + kVcek),
          certification(pem("PRIVATE KEY", Bytes{1}), kChain), certification(kVcek, "text"),
          body(Json::Object{{"vcekCert", kVcek}}), body(Json::Object{{"vcekCert", 1}}),
          body(Json::Array{}), Bytes{}, Bytes{'{'}}) {
        CHECK(code_of(hcl::parse_certification(bytes)) == Code::malformed);
    }
    CHECK(code_of(hcl::parse_certification(Bytes(hcl::kMaxMetadata + 1, ' '))) == Code::too_large);
}

TEST_CASE("hcl.metadata: every truncation is refused") {
    const Bytes good = certification(kVcek, kChain);
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK_FALSE(hcl::parse_certification(ByteView(good).first(n)));
    }
}

TEST_CASE("hcl.metadata: a TD report goes out in base64url, without padding") {
    CHECK(hcl::encode_td_quote_request(Bytes{0xfb, 0xff, 0xfe, 0xff}) == "{\"report\":\"-__-_w\"}");
}

TEST_CASE("hcl.metadata: a quote comes in with padding or without") {
    for (const char* text : {"-__-_w", "-__-_w==", "-__-_w="}) {
        CHECK(hcl::parse_td_quote_response(body(Json::Object{{"quote", text}})) ==
              Bytes{0xfb, 0xff, 0xfe, 0xff});
    }
    for (const char* text : {"", "=", "a", "+/8", "a b", "-__-_x"}) {
        CAPTURE(text);
        CHECK(code_of(hcl::parse_td_quote_response(body(Json::Object{{"quote", text}}))) ==
              Code::malformed);
    }
    CHECK(code_of(hcl::parse_td_quote_response(body(Json::Object{}))) == Code::malformed);
}
