// No byte of evidence or of an endorsement can be changed without the verdict being lost.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "ratls/base/text.h"
#include "ratls/codec/pem.h"
#include "test/unit/verify/intel_scene.h"
#include "test/unit/verify/scene.h"
#include "verify/raw.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

constexpr std::array<std::uint8_t, 2> kChanges = {0x01, 0x80};
/// Places of each input: some if a verification takes long, all with -Dexhaustive=true.
constexpr std::size_t kSamples = RATLS_EXHAUSTIVE == 0 ? 25 : 150;
constexpr unsigned kSeed = 20261201;

enum class Kind : std::uint8_t { evidence, der, json, pem };

struct Input {
    std::string name;
    Kind kind;
    Bytes content;
};

/// Evidence with all that its verifier needs; the evidence comes first.
struct Case {
    std::vector<Input> inputs;
    std::function<VerificationResult(ByteView evidence, const Endorsements&, ProvenSignatures*)>
        judge;

    VerificationResult operator()(const std::vector<Input>& given, ProvenSignatures* proven) const {
        Endorsements endorsements;
        for (std::size_t i = 1; i < given.size(); ++i) {
            endorsements.add_file(given[i].name, given[i].content);
        }
        return judge(given[0].content, endorsements, proven);
    }
    VerificationResult with(std::size_t index, Bytes content, ProvenSignatures* proven) const {
        std::vector<Input> given = inputs;
        given[index].content = std::move(content);
        return (*this)(given, proven);
    }
};

Bytes chain_text(const std::vector<Bytes>& certificates) {
    std::string out = "Issuers of the files beside this one.\r\n";
    for (const Bytes& der : certificates) {
        out += "\n" + pem("CERTIFICATE", der);
    }
    return bytes_of(out);
}

Case snp_case() {
    const auto scene = std::make_shared<Scene>();
    return {{{"report", Kind::evidence, scene->tee.report({})},
             {"vcek.der", Kind::der, scene->tee.vcek()},
             {"chain.pem", Kind::pem, chain_text({scene->tee.ask(), scene->tee.ark()})},
             {"crl.der", Kind::der, scene->tee.crl()}},
            [scene](ByteView report, const Endorsements& endorsements, ProvenSignatures* proven) {
                return verify_raw_snp(
                    report,
                    {scene->policy, endorsements, scene->user_roots, scene->now, {}, proven});
            }};
}

/// `carried`: the PCK and its issuers are in the quote, else among the endorsements.
Case intel_case(dcap::Tee tee, std::uint16_t version, bool carried = true) {
    const auto scene = std::make_shared<IntelScene>(tee, version);
    if (!carried) {
        scene->quote.certification = dcap::CertificationData::ppid_rsa3072;
        scene->quote.certification_data = Bytes(404, 0x5a);
    }
    Case out{
        {{"quote", Kind::evidence, scene->make_quote()},
         {"tcb_info.json", Kind::json, bytes_of(scene->tcb_info_text())},
         {"qe_identity.json", Kind::json, bytes_of(scene->qe_identity_text())},
         {"pck.crl", Kind::der, scene->pck_crl.der()},
         {"root.crl", Kind::der, scene->root_crl.der()},
         {"signer.pem", Kind::pem, chain_text({scene->tcb_signer.der(), scene->root.der()})},
         {"ca.pem", Kind::pem, chain_text({scene->ca.der()})}},
        [scene, tee](ByteView quote, const Endorsements& endorsements, ProvenSignatures* proven) {
            const std::vector<UserRoot> roots = scene->roots();
            return verify_raw_dcap(quote, tee, std::nullopt,
                                   {scene->policy, endorsements, roots, scene->now, {}, proven});
        }};
    if (!carried) {
        out.inputs.push_back({"pck.der", Kind::der, scene->leaf_der()});
    }
    return out;
}

std::vector<std::pair<std::string, Case>> all_cases() {
    return {{"SNP", snp_case()},
            {"TDX v4", intel_case(dcap::Tee::tdx, 4)},
            {"TDX v5", intel_case(dcap::Tee::tdx, 5)},
            {"TDX v4 without PCK chain", intel_case(dcap::Tee::tdx, 4, false)},
            {"SGX v3", intel_case(dcap::Tee::sgx, 3)}};
}

bool is_lost(const VerificationResult& result) {
    return result.outcome == Outcome::invalid || result.outcome == Outcome::refused;
}

