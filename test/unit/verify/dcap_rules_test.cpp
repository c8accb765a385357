// Rules about SGX and TDX quotes: form, chain, signatures, revocation.
#include <doctest/doctest.h>

#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using dcap::CertificationData;
using dcap::Tee;

namespace {

constexpr std::pair<Tee, std::uint16_t> kKinds[] = {
    {Tee::sgx, 3}, {Tee::sgx, 4}, {Tee::sgx, 5}, {Tee::tdx, 4}, {Tee::tdx, 5}};

}  // namespace

TEST_CASE("dcap.format: a good quote of each version and kind is genuine, never accepted") {
    for (const auto& [tee, version] : kKinds) {
        CAPTURE(version);
        const IntelScene scene(tee, version);
        const verify::VerificationResult result = scene.verify();
        CHECK(summary(result) == "genuine");
        CHECK(result.root == "user");
        CHECK(result.tcb->status == "UpToDate");
        CHECK(not_checked(result, "reference values"));
    }
}
