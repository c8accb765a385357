#include "ratls/evidence/dcap/qgs.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"

using namespace ratls;
using dcap::parse_qgs_response;
using dcap::parse_tdx_attest_conf;

namespace {

struct Response {
    std::uint16_t major = 1, minor = 0;
    std::uint32_t type = 1;
    std::uint32_t error = 0;
    std::uint32_t id_size = 3, quote_size = 5;
    std::uint32_t size = 16 + 8 + 3 + 5;
    Bytes rest = {'i', 'd', '!', 'q', 'u', 'o', 't', 'e'};

    Bytes bytes() const {
        Writer out;
        out.u16_le(major).u16_le(minor).u32_le(type).u32_le(size).u32_le(error);
        return out.u32_le(id_size).u32_le(quote_size).bytes(rest).take();
    }
};

void refused(const Response& response, Code code, std::string_view where) {
    const auto quote = parse_qgs_response(response.bytes());
    REQUIRE_FALSE(quote);
    CHECK(quote.error().code == code);
    CHECK(quote.error().where == "qgs.response: " + std::string(where));
}

Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

}  // namespace

TEST_CASE("dcap.qgs: a quote is taken out of its answer, the id is skipped") {
    CHECK(parse_qgs_response(Response().bytes()) == Bytes{'q', 'u', 'o', 't', 'e'});
    CHECK(parse_qgs_response(Response{.minor = 1}.bytes()));
}

TEST_CASE("dcap.qgs: every truncation of an answer is refused") {
    const Bytes good = Response().bytes();
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK(code_of(parse_qgs_response(ByteView(good).first(n))) == Code::malformed);
    }
}

TEST_CASE("dcap.qgs: each field of an answer is checked") {
    refused({.major = 2}, Code::malformed, "major_version");
    refused({.type = 0}, Code::malformed, "type");
    refused({.size = 31}, Code::malformed, "size");
    refused({.size = 33}, Code::malformed, "size");
    refused({.error = 0x12}, Code::io, "error_code");
    refused({.id_size = 2}, Code::malformed, "end");
    refused({.id_size = 0xffffffff}, Code::malformed, "selected_id");
    refused({.quote_size = 4}, Code::malformed, "end");
    refused({.quote_size = 6}, Code::malformed, "quote");
    refused({.quote_size = 0}, Code::malformed, "quote_size");
    refused({.quote_size = 16 * 1024 + 1}, Code::too_large, "quote_size");
    refused({.quote_size = 0xffffffff}, Code::too_large, "quote_size");
}

TEST_CASE("dcap.qgs: a quote of exactly the limit is taken") {
    Response largest{.id_size = 0, .quote_size = 16 * 1024, .size = 24 + 16 * 1024};
    largest.rest.assign(16 * 1024, 7);
    CHECK(parse_qgs_response(largest.bytes()) == largest.rest);
}

TEST_CASE("dcap.qgs: a length is big-endian and bounded") {
    CHECK(dcap::parse_qgs_length(Bytes{0, 0, 4, 0x18}) == 1048U);
    CHECK(code_of(dcap::parse_qgs_length(Bytes{0, 0, 0, 0})) == Code::malformed);
    CHECK(code_of(dcap::parse_qgs_length(Bytes{0, 0, 0})) == Code::malformed);
    CHECK(code_of(dcap::parse_qgs_length(Bytes{0, 0, 0, 1, 0})) == Code::malformed);
    CHECK(dcap::parse_qgs_length(Bytes{0, 0, 0x44, 0}) == dcap::kMaxQgsMessage);
    CHECK(code_of(dcap::parse_qgs_length(Bytes{0, 0, 0x44, 1})) == Code::too_large);
    CHECK(code_of(dcap::parse_qgs_length(Bytes{0xff, 0xff, 0xff, 0xff})) == Code::too_large);
}

TEST_CASE("dcap.qgs: the port is that of the configuration, 4050 if it says none") {
    for (const char* text : {"", "\n", "# port = 1\n", "#port=1", "name = value\n", "  # x\n\n"}) {
        CAPTURE(text);
        CHECK(parse_tdx_attest_conf(text) == 4050U);
    }
    for (const char* text : {"port=5000", "port = 5000\n", "\t port\t=\t5000 \r\n",
                             "#\nport = 5000", "port = 5000 # 6000\nother = 1\n"}) {
        CAPTURE(text);
        CHECK(parse_tdx_attest_conf(text) == 5000U);
    }
    CHECK(parse_tdx_attest_conf("port = 4294967294") == 4294967294U);
}

TEST_CASE("dcap.qgs: a configuration of another form is refused") {
    for (const char* text :
         {"port", "port =", "port = x", "port = 0", "port = -1", "port = 4294967295",
          "port = 4294967296", "port = 1 2", "port = 1\nport = 1", "port = 0x10", "5000"}) {
        CAPTURE(text);
        CHECK(code_of(parse_tdx_attest_conf(text)) == Code::malformed);
    }
}
