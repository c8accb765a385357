// The main of each benchmark: its report names the provider of cryptography.
#include <benchmark/benchmark.h>

#include "ratls/crypto/provider.h"

int main(int argc, char** argv) {
    benchmark::AddCustomContext("crypto", std::string(ratls::crypto_provider()));
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
}
