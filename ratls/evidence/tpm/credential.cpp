#include "ratls/evidence/tpm/credential.h"

#include "ratls/base/writer.h"
#include "ratls/crypto/encrypt.h"
#include "ratls/crypto/hmac.h"
#include "ratls/crypto/random.h"

namespace ratls::tpm {
namespace {

// Labels of key derivation end with a zero byte. Source: Part 1, 11.4.10.2 and B.4.
constexpr std::string_view kIdentity{"IDENTITY\0", 9};
constexpr std::string_view kStorage{"STORAGE\0", 8};
constexpr std::string_view kIntegrity{"INTEGRITY\0", 10};

void write_sized(Writer& out, ByteView bytes) {  // TPM2B
    out.u16_be(static_cast<std::uint16_t>(bytes.size())).bytes(bytes);
}

Bytes u32(std::size_t value) {
    return Writer().u32_be(static_cast<std::uint32_t>(value)).take();
}

/// KDFa for no more bytes than the hash has. Source: Part 1, 11.4.10.2.
Secret kdfa(HashAlg alg, const Secret& key, std::string_view label, ByteView context,
            std::size_t size) {
    Digest block =
        hmac(alg, key.reveal(), {u32(1), as_bytes(label), context, ByteView(), u32(size * 8)});
    Secret out(to_bytes(block.view().first(size)));
    secure_wipe(block.writable().data(), block.size());
    return out;
}

/// KDFe for as many bytes as the hash has. Source: Part 1, 11.4.10.3.
Secret kdfe(HashAlg alg, const Secret& z, std::string_view label, ByteView party_u,
            ByteView party_v) {
    Digest block = Hasher(alg)
                       .update(u32(1))
                       .update(z.reveal())
                       .update(as_bytes(label))
                       .update(party_u)
                       .update(party_v)
                       .finish();
    Secret out(to_bytes(block.view()));
    secure_wipe(block.writable().data(), block.size());
    return out;
}

/// A seed that the holder of the EK can have too, and how it gets it.
struct Seed {
    Secret seed;
    Bytes encrypted;  ///< content of a TPM2B_ENCRYPTED_SECRET
};

Result<Seed> rsa_seed(const PublicArea& ek) {
    Secret seed(digest_size(ek.name_alg));
    random_bytes(seed.writable());
    RATLS_TRY(Bytes encrypted, rsa_oaep_encrypt(ek.key, ek.name_alg, as_bytes(kIdentity), seed));
    return Seed{std::move(seed), std::move(encrypted)};
}

Result<Seed> ecc_seed(const PublicArea& ek) {
    RATLS_TRY(const EphemeralAgreement agreement, agree_with(ek.key));
    const std::size_t size = coordinate_size(ek.key.kind());
    const ByteView ek_x = ByteView(ek.key.spki()).last(2 * size).first(size);
    Secret seed = kdfe(ek.name_alg, agreement.shared, kIdentity, agreement.x, ek_x);
    Writer point;  // TPMS_ECC_POINT
    write_sized(point, agreement.x);
    write_sized(point, agreement.y);
    return Seed{std::move(seed), point.take()};
}

}  // namespace

std::string ek_attribute_fault(const PublicArea& ek) {
    constexpr std::uint32_t kWanted = attribute::kFixedTpm | attribute::kFixedParent |
                                      attribute::kSensitiveDataOrigin | attribute::kRestricted |
                                      attribute::kDecrypt;
    constexpr std::uint32_t kUnwanted = attribute::kSign | attribute::kEncryptedDuplication;
    if ((ek.attributes & kWanted) != kWanted) {
        return "fixedTPM, fixedParent, sensitiveDataOrigin, restricted and decrypt wanted";
    }
    if ((ek.attributes & kUnwanted) != 0) {
        return "sign or encryptedDuplication is set";
    }
    if (ek.symmetric.algorithm != kAes || ek.symmetric.mode != kCfb ||
        (ek.symmetric.key_bits != 128 && ek.symmetric.key_bits != 256)) {
        return "AES-128 or AES-256 in CFB mode wanted";
    }
    if (ek.scheme != kNull) {
        return "a scheme, which no storage key has";
    }
    if (ek.name_alg == HashAlg::sha1) {
        return "SHA-1 in the name";
    }
    return {};
}

Result<Credential> make_credential(const PublicArea& ek, ByteView ak_name, const Secret& secret) {
    if (const std::string fault = ek_attribute_fault(ek); !fault.empty()) {
        return fail(Code::unsupported, "tpm.credential: EK", fault);
    }
    const std::size_t digest = digest_size(ek.name_alg);
    if (secret.reveal().empty() || secret.reveal().size() > digest) {
        return fail(Code::usage, "tpm.credential: secret",
                    "1 to " + std::to_string(digest) + " bytes wanted");
    }
    RATLS_TRY(const Seed made, ek.key.kind() == KeyKind::rsa ? rsa_seed(ek) : ecc_seed(ek));
    const Secret key = kdfa(ek.name_alg, made.seed, kStorage, ak_name, ek.symmetric.key_bits / 8U);
    const Secret mac_key = kdfa(ek.name_alg, made.seed, kIntegrity, {}, digest);
    Writer plain;
    write_sized(plain, secret.reveal());
    const Secret identity(plain.take());
    const Bytes encrypted = aes_cfb_encrypt_once(key, identity.reveal());
    const Digest integrity = hmac(ek.name_alg, mac_key.reveal(), {encrypted, ak_name});
    Writer content;  // TPMS_ID_OBJECT
    write_sized(content, integrity.view());
    content.bytes(encrypted);
    Credential out;
    Writer id_object;
    write_sized(id_object, content.view());
    out.id_object = id_object.take();
    Writer encrypted_secret;
    write_sized(encrypted_secret, made.encrypted);
    out.encrypted_secret = encrypted_secret.take();
    return out;
}

}  // namespace ratls::tpm