/// Why a change is none, or empty: what is read is the same.
std::string same_content(const Input& good, const Bytes& changed) {
    if (good.kind == Kind::pem) {
        const auto before = parse_pem(as_text(good.content));
        const auto after = parse_pem(as_text(changed));
        const auto block = [](const PemBlock& a, const PemBlock& b) {
            return a.label == b.label && a.der == b.der;
        };
        if (before && after && std::ranges::equal(*before, *after, block)) {
            return "text outside of PEM blocks";
        }
    }
    const auto before = dcap::parse_quote(good.content);
    const auto after = dcap::parse_quote(changed);
    if (good.kind == Kind::evidence && before && after &&
        before->certification == dcap::CertificationData::ppid_rsa3072 &&
        before->certification == after->certification &&
        before->certification_data != after->certification_data) {
        return "the encrypted id in a quote without PCK chain, which nothing signs";
    }
    return "";
}

std::vector<std::size_t> places(std::size_t size) {
    std::vector<std::size_t> out;
    if (RATLS_EXHAUSTIVE == 2) {
        for (std::size_t i = 0; i < size; ++i) {
            out.push_back(i);
        }
        return out;
    }
    out.push_back(0);  // of a PEM file, text outside of its blocks
    std::mt19937 draw(kSeed);
    for (std::size_t i = 1; i < kSamples; ++i) {
        out.push_back(draw() % size);
    }
    return out;
}

/// What a change did not lose, and how many changes were none, by class.
struct Tally {
    std::string unnoticed;
    std::map<std::string, std::size_t> same;

    void judge(const Input& good, const Bytes& changed, const std::string& what,
               const VerificationResult& result, const std::string& verdict) {
        const std::string same_as = same_content(good, changed);
        if (same_as.empty() ? is_lost(result) : summary(result) == verdict) {
            same[same_as] += same_as.empty() ? 0U : 1U;
            return;
        }
        unnoticed += good.name + " " + what + ": " + summary(result) + "\n";
    }
};

}  // namespace

TEST_CASE("endorsements.signatures: no byte of evidence or endorsements can be changed") {
    Tally tally;
    for (const auto& [name, one] : all_cases()) {
        CAPTURE(name);
        ProvenSignatures proven;
        const std::string verdict = summary(one(one.inputs, &proven));
        REQUIRE(verdict == "genuine");
        for (std::size_t i = 0; i < one.inputs.size(); ++i) {
            const Input& good = one.inputs[i];
            for (const std::size_t at : places(good.content.size())) {
                for (const std::uint8_t change : kChanges) {
                    Bytes changed = good.content;
                    changed[at] ^= change;
                    tally.judge(good, changed,
                                std::to_string(at) + " of " + name + " ^ " + std::to_string(change),
                                one.with(i, changed, &proven), verdict);
                }
            }
        }
    }
    CHECK(tally.unnoticed == "");
    CHECK(tally.same["text outside of PEM blocks"] > 0);
    for (const auto& [same, count] : tally.same) {
        MESSAGE(same << ": " << count << " changes kept the verdict");
    }
}

TEST_CASE("endorsements.form: emptied and truncated files are refused") {
    for (const auto& [name, one] : all_cases()) {
        ProvenSignatures proven;
        for (std::size_t i = 0; i < one.inputs.size(); ++i) {
            const Bytes& good = one.inputs[i].content;
            // A text may end without its last line end; nothing else may be missing.
            const std::size_t last = one.inputs[i].kind == Kind::pem ? 2 : 1;
            for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2},
                                           good.size() / 2, good.size() - last}) {
                CAPTURE(name);
                CAPTURE(one.inputs[i].name);
                CAPTURE(size);
                const VerificationResult result = one.with(
                    i, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)),
                    &proven);
                CHECK_MESSAGE(result.outcome == Outcome::invalid, summary(result));
                CHECK((i == 0 || result.findings.has("endorsements.form", Verdict::fail)));
            }
        }
    }
}

