// Any certificate, and what a native one carries.
#include "ratls/crypto/certificate.h"

#include "ratls/cert/native.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto certificate = ratls::Certificate::parse({data, size});
    if (certificate) {
        (void)ratls::name_text(certificate->subject());
        (void)ratls::cert::check_profile(*certificate);
        if (const auto native = ratls::cert::parse_native(*certificate)) {
            (void)ratls::cert::check_binding(*native);
        }
    }
    return 0;
}
