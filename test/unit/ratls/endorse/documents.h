// Documents of the form that AMD and Intel serve, of the tests' own making.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>

#include "ratls/endorse/plan.h"
#include "test/fake/fake_clock.h"
#include "test/support/intel_pki.h"
#include "test/support/snp_pki.h"

namespace ratls::test {

/// What test/pki/make_collateral_pki.sh made for this build.
inline Bytes collateral(const std::string& name) {
    const char* folder =
        std::getenv("RATLS_TEST_COLLATERAL_PKI");  // allowed: Meson tells it the test this way
    if (folder == nullptr) {
        throw std::runtime_error("RATLS_TEST_COLLATERAL_PKI is not set: run this with meson test");
    }
    auto content = LinuxFiles().read(std::string(folder) + "/" + name, 1024 * 1024);
    if (!content) {
        throw std::runtime_error(content.error().text());
    }
    return *std::move(content);
}

/// A document of Intel's with these members and a signature that is none.
struct IntelJson {
    std::string member = "tcbInfo";
    std::string id = "TDX";
    std::string fmspc = "00806F050000";
    std::string issued = "2025-06-01T00:00:00Z";
    std::string next = "2025-07-01T00:00:00Z";
    std::string signature = std::string(128, 'a');

    Bytes bytes() const {
        const IntelPlatform platform(id == "SGX" || id == "QE" ? dcap::Tee::sgx : dcap::Tee::tdx);
        std::string object = member == "enclaveIdentity"
                                 ? qe_identity_json(platform.qe_identity).canonical()
                                 : tcb_info_json(platform.tcb_info).canonical();
        set(object, "id", id);
        set(object, "issueDate", issued);
        set(object, "nextUpdate", next);
        if (member != "enclaveIdentity") {
            set(object, "fmspc", fmspc);
        }
        return to_bytes(
            as_bytes("{\"" + member + "\":" + object + ",\"signature\":\"" + signature + "\"}"));
    }

  private:
    static void set(std::string& object, const std::string& name, const std::string& value) {
        const std::string key = "\"" + name + "\":\"";
        const std::size_t from = object.find(key);
        REQUIRE(from != std::string::npos);
        const std::size_t begin = from + key.size();
        object.replace(begin, object.find('"', begin) - begin, value);
    }
};

inline IntelJson tcb_info() {
    return {};
}

inline IntelJson qe_identity() {
    return {.member = "enclaveIdentity", .id = "TD_QE"};
}

inline Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    CHECK_FALSE(result.error().what.empty());
    return result.error().code;
}

/// The body check of the document of this name.
inline const endorse::Source& source_of(const endorse::Plan& plan, const std::string& file) {
    const auto found = std::ranges::find_if(
        plan.sources, [&](const endorse::Source& source) { return source.body.file == file; });
    REQUIRE(found != plan.sources.end());
    return *found;
}

}  // namespace ratls::test