TEST_CASE(
    "endorsements.form: what reads the same keeps the verdict, and what is doubled does not") {
    for (const auto& [name, one] : all_cases()) {
        CAPTURE(name);
        ProvenSignatures proven;
        const auto judge = [&](std::size_t i, const Bytes& content) {
            return summary(one.with(i, content, &proven));
        };
        for (std::size_t i = 1; i < one.inputs.size(); ++i) {
            const Input& good = one.inputs[i];
            CAPTURE(good.name);
            Bytes doubled = good.content;
            doubled.insert(doubled.end(), good.content.begin(), good.content.end());
            if (good.kind != Kind::pem) {
                CHECK(judge(i, doubled).starts_with("invalid: endorsements.form"));
            } else {
                CHECK(judge(i, doubled) == "genuine");
                std::string lines(as_text(good.content));
                for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos;
                     at += 2) {
                    lines.replace(at, 1, "\r\n");
                }
                CHECK(judge(i, bytes_of(lines)) == "genuine");
            }
            if (good.kind == Kind::json) {
                std::string text(as_text(good.content));
                CHECK(judge(i, bytes_of("\r\n " + text + " \n\t")) == "genuine");
                const std::size_t signature = text.rfind("signature\"") + 11;
                std::ranges::transform(
                    text.begin() + static_cast<std::ptrdiff_t>(signature), text.end(),
                    text.begin() + static_cast<std::ptrdiff_t>(signature),
                    [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
                CHECK(text != as_text(good.content));
                CHECK(judge(i, bytes_of(text)) == "genuine");
            }
        }
        if (name != "SNP") {
            Bytes padded = one.inputs[0].content;
            padded.resize(padded.size() + 100);
            CHECK(judge(0, padded) == "genuine");
        }
        // Under each other's names: the content decides.
        std::vector<Input> swapped = one.inputs;
        for (std::size_t i = 1; i + 1 < swapped.size(); ++i) {
            std::swap(swapped[i].name, swapped[i + 1].name);
        }
        CHECK(summary(one(swapped, &proven)) == "genuine");
    }
}

TEST_CASE("endorsements.signatures: a damaged document beside a good set is invalid") {
    for (const auto& [name, one] : all_cases()) {
        ProvenSignatures proven;
        for (std::size_t i = 1; i < one.inputs.size(); ++i) {
            const Input& good = one.inputs[i];
            CAPTURE(name);
            CAPTURE(good.name);
            std::vector<Bytes> damaged = {good.content, good.content};
            damaged[0].resize(good.content.size() / 2);
            if (good.kind == Kind::pem) {
                const auto blocks = parse_pem(as_text(good.content));
                REQUIRE(blocks);
                Bytes der = blocks->front().der;
                der.back() ^= 1;
                damaged[1] = chain_text({der});
            } else {
                damaged[1][good.content.size() - (good.kind == Kind::json ? 5 : 1)] ^= 1;
            }
            for (const Bytes& content : damaged) {
                for (const bool first : {true, false}) {
                    std::vector<Input> given = one.inputs;
                    given.insert(first ? given.begin() + 1 : given.end(),
                                 {"beside", good.kind, content});
                    CHECK(summary(one(given, &proven)).starts_with("invalid: endorsements."));
                }
            }
        }
    }
}

TEST_CASE("endorsements.signatures: a damaged document of the other vendor counts too") {
    const Case snp = snp_case();
    const Case tdx = intel_case(dcap::Tee::tdx, 4);
    // The root of each pretended vendor is the caller's, so that sound ones are no fault.
    const IntelScene intel;
    const Scene amd;
    std::vector<UserRoot> roots = intel.roots();
    roots.insert(roots.end(), amd.user_roots.begin(), amd.user_roots.end());
    const auto judge = [&](std::vector<Input> given, bool of_snp) {
        Endorsements endorsements;
        for (const Input& input : given) {
            endorsements.add_file(input.name, input.content);
        }
        const Context context{intel.policy, endorsements, roots, of_snp ? amd.now : intel.now, {}};
        return of_snp
                   ? verify_raw_snp(snp.inputs[0].content, context)
                   : verify_raw_dcap(tdx.inputs[0].content, dcap::Tee::tdx, std::nullopt, context);
    };
    std::vector<Input> both(snp.inputs.begin() + 1, snp.inputs.end());
    both.insert(both.end(), tdx.inputs.begin() + 1, tdx.inputs.end());
    for (const bool of_snp : {true, false}) {
        const VerificationResult good = judge(both, of_snp);
        CHECK(summary(good) == "genuine");
        CHECK_FALSE(good.skipped.empty());
        for (std::size_t i = 0; i < both.size(); ++i) {
            CAPTURE(both[i].name);
            std::vector<Input> given = both;
            Bytes& content = given[i].content;
            content.resize(content.size() / 2);
            CHECK(judge(given, of_snp).outcome == Outcome::invalid);
        }
        std::vector<Input> given = both;
        given[0].content.back() ^= 1;  // of AMD
        CHECK(judge(given, of_snp).outcome == Outcome::invalid);
        given = both;
        given.back().content = chain_text({[&] {
            Bytes der = intel.ca.der();
            der.back() ^= 1;
            return der;
        }()});
        CHECK(judge(given, of_snp).outcome == Outcome::invalid);
    }
}
