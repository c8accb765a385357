// The endorsement key of a TPM in software, by libcrypto: it shares no code with what it tests.
#pragma once

#include <memory>
#include <optional>

#include "ratls/crypto/public_key.h"

namespace ratls::test {

class FakeEk {
  public:
    /// A new key as the default templates of the TCG make it: RSA with 2048 bits, P-256 or P-384.
    explicit FakeEk(KeyKind kind);
    ~FakeEk();
    FakeEk(FakeEk&&) noexcept;

    KeyKind kind() const;
    PublicKey key() const;
    Bytes public_area() const;  ///< TPMT_PUBLIC
    /// What an EK that is none would say; free to change.
    std::uint32_t attributes = 0x000300b2;

    /// TPM2_ActivateCredential for the key with this name; both as TPM2B. Nothing if the credential
    /// is for another EK or another name.
    std::optional<Bytes> activate(ByteView name, ByteView id_object,
                                  ByteView encrypted_secret) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ratls::test
