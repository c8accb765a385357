// No bit of a quote or of its collateral can be changed without notice.
#include <doctest/doctest.h>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
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

/// The signature of a document is hex in both cases, and no part of what is signed: the same digits
/// in other letters are the same document.
bool same_digits(const Bytes& good, const Bytes& changed) {
    constexpr std::size_t kSignature = 130;  // 128 digits, "}
    const auto lower = [](ByteView digits) {
        const auto bytes = parse_hex(as_text(digits));
        return bytes ? hex(*bytes) : "";
    };
    const std::size_t from = good.size() > kSignature ? good.size() - kSignature : 0;
    const std::string digits = lower(ByteView(good).subspan(from, good.size() - from - 2));
    return !digits.empty() &&
           digits == lower(ByteView(changed).subspan(from, good.size() - from - 2)) &&
           equal(ByteView(good).first(from), ByteView(changed).first(from)) &&
           equal(ByteView(good).last(2), ByteView(changed).last(2));
}

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
std::string unnoticed_file(bool IntelScene::Given::* flag, const Bytes& good, bool carried = true) {
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
    CHECK(unnoticed(good, verifies) == "");
}

TEST_CASE("dcap: each flipped bit of a TCB info is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::tcb_info, bytes_of(IntelScene().tcb_info_text())) ==
          "");
}

TEST_CASE("dcap: each flipped bit of a QE identity is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::qe_identity,
                         bytes_of(IntelScene().qe_identity_text())) == "");
}

TEST_CASE("dcap: each flipped bit of a revocation list is noticed") {
    CHECK(unnoticed_file(&IntelScene::Given::root_crl, IntelScene().root_crl.der()) == "");
    CHECK(unnoticed_file(&IntelScene::Given::pck_crl, IntelScene().pck_crl.der()) == "");
}

TEST_CASE("dcap: each flipped bit of a certificate is noticed") {
    const IntelScene scene;
    CHECK(unnoticed_file(&IntelScene::Given::tcb_signer, scene.tcb_signer.der()) == "");
    CHECK(unnoticed_file(&IntelScene::Given::ca, scene.ca.der(), false) == "");
    CHECK(unnoticed_file(&IntelScene::Given::leaf, scene.leaf_der(), false) == "");
}
