#include "ratls/evidence/snp/guest_message.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/snp/report.h"

using namespace ratls;

namespace {

Bytes report_response(std::uint32_t status, std::uint32_t size) {
    Writer out;
    out.u32_le(status).u32_le(size).zeros(24).bytes(Bytes(snp::kReportSize, 0xab));
    return out.zeros(snp::kReportResponseSize - out.size()).take();
}

Bytes key_response(std::uint32_t status, std::uint8_t fill) {
    return Writer().u32_le(status).zeros(28).bytes(Bytes(32, fill)).take();
}

Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

}  // namespace

TEST_CASE("snp.guest_message: a report request has the layout of the firmware ABI") {
    std::array<std::uint8_t, 64> data{};
    data.fill(0x11);
    CHECK(hex(snp::encode_report_request(data, 2)) ==
          hex(Bytes(64, 0x11)) + "02000000" + std::string(56, '0'));
}

TEST_CASE("snp.guest_message: a report is taken out of its answer") {
    const auto report = snp::parse_report_response(report_response(0, 1184));
    REQUIRE(report);
    CHECK(*report == Bytes(snp::kReportSize, 0xab));
}

TEST_CASE("snp.guest_message: every truncation of an answer is refused") {
    const Bytes good = report_response(0, 1184);
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK(code_of(snp::parse_report_response(ByteView(good).first(n))) == Code::malformed);
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK(code_of(snp::parse_report_response(longer)) == Code::malformed);
    const Bytes key = key_response(0, 1);
    for (std::size_t n = 0; n < key.size(); ++n) {
        CHECK_FALSE(snp::parse_key_response(ByteView(key).first(n)));
    }
    longer = key;
    longer.push_back(0);
    CHECK_FALSE(snp::parse_key_response(longer));
}

TEST_CASE("snp.guest_message: a status or another size is refused") {
    const auto refused = snp::parse_report_response(report_response(0x16, 1184));
    CHECK(code_of(refused) == Code::io);
    CHECK(refused.error().text() ==
          "snp.report_response: status: the firmware refused the request: 0x16 (invalid "
          "parameters)");
    CHECK(code_of(snp::parse_report_response(report_response(1, 1184))) == Code::io);
    for (const std::uint32_t size : {0U, 1183U, 1185U, 3968U, 3969U, 0xffff'ffffU}) {
        CHECK(code_of(snp::parse_report_response(report_response(0, size))) == Code::malformed);
    }
}

TEST_CASE("snp.guest_message: a key request selects exactly what was named") {
    // root_key_select, reserved, guest_field_select, vmpl, guest_svn, tcb_version
    CHECK(hex(snp::encode_key_request({})) == std::string(64, '0'));
    const snp::KeyRequest all{.root = snp::KeyRoot::vmrk,
                              .fields = {.guest_policy = true,
                                         .image_id = true,
                                         .family_id = true,
                                         .measurement = true,
                                         .guest_svn = true,
                                         .tcb_version = true},
                              .vmpl = 2,
                              .guest_svn = 3,
                              .tcb_version = 0x0102030405060708};
    CHECK(hex(snp::encode_key_request(all)) ==
          "01000000"
          "00000000"
          "3f00000000000000"
          "02000000"
          "03000000"
          "0807060504030201");
    const auto selected = [](const snp::KeyFields& fields) {
        return snp::encode_key_request({.fields = fields})[8];
    };
    CHECK(selected({.guest_policy = true}) == 0x01);
    CHECK(selected({.image_id = true}) == 0x02);
    CHECK(selected({.family_id = true}) == 0x04);
    CHECK(selected({.measurement = true}) == 0x08);
    CHECK(selected({.guest_svn = true}) == 0x10);
    CHECK(selected({.tcb_version = true}) == 0x20);
    CHECK(selected({.launch_mit_vector = true}) == 0x40);
}

TEST_CASE("snp.guest_message: the mitigation vector makes the request longer") {
    snp::KeyRequest request;
    CHECK(request.message_version() == 1);
    request.launch_mit_vector = 0x0b;  // not selected: not sent
    CHECK(snp::encode_key_request(request).size() == 32);
    request.fields.launch_mit_vector = true;
    CHECK(request.message_version() == 2);
    CHECK(hex(snp::encode_key_request(request)).substr(64) == "0b00000000000000");
}

TEST_CASE("snp.guest_message: a key is taken out of its answer, one of zeros is none") {
    const auto key = snp::parse_key_response(key_response(0, 0x5a));
    REQUIRE(key);
    CHECK(equal(key->reveal(), Bytes(32, 0x5a)));
    CHECK(code_of(snp::parse_key_response(key_response(0, 0))) == Code::malformed);
    CHECK(code_of(snp::parse_key_response(key_response(0x16, 0x5a))) == Code::io);
}
