// A TPM that may fail, and come back.
#pragma once

#include <functional>
#include <memory>

#include "ratls/platform/tpm.h"

namespace ratls {

/// Opens the TPM again, with its AK, once it does not answer any more: a TPM that was reset, or
/// whose other end went, knows neither connection nor keys. The call that finds that out is tried
/// once more on the new connection. While the TPM is gone each call fails as `open` does, and with
/// `mismatch` if it comes back with another AK: what is signed with that one belongs to no
/// certificate that there is.
class RecoveringTpm : public Tpm {
  public:
    using Open = std::function<Result<std::unique_ptr<Tpm>>()>;

    /// Fails as `open` does, which is called now and whenever the TPM was lost.
    static Result<std::unique_ptr<Tpm>> start(Open open);

    Status check() override;
    Result<Bytes> ak_public() override;
    Result<Bytes> ek_public(EkKind kind) override;
    Result<Secret> activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) override;
    Result<SignedQuote> quote(ByteView qualifying_data,
                              std::span<const tpm::PcrSelection> selection) override;
    Result<std::vector<Digest>> read_pcrs(HashAlg bank, std::span<const unsigned> indexes) override;
    Result<Bytes> read_nv(std::uint32_t index) override;
    Status write_nv(std::uint32_t index, ByteView content) override;
    Status define_nv(std::uint32_t index, std::size_t size) override;

  private:
    RecoveringTpm(Open open, std::unique_ptr<Tpm> tpm, Bytes ak)
        : open_(std::move(open)), tpm_(std::move(tpm)), ak_(std::move(ak)) {}

    Status open_again();
    template <typename Call>
    auto call(const Call& function) -> decltype(function());

    Open open_;
    std::unique_ptr<Tpm> tpm_;  ///< none: lost
    Bytes ak_;                  ///< the first one
};

}  // namespace ratls
