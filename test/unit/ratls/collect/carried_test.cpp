#include "ratls/collect/carried.h"

#include <doctest/doctest.h>

#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "test/fake/fake_files.h"
#include "test/support/intel_pki.h"
#include "test/support/snp_pki.h"

using namespace ratls;
using namespace ratls::test;
namespace key = cert::endorsement;

namespace {

Bytes text(std::string_view content) {
    return to_bytes(as_bytes(content));
}

Bytes as_pem(std::string_view label, ByteView der) {
    return text(pem(label, der));
}

/// What is refused, and that the error names option and file.
void check_refused(const CarriedFiles& paths, FakeFiles& files, std::string_view option,
                   std::string_view path, std::string_view what) {
    const auto out = read_carried(paths, files);
    REQUIRE_FALSE(out);
    CAPTURE(out.error().text());
    CHECK(out.error().code == Code::malformed);
    CHECK(out.error().where.starts_with(option));
    CHECK(out.error().where.find(path) != std::string::npos);
    CHECK(out.error().what.find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("collect.carried: AMD's documents are taken in DER and PEM, each under its key") {
    FakeFiles files;
    const Bytes vek = snp_pki("vcek.der");
    const Bytes ask = snp_pki("ask.der");
    const Bytes crl = snp_pki("crl.der");
    files.put("/vek", vek);
    files.put("/ask", ask);
    files.put("/crl", crl);
    files.put("/vek.pem", as_pem("CERTIFICATE", vek));
    files.put("/chain.pem", snp_pki("chain.pem"));  // ASK, then ARK
    files.put("/crl.pem", as_pem("X509 CRL", crl));
    for (const CarriedFiles& paths : {CarriedFiles{"/vek", "/ask", "/crl", ""},
                                      CarriedFiles{"/vek.pem", "/chain.pem", "/crl.pem", ""}}) {
        const auto out = read_carried(paths, files);
        REQUIRE_MESSAGE(out, out.error().text());
        CHECK(out->documents == std::map<std::uint64_t, Bytes>{
                                    {key::kVek, vek}, {key::kAsk, ask}, {key::kAmdCrl, crl}});
    }
    CHECK(read_carried({}, files)->documents.empty());
}

TEST_CASE("collect.carried: a document of another kind is refused, and one in another form") {
    FakeFiles files;
    for (const char* name : {"vcek.der", "ask.der", "ark.der", "crl.der"}) {
        files.put("/" + std::string(name), snp_pki(name));
    }
    for (const char* wrong : {"/ask.der", "/ark.der", "/crl.der"}) {
        check_refused({wrong, "", "", ""}, files, "vek", wrong,
                      "a VCEK or VLEK certificate wanted");
    }
    for (const char* wrong : {"/vcek.der", "/ark.der", "/crl.der"}) {
        check_refused({"", wrong, "", ""}, files, "ask", wrong, "an ASK or ASVK certificate");
    }
    for (const char* wrong : {"/vcek.der", "/ask.der"}) {
        check_refused({"", "", wrong, ""}, files, "amd_crl", wrong, "a revocation list of ARK-");
    }
    Bytes two = as_pem("CERTIFICATE", snp_pki("vcek.der"));
    append(two, as_pem("CERTIFICATE", snp_pki("ask.der")));
    Bytes ask_first = as_pem("CERTIFICATE", snp_pki("ask.der"));
    append(ask_first, as_pem("CERTIFICATE", snp_pki("vcek.der")));
    const Bytes cut = to_bytes(ByteView(snp_pki("vcek.der")).first(500));
    files.put("/two", two);
    files.put("/ask-first", ask_first);
    files.put("/cut", cut);
    files.put("/empty", Bytes());
    files.put("/hex", text(hex(snp_pki("vcek.der"))));
    files.put("/key", text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    check_refused({"/two", "", "", ""}, files, "vek", "/two", "nothing else");
    check_refused({"", "/ask-first", "", ""}, files, "ask", "/ask-first", "its issuer");
    check_refused({"/cut", "", "", ""}, files, "vek", "/cut", "wanted: ");
    check_refused({"/empty", "", "", ""}, files, "vek", "/empty", "empty");
    check_refused({"/hex", "", "", ""}, files, "vek", "/hex", "this is hex text: xxd -r -p");
    check_refused({"/key", "", "", ""}, files, "vek", "/key", "PRIVATE KEY");
    const auto absent = read_carried({"/absent", "", "", ""}, files);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().code == Code::usage);
    CHECK(absent.error().text().find("/absent") != std::string::npos);
}

TEST_CASE("collect.carried: Intel's folder has each document in its place") {
    const IntelPlatform intel;
    const std::string chain =
        pem("CERTIFICATE", intel.tcb_signer.der()) + pem("CERTIFICATE", intel.root.der());
    const std::map<std::string, Bytes> good = {
        {"tcb_info.json", text(intel.tcb_info_text())},
        {"qe_identity.json", text(intel.qe_identity_text())},
        {"pck.crl.der", intel.pck_crl.der()},
        {"root_ca.crl.der", intel.root_crl.der()},
        {"tcb_info_issuer_chain.pem", text(chain)},
    };
    FakeFiles files;
    const auto fill = [&] {
        for (const auto& [name, content] : good) {
            files.put("/pcs/" + name, content);
        }
    };
    fill();
    const CarriedFiles paths{"", "", "", "/pcs"};
    const auto out = read_carried(paths, files);
    REQUIRE_MESSAGE(out, out.error().text());
    CHECK(out->documents == std::map<std::uint64_t, Bytes>{
                                {key::kTcbInfo, good.at("tcb_info.json")},
                                {key::kQeIdentity, good.at("qe_identity.json")},
                                {key::kPckCrl, good.at("pck.crl.der")},
                                {key::kRootCrl, good.at("root_ca.crl.der")},
                                {key::kIssuerChains, good.at("tcb_info_issuer_chain.pem")}});
    for (const auto& [place, unused] : good) {
        for (const auto& [other, content] : good) {
            if (place != other) {
                fill();
                files.put("/pcs/" + place, content);
                CAPTURE(place);
                CAPTURE(other);
                check_refused(paths, files, "collateral", place, "wanted");
            }
        }
    }
}

TEST_CASE("collect.carried: a chain is certificates, not too many, and nothing else") {
    FakeFiles files;
    Bytes chain = snp_pki("chain.pem");
    files.put("/chain", chain);
    CHECK(read_carried_chain("ak_certificate", "/chain", files)->size() == 2);
    CHECK(read_carried_chain("ak_certificate", "", files)->empty());
    append(chain, snp_pki("chain.pem"));
    files.put("/four", chain);
    CHECK(read_carried_chain("ak_certificate", "/four", files)->size() == 4);
    append(chain, as_pem("CERTIFICATE", snp_pki("ask.der")));
    files.put("/five", chain);
    files.put("/crl", snp_pki("crl.der"));
    for (const char* wrong : {"/five", "/crl"}) {
        const auto out = read_carried_chain("ak_certificate", wrong, files);
        REQUIRE_FALSE(out);
        CHECK(out.error().text().find("1 to 4 certificates wanted") != std::string::npos);
        CHECK(out.error().where.starts_with("ak_certificate"));
    }
}
