#include "ratls/evidence/tpm/public_area.h"

namespace ratls::tpm {
namespace {

constexpr std::uint16_t kCurveP256 = 0x0003;
constexpr std::uint16_t kCurveP384 = 0x0004;
constexpr std::uint32_t kDefaultExponent = 65537;

Symmetric read_symmetric(Reader& r) {
    Symmetric out;
    out.algorithm = r.u16_be("parameters.symmetric");
    if (out.algorithm != kNull) {
        out.key_bits = r.u16_be("parameters.symmetric.keyBits");
        out.mode = r.u16_be("parameters.symmetric.mode");
    }
    return out;
}

struct Scheme {
    std::uint16_t id = kNull;
    std::optional<HashAlg> hash;
};

/// TPMT_RSA_SCHEME, TPMT_ECC_SCHEME and TPMT_KDF_SCHEME: an algorithm and its hash.
Scheme read_scheme(Reader& r, std::string_view field) {
    Scheme scheme;
    scheme.id = r.u16_be(field);
    if (r.ok() && scheme.id != kNull && scheme.id != kRsaes) {
        scheme.hash = read_hash(r, field);
        if (scheme.id == kEcdaa) {
            r.u16_be("parameters.scheme.count");
        }
    }
    return scheme;
}

}  // namespace

Result<PublicArea> parse_public_area(ByteView in) {
    Reader r(in, "tpm.public");
    const std::uint16_t type = r.u16_be("type");
    if (r.ok() && type != kRsa && type != kEcc) {
        r.fail(Code::unsupported, "type", "RSA or ECC wanted, " + std::to_string(type) + " found");
    }
    const HashAlg name_alg = read_hash(r, "nameAlg");
    const std::uint32_t attributes = r.u32_be("objectAttributes");
    r.bytes_u16_be("authPolicy");
    const Symmetric symmetric = read_symmetric(r);
    const Scheme scheme = read_scheme(r, "parameters.scheme");
    std::uint32_t exponent = 0;
    std::uint16_t key_bits = 0;
    std::uint16_t curve = 0;
    ByteView first;
    ByteView second;
    if (type == kRsa) {
        key_bits = r.u16_be("parameters.keyBits");
        exponent = r.u32_be("parameters.exponent");
        first = r.bytes_u16_be("unique.rsa");
    } else {
        curve = r.u16_be("parameters.curveID");
        if (r.ok() && curve != kCurveP256 && curve != kCurveP384) {
            r.fail(Code::unsupported, "parameters.curveID", "P-256 or P-384 wanted");
        }
        read_scheme(r, "parameters.kdf");
        first = r.bytes_u16_be("unique.ecc.x");
        second = r.bytes_u16_be("unique.ecc.y");
    }
    RATLS_TRY(const int done, r.finish(0));
    static_cast<void>(done);
    auto key = type == kRsa
                   ? PublicKey::from_rsa(first, exponent == 0 ? kDefaultExponent : exponent)
                   : PublicKey::from_point(curve == kCurveP256 ? KeyKind::p256 : KeyKind::p384,
                                           first, second);
    if (!key) {
        return std::unexpected(std::move(key).error().in("tpm.public"));
    }
    if (type == kRsa && key->bits() != key_bits) {
        return fail(
            Code::mismatch, "tpm.public: parameters.keyBits",
            std::to_string(key_bits) + " claimed, the modulus has " + std::to_string(key->bits()));
    }
    Bytes name{static_cast<std::uint8_t>(hash_id(name_alg) >> 8),
               static_cast<std::uint8_t>(hash_id(name_alg))};
    append(name, hash(name_alg, in).view());
    return PublicArea{name_alg,    attributes,      symmetric,      scheme.id,
                      scheme.hash, *std::move(key), std::move(name)};
}

ByteView strip_tpm2b(ByteView in) {
    if (in.size() >= 2 && in.size() - 2 == static_cast<std::size_t>(in[0] * 256 + in[1])) {
        return in.subspan(2);
    }
    return in;
}

std::string ak_attribute_fault(const PublicArea& area) {
    constexpr std::uint32_t kWanted = attribute::kFixedTpm | attribute::kFixedParent |
                                      attribute::kSensitiveDataOrigin | attribute::kRestricted |
                                      attribute::kSign;
    constexpr std::uint32_t kUnwanted = attribute::kDecrypt | attribute::kEncryptedDuplication;
    if ((area.attributes & attribute::kRestricted) == 0) {
        return "not restricted: its holder signs any bytes, so also a forged quote";
    }
    if ((area.attributes & kWanted) != kWanted) {
        return "fixedTPM, fixedParent, sensitiveDataOrigin, restricted and sign wanted";
    }
    if ((area.attributes & kUnwanted) != 0) {
        return "decrypt or encryptedDuplication is set";
    }
    if (area.scheme != kRsassa && area.scheme != kRsapss && area.scheme != kEcdsa) {
        return "no signing scheme";
    }
    if (area.scheme_hash == HashAlg::sha1 || area.name_alg == HashAlg::sha1) {
        return "SHA-1 in scheme or name";
    }
    return {};
}

}  // namespace ratls::tpm
