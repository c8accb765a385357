#include "ratls/platform/esys.h"

#include <tss2/tss2_rc.h>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"

namespace ratls {
namespace {

/// Source: TPM 2.0 Library, Part 2, 6.6 TPM_RC: a code of format one also says which handle,
/// session or parameter it is about.
Code code_of(TSS2_RC rc) {
    const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
    if (layer == TSS2_TCTI_RC_LAYER) {
        return Code::unavailable;
    }
    if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER) {
        return Code::io;
    }
    const TSS2_RC plain = (rc & TPM2_RC_FMT1) != 0 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc & 0xfff;
    switch (plain) {
        case TPM2_RC_AUTH_FAIL:
        case TPM2_RC_BAD_AUTH:
        case TPM2_RC_LOCKOUT:
        case TPM2_RC_NV_AUTHORIZATION:
        case TPM2_RC_NV_LOCKED:
            return Code::denied;
        case TPM2_RC_HASH:
            return Code::unsupported;
        case TPM2_RC_RETRY:
        case TPM2_RC_YIELDED:
        case TPM2_RC_TESTING:
        case TPM2_RC_NV_UNINITIALIZED:
            return Code::unavailable;
        default:
            return Code::io;
    }
}

}  // namespace

std::unexpected<Error> esys_failure(std::string_view call, TSS2_RC rc) {
    return fail(code_of(rc), "tpm: " + std::string(call), Tss2_RC_Decode(rc));
}

Result<EsysPtr<TPMS_CAPABILITY_DATA>> esys_capability(ESYS_CONTEXT* esys, TPM2_CAP capability,
                                                      std::uint32_t property, std::uint32_t count) {
    TPMI_YES_NO more = 0;
    TPMS_CAPABILITY_DATA* out = nullptr;
    const TSS2_RC rc = Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                          capability, property, count, &more, &out);
    EsysPtr<TPMS_CAPABILITY_DATA> data(out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("TPM2_GetCapability", rc);
    }
    if (data->capability != capability) {
        return fail(Code::malformed, "tpm: TPM2_GetCapability", "an answer that was not asked for");
    }
    return data;
}

Result<EsysHandle> esys_open(ESYS_CONTEXT* esys, std::uint32_t handle) {
    // ESAPI writes to standard error when a handle is not there, so the TPM is asked first.
    RATLS_TRY(const EsysPtr<TPMS_CAPABILITY_DATA> known,
              esys_capability(esys, TPM2_CAP_HANDLES, handle, 1));
    const TPML_HANDLE& handles = known->data.handles;
    if (handles.count == 0 || handles.handle[0] != handle) {
        return fail(Code::unavailable, "tpm",
                    "nothing at handle 0x" + hex(Writer().u32_be(handle).view()));
    }
    ESYS_TR out = ESYS_TR_NONE;
    const TSS2_RC rc =
        Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &out);
    if (rc != TSS2_RC_SUCCESS) {
        return esys_failure("handle", rc);
    }
    return EsysHandle(esys, out, EsysHandle::Kind::permanent);
}

}  // namespace ratls
