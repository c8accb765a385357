#include "verify/formats/tpm_chain.h"

#include <algorithm>

namespace ratls::verify {

bool has_tpm_root(const std::vector<UserRoot>& roots) {
    return std::ranges::any_of(roots,
                               [](const UserRoot& root) { return root.kind == RootKind::tpm; });
}

Result<std::vector<Certificate>> parse_chain(const std::vector<Bytes>& chain,
                                             const std::vector<UserRoot>& roots) {
    if (chain.empty() || chain.size() > kMaxTpmChain) {
        return fail(Code::malformed, "chain",
                    "1 to " + std::to_string(kMaxTpmChain) + " certificates wanted");
    }
    std::vector<Certificate> out;
    for (const Bytes& der : chain) {
        const auto root = std::ranges::find_if(roots, [&](const UserRoot& known) {
            return known.kind == RootKind::tpm && equal(known.certificate.der(), der);
        });
        if (root != roots.end()) {
            out.push_back(root->certificate);
            continue;
        }
        RATLS_TRY(Certificate certificate, Certificate::parse(der));
        out.push_back(std::move(certificate));
    }
    return out;
}

Status verify_tpm_chain(const std::vector<Certificate>& chain, const std::vector<UserRoot>& roots,
                        UnixTime now) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const std::string_view name = chain[i].common_name();
        RATLS_CHECK(verify_dates(chain[i], now, name.empty() ? "certificate" : name));
        if (i + 1 < chain.size()) {
            RATLS_CHECK(verify_issued_by(chain[i], chain[i + 1], static_cast<int>(i)));
        }
    }
    const Certificate& last = chain.back();
    for (const UserRoot& root : roots) {
        if (root.kind != RootKind::tpm) {
            continue;
        }
        const bool same = equal(root.certificate.der(), last.der());
        const bool issued =
            chain.size() < kMaxTpmChain &&
            verify_issued_by(last, root.certificate, static_cast<int>(chain.size()) - 1);
        if ((same && chain.size() > 1) || issued) {
            return verify_dates(root.certificate, now, "root");
        }
    }
    return fail(Code::untrusted, "chain", "no root of --trust-root tpm: issued it");
}

}  // namespace ratls::verify
