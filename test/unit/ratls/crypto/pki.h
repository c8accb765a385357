// Files that test/pki/make_x509.sh made with the openssl program.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "ratls/crypto/certificate.h"

namespace ratls::test {

inline Bytes pki(const std::string& name) {
    const char* folder =
        std::getenv("RATLS_TEST_PKI");  // allowed: Meson tells it the test this way
    std::ifstream file(std::string(folder == nullptr ? "." : folder) + "/" + name,
                       std::ios::binary);
    REQUIRE_MESSAGE(file, name);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline PublicKey pki_key(const std::string& name) {
    auto key = PublicKey::from_spki(pki(name + ".spki"));
    REQUIRE(key);
    return *key;
}

inline Certificate pki_certificate(const std::string& name) {
    auto certificate = Certificate::parse(pki(name + ".crt"));
    REQUIRE(certificate);
    return *certificate;
}

}  // namespace ratls::test
