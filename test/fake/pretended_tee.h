// A TEE that is none: it signs SNP reports under a root of its own, which nobody trusts unless
// told.
#pragma once

#include <string>

#include "ratls/crypto/private_key.h"

namespace ratls::test {

/// What a report says; free to change. The defaults are an ordinary guest on a Genoa, with chip id
/// and TCB as in the VCEK. Names are those of AMD 56860, ATTESTATION_REPORT.
struct SnpFields {
    std::uint32_t version = 3;
    std::uint32_t guest_svn = 0;
    std::uint64_t policy = 0x30000;  // SMT allowed, bit 17, which is always 1
    std::array<std::uint8_t, 16> family_id{};
    std::array<std::uint8_t, 16> image_id{};
    std::uint32_t vmpl = 0;
    std::array<std::uint8_t, 8> current_tcb{};
    std::uint64_t platform_info = 0x25;  // SMT, ECC, ALIAS_CHECK_COMPLETE
    std::uint32_t key_info = 0;          // signed by the VCEK
    std::array<std::uint8_t, 48> measurement{};
    std::array<std::uint8_t, 32> host_data{};
    std::array<std::uint8_t, 48> id_key_digest{};
    std::array<std::uint8_t, 48> author_key_digest{};
    std::array<std::uint8_t, 32> report_id{};
    std::array<std::uint8_t, 8> reported_tcb{};
    std::array<std::uint8_t, 3> cpuid = {0x19, 0x11, 0x01};  // family, model, stepping: Genoa
    std::array<std::uint8_t, 64> chip_id{};
    std::array<std::uint8_t, 8> committed_tcb{};
    std::array<std::uint8_t, 8> launch_tcb{};
};

class PretendedTee {
  public:
    /// A folder that test/pki/make_snp_pki.sh made. Throws if it is none.
    explicit PretendedTee(const std::string& pki_folder);

    SnpFields fields;

    /// ATTESTATION_REPORT, 1184 bytes, signed.
    Bytes report(const std::array<std::uint8_t, 64>& report_data) const;
    /// ASK and VCEK, as a host gives them.
    Bytes cert_table() const;

    const Bytes& ark() const { return ark_; }  ///< DER, as all of these
    const Bytes& ask() const { return ask_; }
    const Bytes& vcek() const { return vcek_; }
    const Bytes& crl() const { return crl_; }

  private:
    Bytes ark_, ask_, vcek_, crl_;
    PrivateKey key_;
};

}  // namespace ratls::test
