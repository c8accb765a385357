#include "ratls/cert/activation.h"

#include <algorithm>

#include "ratls/cert/cbor_fields.h"
#include "ratls/crypto/hmac.h"

namespace ratls::cert {
namespace {

constexpr std::string_view kProof{"ratls-vm/activate/1\0", 20};
static_assert(kProof.back() == '\0');

constexpr std::size_t kMaxPublicArea = 1024;
constexpr std::size_t kMaxCredentialPart = 1024;  // what a TPM takes is less

}  // namespace

Bytes encode_ek_answer(const EkAnswer& answer) {
    cbor::Encoder out;
    out.map(2).uint(1).array(answer.certificates.size());
    for (const Bytes& certificate : answer.certificates) {
        out.bytes(certificate);
    }
    return out.uint(2).bytes(answer.public_area).take();
}

Result<EkAnswer> parse_ek_answer(ByteView in) {
    RATLS_TRY(const cbor::Value value, cbor::parse(in, "ek"));
    Fields f("ek");
    f.known_keys(value, {1, 2}, "", "keys");
    EkAnswer out;
    const cbor::Value* certificates = value.find(std::uint64_t{1});
    const std::size_t count = f.array(certificates, 1, kMaxEkCertificates, "certificates");
    for (std::size_t i = 0; i < count; ++i) {
        out.certificates.push_back(
            to_bytes(f.bytes(at(certificates, i), 1, kMaxEkCertificateBytes, "certificate")));
    }
    out.public_area =
        to_bytes(f.bytes(value.find(std::uint64_t{2}), 1, kMaxPublicArea, "public area"));
    return f.finish(std::move(out));
}

Bytes encode_activation_request(const ActivationRequest& request) {
    cbor::Encoder out;
    out.map(3).uint(1).bytes(request.context).uint(2).bytes(request.id_object);
    return out.uint(3).bytes(request.encrypted_secret).take();
}

Result<ActivationRequest> parse_activation_request(ByteView in) {
    RATLS_TRY(const cbor::Value value, cbor::parse(in, "activate"));
    Fields f("activate");
    f.known_keys(value, {1, 2, 3}, "", "keys");
    ActivationRequest out;
    out.context = f.digest(value.find(std::uint64_t{1}), "context");
    out.id_object =
        to_bytes(f.bytes(value.find(std::uint64_t{2}), 1, kMaxCredentialPart, "TPM2B_ID_OBJECT"));
    out.encrypted_secret = to_bytes(
        f.bytes(value.find(std::uint64_t{3}), 1, kMaxCredentialPart, "TPM2B_ENCRYPTED_SECRET"));
    return f.finish(std::move(out));
}

Bytes encode_activation_answer(const Sha256Digest& proof) {
    return cbor::Encoder().map(1).uint(1).bytes(proof).take();
}

Result<Sha256Digest> parse_activation_answer(ByteView in) {
    RATLS_TRY(const cbor::Value value, cbor::parse(in, "activation"));
    Fields f("activation");
    f.known_keys(value, {1}, "", "keys");
    return f.finish(f.digest(value.find(std::uint64_t{1}), "proof"));
}

Sha256Digest activation_proof(const Secret& secret, const ActivationContext& context,
                              ByteView leaf_spki) {
    const Digest mac =
        hmac(HashAlg::sha256, secret.reveal(), {as_bytes(kProof), context, leaf_spki});
    Sha256Digest out{};
    std::ranges::copy(mac.view(), out.begin());
    return out;
}

}  // namespace ratls::cert
