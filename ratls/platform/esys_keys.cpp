#include "ratls/platform/esys_keys.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "ratls/codec/hex.h"
#include "ratls/evidence/tpm/credential.h"

namespace ratls {
namespace {

constexpr TPMA_OBJECT kAkAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                      TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                      TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
constexpr TPMA_OBJECT kEkAttributes =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;

// PolicyA, SHA-256, and PolicyB, SHA-384. Source: TCG EK Credential Profile 2.5, B.6.
constexpr std::string_view kPolicyA =
    "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
constexpr std::string_view kPolicyB =
    "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419ca"
    "cb47ba09699646150f9fc000f3f80e12";

constexpr UINT16 kRsaBits = 2048;
constexpr UINT16 kRsaUnique = 256;
constexpr UINT16 kP256Unique = 32;

/// Source: TPM 2.0 Library, Part 2, 12.2.4.
TPM2B_PUBLIC ak_template(AkType type) {
    TPM2B_PUBLIC out{};
    TPMT_PUBLIC& area = out.publicArea;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = kAkAttributes;
    if (type == AkType::rsa) {
        area.type = TPM2_ALG_RSA;
        TPMS_RSA_PARMS& rsa = area.parameters.rsaDetail;
        rsa.symmetric.algorithm = TPM2_ALG_NULL;
        rsa.scheme.scheme = TPM2_ALG_RSASSA;
        rsa.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
        rsa.keyBits = kRsaBits;
        return out;
    }
    area.type = TPM2_ALG_ECC;
    TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
    ecc.symmetric.algorithm = TPM2_ALG_NULL;
    ecc.scheme.scheme = TPM2_ALG_ECDSA;
    ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    ecc.curveID = TPM2_ECC_NIST_P256;
    ecc.kdf.scheme = TPM2_ALG_NULL;
    return out;
}

/// Source: go-tpm-tools, client/handles.go: the index holds a TPMT_PUBLIC.
Result<TPM2B_PUBLIC> nv_template(ESYS_CONTEXT* esys, std::uint32_t index) {
    RATLS_TRY(const Bytes content, esys_read_nv(esys, index));
    TPM2B_PUBLIC out{};
    std::size_t offset = 0;
    const TSS2_RC rc =
        Tss2_MU_TPMT_PUBLIC_Unmarshal(content.data(), content.size(), &offset, &out.publicArea);
    if (rc != TSS2_RC_SUCCESS || offset != content.size()) {
        return fail(Code::malformed, "tpm: template of the AK", "no TPMT_PUBLIC in its NV index");
    }
    return out;
}

void set_policy(TPMT_PUBLIC& area, std::string_view digits) {
    const Bytes digest = parse_hex(digits).value_or(Bytes{});
    area.authPolicy.size = static_cast<UINT16>(digest.size());
    std::ranges::copy(digest, std::begin(area.authPolicy.buffer));
}

TPMT_SYM_DEF_OBJECT aes_cfb(UINT16 bits) {
    TPMT_SYM_DEF_OBJECT out{};
    out.algorithm = TPM2_ALG_AES;
    out.keyBits.aes = bits;
    out.mode.aes = TPM2_ALG_CFB;
    return out;
}

/// Source: TCG EK Credential Profile 2.5, B.3 (L-1), B.4 (L-2), and for P-384 H-3.
TPM2B_PUBLIC ek_template(EkKind kind) {
    TPM2B_PUBLIC out{};
    TPMT_PUBLIC& area = out.publicArea;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = kEkAttributes;
    set_policy(area, kPolicyA);
    if (kind == EkKind::rsa) {
        area.type = TPM2_ALG_RSA;
        TPMS_RSA_PARMS& rsa = area.parameters.rsaDetail;
        rsa.symmetric = aes_cfb(128);
        rsa.scheme.scheme = TPM2_ALG_NULL;
        rsa.keyBits = kRsaBits;
        area.unique.rsa.size = kRsaUnique;  // zeros
        return out;
    }
    area.type = TPM2_ALG_ECC;
    TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
    ecc.scheme.scheme = TPM2_ALG_NULL;
    ecc.kdf.scheme = TPM2_ALG_NULL;
    if (kind == EkKind::p256) {
        ecc.symmetric = aes_cfb(128);
        ecc.curveID = TPM2_ECC_NIST_P256;
        area.unique.ecc.x.size = kP256Unique;  // zeros
        area.unique.ecc.y.size = kP256Unique;
        return out;
    }
    area.nameAlg = TPM2_ALG_SHA384;
    area.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
    set_policy(area, kPolicyB);
    ecc.symmetric = aes_cfb(256);
    ecc.curveID = TPM2_ECC_NIST_P384;
    return out;
}

Result<EsysKey> key_of(EsysHandle handle, const TPM2B_PUBLIC& area) {
    RATLS_TRY(Bytes bytes, esys_marshal(area.publicArea, &Tss2_MU_TPMT_PUBLIC_Marshal));
    RATLS_TRY(tpm::PublicArea parsed, tpm::parse_public_area(bytes));
    return EsysKey{std::move(handle), std::move(bytes), std::move(parsed)};
}

/// A primary key of the endorsement hierarchy, whose password is empty.
Result<EsysKey> create_primary(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& wanted) {
    const TPM2B_SENSITIVE_CREATE no_secret{};
    const TPM2B_DATA no_data{};
    const TPML_PCR_SELECTION no_pcrs{};
    ESYS_TR handle = ESYS_TR_NONE;
    TPM2B_PUBLIC* public_out = nullptr;
    const TSS2_RC rc = Esys_CreatePrimary(
        esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
        &wanted, &no_data, &no_pcrs, &handle, &public_out, nullptr, nullptr, nullptr);
    const EsysPtr<TPM2B_PUBLIC> created(public_out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_CreatePrimary", rc);
    }
    RATLS_TRY(EsysKey key, key_of(EsysHandle(esys, handle, EsysHandle::Kind::transient), *created));
    if (created->publicArea.type != wanted.publicArea.type ||
        key.parsed.attributes != wanted.publicArea.objectAttributes) {
        return fail(Code::malformed, "tpm: TPM2_CreatePrimary", "a key that was not asked for");
    }
    return key;
}

/// A key that somebody else made. What it must be, only its public area can say.
Result<EsysKey> persistent_key(ESYS_CONTEXT* esys, std::uint32_t handle) {
    RATLS_TRY(EsysHandle key, esys_open(esys, handle));
    TPM2B_PUBLIC* public_out = nullptr;
    const TSS2_RC rc = Esys_ReadPublic(esys, key.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       &public_out, nullptr, nullptr);
    const EsysPtr<TPM2B_PUBLIC> read(public_out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_ReadPublic", rc);
    }
    return key_of(std::move(key), *read);
}

KeyKind key_kind(EkKind kind) {
    switch (kind) {
        case EkKind::rsa:
            return KeyKind::rsa;
        case EkKind::p256:
            return KeyKind::p256;
        case EkKind::p384:
            return KeyKind::p384;
    }
    return KeyKind::rsa;
}

/// A policy session in which the password of the endorsement hierarchy, which is empty, was given.
Result<EsysHandle> endorsement_session(ESYS_CONTEXT* esys) {
    TPMT_SYM_DEF no_encryption{};
    no_encryption.algorithm = TPM2_ALG_NULL;
    ESYS_TR out = ESYS_TR_NONE;
    TSS2_RC rc = Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, nullptr, TPM2_SE_POLICY, &no_encryption,
                                       TPM2_ALG_SHA256, &out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_StartAuthSession", rc);
    }
    EsysHandle session(esys, out, EsysHandle::Kind::transient);
    // Else the TPM ends the session with its first use, and it would be flushed twice.
    rc = Esys_TRSess_SetAttributes(esys, session.get(), TPMA_SESSION_CONTINUESESSION, 0xff);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("Esys_TRSess_SetAttributes", rc);
    }
    rc = Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session.get(), ESYS_TR_PASSWORD,
                           ESYS_TR_NONE, ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr,
                           nullptr);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_PolicySecret", rc);
    }
    return session;
}

