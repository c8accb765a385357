// No bit of a quote or of its collateral can be changed without notice.
#include <doctest/doctest.h>

#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"
#include "verify/formats/dcap.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// With a slow provider or under sanitizers a verification takes some ten milliseconds: then some
/// bytes of each input are enough, with another bit each.
constexpr std::size_t kStride = RATLS_EXHAUSTIVE == 0 ? 13 : 1;
constexpr unsigned kBits = RATLS_EXHAUSTIVE == 2 ? 8 : 1;

/// Calls `verifies` with one flipped bit at a time, in each byte looked at, and names the bytes
/// where it holds: "12: a -> A".
std::string unnoticed(const Bytes& good, const std::function<bool(const Bytes&)>& verifies) {
    std::string out;
    Bytes changed = good;
    for (std::size_t at = 0; at < good.size(); at += kStride) {
        for (unsigned bit = 0; bit < kBits; ++bit) {
            changed[at] ^= static_cast<std::uint8_t>(1U << ((at / kStride + bit) % 8));
            if (!same_digits(good, changed) && verifies(changed)) {
                out += std::to_string(at) + ": " + quoted(as_text({&good[at], 1})) + " -> " +
                       quoted(as_text({&changed[at], 1})) + "\n";
            }
            changed[at] = good[at];
        }
    }
    return out;
}

bool is_sound(const verify::VerificationResult& result) {
    return result.genuine();
}

/// The same about one file of the endorsements, whose flag in `given` is this.
std::vector<std::size_t> unnoticed_file(bool IntelScene::Given::* flag, const Bytes& good,
                                        bool carried = true) {
    IntelScene scene;
    scene.user_roots = scene.roots();
    scene.given.*flag = false;
    if (!carried) {
        scene.quote.certification = dcap::CertificationData::ppid_rsa3072;
        scene.quote.certification_data = Bytes(404, 0x5a);
        scene.given.leaf = flag != &IntelScene::Given::leaf;
    }
    scene.last = {good};
    const Bytes quote = scene.make_quote();
    REQUIRE(is_sound(scene.verify_quote(quote)));
    return unnoticed(good, [&](const Bytes& changed) {
        scene.last = {changed};
        return is_sound(scene.verify_quote(quote));
    });
}

const std::vector<std::size_t> kNone;

}  // namespace

TEST_CASE("dcap: each flipped bit of a quote is noticed") {
    IntelScene scene;
    scene.user_roots = scene.roots();
    const verify::DcapCollateral collateral =
        verify::prove_dcap_collateral(scene.endorsements(), scene.user_roots, dcap::Tee::tdx);
    const auto verifies = [&](const Bytes& quote) {
        verify::Findings findings;
        return verify::verify_dcap(quote, collateral, kIntelNow, findings).has_value();
    };
    const Bytes good = scene.make_quote();
    REQUIRE(verifies(good));
    CHECK(unnoticed(good, verifies) == kNone);
}

TEST_CASE("dcap: each flipped bit of a TCB info is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::tcb_info, bytes_of(IntelScene().tcb_info_text())) ==
          kNone);
}

TEST_CASE("dcap: each flipped bit of a QE identity is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::qe_identity,
                         bytes_of(IntelScene().qe_identity_text())) == kNone);
}

TEST_CASE("dcap: each flipped bit of a revocation list is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::root_crl, IntelScene().root_crl.der()) == kNone);
    CHECK(unnoticed_file(&IntelScene::Given::pck_crl, IntelScene().pck_crl.der()) == kNone);
}

TEST_CASE("dcap: each flipped bit of a certificate is noticed") {
    const IntelScene scene;
    CHECK(unnoticed_file(&IntelScene::Given::tcb_signer, scene.tcb_signer.der()) == kNone);
    CHECK(unnoticed_file(&IntelScene::Given::ca, scene.ca.der(), false) == kNone);
    CHECK(unnoticed_file(&IntelScene::Given::leaf, scene.leaf_der(), false) == kNone);
}
