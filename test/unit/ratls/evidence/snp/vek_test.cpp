#include "ratls/evidence/snp/vek.h"

#include <doctest/doctest.h>

#include "test/support/snp_pki.h"

using namespace ratls;

TEST_CASE("snp.vek: a VCEK gives product, TCB and chip") {
    const auto certificate = Certificate::parse(test::snp_pki("vcek.der"));
    REQUIRE(certificate);
    const auto vek = snp::parse_vek(*certificate);
    REQUIRE(vek);
    CHECK(vek->kind == snp::SigningKey::vcek);
    CHECK(vek->line == snp::Line::genoa);
    CHECK(vek->product_name == "Genoa");
    CHECK(vek->hw_id.size() == 64);
    CHECK_FALSE(vek->tcb.fmc);
    CHECK(vek->csp_id.empty());
}

TEST_CASE("snp.vek: a certificate that is no VEK is refused") {
    const auto ask = Certificate::parse(test::snp_pki("ask.der"));
    REQUIRE(ask);
    const auto vek = snp::parse_vek(*ask);
    REQUIRE_FALSE(vek);
    CHECK(vek.error().where == "snp.vek: subject");
}

TEST_CASE("snp.vek: a damaged extension is refused") {
    // productName is an IA5String "Genoa"; each of its bytes changed is another product or form.
    const Bytes good = test::snp_pki("vcek.der");
    const std::string_view text = as_text(good);
    const std::size_t at = text.find("\x16\x05Genoa");
    REQUIRE(at != std::string_view::npos);
    for (std::size_t i = 0; i < 7; ++i) {
        Bytes bad = good;
        bad[at + i] ^= 0x20;
        const auto certificate = Certificate::parse(bad);
        CAPTURE(i);
        CHECK((!certificate || !snp::parse_vek(*certificate)));
    }
}

TEST_CASE("snp.vek: the names of the hierarchy follow line and kind") {
    CHECK(snp::intermediate_name(snp::Line::milan, snp::SigningKey::vcek) == "SEV-Milan");
    CHECK(snp::intermediate_name(snp::Line::turin, snp::SigningKey::vlek) == "SEV-VLEK-Turin");
    CHECK(snp::root_name(snp::Line::genoa) == "ARK-Genoa");
}
