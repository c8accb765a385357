// TCB info and QE identity: what is signed is part of the text, and levels are sorted.
#include "ratls/evidence/dcap/collateral.h"

namespace {

using namespace ratls;

void check_signed(const dcap::SignedDocument& document, std::string_view text) {
    if (text.find(as_text(document.signed_bytes)) == std::string_view::npos) {
        __builtin_trap();
    }
}

void check_sorted(const std::vector<dcap::IsvLevel>& levels) {
    if (!std::ranges::is_sorted(levels, std::ranges::greater(), &dcap::IsvLevel::isv_svn)) {
        __builtin_trap();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView in(data, size);
    const std::string_view text = as_text(in);
    const auto info = dcap::parse_tcb_info(text);
    const auto identity = dcap::parse_qe_identity(text);
    if (info && identity) {
        __builtin_trap();
    }
    if (info) {
        check_signed(*info, text);
        for (const dcap::ModuleIdentity& module : info->modules) {
            check_sorted(module.levels);
        }
    }
    if (identity) {
        check_signed(*identity, text);
        check_sorted(identity->levels);
    }
    (void)dcap::looks_like_tcb_info(in);
    (void)dcap::looks_like_qe_identity(in);
    return 0;
}
