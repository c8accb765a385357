#include "ratls/codec/pem.h"
#include "test/support/refusal.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::test;

TEST_CASE("codec.pem: what is written is read back, 64 characters a line") {
    Bytes der(100);
    for (std::size_t i = 0; i < der.size(); ++i) {
        der[i] = static_cast<std::uint8_t>(i);
    }
    const std::string text = pem("CERTIFICATE", der);
    CHECK(text.starts_with("-----BEGIN CERTIFICATE-----\n"));
    CHECK(text.ends_with("\n-----END CERTIFICATE-----\n"));
    CHECK(text.find('\n', 28) - 28 == 64);
    const auto blocks = parse_pem(text);
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 1);
    CHECK(blocks->front().label == "CERTIFICATE");
    CHECK(blocks->front().der == der);
}

TEST_CASE("codec.pem: several blocks, text between them, any line ends and lengths") {
    const auto blocks = parse_pem(
        "subject: x\n-----BEGIN A-----\r\nAA\r\n==\r\n-----END A-----\r\nnote - here\n"
        "-----BEGIN B C-----\nAQI=\n-----END B C-----");
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 2);
    CHECK((*blocks)[0].label == "A");
    CHECK((*blocks)[0].der == Bytes{0});
    CHECK((*blocks)[1].label == "B C");
    CHECK((*blocks)[1].der == Bytes{1, 2});
}

TEST_CASE("codec.pem: BEGIN and END lines must pair") {
    const std::string one = pem("CERTIFICATE", Bytes{1, 2, 3});
    CHECK(parse_pem(one + one)->size() == 2);
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{5}, one.find("BEGIN"), one.find('\n') - 1}) {
        CAPTURE(at);
        std::string changed = one;
        changed[at] ^= 1;
        CHECK(refusal(parse_pem(one + changed)) == says("END line"));
        CHECK(refusal(parse_pem(changed + one)) == says("END line"));
    }
    const std::string end = one.substr(one.find("-----END"));
    CHECK(refusal(parse_pem(end + one)) == says("pem: an END line without its BEGIN line"));
    CHECK(refusal(parse_pem(one + end)) == says("pem: an END line without its BEGIN line"));
}

TEST_CASE("codec.pem: what is not a sequence of whole blocks is refused") {
    const std::pair<const char*, const char*> rows[] = {
        {"", "no BEGIN line"},
        {"AQI=", "no BEGIN line"},
        {"-----BEGIN A-----", "no END line for \"A\""},
        {"-----BEGIN A-----\nAQI=\n", "no END line for \"A\""},
        {"-----BEGIN A-----\nAQI=\n-----END B-----\n", "no END line for \"A\""},
        {"-----BEGIN A-----\nAQI\n-----END A-----\n",
         "base64: a multiple of 4 characters wanted, 3 found"},
        {"-----BEGIN A-----\nA*I=\n-----END A-----\n",
         "base64: not a base64 character at position 1"},
        {"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQI=\n-----END A-----\n", "base64: "},
        {"-----BEGIN A-----\nAQI=\n-----BEGIN B-----\nAQI=\n-----END B-----\n-----END A-----\n",
         "base64: "},
        {"-----BEGIN A\n-----END A-----\n", "no END line for \"A\\x0a\""},
        {"-----BEGIN A-----\nAQI=\n-----END A-----\n-----BEGIN B-----\n", "no END line for \"B\""},
    };
    for (const auto& [text, reason] : rows) {
        CAPTURE(text);
        CHECK(refusal(parse_pem(text)) == says("pem: " + std::string(reason)));
    }
    const std::string long_label(65, 'A');
    CHECK(refusal(parse_pem(pem(long_label, Bytes{1}))) ==
          says("pem: a BEGIN line that does not end in dashes"));
    CHECK(parse_pem(pem(long_label.substr(1), Bytes{1})));
}

TEST_CASE("codec.pem: 64 blocks are read, 65 are refused") {
    std::string text;
    for (int i = 0; i < 64; ++i) {
        text += pem("A", Bytes{1});
    }
    const auto most = parse_pem(text);
    REQUIRE(most);
    CHECK(most->size() == 64);
    const auto more = parse_pem(text + pem("A", Bytes{1}));
    REQUIRE_FALSE(more);
    CHECK(more.error().code == Code::too_large);
}

TEST_CASE("codec.pem: text around the blocks is refused where it is not wanted") {
    const std::string block = pem("X", Bytes(3));
    for (const std::string& text : {block, "\n " + block + "\t\r\n" + block + " "}) {
        CHECK(parse_pem(text, PemText::refused));
    }
    for (const std::string& text : {"a" + block, block + "a", block + "a\n" + block}) {
        CAPTURE(text);
        CHECK(refusal(parse_pem(text, PemText::refused)) ==
              says("pem: text outside of the blocks"));
        CHECK(parse_pem(text));
    }
}

TEST_CASE("codec.pem: a DER file that only quotes a PEM block is not PEM") {
    CHECK(looks_like_pem(as_bytes("note\n-----BEGIN A-----\n")));
    CHECK(looks_like_pem(as_bytes("h\xc3\xa9\n-----BEGIN A-----\n")));
    CHECK_FALSE(looks_like_pem(as_bytes("-----BEGIN")));
    Bytes der = {0x30, 0x82, 0x01, 0x00};
    append(der, as_bytes(pem("CERTIFICATE", Bytes{1})));
    CHECK_FALSE(looks_like_pem(der));
}
