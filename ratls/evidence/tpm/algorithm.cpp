#include "ratls/evidence/tpm/algorithm.h"

namespace ratls::tpm {

std::optional<HashAlg> hash_from_id(std::uint16_t id) {
    switch (id) {
        case kSha1:
            return HashAlg::sha1;
        case kSha256:
            return HashAlg::sha256;
        case kSha384:
            return HashAlg::sha384;
        case kSha512:
            return HashAlg::sha512;
        default:
            return std::nullopt;
    }
}

std::uint16_t hash_id(HashAlg alg) {
    switch (alg) {
        case HashAlg::sha1:
            return kSha1;
        case HashAlg::sha256:
            return kSha256;
        case HashAlg::sha384:
            return kSha384;
        case HashAlg::sha512:
            return kSha512;
    }
    return kNull;
}

HashAlg read_hash(Reader& r, std::string_view field) {
    const std::uint16_t id = r.u16_be(field);
    const auto alg = hash_from_id(id);
    if (!alg) {
        r.fail(Code::unsupported, field, "hash algorithm " + std::to_string(id));
    }
    return alg.value_or(HashAlg::sha256);
}

}  // namespace ratls::tpm
