#include "ratls/platform/tpm.h"

#include "ratls/base/reader.h"
#include "ratls/codec/der.h"

namespace ratls {
namespace {

std::uint32_t certificate_index(EkKind kind) {
    switch (kind) {
        case EkKind::rsa:
            return 0x01c00002;
        case EkKind::p256:
            return 0x01c0000a;
        case EkKind::p384:
            return 0x01c00016;
    }
    return 0;
}

}  // namespace

Result<Bytes> nv_certificate(Tpm& tpm, std::uint32_t index) {
    RATLS_TRY(const Bytes content, tpm.read_nv(index));
    der::Parser parser(content, "certificate");
    const ByteView certificate = parser.whole(der::kSequence, "Certificate");
    if (!parser.ok()) {
        return fail(Code::malformed, "tpm: certificate", "no DER in its NV index");
    }
    return to_bytes(certificate);
}

Result<std::vector<EkCertificate>> ek_certificates(Tpm& tpm) {
    std::vector<EkCertificate> out;
    std::optional<Error> bad;
    for (const EkKind kind : kEkKinds) {
        auto certificate = nv_certificate(tpm, certificate_index(kind));
        if (certificate) {
            out.push_back({kind, *std::move(certificate)});
        } else if (certificate.error().code != Code::unavailable) {
            bad = std::move(certificate).error().in("EK certificate");
        }
    }
    if (out.empty() && bad) {
        return std::unexpected(*std::move(bad));
    }
    return out;
}

Status check_quote_arguments(ByteView qualifying_data,
                             std::span<const tpm::PcrSelection> selection) {
    if (qualifying_data.size() > kMaxQualifyingData) {
        return fail(Code::usage, "tpm: qualifyingData",
                    "at most " + std::to_string(kMaxQualifyingData) + " bytes wanted, " +
                        std::to_string(qualifying_data.size()) + " found");
    }
    if (selection.empty()) {
        return fail(Code::usage, "tpm: PCR selection", "is empty");
    }
    std::vector<HashAlg> banks;
    for (const tpm::PcrSelection& pcrs : selection) {
        if (pcrs.mask == 0 || (pcrs.mask >> tpm::kPcrCount) != 0) {
            return fail(Code::usage, "tpm: PCR selection", "PCRs 0 to 23 wanted");
        }
        if (std::ranges::find(banks, pcrs.bank) != banks.end()) {
            return fail(Code::usage, "tpm: PCR selection", "a bank twice");
        }
        banks.push_back(pcrs.bank);
    }
    return {};
}

Status check_pcr_indexes(std::span<const unsigned> indexes) {
    if (indexes.empty() || indexes.size() > tpm::kPcrCount ||
        std::ranges::any_of(indexes, [](unsigned index) { return index >= tpm::kPcrCount; })) {
        return fail(Code::usage, "tpm: PCR indexes", "1 to 24 of PCR 0 to 23 wanted");
    }
    return {};
}

/// Source: TPM 2.0 Library, Part 2, 7.2 TPM_HT: the first byte says what a handle is.
Status check_nv_index(std::uint32_t index) {
    if (index >> 24 != 0x01) {
        return fail(Code::usage, "tpm: NV index", "0x01000000 to 0x01ffffff wanted");
    }
    return {};
}

Status check_nv_size(std::size_t size) {
    if (size == 0 || size > kMaxNvSize) {
        return fail(Code::usage, "tpm: NV index",
                    "a size of 1 to " + std::to_string(kMaxNvSize) + " wanted");
    }
    return {};
}

Status check_nv_content(std::size_t size, ByteView content) {
    if (content.size() != size) {
        return fail(
            Code::mismatch, "tpm: NV index",
            "it has " + std::to_string(size) + " bytes, not " + std::to_string(content.size()));
    }
    return {};
}

Result<ByteView> check_sized(ByteView sized, std::size_t most, std::string_view what) {
    Reader r(sized, what);
    const ByteView content = r.bytes_u16_be("buffer");
    if (content.size() > most) {
        r.fail(Code::too_large, "buffer", "at most " + std::to_string(most) + " bytes wanted");
    }
    auto out = r.finish(content);
    if (!out) {
        return fail(Code::mismatch, "tpm: credential", out.error().text());
    }
    return out;
}

}  // namespace ratls
