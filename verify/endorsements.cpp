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
    std::vector<PemBlock> blocks;
    if (looks_like_pem(content)) {
        if (auto parsed = parse_pem(as_text(content))) {
            blocks = *std::move(parsed);
        }
    } else {
        blocks.push_back({"", to_bytes(content)});
    }
    bool used = false;
    for (const PemBlock& block : blocks) {
        const bool known = std::ranges::any_of(certificates_, [&](const Certificate& certificate) {
            return equal(certificate.der(), block.der);
        });
        if (known) {
            used = true;
        } else if (auto certificate = Certificate::parse(block.der)) {
            certificates_.push_back(*std::move(certificate));
            used = true;
        } else if (auto list = Crl::parse(block.der)) {
            add_crl(std::move(list));
            used = true;
        }
    }
    if (!used) {
        skipped_.push_back(name);
    }
}

}  // namespace ratls::verify
