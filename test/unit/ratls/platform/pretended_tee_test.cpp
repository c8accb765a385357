#include "test/fake/pretended_tee.h"

#include <doctest/doctest.h>

#include "ratls/crypto/crl.h"
#include "ratls/evidence/snp/report.h"
#include "ratls/evidence/snp/vek.h"
#include "test/support/snp_pki.h"

using namespace ratls;
using namespace ratls::test;

namespace {

constexpr UnixTime kToday = 1'750'000'000;

Certificate parsed(const Bytes& der) {
    auto certificate = Certificate::parse(der);
    REQUIRE_MESSAGE(certificate, (certificate ? "" : certificate.error().text()));
    return *certificate;
}

Bytes reversed(ByteView bytes) {
    return {bytes.rbegin(), bytes.rend()};
}

/// R and S are little-endian, 72 bytes each. Source: AMD 56860, SIGNATURE format.
Status verify_report(const Bytes& report, const PublicKey& vcek) {
    REQUIRE(report.size() == 1184);
    const ByteView all = report;
    return vcek.verify_ecdsa(HashAlg::sha384, all.first(0x2a0), reversed(all.subspan(0x2a0, 72)),
                             reversed(all.subspan(0x2a0 + 72, 72)));
}

}  // namespace

TEST_CASE("pretended tee: the VCEK's key signs the report, every byte of it") {
    const PretendedTee tee(snp_pki_folder());
    const PublicKey vcek = parsed(tee.vcek()).public_key();
    CHECK(vcek.kind() == KeyKind::p384);
    const Bytes report = tee.report({1, 2, 3});
    CHECK(verify_report(report, vcek));
    for (const std::size_t i : {std::size_t{0}, std::size_t{0x50}, std::size_t{0x90},
                                std::size_t{0x29f}, std::size_t{0x2a0}}) {
        Bytes changed = report;
        changed[i] ^= 1;
        CHECK_FALSE(verify_report(changed, vcek));
    }
    CHECK(all_zero(ByteView(report).subspan(0x2a0 + 48, 24)));
    CHECK(all_zero(ByteView(report).subspan(0x2a0 + 72 + 48)));
}

TEST_CASE("pretended tee: each field stands where AMD says") {
    PretendedTee tee(snp_pki_folder());
    SnpFields& fields = tee.fields;
    fields.guest_svn = 7;
    fields.policy = 0xb0000;
    fields.family_id.fill(0x21);
    fields.image_id.fill(0x22);
    fields.vmpl = 2;
    fields.measurement.fill(0x23);
    fields.host_data.fill(0x24);
    fields.id_key_digest.fill(0x25);
    fields.author_key_digest.fill(0x26);
    fields.report_id.fill(0x27);
    fields.chip_id.fill(0x28);
    fields.current_tcb = {1, 2, 0, 0, 0, 0, 3, 4};
    fields.reported_tcb = {5, 6, 0, 0, 0, 0, 7, 8};
    fields.committed_tcb = {9, 10, 0, 0, 0, 0, 11, 12};
    fields.launch_tcb = {13, 14, 0, 0, 0, 0, 15, 16};
    std::array<std::uint8_t, 64> report_data{};
    report_data.fill(0x29);

    const auto report = snp::parse_report(tee.report(report_data));
    REQUIRE_MESSAGE(report, (report ? "" : report.error().text()));
    CHECK(report->version == 3);
    CHECK(report->guest_svn == 7);
    CHECK(report->policy == 0xb0000);
    CHECK(report->family_id == fields.family_id);
    CHECK(report->image_id == fields.image_id);
    CHECK(report->vmpl == 2);
    CHECK(report->current_tcb == fields.current_tcb);
    CHECK(report->platform_info == 0x25);
    CHECK(report->signing_key == snp::SigningKey::vcek);
    CHECK(report->report_data == report_data);
    CHECK(report->measurement == fields.measurement);
    CHECK(report->host_data == fields.host_data);
    CHECK(report->id_key_digest == fields.id_key_digest);
    CHECK(report->author_key_digest == fields.author_key_digest);
    CHECK(report->report_id == fields.report_id);
    CHECK(report->reported_tcb == fields.reported_tcb);
    CHECK(snp::line_from_cpuid(report->cpuid_fam_id, report->cpuid_mod_id) == snp::Line::genoa);
    CHECK(report->chip_id == fields.chip_id);
    CHECK(report->committed_tcb == fields.committed_tcb);
    CHECK(report->launch_tcb == fields.launch_tcb);
    CHECK(report->current.text() == "1.55.38");
}

