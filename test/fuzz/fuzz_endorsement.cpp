// What a server or a user may hand over: whatever passes a check is also something that can be
// described, and a form that is taken apart is read as its parts.
#include "ratls/endorse/document.h"
#include "ratls/evidence/endorsement/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::endorse;
    const ratls::ByteView input(data, size);
    const std::array<std::uint8_t, 6> fmspc = {0, 0x80, 0x6f, 5, 0, 0};
    const auto described = describe(input);
    const bool passed = check_chain(input, {"Intel SGX Root CA"}) ||
                        check_crl(input, "Intel SGX Root CA") ||
                        check_tcb_info(input, "TDX", fmspc) || check_qe_identity(input, "TD_QE");
    const auto wrapped = ratls::endorsement::unwrap(input);
    if ((passed && !described) || (wrapped && wrapped->plain.empty())) {
        __builtin_trap();
    }
    for (const ratls::Bytes& plain : wrapped ? wrapped->plain : std::vector<ratls::Bytes>()) {
        static_cast<void>(ratls::endorsement::read_documents(plain));
    }
    return 0;
}
