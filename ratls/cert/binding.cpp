#include "ratls/cert/binding.h"

#include <algorithm>

namespace ratls::cert {
namespace {

// Each label ends with a zero byte, which is part of what is hashed.
constexpr std::string_view kTpmQuote{"ratls-vm/tpm-quote/1\0", 21};
constexpr std::string_view kGpu{"ratls-vm/gpu/1\0", 15};
constexpr std::string_view kBinder{"ratls-vm/binder/1\0", 18};
static_assert(kTpmQuote.back() == '\0' && kGpu.back() == '\0' && kBinder.back() == '\0');

}  // namespace

std::array<std::uint8_t, 64> report_data(ByteView claims_buffer) {
    std::array<std::uint8_t, 64> out{};
    std::ranges::copy(sha256(claims_buffer), out.begin());
    return out;
}

Sha256Digest qualifying_data(ByteView claims_buffer, std::optional<ByteView> tee_evidence) {
    const Sha256Digest tee = tee_evidence ? sha256(*tee_evidence) : Sha256Digest{};
    return sha256({as_bytes(kTpmQuote), sha256(claims_buffer), tee});
}

Sha256Digest gpu_nonce(ByteView claims_buffer) {
    return sha256({as_bytes(kGpu), sha256(claims_buffer)});
}

Sha256Digest binder(Role role, const Sha256Digest& leaf_spki_sha256, const Nonce& nonce,
                    const Exporter& exporter) {
    const std::uint8_t side = static_cast<std::uint8_t>(role);
    return sha256({as_bytes(kBinder), ByteView(&side, 1), leaf_spki_sha256, nonce, exporter});
}

}  // namespace ratls::cert
