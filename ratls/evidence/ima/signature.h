// The signature of a file that an IMA list carries: the content of security.ima.
#pragma once

#include <array>

#include "ratls/base/result.h"
#include "ratls/crypto/public_key.h"

namespace ratls::ima {

/// By which four bytes a signature names its key.
using KeyId = std::array<std::uint8_t, 4>;

/// A signature over the digest of the file's content ("digsig", version 2). Views into the field.
/// Source: Linux security/integrity/integrity.h, signature_v2_hdr, EVM_IMA_XATTR_DIGSIG.
struct FileSignature {
    HashAlg hash = HashAlg::sha256;  ///< of the file
    KeyId key_id{};                  ///< a hint: which key it is by
    ByteView signature;              ///< RSASSA-PKCS1-v1_5, or a DER ECDSA-Sig-Value
};

/// Parses the field "sig" of an entry. `unsupported` for what is no such signature: the older
/// version 1, those of EVM and fs-verity, hash functions that are not ours.
Result<FileSignature> parse_file_signature(ByteView field);

/// Whether the key signed a file with this digest. The path is not signed.
Status verify_file_signature(const FileSignature& signature, HashAlg alg, ByteView digest,
                             const PublicKey& key);

/// The last four bytes of the SHA-1 of the key's bits, by which evmctl and the kernel's keyrings
/// name a key if its certificate says nothing else.
/// Source: RFC 5280, section 4.2.1.2 (1); ima-evm-utils, src/libimaevm.c, calc_keyid_v2.
KeyId key_id(const PublicKey& key);

}  // namespace ratls::ima
