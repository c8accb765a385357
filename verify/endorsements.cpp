#include "verify/endorsements.h"

#include "ratls/codec/pem.h"
#include "ratls/crypto/crl.h"

namespace ratls::verify {

void Endorsements::add_file(const std::string& name, ByteView content) {
    std::vector<PemBlock> blocks;
    if (looks_like_pem(content)) {
        if (auto parsed = parse_pem(as_text(content))) {
            blocks = *std::move(parsed);
        }
    } else {
        blocks.push_back({"", to_bytes(content)});
    }
    bool used = false;
    for (PemBlock& block : blocks) {
        if (auto certificate = Certificate::parse(block.der)) {
            certificates_.push_back(*std::move(certificate));
            used = true;
        } else if (Crl::parse(block.der)) {
            crls_.push_back(std::move(block.der));
            used = true;
        }
    }
    if (!used) {
        skipped_.push_back(name);
    }
}

}  // namespace ratls::verify
