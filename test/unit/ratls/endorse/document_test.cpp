#include "ratls/endorse/document.h"

#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;

namespace {

constexpr std::array<std::uint8_t, 6> kFmspc = {0x00, 0x80, 0x6f, 0x05, 0x00, 0x00};

Result<Validity> check_info(const IntelJson& json) {
    return check_tcb_info(json.bytes(), "TDX", kFmspc);
}

}  // namespace

TEST_CASE("endorse.document: a file is what its content says, with its dates") {
    const auto info = describe(tcb_info().bytes());
    REQUIRE(info);
    CHECK(info->kind == Kind::tcb_info);
    CHECK(format_rfc3339(info->validity.not_before) == "2025-06-01T00:00:00Z");
    CHECK(format_rfc3339(info->validity.not_after) == "2025-07-01T00:00:00Z");
    CHECK(describe(qe_identity().bytes())->kind == Kind::qe_identity);
    const auto list = describe(collateral("root.crl.der"));
    REQUIRE(list);
    CHECK(list->kind == Kind::crl);
    CHECK(format_rfc3339(list->validity.not_before) == "2024-01-01T00:00:00Z");
    CHECK(format_rfc3339(list->validity.not_after) == "2047-12-31T23:59:59Z");
    CHECK(describe(snp_pki("vcek.der"))->kind == Kind::certificates);
    CHECK(describe(collateral("signer.chain.pem"))->kind == Kind::certificates);
    for (const char* other : {"", "{}", "[]", "text", "{\"tcbInfo\":"}) {
        CHECK(code_of(describe(as_bytes(other))) == Code::malformed);
    }
}

TEST_CASE("endorse.document: the dates of several certificates are those that all share") {
    const auto validity = check_chain(collateral("expired.chain.pem"),
                                      {"Intel SGX TCB Signing", "Intel SGX Root CA"});
    REQUIRE(validity);
    CHECK(format_rfc3339(validity->not_before) == "2020-01-01T00:00:00Z");
    CHECK(format_rfc3339(validity->not_after) == "2021-01-01T00:00:00Z");
}

TEST_CASE("endorse.document: a chain has these names, in this order, and no more") {
    const Bytes good = collateral("signer.chain.pem");
    const std::string signer = "Intel SGX TCB Signing";
    const std::string root = "Intel SGX Root CA";
    CHECK(check_chain(good, {signer, root}));
    CHECK(code_of(check_chain(good, {root, signer})) == Code::mismatch);
    CHECK(code_of(check_chain(good, {signer})) == Code::malformed);
    CHECK(code_of(check_chain(good, {signer, root, root})) == Code::malformed);
    CHECK(code_of(check_chain({}, {signer, root})) == Code::malformed);
    CHECK(code_of(check_chain(ByteView(good).first(good.size() / 2), {signer, root})) ==
          Code::malformed);
}

TEST_CASE("endorse.document: a list is that of the issuer, whole") {
    const Bytes good = collateral("root.crl.der");
    CHECK(check_crl(good, "Intel SGX Root CA"));
    CHECK(code_of(check_crl(good, "Intel SGX PCK Platform CA")) == Code::mismatch);
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK_FALSE(check_crl(ByteView(good).first(n), "Intel SGX Root CA"));
    }
}

TEST_CASE("endorse.document: TCB info is of the TEE and the platform") {
    CHECK(check_info(tcb_info()));
    IntelJson json = tcb_info();
    json.fmspc = "00806f050000";
    CHECK(check_info(json));
    json.fmspc = "00806f050001";
    auto refused = check_info(json);
    CHECK(code_of(refused) == Code::mismatch);
    CHECK(refused.error().text() == "TCB info: fmspc: 00806f050000 wanted, 00806f050001 found");
    json = tcb_info();
    json.id = "SGX";
    CHECK(code_of(check_info(json)) == Code::mismatch);
}

TEST_CASE("endorse.document: what is no document of Intel's is malformed") {
    std::vector<IntelJson> wrong(6, tcb_info());
    wrong[0].member = "tcbinfo";
    wrong[1].signature = std::string(126, 'a');
    wrong[2].signature = "";
    wrong[3].next = "soon";
    wrong[4].issued = "2025-06-31T00:00:00Z";
    wrong[5].id = "TDX\",\"id\":\"TDX";
    for (const IntelJson& json : wrong) {
        CHECK(code_of(check_info(json)) == Code::malformed);
    }
    const Bytes good = tcb_info().bytes();
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK(code_of(check_tcb_info(ByteView(good).first(n), "TDX", kFmspc)) == Code::malformed);
    }
    CHECK(code_of(check_tcb_info(
              as_bytes("{\"tcbInfo\":[],\"signature\":\"" + std::string(128, '0') + "\"}"), "TDX",
              kFmspc)) == Code::malformed);
    CHECK(code_of(check_qe_identity(good, "TD_QE")) == Code::malformed);
    IntelJson qe = qe_identity();
    qe.id = "QE";
    CHECK(code_of(check_qe_identity(qe.bytes(), "TD_QE")) == Code::mismatch);
}

TEST_CASE("endorse.document: a document is current from its first to its last second") {
    const Validity validity{1000, 2000};
    CHECK(code_of(check_current(validity, 999)) == Code::stale);
    CHECK(check_current(validity, 1000));
    CHECK(check_current(validity, 2000));
    CHECK(code_of(check_current(validity, 2001)) == Code::stale);
}
