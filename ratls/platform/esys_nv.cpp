// NV indexes of a TPM under ESAPI. Whoever asks is the owner, whose password is empty.
#include <algorithm>

#include "ratls/platform/esys.h"
#include "ratls/platform/tpm.h"

namespace ratls {
namespace {

constexpr std::size_t kLeastBuffer = 64;  // a TPM that says less is wrong, and would take for ever

struct NvIndex {
    EsysHandle handle;
    std::size_t size = 0;
};

Result<NvIndex> open_index(ESYS_CONTEXT* esys, std::uint32_t index) {
    RATLS_CHECK(check_nv_index(index));
    RATLS_TRY(EsysHandle handle, esys_open(esys, index));
    TPM2B_NV_PUBLIC* out = nullptr;
    const TSS2_RC rc = Esys_NV_ReadPublic(esys, handle.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &out, nullptr);
    const EsysPtr<TPM2B_NV_PUBLIC> area(out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_NV_ReadPublic", rc);
    }
    const std::size_t size = area->nvPublic.dataSize;
    if (size > kMaxNvSize) {
        return fail(Code::too_large, "tpm: NV index",
                    "at most " + std::to_string(kMaxNvSize) + " bytes wanted, " +
                        std::to_string(size) + " found");
    }
    return NvIndex{std::move(handle), size};
}

/// How much one command carries.
Result<std::size_t> buffer_size(ESYS_CONTEXT* esys) {
    RATLS_TRY(const EsysPtr<TPMS_CAPABILITY_DATA> known,
              esys_capability(esys, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1));
    const TPML_TAGGED_TPM_PROPERTY& properties = known->data.tpmProperties;
    if (properties.count == 0 || properties.tpmProperty[0].property != TPM2_PT_NV_BUFFER_MAX) {
        return fail(Code::malformed, "tpm: TPM2_GetCapability", "no TPM_PT_NV_BUFFER_MAX");
    }
    return std::clamp<std::size_t>(properties.tpmProperty[0].value, kLeastBuffer,
                                   sizeof TPM2B_MAX_NV_BUFFER{}.buffer);
}

}  // namespace

Result<Bytes> esys_read_nv(ESYS_CONTEXT* esys, std::uint32_t index) {
    RATLS_TRY(const NvIndex nv, open_index(esys, index));
    RATLS_TRY(const std::size_t chunk, buffer_size(esys));
    Bytes content;
    while (content.size() < nv.size) {
        const std::size_t wanted = std::min(chunk, nv.size - content.size());
        TPM2B_MAX_NV_BUFFER* out = nullptr;
        const TSS2_RC rc = Esys_NV_Read(esys, ESYS_TR_RH_OWNER, nv.handle.get(), ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, static_cast<UINT16>(wanted),
                                        static_cast<UINT16>(content.size()), &out);
        const EsysPtr<TPM2B_MAX_NV_BUFFER> part(out);
        if (rc != TSS2_RC_SUCCESS) {
            return esys_failure("TPM2_NV_Read", rc);
        }
        if (part->size != wanted) {
            return fail(Code::malformed, "tpm: TPM2_NV_Read", "another size than asked for");
        }
        append(content, ByteView(part->buffer, part->size));
    }
    return content;
}

Status esys_write_nv(ESYS_CONTEXT* esys, std::uint32_t index, ByteView content) {
    RATLS_TRY(const NvIndex nv, open_index(esys, index));
    RATLS_CHECK(check_nv_content(nv.size, content));
    RATLS_TRY(const std::size_t chunk, buffer_size(esys));
    for (std::size_t at = 0; at < content.size();) {
        const ByteView part = content.subspan(at, std::min(chunk, content.size() - at));
        TPM2B_MAX_NV_BUFFER buffer{};
        buffer.size = static_cast<UINT16>(part.size());
        std::ranges::copy(part, std::begin(buffer.buffer));
        const TSS2_RC rc =
            Esys_NV_Write(esys, ESYS_TR_RH_OWNER, nv.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                          ESYS_TR_NONE, &buffer, static_cast<UINT16>(at));
        if (rc != TSS2_RC_SUCCESS) {
            return esys_failure("TPM2_NV_Write", rc);
        }
        at += part.size();
    }
    return {};
}

Status esys_define_nv(ESYS_CONTEXT* esys, std::uint32_t index, std::size_t size) {
    RATLS_CHECK(check_nv_index(index));
    RATLS_CHECK(check_nv_size(size));
    if (esys_open(esys, index)) {
        return fail(Code::io, "tpm: NV index", "is there already");
    }
    const TPM2B_AUTH no_password{};
    TPM2B_NV_PUBLIC area{};
    area.nvPublic.nvIndex = index;
    area.nvPublic.nameAlg = TPM2_ALG_SHA256;
    area.nvPublic.attributes =
        TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD;
    area.nvPublic.dataSize = static_cast<UINT16>(size);
    ESYS_TR out = ESYS_TR_NONE;
    const TSS2_RC rc = Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &no_password, &area, &out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_NV_DefineSpace", rc);
    }
    const EsysHandle forgotten(esys, out, EsysHandle::Kind::permanent);
    return {};
}

}  // namespace ratls
