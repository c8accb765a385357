// A TPM in software, which writes its structures by hand.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "ratls/crypto/private_key.h"
#include "ratls/platform/tpm.h"
#include "test/fake/fake_ek.h"

namespace ratls::test {

class FakeTpm : public Tpm {
  public:
    FakeTpm();  ///< with an AK of its own
    explicit FakeTpm(PrivateKey ak);

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

    /// Made when it is first asked for.
    FakeEk& ek(EkKind kind);
    /// TPM2_PCR_Extend of one bank.
    void extend(unsigned pcr, HashAlg bank, ByteView digest);
    void set_pcr(unsigned pcr, HashAlg bank, ByteView value);
    /// An NV index that the platform made, with its content.
    void put_nv(std::uint32_t index, Bytes content);
    bool has_nv(std::uint32_t index) const { return nv_.contains(index); }
    /// With which `check` and each quote fail; empty: they do not.
    std::optional<Error> failure;
    /// Called before each quote; may be empty.
    std::function<void()> before_quote;
    /// Called before each read and after each write of an index: what else is in the machine may
    /// answer.
    std::function<void(std::uint32_t index)> before_nv_read;
    std::function<void(std::uint32_t index, ByteView content)> after_nv_write;
    /// As after a reset of the machine: PCRs as at power on, resetCount one higher.
    void reboot();

    /// What an AK that is none, or another TPM, would say. Free to change between calls.
    std::uint32_t attributes = 0x00050072;  // as TpmEsys: restricted signing key, fixed to the TPM
    std::uint64_t clock_ms = 1000;          // 1 more with each quote
    std::uint32_t reset_count = 1;
    std::uint32_t restart_count = 0;
    std::uint64_t firmware_version = 0x2019102300163636;  // libtpms

  private:
    struct Nv {
        std::size_t size = 0;
        std::optional<Bytes> content = {};  ///< none: not written yet
    };
    using Bank = std::array<Digest, tpm::kPcrCount>;

    Bytes public_area() const;
    const Bank* bank(HashAlg alg) const;

    PrivateKey ak_;
    std::map<EkKind, FakeEk> eks_;
    std::map<HashAlg, Bank> banks_;
    std::map<std::uint32_t, Nv> nv_;
};

}  // namespace ratls::test
