// One changed bit, wherever it stands in a report, its certificates and the revocation list: never
// genuine again.
#include <doctest/doctest.h>

#include <random>

#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

constexpr std::uint32_t kSeed = 1184;
/// Positions of a document that are tried; 0: all of them.
constexpr std::size_t kSamples = RATLS_EXHAUSTIVE == 0 ? 150 : 0;
constexpr unsigned kBits = RATLS_EXHAUSTIVE == 2 ? 8 : 1;  ///< then, how many bits of each byte

struct Flip {
    std::size_t position;
    unsigned bit;
};

std::vector<Flip> flips(std::size_t size) {
    std::vector<Flip> out;
    if constexpr (kSamples == 0) {
        for (std::size_t position = 0; position < size; ++position) {
            for (unsigned bit = 0; bit < kBits; ++bit) {
                out.push_back({position, static_cast<unsigned>((position + bit) % 8)});
            }
        }
        return out;
    }
    std::mt19937 draw(kSeed);
    for (std::size_t i = 0; i < kSamples; ++i) {
        out.push_back({draw() % size, static_cast<unsigned>(draw() % 8)});
    }
    return out;
}

void flip(Bytes& bytes, const Flip& where) {
    bytes[where.position] = static_cast<std::uint8_t>(bytes[where.position] ^ (1U << where.bit));
}

/// The verdict on a good report with these endorsements.
VerificationResult judge(const Scene& scene, const Bytes& report, const Bytes& vcek,
                         const Bytes& ask, const Bytes& crl) {
    Endorsements endorsements;
    endorsements.add_file("vcek", vcek);
    endorsements.add_file("ask", ask);
    endorsements.add_crl(Crl::parse(crl));
    return verify_raw_snp(report, {scene.policy, endorsements, scene.user_roots, scene.now, {}});
}

void check_lost(const VerificationResult& result) {
    CHECK(result.root.empty());
    const bool lost = result.outcome == Outcome::invalid || result.outcome == Outcome::unavailable;
    CHECK_MESSAGE(lost, summary(result));
}

}  // namespace

TEST_CASE("bit flip: no byte of a report can be changed, each with the bit that its place names") {
    const Scene scene;
    const Bytes good = scene.tee.report({});
    const auto with = [&](const Bytes& report) {
        return judge(scene, report, scene.tee.vcek(), scene.tee.ask(), scene.tee.crl());
    };
    REQUIRE(summary(with(good)) == "genuine");
    REQUIRE(good.size() == snp::kReportSize);
    for (std::size_t position = 0; position < good.size(); ++position) {
        CAPTURE(position);
        Bytes changed = good;
        flip(changed, {position, static_cast<unsigned>(position % 8)});
        CHECK(with(changed).outcome == Outcome::invalid);
    }
}

TEST_CASE("bit flip: a VCEK with a changed bit signs nothing") {
    const Scene scene;
    const Bytes report = scene.tee.report({});
    for (const Flip& where : flips(scene.tee.vcek().size())) {
        CAPTURE(where.position);
        CAPTURE(where.bit);
        Bytes changed = scene.tee.vcek();
        flip(changed, where);
        check_lost(judge(scene, report, changed, scene.tee.ask(), scene.tee.crl()));
    }
}

TEST_CASE("bit flip: an ASK with a changed bit issues nothing") {
    const Scene scene;
    const Bytes report = scene.tee.report({});
    for (const Flip& where : flips(scene.tee.ask().size())) {
        CAPTURE(where.position);
        CAPTURE(where.bit);
        Bytes changed = scene.tee.ask();
        flip(changed, where);
        check_lost(judge(scene, report, scene.tee.vcek(), changed, scene.tee.crl()));
    }
}

TEST_CASE(
    "bit flip: a revocation list with a changed bit is wrong, or nobody's and counts as none") {
    const Scene scene;
    const Bytes report = scene.tee.report({});
    for (const Flip& where : flips(scene.tee.crl().size())) {
        CAPTURE(where.position);
        CAPTURE(where.bit);
        Bytes changed = scene.tee.crl();
        flip(changed, where);
        const VerificationResult result =
            judge(scene, report, scene.tee.vcek(), scene.tee.ask(), changed);
        if (result.outcome != Outcome::invalid) {
            // The name of another issuer: the list is not ours to judge, and revokes nobody.
            CHECK(not_checked(result, "revocation"));
            CHECK_FALSE(result.findings.has("snp.crl", Verdict::pass));
        }
    }
}

TEST_CASE("bit flip: a changed revocation list is never good enough for a certificate") {
    // Some of the list's name, which alone is not refused as wrong, and some of everything.
    Scene scene;
    scene.crl.reset();
    const Bytes certificate = scene.certificate();
    const Bytes good = scene.tee.crl();
    scene.endorsements.add_crl(Crl::parse(good));
    REQUIRE(summary(scene.verify_chain({certificate})) == "accepted");
    for (std::size_t position = 0; position < good.size(); position += 16) {
        CAPTURE(position);
        Bytes changed = good;
        flip(changed, {position, 0});
        scene.endorsements = {};
        scene.endorsements.add_crl(Crl::parse(changed));
        const VerificationResult result = scene.verify_chain({certificate});
        const bool lost =
            result.outcome == Outcome::invalid || summary(result) == "refused: snp.revocation";
        CHECK_MESSAGE(lost, summary(result));
    }
}
