#include "ratls/evidence/tpm/signature.h"

namespace ratls::tpm {

Result<Signature> parse_signature(ByteView in) {
    Reader r(in, "tpm.signature");
    Signature out;
    out.scheme = r.u16_be("sigAlg");
    if (r.ok() && out.scheme != kRsassa && out.scheme != kRsapss && out.scheme != kEcdsa) {
        r.fail(Code::unsupported, "sigAlg",
               "RSASSA, RSAPSS or ECDSA wanted, " + std::to_string(out.scheme) + " found");
    }
    out.hash = read_hash(r, "hash");
    out.first = r.bytes_u16_be("signature");
    if (out.scheme == kEcdsa) {
        out.second = r.bytes_u16_be("signatureS");
    }
    return r.finish(out);
}

Status verify_signature(const PublicKey& key, const Signature& signature, ByteView message) {
    if (signature.hash == HashAlg::sha1) {
        return fail(Code::untrusted, "tpm.signature", "SHA-1 is too weak for a signature");
    }
    switch (signature.scheme) {
        case kRsassa:
            return key.verify_rsa_pkcs1(signature.hash, message, signature.first);
        case kRsapss:
            return key.verify_rsa_pss(signature.hash, -1, message, signature.first);
        default:
            return key.verify_ecdsa(signature.hash, message, signature.first, signature.second);
    }
}

}  // namespace ratls::tpm
