// How fast reports and quotes are verified, beside the bare cost of their signatures (the
// yardstick).
#include <benchmark/benchmark.h>

#include "test/fake/fake_tpm.h"
#include "test/fake/pretended_tee.h"
#include "test/support/intel_pki.h"
#include "test/support/snp_pki.h"
#include "verify/formats/dcap.h"
#include "verify/formats/snp.h"
#include "verify/formats/tpm.h"

namespace {

using namespace ratls;

constexpr UnixTime kNow = 1'750'000'000;  // within the dates of the test PKI

struct SnpCase {
    test::PretendedTee tee = test::PretendedTee(test::snp_pki_folder());
    Bytes report = tee.report({});
    std::vector<verify::UserRoot> roots = {{verify::RootKind::snp, *Certificate::parse(tee.ark())}};

    verify::Endorsements endorsements() const {
        verify::Endorsements out;
        out.add_file("ark", tee.ark());
        out.add_file("ask", tee.ask());
        out.add_file("vcek", tee.vcek());
        return out;
    }
};

/// Everything from bytes: certificates, extensions, chain, dates and the report's signature.
void snp_cold(benchmark::State& state) {
    const SnpCase snp;
    for (auto _ : state) {
        const verify::Endorsements endorsements = snp.endorsements();
        const verify::EndorsementProof proof(endorsements, snp.roots, nullptr);
        verify::Findings findings;
        if (!verify::verify_snp(snp.report, proof, kNow, findings)) {
            state.SkipWithError("the report does not verify");
        }
    }
}

/// The endorsements were verified before; dates, extensions and the report each time.
void snp_warm(benchmark::State& state) {
    const SnpCase snp;
    const verify::Endorsements endorsements = snp.endorsements();
    verify::ProvenSignatures proven;
    for (auto _ : state) {
        const verify::EndorsementProof proof(endorsements, snp.roots, &proven);
        verify::Findings findings;
        if (!verify::verify_snp(snp.report, proof, kNow, findings)) {
            state.SkipWithError("the report does not verify");
        }
    }
}

void snp_parse(benchmark::State& state) {
    const SnpCase snp;
    for (auto _ : state) {
        benchmark::DoNotOptimize(snp.endorsements());
        benchmark::DoNotOptimize(snp::parse_report(snp.report));
    }
}

/// The signature of the report alone, and with the two RSA-4096 of VCEK and ASK.
void snp_signatures(benchmark::State& state) {
    const SnpCase snp;
    const auto report = snp::parse_report(snp.report);
    const auto ark = Certificate::parse(snp.tee.ark());
    const auto ask = Certificate::parse(snp.tee.ask());
    const auto vcek = Certificate::parse(snp.tee.vcek());
    const bool chain = state.range(0) == 3;
    for (auto _ : state) {
        const bool good = (!chain || (vcek->verify_signature(ask->public_key()) &&
                                      ask->verify_signature(ark->public_key()))) &&
                          vcek->public_key().verify_ecdsa(HashAlg::sha384, report->signed_bytes,
                                                          report->signature_r, report->signature_s);
        if (!good) {
            state.SkipWithError("a signature does not verify");
        }
    }
}

struct TdxCase {
    test::IntelPlatform intel;
    Bytes quote = intel.make_quote();
    std::vector<Bytes> files = {intel.root.der(),
                                intel.ca.der(),
                                intel.tcb_signer.der(),
                                intel.root_crl.der(),
                                intel.pck_crl.der(),
                                text(intel.tcb_info_text()),
                                text(intel.qe_identity_text())};
    std::vector<verify::UserRoot> roots = {
        {verify::RootKind::tdx, *Certificate::parse(intel.root.der())}};

    static Bytes text(const std::string& in) { return to_bytes(as_bytes(in)); }
    verify::Endorsements endorsements() const {
        verify::Endorsements out;
        for (const Bytes& file : files) {
            out.add_file("file", file);
        }
        return out;
    }
};

/// Everything from bytes: quote, collateral and their nine signatures.
void tdx_cold(benchmark::State& state) {
    const TdxCase tdx;
    for (auto _ : state) {
        const verify::Endorsements endorsements = tdx.endorsements();
        const verify::EndorsementProof proof(endorsements, tdx.roots, nullptr);
        const auto collateral = verify::prove_dcap_collateral(proof, dcap::Tee::tdx);
        verify::Findings findings;
        if (!verify::verify_dcap(tdx.quote, collateral, test::kIntelNow, findings)) {
            state.SkipWithError("the quote does not verify");
        }
    }
}

/// The collateral and the platform's certificate were verified before; their dates, the TCB level
/// and the quote each time.
void tdx_warm(benchmark::State& state) {
    const TdxCase tdx;
    const verify::Endorsements endorsements = tdx.endorsements();
    const verify::EndorsementProof proof(endorsements, tdx.roots, nullptr);
    const auto collateral = verify::prove_dcap_collateral(proof, dcap::Tee::tdx);
    verify::ProvenSignatures proven;
    for (auto _ : state) {
        verify::Findings findings;
        if (!verify::verify_dcap(tdx.quote, collateral, test::kIntelNow, findings, &proven)) {
            state.SkipWithError("the quote does not verify");
        }
    }
}

void tdx_parse(benchmark::State& state) {
    const TdxCase tdx;
    const std::string tcb_info = tdx.intel.tcb_info_text();
    const std::string qe_identity = tdx.intel.qe_identity_text();
    for (auto _ : state) {
        benchmark::DoNotOptimize(tdx.endorsements());
        benchmark::DoNotOptimize(dcap::parse_tcb_info(tcb_info));
        benchmark::DoNotOptimize(dcap::parse_qe_identity(qe_identity));
        benchmark::DoNotOptimize(dcap::parse_quote(tdx.quote));
    }
}

/// So many P-256 signatures over messages of the size of a quote.
void p256_signatures(benchmark::State& state) {
    const test::IntelPlatform intel;
    const auto quote = dcap::parse_quote(intel.make_quote());
    const ByteView point(quote->attestation_key);
    const ByteView signature(quote->signature);
    const auto key = PublicKey::from_point(KeyKind::p256, point.first(32), point.subspan(32));
    for (auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            if (!key->verify_ecdsa(HashAlg::sha256, quote->signed_bytes, signature.first(32),
                                   signature.subspan(32))) {
                state.SkipWithError("the signature does not verify");
            }
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

BENCHMARK(snp_cold)->Unit(benchmark::kMicrosecond);
BENCHMARK(snp_warm)->Unit(benchmark::kMicrosecond);
BENCHMARK(snp_parse)->Unit(benchmark::kMicrosecond);
BENCHMARK(snp_signatures)->Arg(1)->Arg(3)->Unit(benchmark::kMicrosecond);
BENCHMARK(tdx_cold)->Unit(benchmark::kMicrosecond);
BENCHMARK(tdx_warm)->Unit(benchmark::kMicrosecond);
BENCHMARK(tdx_parse)->Unit(benchmark::kMicrosecond);
BENCHMARK(p256_signatures)->Arg(3)->Arg(9)->Unit(benchmark::kMicrosecond);
BENCHMARK(tpm_quote)->Unit(benchmark::kMicrosecond);
BENCHMARK(tpm_signature)->Unit(benchmark::kMicrosecond);
