// Writes a self-signed certificate to standard output, for test/pki/check_self_signed.sh.
#include <iostream>

#include "ratls/codec/pem.h"
#include "ratls/crypto/private_key.h"

int main() {
    const auto key = ratls::PrivateKey::generate(ratls::KeyKind::p256);
    const auto der = ratls::write_self_signed({.common_name = "vm, example",
                                               .dns_names = {"vm.example"},
                                               .ip_addresses = {{127, 0, 0, 1}},
                                               .not_before = 1735689600,
                                               .not_after = 4102444800,
                                               .extension_oid = "1.3.6.1.5.5.7.1.35",
                                               .extension_value = {4, 2, 0xca, 0xfe}},
                                              *key);
    std::cout << ratls::pem("CERTIFICATE", *der);
    return 0;
}
