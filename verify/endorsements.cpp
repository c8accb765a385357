#include "verify/endorsements.h"

#include <algorithm>

#include "ratls/codec/pem.h"
#include "ratls/evidence/dcap/collateral.h"

namespace ratls::verify {

void Endorsements::add_file(const std::string& name, ByteView content) {
    if (dcap::looks_like_tcb_info(content)) {
        tcb_infos_.push_back(to_bytes(content));
        return;
    }
    if (dcap::looks_like_qe_identity(content)) {
        qe_identities_.push_back(to_bytes(content));
        return;
    }
    bool used = false;
    if (!looks_like_pem(content)) {
        used = add_der(content);
    } else if (const auto blocks = parse_pem(as_text(content))) {
        for (const PemBlock& block : *blocks) {
            used |= add_der(block.der);
        }
    }
    if (!used) {
        skipped_.push_back(name);
    }
}

bool Endorsements::add_der(ByteView der) {
    const bool known = std::ranges::any_of(certificates_, [&](const Certificate& certificate) {
        return equal(certificate.der(), der);
    });
    if (known) {
        return true;
    }
    if (auto certificate = Certificate::parse(der)) {
        certificates_.push_back(*std::move(certificate));
        return true;
    }
    auto list = Crl::parse(der);
    if (!list) {
        return false;
    }
    add_crl(std::move(list));
    return true;
}

}  // namespace ratls::verify