/// The TPM does not take a parameter. Source: TPM 2.0 Library, Part 2, 6.6 TPM_RC. libtpms says
/// TPM_RC_FAILURE if the padding below RSA is wrong, and goes on.
bool refuses_parameter(TSS2_RC rc) {
    const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
    const TSS2_RC code = rc & ~TSS2_RC_LAYER_MASK;
    return (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER) &&
           (code == TPM2_RC_FAILURE || ((code & TPM2_RC_FMT1) != 0 && (code & TPM2_RC_P) != 0));
}

}  // namespace

Result<EsysKey> esys_ak(ESYS_CONTEXT* esys, const TpmKeys& keys) {
    const auto find = [&]() -> Result<EsysKey> {
        if (keys.ak_handle) {
            return persistent_key(esys, *keys.ak_handle);
        }
        if (!keys.ak_template) {
            return create_primary(esys, ak_template(keys.ak_type));
        }
        RATLS_TRY(const TPM2B_PUBLIC wanted, nv_template(esys, *keys.ak_template));
        return create_primary(esys, wanted);
    };
    RATLS_TRY(EsysKey key, find());
    if (const std::string fault = tpm::ak_attribute_fault(key.parsed); !fault.empty()) {
        return fail(Code::unsupported, "tpm: key", "no attestation key: " + fault);
    }
    return key;
}