TEST_CASE("pretended tee: chip id and TCB of a report are those of the VCEK") {
    const PretendedTee tee(snp_pki_folder());
    const auto report = snp::parse_report(tee.report({}));
    REQUIRE(report);
    const auto vek = snp::parse_vek(parsed(tee.vcek()));
    REQUIRE_MESSAGE(vek, (vek ? "" : vek.error().text()));
    CHECK(vek->kind == snp::SigningKey::vcek);
    CHECK(vek->line == snp::Line::genoa);
    CHECK(vek->product_name == "Genoa");
    CHECK(equal(vek->hw_id, report->chip_id));
    CHECK_FALSE(all_zero(vek->hw_id));
    const auto tcb = snp::parse_tcb(report->reported_tcb, snp::Line::genoa);
    REQUIRE(tcb);
    CHECK(vek->tcb == *tcb);
    CHECK(tcb->microcode == 200);
}

TEST_CASE("test pki: the chain is AMD's in names, algorithms and constraints") {
    const PretendedTee tee(snp_pki_folder());
    const Certificate ark = parsed(tee.ark());
    const Certificate ask = parsed(tee.ask());
    const Certificate vcek = parsed(tee.vcek());
    CHECK(ark.common_name() == "ARK-Genoa");
    CHECK(ask.common_name() == "SEV-Genoa");
    CHECK(vcek.common_name() == "SEV-VCEK");
    for (const Certificate* certificate : {&ark, &ask, &vcek}) {
        CHECK(certificate->scheme() ==
              SignatureScheme{SignatureScheme::Kind::rsa_pss, HashAlg::sha384, 48});
        CHECK(verify_dates(*certificate, kToday, "test"));
    }
    CHECK(verify_issued_by(vcek, ask, 0));
    CHECK(verify_issued_by(ask, ark, 1));
    CHECK(verify_issued_by(ark, ark, 0));
    CHECK(equal(vcek.serial(), Bytes{0}));
}

TEST_CASE("test pki: the forged chain has the same names, and holds under its own root only") {
    const PretendedTee tee(snp_pki_folder());
    const PretendedTee forged(snp_pki_folder() + "/forged");
    const Certificate ark = parsed(tee.ark());
    const Certificate forged_ark = parsed(forged.ark());
    CHECK(equal(ark.subject(), forged_ark.subject()));
    CHECK_FALSE(equal(ark.spki(), forged_ark.spki()));
    CHECK(verify_issued_by(parsed(forged.ask()), forged_ark, 1));
    CHECK_FALSE(verify_issued_by(parsed(forged.ask()), ark, 1));
    CHECK_FALSE(verify_issued_by(parsed(forged.vcek()), parsed(tee.ask()), 0));
    CHECK(verify_report(forged.report({}), parsed(forged.vcek()).public_key()));
    CHECK_FALSE(verify_report(forged.report({}), parsed(tee.vcek()).public_key()));
}

TEST_CASE("test pki: one list is empty, the other has the ASK, both are the root's") {
    const PretendedTee tee(snp_pki_folder());
    const Certificate ark = parsed(tee.ark());
    const Bytes ask_serial = to_bytes(parsed(tee.ask()).serial());
    for (const bool revoked : {false, true}) {
        const auto crl = Crl::parse(snp_pki(revoked ? "crl-ask-revoked.der" : "crl.der"));
        REQUIRE_MESSAGE(crl, (crl ? "" : crl.error().text()));
        CHECK(crl->lists(ask_serial) == revoked);
        CHECK(crl->verify_issued_by(ark));
        CHECK_FALSE(crl->verify_issued_by(parsed(snp_pki("forged/ark.der"))));
        CHECK(crl->this_update() < kToday);
        CHECK(crl->next_update() > kToday);
    }
    CHECK(tee.crl() == snp_pki("crl.der"));
}
