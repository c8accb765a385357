// Files of PCR values.
#include "verify/formats/pcr_values.h"

#include <doctest/doctest.h>

#include "ratls/base/writer.h"

using namespace ratls;
using namespace ratls::verify;

namespace {

/// What tpm2_quote --pcr writes for these banks and masks: value i is full of bytes i.
Bytes serialized(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& selection) {
    Writer out;
    std::vector<std::size_t> sizes;
    out.u32_le(static_cast<std::uint32_t>(selection.size()));
    for (const auto& [bank, mask] : selection) {
        out.u16_le(bank).u8(3).u32_le(mask).u8(0);
        for (unsigned index = 0; index < 24; ++index) {
            if (((mask >> index) & 1) != 0) {
                sizes.push_back(bank == 4 ? 20 : 32);
            }
        }
    }
    out.zeros(8 * (16 - selection.size()));
    out.u32_le(static_cast<std::uint32_t>((sizes.size() + 7) / 8));
    for (std::size_t i = 0; i < (sizes.size() + 7) / 8 * 8; ++i) {
        if (i % 8 == 0) {
            out.u32_le(static_cast<std::uint32_t>(std::min<std::size_t>(sizes.size() - i, 8)));
        }
        const std::size_t size = i < sizes.size() ? sizes[i] : 0;
        out.u16_le(static_cast<std::uint16_t>(size))
            .bytes(Bytes(size, static_cast<std::uint8_t>(i)));
        out.zeros(64 - size);
    }
    return out.take();
}

}  // namespace

TEST_CASE("tpm.pcrs: a file of PCR values is read in its three forms") {
    const std::string a(64, 'a');
    const std::string b(40, 'b');
    const auto tools = parse_pcr_values(as_bytes("  sha256:\n    0 : 0x" + a + "\n    23: 0x" + a +
                                                 "\n  sha1:\r\n    7 : 0x" + b + "\n\n"));
    REQUIRE(tools);
    REQUIRE(tools->size() == 3);
    CHECK((*tools)[0].bank == HashAlg::sha256);
    CHECK((*tools)[0].value == Bytes(32, 0xaa));
    CHECK((*tools)[1].index == 23);
    CHECK((*tools)[2].bank == HashAlg::sha1);
    CHECK((*tools)[2].index == 7);

    const auto object = parse_pcr_values(
        as_bytes(R"({"sha256": {"0": ")" + a + R"("}, "sha1": {"7": "0x)" + b + R"("}})"));
    REQUIRE(object);
    REQUIRE(object->size() == 2);
    CHECK((*object)[1].value == Bytes(20, 0xbb));

    std::string list = "[";
    for (int i = 0; i < 24; ++i) {
        list += (i == 0 ? "\"" : ", \"") + a + "\"";
    }
    const auto array = parse_pcr_values(as_bytes(list + "]"));
    REQUIRE(array);
    CHECK(array->size() == 24);
    CHECK(array->back().index == 23);
}

TEST_CASE("tpm.pcrs: a file of PCR values in no such form is refused") {
    const std::string a(64, 'a');
    for (const std::string& text : {
             std::string("nothing"),
             std::string("sha256:\n 24: 0x") + a,
             std::string("sha256:\n -1: 0x") + a,
             std::string("sha256:\n 1x: 0x") + a,
             std::string("sha256:\n 1: 0x") + a + "aa",
             std::string("sha256:\n 1: 0x") + a.substr(2),
             std::string("sha256:\n 1: 0x") + a + "\n 1: 0x" + a,
             std::string("sha256:\n 1: 0x") + a + "\n 01: 0x" + a,
             std::string("md5:\n 1: 0x") + a,
             std::string("1: 0x") + a,
             std::string("sha256:\n 1 0x") + a,
             std::string(R"({"sha256": [")") + a + R"("]})",
             std::string(R"({"sha256": {"1": 7}})"),
             std::string(R"({"md5": {"1": "00"}})"),
             std::string(R"({"sha256": {"1": ")") + a + R"(", "1": ")" + a + R"("}})",
             std::string(R"([")") + a + R"("])",
             std::string("[1]"),
             std::string("{"),
             std::string("sha256:\xff"),
             std::string(256 * 1024 + 1, ' '),
         }) {
        CAPTURE(text.substr(0, 100));
        const auto refused = parse_pcr_values(as_bytes(text));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().text().contains("pcrs"));
    }
}

TEST_CASE("tpm.pcrs: what tpm2_quote prints has the values in the middle") {
    const std::string a(64, 'a');
    const std::string text =
        "quoted: ff54\nsignature:\n  alg: ecdsa\n  sig: 3046\npcrs:\n  sha256:\n"
        "    0 : 0x" +
        a + "\n    7 : 0x" + a + "\ncalcDigest: " + a + "\n";
    const auto values = parse_pcr_values(as_bytes(text));
    REQUIRE(values);
    REQUIRE(values->size() == 2);
    CHECK((*values)[1].index == 7);
    CHECK_FALSE(parse_pcr_values(as_bytes("quoted: ff54\nsignature:\n  alg: ecdsa\n")));
}

TEST_CASE("tpm.pcrs: the file of tpm2_quote --pcr has banks, PCRs and their values") {
    const auto values = parse_pcr_values(serialized({{11, 0x0101ff}, {4, 1}}));
    REQUIRE(values);
    REQUIRE(values->size() == 11);
    CHECK((*values)[8].index == 8);
    CHECK((*values)[9].index == 16);
    CHECK((*values)[9].value == Bytes(32, 9));
    CHECK((*values)[10].bank == HashAlg::sha1);
    CHECK((*values)[10].index == 0);
    CHECK((*values)[10].value == Bytes(20, 10));
}

TEST_CASE("tpm.pcrs: a damaged file of tpm2_quote --pcr is refused, and so is every truncation") {
    const Bytes good = serialized({{11, 0x1ff}});
    REQUIRE(parse_pcr_values(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        const auto cut = parse_pcr_values(ByteView(good).first(size));
        CHECK((!cut || cut->empty()));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK_FALSE(parse_pcr_values(longer));
    const auto refused = [&](std::size_t at, std::uint8_t byte) {
        Bytes changed = good;
        changed[at] = byte;
        const auto values = parse_pcr_values(changed);
        return !values && values.error().text().contains("pcrs");
    };
    CHECK(refused(4, 0x99));       // a bank that nobody knows
    CHECK(refused(6, 5));          // sizeofSelect
    CHECK(refused(8, 0x00));       // less PCRs than values
    CHECK(refused(9, 0x01));       // more
    CHECK(refused(10, 0x01));      // PCR 24
    CHECK(refused(132, 3));        // more lists than there are
    CHECK(refused(132, 1));        // fewer
    CHECK(refused(136, 7));        // values of the first list
    CHECK(refused(140, 20));       // the size of another bank
    CHECK_FALSE(refused(142, 1));  // a value
    CHECK_FALSE(refused(204, 1));  // what the memory happened to hold
    const auto twice = parse_pcr_values(serialized({{11, 1}, {11, 1}}));
    CHECK_FALSE(twice);
}

TEST_CASE("tpm.pcrs: bare values are refused, since they do not say of which PCRs they are") {
    const auto refused = parse_pcr_values(Bytes(288));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.contains("bare values"));
}
