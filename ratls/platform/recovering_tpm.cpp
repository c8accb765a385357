#include "ratls/platform/recovering_tpm.h"

namespace ratls {

Result<std::unique_ptr<Tpm>> RecoveringTpm::start(Open open) {
    RATLS_TRY(std::unique_ptr<Tpm> tpm, open());
    RATLS_TRY(Bytes ak, tpm->ak_public());
    return std::unique_ptr<Tpm>(new RecoveringTpm(std::move(open), std::move(tpm), std::move(ak)));
}

Status RecoveringTpm::open_again() {
    RATLS_TRY(std::unique_ptr<Tpm> tpm, open_());
    RATLS_TRY(const Bytes ak, tpm->ak_public());
    if (ak != ak_) {
        return fail(Code::mismatch, "tpm", "it has another AK than before; start again with it");
    }
    tpm_ = std::move(tpm);
    return {};
}

template <typename Call>
auto RecoveringTpm::call(const Call& function) -> decltype(function()) {
    if (tpm_ != nullptr) {
        auto out = function();
        if (out || tpm_->check()) {
            return out;  // done, or refused by a TPM that is there
        }
        tpm_.reset();
    }
    RATLS_CHECK(open_again());
    return function();
}

Status RecoveringTpm::check() {
    return call([&] { return tpm_->check(); });
}

Result<Bytes> RecoveringTpm::ak_public() {
    return ak_;
}

Result<Bytes> RecoveringTpm::ek_public(EkKind kind) {
    return call([&] { return tpm_->ek_public(kind); });
}

Result<Secret> RecoveringTpm::activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) {
    return call([&] { return tpm_->activate(kind, id_object, encrypted_secret); });
}

Result<SignedQuote> RecoveringTpm::quote(ByteView qualifying_data,
                                         std::span<const tpm::PcrSelection> selection) {
    return call([&] { return tpm_->quote(qualifying_data, selection); });
}

Result<std::vector<Digest>> RecoveringTpm::read_pcrs(HashAlg bank,
                                                     std::span<const unsigned> indexes) {
    return call([&] { return tpm_->read_pcrs(bank, indexes); });
}

Result<Bytes> RecoveringTpm::read_nv(std::uint32_t index) {
    return call([&] { return tpm_->read_nv(index); });
}

Status RecoveringTpm::write_nv(std::uint32_t index, ByteView content) {
    return call([&] { return tpm_->write_nv(index, content); });
}

Status RecoveringTpm::define_nv(std::uint32_t index, std::size_t size) {
    return call([&] { return tpm_->define_nv(index, size); });
}

}  // namespace ratls
