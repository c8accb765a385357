#include "ratls/evidence/tpm/attest.h"

#include <algorithm>

namespace ratls::tpm {
namespace {

constexpr std::uint32_t kGeneratedByTpm = 0xff544347;
constexpr std::uint16_t kAttestQuote = 0x8018;
constexpr std::uint32_t kMaxBanks = 16;    // TPM2_NUM_PCR_BANKS of tpm2-tss
constexpr std::size_t kMaxExtraData = 64;  // sizeof(TPMT_HA) less its algorithm
constexpr std::size_t kMaxName = 66;       // nameAlg and a SHA-512 digest
constexpr std::uint8_t kMaxSelectBytes = 4;

PcrSelection read_selection(Reader& r) {
    PcrSelection selection;
    selection.bank = read_hash(r, "pcrSelect.hash");
    const std::uint8_t size = r.u8("pcrSelect.sizeofSelect");
    if (r.ok() && (size == 0 || size > kMaxSelectBytes)) {
        r.fail(Code::malformed, "pcrSelect.sizeofSelect",
               "1 to 4 wanted, " + std::to_string(size) + " found");
    }
    const ByteView bits = r.bytes(size, "pcrSelect.pcrSelect");
    for (std::size_t i = 0; i < bits.size(); ++i) {
        selection.mask |= std::uint32_t{bits[i]} << (8 * i);
    }
    if (selection.mask >> kPcrCount != 0) {
        r.fail(Code::malformed, "pcrSelect.pcrSelect", "a PCR above 23");
    }
    return selection;
}

}  // namespace

Result<Quote> parse_quote(ByteView in) {
    Reader r(in, "tpm.quote");
    r.expect(r.u32_be("magic"), kGeneratedByTpm, "magic");
    r.expect(r.u16_be("type"), kAttestQuote, "type");
    Quote q;
    q.qualified_signer = to_bytes(r.bytes_u16_be("qualifiedSigner"));
    q.extra_data = to_bytes(r.bytes_u16_be("extraData"));
    q.clock_ms = r.u64_be("clock");
    q.reset_count = r.u32_be("resetCount");
    q.restart_count = r.u32_be("restartCount");
    const std::uint8_t safe = r.u8("safe");
    q.safe = safe == 1;
    q.firmware_version = r.u64_be("firmwareVersion");
    const std::uint32_t banks = r.u32_be("pcrSelect.count");
    if (q.qualified_signer.size() > kMaxName) {
        r.fail(Code::too_large, "qualifiedSigner", std::to_string(q.qualified_signer.size()));
    }
    if (q.extra_data.size() > kMaxExtraData) {
        r.fail(Code::too_large, "extraData", std::to_string(q.extra_data.size()));
    }
    if (safe > 1) {
        r.fail(Code::malformed, "safe", "0 or 1 wanted, " + std::to_string(safe) + " found");
    }
    if (banks == 0 || banks > kMaxBanks) {
        r.fail(Code::malformed, "pcrSelect.count",
               "1 to 16 wanted, " + std::to_string(banks) + " found");
    }
    for (std::uint32_t i = 0; r.ok() && i < banks; ++i) {
        const PcrSelection selection = read_selection(r);
        if (std::ranges::find(q.pcrs, selection.bank, &PcrSelection::bank) != q.pcrs.end()) {
            r.fail(Code::malformed, "pcrSelect.hash", "a bank twice");
        }
        q.pcrs.push_back(selection);
    }
    q.pcr_digest = to_bytes(r.bytes_u16_be("pcrDigest"));
    return r.finish(std::move(q));
}

Result<Digest> pcr_digest(const std::vector<PcrSelection>& selection,
                          const std::vector<PcrValue>& values, HashAlg alg) {
    Hasher hasher(alg);
    for (const PcrSelection& bank : selection) {
        for (unsigned index = 0; index < kPcrCount; ++index) {
            if (((bank.mask >> index) & 1) == 0) {
                continue;
            }
            const auto is_meant = [&](const PcrValue& v) {
                return v.bank == bank.bank && v.index == index;
            };
            const auto value = std::ranges::find_if(values, is_meant);
            const std::string name =
                std::string(hash_name(bank.bank)) + ":" + std::to_string(index);
            if (std::ranges::count_if(values, is_meant) > 1) {
                return fail(Code::mismatch, "tpm.pcrs", "two values for " + name);
            }
            if (value == values.end()) {
                return fail(Code::mismatch, "tpm.pcrs", "no value for " + name);
            }
            if (value->value.size() != digest_size(bank.bank)) {
                return fail(Code::malformed, "tpm.pcrs",
                            "the value for " + name + " has " +
                                std::to_string(value->value.size()) + " bytes");
            }
            hasher.update(value->value);
        }
    }
    return hasher.finish();
}

}  // namespace ratls::tpm
