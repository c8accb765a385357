// Documents of the form that AMD and Intel serve, of the tests' own making.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>

#include "ratls/endorse/plan.h"
#include "test/fake/fake_clock.h"
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

/// An object of Intel's, with some of its members and a signature that is none.
struct IntelJson {
    std::string member = "tcbInfo";
    std::string id = "TDX";
    std::string fmspc = "00806F050000";
    std::string issued = "2025-06-01T00:00:00Z";
    std::string next = "2025-07-01T00:00:00Z";
    std::string signature = std::string(128, 'a');

    Bytes bytes() const {
        const std::string text = "{\"" + member + "\":{\"id\":\"" + id +
                                 "\",\"version\":3,\"issueDate\":\"" + issued +
                                 "\",\"nextUpdate\":\"" + next + "\",\"fmspc\":\"" + fmspc +
                                 "\"},\"signature\":\"" + signature + "\"}";
        return to_bytes(as_bytes(text));
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
