// How fast reports and quotes are verified, beside the bare cost of their signatures (the
// yardstick).
#include <benchmark/benchmark.h>

#include "test/fake/fake_tpm.h"
#include "test/fake/pretended_tee.h"
#include "test/support/snp_pki.h"
#include "verify/formats/snp.h"
#include "verify/formats/tpm.h"

namespace {

using namespace ratls;

constexpr UnixTime kNow = 1'750'000'000;  // within the dates of the test PKI

/// Parsing, extensions, chain, dates and the report's signature; certificates are parsed too.
void snp_report(benchmark::State& state) {
    const test::PretendedTee tee(test::snp_pki_folder());
    const Bytes report = tee.report({});
    for (auto _ : state) {
        verify::Endorsements endorsements;
        endorsements.add_file("ark", tee.ark());
        endorsements.add_file("ask", tee.ask());
        endorsements.add_file("vcek", tee.vcek());
        const std::vector<verify::UserRoot> roots = {
            {verify::RootKind::snp, *Certificate::parse(tee.ark())}};
        verify::Findings findings;
        if (!verify::verify_snp(report, {endorsements, roots, kNow}, findings)) {
            state.SkipWithError("the report does not verify");
        }
    }
}

/// Two RSA-4096 in the chain, one more for the root's own signature, one P-384 for the report.
void snp_signatures(benchmark::State& state) {
    const test::PretendedTee tee(test::snp_pki_folder());
    const auto report = snp::parse_report(tee.report({}));
    const auto ark = Certificate::parse(tee.ark());
    const auto ask = Certificate::parse(tee.ask());
    const auto vcek = Certificate::parse(tee.vcek());
    for (auto _ : state) {
        const bool good = vcek->verify_signature(ask->public_key()) &&
                          ask->verify_signature(ark->public_key()) &&
                          ark->verify_signature(ark->public_key()) &&
                          vcek->public_key().verify_ecdsa(HashAlg::sha384, report->signed_bytes,
                                                          report->signature_r, report->signature_s);
        if (!good) {
            state.SkipWithError("a signature does not verify");
        }
    }
}

struct Quoted {
    SignedQuote quote;
    Bytes ak;
    std::vector<tpm::PcrValue> values;
};

Quoted make_quote() {
    test::FakeTpm tpm;
    const std::vector<tpm::PcrSelection> selection = {{HashAlg::sha256, 0xffff}};
    Quoted out{*tpm.quote({}, selection), *tpm.ak_public(), {}};
    for (unsigned i = 0; i < 16; ++i) {
        const std::array<unsigned, 1> index = {i};
        out.values.push_back(
            {HashAlg::sha256, i, to_bytes((*tpm.read_pcrs(HashAlg::sha256, index))[0].view())});
    }
    return out;
}

void tpm_quote(benchmark::State& state) {
    const Quoted quoted = make_quote();
    for (auto _ : state) {
        verify::Findings findings;
        std::vector<std::string> not_checked;
        if (!verify::verify_tpm_quote(
                {quoted.quote.attest, quoted.quote.signature, quoted.ak, Bytes{}, quoted.values},
                findings, not_checked)) {
            state.SkipWithError("the quote does not verify");
        }
    }
}

void tpm_signature(benchmark::State& state) {
    const Quoted quoted = make_quote();
    const auto area = tpm::parse_public_area(quoted.ak);
    const auto signature = tpm::parse_signature(quoted.quote.signature);
    for (auto _ : state) {
        if (!tpm::verify_signature(area->key, *signature, quoted.quote.attest)) {
            state.SkipWithError("the signature does not verify");
        }
    }
}

}  // namespace

BENCHMARK(snp_report)->Unit(benchmark::kMicrosecond);
BENCHMARK(snp_signatures)->Unit(benchmark::kMicrosecond);
BENCHMARK(tpm_quote)->Unit(benchmark::kMicrosecond);
BENCHMARK(tpm_signature)->Unit(benchmark::kMicrosecond);
