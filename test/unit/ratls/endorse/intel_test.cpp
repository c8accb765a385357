#include "ratls/endorse/intel.h"

#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;

namespace {

constexpr IntelKey kTdx = {Tee::tdx, PckCa::platform, {0x00, 0x80, 0x6f, 0x05, 0x00, 0x00}};
constexpr IntelKey kSgx = {Tee::sgx, PckCa::processor, {0x00, 0x90, 0x6e, 0xd5, 0x00, 0x00}};

Plan plan_of(const IntelKey& key, const std::optional<std::string>& server = std::nullopt) {
    auto plan = intel_plan(key, server);
    REQUIRE(plan);
    return *std::move(plan);
}

std::vector<std::string> urls(const Plan& plan) {
    std::vector<std::string> out;
    for (const Source& source : plan.sources) {
        out.push_back(source.url);
    }
    return out;
}

}  // namespace

TEST_CASE("endorse.intel: what a TD on a platform asks Intel for") {
    const Plan plan = plan_of(kTdx);
    CHECK(urls(plan) ==
          std::vector<std::string>{
              "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806f050000",
              "https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity",
              "https://api.trustedservices.intel.com/sgx/certification/v4/"
              "pckcrl?ca=platform&encoding=der",
              "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
          });
    CHECK(plan.key == "intel/tdx/00806f050000-platform");
    CHECK_FALSE(source_of(plan, "root_ca.crl.der").hex_text);
}

TEST_CASE("endorse.intel: what an enclave asks another server for") {
    const Plan plan = plan_of(kSgx, "https://pccs.example:8081/");
    CHECK(urls(plan) ==
          std::vector<std::string>{
              "https://pccs.example:8081/sgx/certification/v4/tcb?fmspc=00906ed50000",
              "https://pccs.example:8081/sgx/certification/v4/qe/identity",
              "https://pccs.example:8081/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
              "https://pccs.example:8081/sgx/certification/v4/rootcacrl",
          });
    CHECK(plan.key == "intel/sgx/00906ed50000-processor");
    CHECK(source_of(plan, "root_ca.crl.der").hex_text);
}

TEST_CASE("endorse.intel: the folder is the one that the verifier reads") {
    std::vector<std::string> files;
    for (const Source& source : plan_of(kTdx).sources) {
        files.push_back(source.body.file);
        if (!source.chain_headers.empty()) {
            files.push_back(source.chain.file);
        }
    }
    CHECK(files == std::vector<std::string>{"tcb_info.json", "tcb_info_issuer_chain.pem",
                                            "qe_identity.json", "qe_identity_issuer_chain.pem",
                                            "pck.crl.der", "pck_crl_issuer_chain.pem",
                                            "root_ca.crl.der"});
}

TEST_CASE("endorse.intel: each document is what was asked for, or refused") {
    const Plan tdx = plan_of(kTdx);
    const Plan sgx = plan_of(kSgx);
    IntelJson sgx_info = tcb_info();
    sgx_info.id = "SGX";
    sgx_info.fmspc = "00906ed50000";
    CHECK(source_of(tdx, "tcb_info.json").body.check(tcb_info().bytes()));
    CHECK(source_of(sgx, "tcb_info.json").body.check(sgx_info.bytes()));
    CHECK(code_of(source_of(tdx, "tcb_info.json").body.check(sgx_info.bytes())) == Code::mismatch);
    IntelJson qe = qe_identity();
    CHECK(source_of(tdx, "qe_identity.json").body.check(qe.bytes()));
    CHECK(code_of(source_of(sgx, "qe_identity.json").body.check(qe.bytes())) == Code::mismatch);
    qe.id = "QE";
    CHECK(source_of(sgx, "qe_identity.json").body.check(qe.bytes()));

    const Bytes platform = collateral("platform.crl.der");
    CHECK(source_of(tdx, "pck.crl.der").body.check(platform));
    CHECK(code_of(source_of(sgx, "pck.crl.der").body.check(platform)) == Code::mismatch);
    CHECK(source_of(sgx, "pck.crl.der").body.check(collateral("processor.crl.der")));
    CHECK(source_of(tdx, "root_ca.crl.der").body.check(collateral("root.crl.der")));
    CHECK(code_of(source_of(tdx, "root_ca.crl.der").body.check(platform)) == Code::mismatch);

    const Bytes signer = collateral("signer.chain.pem");
    CHECK(source_of(tdx, "tcb_info.json").chain.check(signer));
    CHECK(source_of(tdx, "qe_identity.json").chain.check(signer));
    CHECK(code_of(source_of(tdx, "pck.crl.der").chain.check(signer)) == Code::mismatch);
    CHECK(source_of(tdx, "pck.crl.der").chain.check(collateral("platform.chain.pem")));
    CHECK(source_of(sgx, "pck.crl.der").chain.check(collateral("processor.chain.pem")));
}

TEST_CASE("endorse.intel: names and FMSPC of the command line") {
    CHECK(tee_from_name("tdx") == Tee::tdx);
    CHECK(tee_from_name("sgx") == Tee::sgx);
    CHECK_FALSE(tee_from_name("TDX"));
    CHECK(pck_ca_from_name("platform") == PckCa::platform);
    CHECK(pck_ca_from_name("processor") == PckCa::processor);
    CHECK_FALSE(pck_ca_from_name(""));
    CHECK(*fmspc_from_hex("00806F050000") == kTdx.fmspc);
    for (const char* wrong : {"", "00806F0500", "00806F05000000", "00806F05000g", "../../../../"}) {
        CHECK(code_of(fmspc_from_hex(wrong)) == Code::usage);
    }
}