Result<EsysKey> esys_ek(ESYS_CONTEXT* esys, const TpmKeys& keys, EkKind kind) {
    RATLS_TRY(EsysKey key, keys.ek_handle ? persistent_key(esys, *keys.ek_handle)
                                          : create_primary(esys, ek_template(kind)));
    if (const std::string fault = tpm::ek_attribute_fault(key.parsed); !fault.empty()) {
        return fail(Code::unsupported, "tpm: key", "no endorsement key: " + fault);
    }
    if (key.parsed.key.kind() != key_kind(kind)) {
        return fail(Code::unsupported, "tpm: key", "an endorsement key of another kind");
    }
    return key;
}

Result<Secret> esys_activate(ESYS_CONTEXT* esys, const EsysKey& ak, const EsysKey& ek,
                             ByteView id_object, ByteView encrypted_secret) {
    TPM2B_ID_OBJECT credential{};
    TPM2B_ENCRYPTED_SECRET seed{};
    RATLS_TRY(const ByteView credential_content,
              check_sized(id_object, sizeof credential.credential, "id_object"));
    RATLS_TRY(const ByteView seed_content,
              check_sized(encrypted_secret, sizeof seed.secret, "encrypted_secret"));
    credential.size = static_cast<UINT16>(credential_content.size());
    std::ranges::copy(credential_content, std::begin(credential.credential));
    seed.size = static_cast<UINT16>(seed_content.size());
    std::ranges::copy(seed_content, std::begin(seed.secret));

    std::optional<EsysHandle> session;
    if ((ek.parsed.attributes & tpm::attribute::kUserWithAuth) == 0) {
        RATLS_TRY(EsysHandle started, endorsement_session(esys));
        session.emplace(std::move(started));
    }
    TPM2B_DIGEST* out = nullptr;
    const TSS2_RC rc = Esys_ActivateCredential(
        esys, ak.handle.get(), ek.handle.get(), ESYS_TR_PASSWORD,
        session ? session->get() : ESYS_TR_PASSWORD, ESYS_TR_NONE, &credential, &seed, &out);
    const EsysPtr<TPM2B_DIGEST> secret(out);
    if (refuses_parameter(rc)) {
        return fail(Code::mismatch, "tpm: TPM2_ActivateCredential",
                    "no credential for this EK and this AK");
    }
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_ActivateCredential", rc);
    }
    if (secret->size > sizeof secret->buffer) {
        return fail(Code::malformed, "tpm: TPM2_ActivateCredential", "a secret that is too long");
    }
    Secret copy(to_bytes(ByteView(secret->buffer, secret->size)));
    secure_wipe(secret->buffer, sizeof secret->buffer);
    return copy;
}

}  // namespace ratls
