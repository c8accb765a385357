#include "ratls/endorse/intel.h"

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/endorse/downloader.h"

namespace ratls::endorse {
namespace {

constexpr const char* kServer = "https://api.trustedservices.intel.com";
constexpr const char* kRootCrl =
    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
constexpr const char* kRootName = "Intel SGX Root CA";

Part chain_part(const char* file, const char* signer) {
    return {file, [names = std::vector<std::string>{signer, kRootName}](ByteView pem) {
                return check_chain(pem, names);
            }};
}

Part crl_part(const char* file, const char* issuer) {
    return {file, [issuer](ByteView der) { return check_crl(der, issuer); }};
}

}  // namespace

std::optional<Tee> tee_from_name(std::string_view name) {
    if (name == "tdx") {
        return Tee::tdx;
    }
    if (name == "sgx") {
        return Tee::sgx;
    }
    return std::nullopt;
}

std::optional<PckCa> pck_ca_from_name(std::string_view name) {
    if (name == "platform") {
        return PckCa::platform;
    }
    if (name == "processor") {
        return PckCa::processor;
    }
    return std::nullopt;
}

Result<std::array<std::uint8_t, 6>> fmspc_from_hex(std::string_view text) {
    std::array<std::uint8_t, 6> out{};
    const auto bytes = parse_hex(text, out.size());
    if (!bytes) {
        return fail(Code::usage, "FMSPC", "12 hex digits wanted, " + quoted(text) + " found");
    }
    std::ranges::copy(*bytes, out.begin());
    return out;
}

Result<Plan> intel_plan(const IntelKey& key, const std::optional<std::string>& server) {
    RATLS_TRY(const std::string base, check_server(server.value_or(kServer)));
    const bool tdx = key.tee == Tee::tdx;
    const bool platform = key.ca == PckCa::platform;
    const std::string tee = tdx ? "tdx" : "sgx";
    const std::string ca = platform ? "platform" : "processor";
    const std::string fmspc = hex(key.fmspc);
    const std::string own = base + "/" + tee + "/certification/v4";
    const std::string shared = base + "/sgx/certification/v4";  // for both

    Plan plan;
    plan.key = "intel/" + tee + "/" + fmspc + "-" + ca;
    plan.sources.push_back(
        {.url = own + "/tcb?fmspc=" + fmspc,
         .body = {"tcb_info.json",
                  [tdx, wanted = key.fmspc](ByteView json) {
                      return check_tcb_info(json, tdx ? "TDX" : "SGX", wanted);
                  }},
         .chain_headers = {"tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"},
         .chain = chain_part("tcb_info_issuer_chain.pem", "Intel SGX TCB Signing")});
    plan.sources.push_back(
        {.url = own + "/qe/identity",
         .body = {"qe_identity.json",
                  [tdx](ByteView json) { return check_qe_identity(json, tdx ? "TD_QE" : "QE"); }},
         .chain_headers = {"sgx-enclave-identity-issuer-chain"},
         .chain = chain_part("qe_identity_issuer_chain.pem", "Intel SGX TCB Signing")});
    const char* issuer = platform ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA";
    plan.sources.push_back({.url = shared + "/pckcrl?ca=" + ca + "&encoding=der",
                            .max_bytes = kMaxCrl,
                            .body = crl_part("pck.crl.der", issuer),
                            .chain_headers = {"sgx-pck-crl-issuer-chain"},
                            .chain = chain_part("pck_crl_issuer_chain.pem", issuer)});
    plan.sources.push_back({.url = server ? shared + "/rootcacrl" : kRootCrl,
                            .max_bytes = server ? 2 * kMaxCrl : kMaxCrl,
                            .hex_text = server.has_value(),
                            .body = crl_part("root_ca.crl.der", kRootName)});
    return plan;
}

}  // namespace ratls::endorse
