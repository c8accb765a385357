// What an attacker would send: the evidence of one VM with the TPM quote of another. The result is
// well-formed and self-signed; only the bindings are wrong.
// swap_tpm CERTIFICATE KEY CERTIFICATE-OF-THE-OTHER OUT
#include <iostream>

#include "ratls/cert/native.h"
#include "ratls/codec/pem.h"
#include "ratls/platform/files.h"

namespace {

using namespace ratls;

Result<cert::NativeCertificate> load(LinuxFiles& files, const char* path) {
    RATLS_TRY(const Bytes file, files.read(path, 1 << 20));
    RATLS_TRY(const auto certificates, parse_certificates(file));
    return cert::parse_native(certificates.front());
}

Status swap(char** argv) {
    LinuxFiles files;
    RATLS_TRY(cert::NativeCertificate victim, load(files, argv[1]));
    RATLS_TRY(const Bytes key_file, files.read(argv[2], 1 << 20));
    RATLS_TRY(const PrivateKey key, PrivateKey::parse(key_file));
    RATLS_TRY(const cert::NativeCertificate other, load(files, argv[3]));
    cert::IssueRequest request;
    request.dns_names = victim.certificate.dns_names();
    request.ip_addresses = victim.certificate.ip_addresses();
    request.not_before = victim.certificate.not_before();
    request.not_after = victim.certificate.not_after();
    request.collection = victim.collection;
    request.collection.tpm = other.collection.tpm;
    RATLS_TRY(const Bytes forged, cert::issue(request, key));
    return files.replace(argv[4], as_bytes(pem("CERTIFICATE", forged)), 0644);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: swap_tpm CERTIFICATE KEY OTHER OUT\n";
        return 1;
    }
    if (const auto status = swap(argv); !status) {
        std::cerr << "error: " << status.error().text() << "\n";
        return 2;
    }
    return 0;
}
