#include "verify/formats/tpm.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/public_key.h"

namespace ratls::verify {
namespace {

struct Ak {
    PublicKey key;
    std::optional<tpm::PublicArea> area;  ///< none for a bare key
};

Result<Ak> parse_ak(ByteView file) {
    if (looks_like_pem(file)) {
        RATLS_TRY(const std::vector<PemBlock> blocks, parse_pem(as_text(file)));
        if (blocks.size() != 1 || blocks[0].label != "PUBLIC KEY") {
            return fail(Code::malformed, "ak", "one PUBLIC KEY block wanted");
        }
        RATLS_TRY(PublicKey key, PublicKey::from_spki(blocks[0].der));
        return Ak{std::move(key), std::nullopt};
    }
    auto area = tpm::parse_public_area(tpm::strip_tpm2b(file));
    if (area) {
        PublicKey key = area->key;
        return Ak{std::move(key), *std::move(area)};
    }
    if (auto key = PublicKey::from_spki(file)) {
        return Ak{*std::move(key), std::nullopt};
    }
    return std::unexpected(std::move(area).error());
}

/// A bare signature of RSA has the size of the key, which a TPMT_SIGNATURE, being longer, never
/// has. One of ECDSA is DER, which no TPMT_SIGNATURE begins like. Neither says scheme and hash:
/// these are the key's if its public area is here, else those of `tpm2_quote`.
Result<tpm::Signature> parse_any_signature(ByteView bytes, const Ak& ak) {
    constexpr std::uint8_t kSequence = 0x30;
    const bool rsa = ak.key.kind() == KeyKind::rsa;
    const HashAlg hash = (ak.area ? ak.area->scheme_hash : std::nullopt).value_or(HashAlg::sha256);
    if (rsa && bytes.size() * 8 == ak.key.bits()) {
        return tpm::Signature{
            ak.area ? ak.area->scheme : std::uint16_t{tpm::kRsassa}, hash, bytes, {}};
    }
    if (!rsa && !bytes.empty() && bytes[0] == kSequence) {
        RATLS_TRY(const EcdsaSignature parts, parse_ecdsa_der(bytes));
        return tpm::Signature{tpm::kEcdsa, hash, parts.r, parts.s};
    }
    return tpm::parse_signature(bytes);
}

/// What else was handed over where a quote is wanted; "" if it may be one.
std::string other_than_quote(ByteView file) {
    const bool printed = as_text(file).starts_with("quoted:");
    return printed ? "what tpm2_quote prints was given; hand over the files of its options "
                     "--message, --signature and --pcr"
                   : "";
}

/// The scheme in the public area is part of what the key may do.
bool scheme_fits(const tpm::PublicArea& area, const tpm::Signature& signature) {
    return area.scheme == signature.scheme && area.scheme_hash == signature.hash;
}

std::vector<tpm::PcrSelection> selection_of(const std::vector<tpm::PcrValue>& values) {
    std::vector<tpm::PcrSelection> out;
    for (const tpm::PcrValue& value : values) {
        auto bank = std::ranges::find(out, value.bank, &tpm::PcrSelection::bank);
        if (bank == out.end()) {
            out.push_back({value.bank, 0});
            bank = out.end() - 1;
        }
        bank->mask |= 1U << value.index;
    }
    return out;
}

/// Equal as sets of (bank, PCR). A bank that is named but selects nothing counts: a TPM clears what
/// it does not have in silence, and such a quote proves nothing about that bank.
bool same_selection(std::vector<tpm::PcrSelection> a, std::vector<tpm::PcrSelection> b) {
    std::ranges::sort(a, {}, &tpm::PcrSelection::bank);
    std::ranges::sort(b, {}, &tpm::PcrSelection::bank);
    return a == b;
}

void check_selection(const TpmInputs& inputs, const TpmEvidence& evidence, Findings& out) {
    const std::vector<tpm::PcrSelection>& quoted = evidence.quote.pcrs;
    const bool empty =
        std::ranges::all_of(quoted, [](const auto& selection) { return selection.mask == 0; });
    if (!inputs.pcrs) {
        out.check("tpm.selection", !empty, "at least one PCR",
                  empty ? "an empty selection" : selection_text(quoted));
        return;
    }
    const std::vector<tpm::PcrSelection> claimed = selection_of(*inputs.pcrs);
    const bool same = !empty && same_selection(quoted, claimed);
    out.check("tpm.selection", same, selection_text(claimed), selection_text(quoted));
    const auto digest = tpm::pcr_digest(quoted, *inputs.pcrs, evidence.digest_alg);
    const bool equal_digest = digest && equal(digest->view(), evidence.quote.pcr_digest);
    out.check("tpm.pcr_digest", equal_digest, hex(evidence.quote.pcr_digest),
              digest ? hex(digest->view()) : digest.error().text());
}

}  // namespace

const Bytes* TpmEvidence::pcr(HashAlg bank, unsigned index) const {
    const auto found = std::ranges::find_if(pcrs, [&](const tpm::PcrValue& value) {
        return value.bank == bank && value.index == index;
    });
    return found == pcrs.end() ? nullptr : &found->value;
}

std::string selection_text(const std::vector<tpm::PcrSelection>& selection) {
    std::string out;
    for (const tpm::PcrSelection& bank : selection) {
        out += (out.empty() ? "" : "+") + std::string(hash_name(bank.bank)) + ":";
        std::string indexes;
        for (unsigned i = 0; i < tpm::kPcrCount; ++i) {
            if (((bank.mask >> i) & 1) != 0) {
                indexes += (indexes.empty() ? "" : ",") + std::to_string(i);
            }
        }
        out += indexes.empty() ? "none" : indexes;
    }
    return out;
}

std::optional<Verified<TpmEvidence>> verify_tpm_quote(const TpmInputs& inputs, Findings& all,
                                                      std::vector<std::string>& not_checked) {
    Findings out;
    TpmEvidence evidence;
    const auto done = [&]() -> std::optional<Verified<TpmEvidence>> {
        const bool failed = out.failed(Weight::sound) || out.failed(Weight::needed);
        all.append(std::move(out));
        if (failed) {
            return std::nullopt;
        }
        return VerifierAccess::mark(std::move(evidence));
    };
    out.check("tpm.ak.present", !inputs.ak.empty(), "the AK's public key",
              inputs.ak.empty() ? "none given" : "given");
    if (inputs.ak.empty()) {
        return done();
    }
    auto quote = tpm::parse_quote(inputs.attest);
    const auto ak = parse_ak(inputs.ak);
    const auto signature = ak ? parse_any_signature(inputs.signature, *ak)
                              : Result<tpm::Signature>(std::unexpected(ak.error()));
    if (!quote || !signature) {
        const std::string other = other_than_quote(quote ? inputs.signature : inputs.attest);
        out.fail("tpm.quote.format", "TPMS_ATTEST of a quote, TPMT_SIGNATURE, TPMT_PUBLIC",
                 !other.empty() ? other
                 : quote        ? signature.error().text()
                                : quote.error().text());
        return done();
    }
    out.pass("tpm.quote.format", selection_text(quote->pcrs));
    evidence.quote = *std::move(quote);
    evidence.digest_alg = signature->hash;
    if (ak->area) {
        evidence.ak_name = ak->area->name;
        const std::string fault = tpm::ak_attribute_fault(*ak->area);
        const bool fits = scheme_fits(*ak->area, *signature);
        out.check("tpm.ak.attributes", fault.empty() && fits, "a restricted signing key of its TPM",
                  !fault.empty() ? fault
                  : fits         ? "as wanted"
                                 : "the signature uses another scheme than the key's");
    } else {
        not_checked.emplace_back("AK attributes (a bare public key was given)");
    }
    const Status signed_by_ak = tpm::verify_signature(ak->key, *signature, inputs.attest);
    out.check("tpm.signature", signed_by_ak.has_value(), "by the AK, SHA-256 or better",
              signed_by_ak ? "verified" : signed_by_ak.error().text());
    if (inputs.nonce) {
        out.check("tpm.nonce", equal(*inputs.nonce, evidence.quote.extra_data), hex(*inputs.nonce),
                  hex(evidence.quote.extra_data));
    } else {
        not_checked.emplace_back("extraData of the TPM quote (no nonce was given)");
    }
    check_selection(inputs, evidence, out);
    if (inputs.pcrs) {
        evidence.pcrs = *inputs.pcrs;
    }
    return done();
}

}  // namespace ratls::verify
