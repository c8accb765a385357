// What an attacker would run: a TPM of its own, with the endorsement key of somebody else's.
#pragma once

#include <memory>

#include "ratls/platform/tpm.h"

namespace ratls::test {

/// AK and quotes are those of one TPM, EK and certificates of the other, to which each credential
/// is passed on.
class RelayTpm : public Tpm {
  public:
    RelayTpm(std::unique_ptr<Tpm> own, std::unique_ptr<Tpm> other)
        : own_(std::move(own)), other_(std::move(other)) {}

    Status check() override { return own_->check(); }
    Result<Bytes> ak_public() override { return own_->ak_public(); }
    Result<Bytes> ek_public(EkKind kind) override { return other_->ek_public(kind); }
    Result<Secret> activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) override {
        return other_->activate(kind, id_object, encrypted_secret);
    }
    Result<SignedQuote> quote(ByteView qualifying_data,
                              std::span<const tpm::PcrSelection> selection) override {
        return own_->quote(qualifying_data, selection);
    }
    Result<std::vector<Digest>> read_pcrs(HashAlg bank,
                                          std::span<const unsigned> indexes) override {
        return own_->read_pcrs(bank, indexes);
    }
    Result<Bytes> read_nv(std::uint32_t index) override { return other_->read_nv(index); }
    Status write_nv(std::uint32_t index, ByteView content) override {
        return own_->write_nv(index, content);
    }
    Status define_nv(std::uint32_t index, std::size_t size) override {
        return own_->define_nv(index, size);
    }

  private:
    std::unique_ptr<Tpm> own_;
    std::unique_ptr<Tpm> other_;
};

}  // namespace ratls::test
