// Builds X.509 certificates piece by piece, so that each piece can be wrong.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/certificate.h"
#include "ratls/crypto/private_key.h"

namespace ratls::test {

inline Bytes from_hex(std::string_view digits) {
    return parse_hex(digits).value();
}

inline Bytes joined(std::initializer_list<Bytes> pieces) {
    Bytes out;
    for (const Bytes& piece : pieces) {
        append(out, piece);
    }
    return out;
}

inline Bytes sequence(std::initializer_list<Bytes> pieces) {
    return der::encode(der::kSequence, joined(pieces));
}

/// A Name with one commonName.
inline Bytes name(std::string_view common_name) {
    const Bytes attribute =
        sequence({from_hex("0603550403"), der::encode(der::kUtf8String, as_bytes(common_name))});
    return der::encode(der::kSequence, der::encode(0x31, attribute));
}

inline Bytes utc_time(std::string_view text) {
    return der::encode(0x17, as_bytes(text));
}

/// An Extension below id-ce (2.5.29).
inline Bytes extension(std::uint8_t id_ce, bool critical, const Bytes& value) {
    return sequence({der::encode(der::kOid, Bytes{0x55, 0x1d, id_ce}),
                     critical ? from_hex("0101ff") : Bytes{},
                     der::encode(der::kOctetString, value)});
}

/// basicConstraints: CA, with a path length if it is not negative.
inline Bytes ca(int path_length = -1) {
    const Bytes limit =
        path_length < 0 ? Bytes{}
                        : der::encode(der::kInteger, Bytes{static_cast<std::uint8_t>(path_length)});
    return extension(19, true, sequence({from_hex("0101ff"), limit}));
}

/// keyUsage; bit 0 (digitalSignature) is the highest bit of the byte, keyCertSign is 0x04.
inline Bytes key_usage(std::uint8_t bits) {
    return extension(15, true, der::encode(der::kBitString, Bytes{0, bits}));
}

inline const PrivateKey& p256_key() {
    static const PrivateKey key = PrivateKey::generate(KeyKind::p256).value();
    return key;
}

/// All pieces are whole DER elements; the defaults make a good certificate.
struct Pieces {
    Bytes version = from_hex("a003020102");
    Bytes serial = from_hex("020101");
    Bytes algorithm = from_hex("300a06082a8648ce3d040302");  // ecdsa-with-SHA256
    Bytes outer_algorithm = algorithm;
    Bytes issuer = name("ca");
    Bytes validity = sequence({utc_time("250101000000Z"), utc_time("251231235959Z")});
    Bytes subject = name("me");
    Bytes spki = p256_key().public_key().spki();
    Bytes unique_ids = {};
    std::vector<Bytes> extensions = {};
    std::uint8_t unused_bits = 0;
    Bytes trailing_tbs = {};
    Bytes trailing = {};

    /// Signed with ECDSA and SHA-256, whatever `algorithm` says.
    Bytes build(const PrivateKey& signer = p256_key()) const {
        Bytes list;
        for (const Bytes& extension : extensions) {
            append(list, extension);
        }
        const Bytes wrapped = extensions.empty()
                                  ? Bytes{}
                                  : der::encode(der::context(3), der::encode(der::kSequence, list));
        const Bytes tbs = sequence({version, serial, algorithm, issuer, validity, subject, spki,
                                    unique_ids, wrapped, trailing_tbs});
        const Bytes raw = signer.sign_ecdsa(HashAlg::sha256, tbs).value();
        const auto integer = [](ByteView number) {
            while (number[0] == 0) {
                number = number.subspan(1);
            }
            Bytes content = to_bytes(number);
            if ((content[0] & 0x80) != 0) {
                content.insert(content.begin(), 0);
            }
            return der::encode(der::kInteger, content);
        };
        Bytes bits = {unused_bits};
        append(bits, sequence({integer(ByteView(raw).first(raw.size() / 2)),
                               integer(ByteView(raw).last(raw.size() / 2))}));
        return sequence({tbs, outer_algorithm, der::encode(der::kBitString, bits), trailing});
    }

    Certificate certificate(const PrivateKey& signer = p256_key()) const {
        auto parsed = Certificate::parse(build(signer));
        REQUIRE(parsed);
        return *parsed;
    }
};

/// The same certificate, which says that it is signed with ecdsa-with-SHA224, not SHA256. It is
/// well-formed, and its signature is of an algorithm that is not verified.
inline Bytes with_another_scheme(ByteView der) {
    const Bytes oid = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    Bytes out = to_bytes(der);
    auto at = std::search(out.begin(), out.end(), oid.begin(), oid.end());
    while (at != out.end()) {
        *(at + 7) = 1;
        at = std::search(at, out.end(), oid.begin(), oid.end());
    }
    return out;
}

}  // namespace ratls::test
