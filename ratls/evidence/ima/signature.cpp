#include "ratls/evidence/ima/signature.h"

#include <algorithm>

#include "ratls/base/reader.h"
#include "ratls/codec/der.h"

namespace ratls::ima {
namespace {

constexpr std::uint8_t kDigsig = 3;  // EVM_IMA_XATTR_DIGSIG
constexpr std::uint8_t kVersion = 2;

/// Not SHA-1: whoever can make two files with one digest has one of them signed.
/// Source: Linux include/uapi/linux/hash_info.h, hash_algo.
std::optional<HashAlg> alg_of_kernel(std::uint8_t number) {
    switch (number) {
        case 4:
            return HashAlg::sha256;
        case 5:
            return HashAlg::sha384;
        case 6:
            return HashAlg::sha512;
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<FileSignature> parse_file_signature(ByteView field) {
    Reader r(field, "sig");
    const std::uint8_t type = r.u8("type");
    const std::uint8_t version = r.u8("version");
    if (r.ok() && (type != kDigsig || version != kVersion)) {
        return fail(Code::unsupported, "sig",
                    "type 3, version 2 wanted, " + std::to_string(type) + ", " +
                        std::to_string(version) + " found");
    }
    const std::uint8_t hash = r.u8("hash_algo");
    const auto alg = alg_of_kernel(hash);
    if (r.ok() && !alg) {
        return fail(Code::unsupported, "sig", "hash function " + std::to_string(hash));
    }
    FileSignature out;
    out.hash = alg.value_or(HashAlg::sha256);
    out.key_id = r.array<4>("keyid");
    const std::size_t size = r.u16_be("sig_size");
    out.signature = r.bytes(size, "sig");
    RATLS_CHECK(r.finish(true));
    if (out.signature.empty()) {
        return fail(Code::malformed, "sig", "an empty signature");
    }
    return out;
}

Status verify_file_signature(const FileSignature& signature, HashAlg alg, ByteView digest,
                             const PublicKey& key) {
    if (signature.hash != alg || digest.size() != digest_size(alg)) {
        return fail(Code::mismatch, "sig",
                    "made for " + std::string(hash_name(signature.hash)) + ", the entry has " +
                        std::string(hash_name(alg)));
    }
    const Digest signed_digest(digest);
    if (key.kind() == KeyKind::rsa) {
        return key.verify_rsa_pkcs1_digest(alg, signed_digest, signature.signature);
    }
    RATLS_TRY(const EcdsaSignature numbers, parse_ecdsa_der(signature.signature));
    return key.verify_ecdsa_digest(signed_digest, numbers.r, numbers.s);
}

KeyId key_id(const PublicKey& key) {
    der::Parser outer(key.spki(), "public key");
    der::Parser info = outer.sequence("SubjectPublicKeyInfo");
    info.sequence("algorithm");
    const ByteView bits = info.element(der::kBitString, "subjectPublicKey");
    const Digest digest = hash(HashAlg::sha1, bits.subspan(1));  // of whole bytes, as PublicKey has
    KeyId out{};
    std::ranges::copy(digest.view().last(out.size()), out.begin());
    return out;
}

}  // namespace ratls::ima
