// What the provider of cryptography takes for one signature, one key and one hash.
#include <benchmark/benchmark.h>

#include "ratls/crypto/certificate.h"
#include "ratls/crypto/private_key.h"
#include "test/fake/pretended_tee.h"
#include "test/support/snp_pki.h"

namespace {

using namespace ratls;

void verify_ecdsa(benchmark::State& state, KeyKind kind) {
    const auto key = PrivateKey::generate(kind);
    const Bytes message(100, 7);
    const Bytes signature = *key->sign_ecdsa(HashAlg::sha256, message);
    const std::size_t size = coordinate_size(kind);
    const auto r = ByteView(signature).first(size);
    const auto s = ByteView(signature).subspan(size);
    for (auto _ : state) {
        if (!key->public_key().verify_ecdsa(HashAlg::sha256, message, r, s)) {
            state.SkipWithError("the signature does not verify");
        }
    }
}

/// RSA-4096 with PSS: the root's signature of itself.
void verify_rsa4096(benchmark::State& state) {
    const auto root = Certificate::parse(test::PretendedTee(test::snp_pki_folder()).ark());
    for (auto _ : state) {
        if (!root->verify_signature(root->public_key())) {
            state.SkipWithError("the signature does not verify");
        }
    }
}

void read_key(benchmark::State& state, const PublicKey& key) {
    const Bytes spki = key.spki();
    for (auto _ : state) {
        benchmark::DoNotOptimize(PublicKey::from_spki(spki));
    }
}

void read_ec_key(benchmark::State& state, KeyKind kind) {
    read_key(state, PrivateKey::generate(kind)->public_key());
}

void read_rsa4096_key(benchmark::State& state) {
    const test::PretendedTee tee(test::snp_pki_folder());
    read_key(state, Certificate::parse(tee.ark())->public_key());
}

void sha256_of(benchmark::State& state) {
    const Bytes message(static_cast<std::size_t>(state.range(0)), 7);
    for (auto _ : state) {
        benchmark::DoNotOptimize(sha256(message));
    }
}

}  // namespace

BENCHMARK_CAPTURE(verify_ecdsa, p256, KeyKind::p256)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(verify_ecdsa, p384, KeyKind::p384)->Unit(benchmark::kMicrosecond);
BENCHMARK(verify_rsa4096)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(read_ec_key, p256, KeyKind::p256)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(read_ec_key, p384, KeyKind::p384)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_rsa4096_key)->Unit(benchmark::kMicrosecond);
BENCHMARK(sha256_of)->Arg(100)->Arg(16384);
