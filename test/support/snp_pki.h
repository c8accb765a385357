// What test/pki/make_snp_pki.sh made for this build.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "ratls/platform/files.h"

namespace ratls::test {

inline std::string snp_pki_folder() {
    const char* folder =
        std::getenv("RATLS_TEST_SNP_PKI");  // allowed: Meson tells it the test this way
    if (folder == nullptr) {
        throw std::runtime_error("RATLS_TEST_SNP_PKI is not set: run this test with meson test");
    }
    return folder;
}

inline Bytes snp_pki(const std::string& name) {
    auto content = LinuxFiles().read(snp_pki_folder() + "/" + name, 1024 * 1024);
    if (!content) {
        throw std::runtime_error(content.error().text());
    }
    return *std::move(content);
}

}  // namespace ratls::test
