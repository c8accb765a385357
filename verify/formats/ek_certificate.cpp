#include "verify/formats/ek_certificate.h"

#include <algorithm>

#include "ratls/cert/activation.h"
#include "ratls/evidence/tpm/credential.h"
#include "verify/formats/tpm_chain.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kEkCertificate = "2.23.133.8.1";  // tcg-kp-EKCertificate
constexpr std::uint16_t kKeyEncipherment = 1U << 2;
constexpr std::uint16_t kKeyAgreement = 1U << 4;
constexpr std::uint16_t kKeyCertSign = 1U << 5;

std::unexpected<Error> untrusted(std::string what) {
    return fail(Code::untrusted, "EK certificate", std::move(what));
}

/// What a certificate for an endorsement key has, and one for another purpose has not.
Status check_leaf(const Certificate& leaf) {
    if (leaf.is_ca()) {
        return untrusted("a CA");
    }
    const auto usages = leaf.extended_key_usages();
    if (std::ranges::find(usages, kEkCertificate) == usages.end()) {
        return untrusted("not for endorsement keys (extended key usage 2.23.133.8.1)");
    }
    const std::uint16_t usage = leaf.key_usage().value_or(0);
    if ((usage & (kKeyEncipherment | kKeyAgreement)) == 0 || (usage & kKeyCertSign) != 0) {
        return untrusted("key usage keyEncipherment or keyAgreement wanted");
    }
    return {};
}

Result<EndorsementKey> verify(ByteView answer_bytes, const std::vector<UserRoot>& user_roots,
                              UnixTime now) {
    RATLS_TRY(const cert::EkAnswer answer, cert::parse_ek_answer(answer_bytes));
    RATLS_TRY(tpm::PublicArea area, tpm::parse_public_area(answer.public_area));
    if (const std::string fault = tpm::ek_attribute_fault(area); !fault.empty()) {
        return fail(Code::untrusted, "EK", fault);
    }
    RATLS_TRY(const std::vector<Certificate> chain, parse_chain(answer.certificates, user_roots));
    const Certificate& leaf = chain.front();
    if (!equal(leaf.public_key().spki_sha256(), area.key.spki_sha256())) {
        return fail(Code::mismatch, "EK certificate", "the certificate of another key");
    }
    RATLS_CHECK(check_leaf(leaf));
    RATLS_CHECK(verify_tpm_chain(chain, user_roots, now));
    return EndorsementKey{std::move(area), leaf};
}

}  // namespace

std::optional<Verified<EndorsementKey>> verify_ek_certificate(
    ByteView answer, const std::vector<UserRoot>& user_roots, UnixTime now, Findings& out) {
    auto key = verify(answer, user_roots, now);
    out.check("tpm.ek_chain", key.has_value(), "a chain from a root of --trust-root tpm: to the EK",
              key ? "verified" : key.error().text());
    if (!key) {
        return std::nullopt;
    }
    return VerifierAccess::mark(*std::move(key));
}

}  // namespace ratls::verify
