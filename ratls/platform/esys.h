// What the parts of TpmEsys share. For them only.
#pragma once

#include <tss2/tss2_esys.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

struct FreeEsys {
    void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, FreeEsys>;

/// A handle of ESAPI. A TPM has few places for loaded objects, without a resource manager three:
/// those go with the handle. What stays in the TPM is only forgotten.
class EsysHandle {
  public:
    enum class Kind : std::uint8_t { transient, permanent };

    EsysHandle(ESYS_CONTEXT* esys, ESYS_TR handle, Kind kind)
        : esys_(esys), handle_(handle), kind_(kind) {}
    EsysHandle(EsysHandle&& other) noexcept
        : esys_(other.esys_),
          handle_(std::exchange(other.handle_, ESYS_TR_NONE)),
          kind_(other.kind_) {}
    EsysHandle(const EsysHandle&) = delete;
    EsysHandle& operator=(const EsysHandle&) = delete;
    ~EsysHandle() {
        if (handle_ == ESYS_TR_NONE) {
            return;
        }
        if (kind_ == Kind::transient) {
            Esys_FlushContext(esys_, handle_);
        } else {
            Esys_TR_Close(esys_, &handle_);
        }
    }
    ESYS_TR get() const { return handle_; }

  private:
    ESYS_CONTEXT* esys_;
    ESYS_TR handle_;
    Kind kind_;
};

/// The bytes of a structure, by the marshalling function of its type.
template <typename T>
Result<Bytes> esys_marshal(const T& value, TSS2_RC (*function)(const T*, std::uint8_t[],
                                                               std::size_t, std::size_t*)) {
    std::array<std::uint8_t, sizeof(T) + 64> buffer{};
    std::size_t size = 0;
    const TSS2_RC rc = function(&value, buffer.data(), buffer.size(), &size);
    if (rc != TSS2_RC_SUCCESS || size > buffer.size()) {
        return fail(Code::malformed, "tpm", "a reply that cannot be written out");
    }
    return to_bytes(ByteView(buffer).first(size));
}

std::unexpected<Error> esys_failure(std::string_view call, TSS2_RC rc);

/// What the TPM says about itself, `count` values from `property` on.
Result<EsysPtr<TPMS_CAPABILITY_DATA>> esys_capability(ESYS_CONTEXT* esys, TPM2_CAP capability,
                                                      std::uint32_t property, std::uint32_t count);

/// A persistent object or NV index. `unavailable` if the TPM has none at this handle.
Result<EsysHandle> esys_open(ESYS_CONTEXT* esys, std::uint32_t handle);

/// As in Tpm.
Result<Bytes> esys_read_nv(ESYS_CONTEXT* esys, std::uint32_t index);
Status esys_write_nv(ESYS_CONTEXT* esys, std::uint32_t index, ByteView content);
Status esys_define_nv(ESYS_CONTEXT* esys, std::uint32_t index, std::size_t size);

}  // namespace ratls
