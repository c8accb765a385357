#include "verify/formats/tpm.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json.h"
#include "ratls/codec/pem.h"

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

/// A bare signature has the size of an RSA key, which a TPMT_SIGNATURE, being longer, never has.
Result<tpm::Signature> parse_any_signature(ByteView bytes, const PublicKey& key) {
    if (key.kind() == KeyKind::rsa && bytes.size() * 8 == key.bits()) {
        return tpm::Signature{tpm::kRsassa, HashAlg::sha256, bytes, {}};
    }
    return tpm::parse_signature(bytes);
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
    out.check("tpm.pcr_digest", same && equal_digest, hex(evidence.quote.pcr_digest),
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
    const auto signature = ak ? parse_any_signature(inputs.signature, ak->key)
                              : Result<tpm::Signature>(std::unexpected(ak.error()));
    if (!quote || !signature) {
        out.fail("tpm.quote.format", "TPMS_ATTEST of a quote, TPMT_SIGNATURE, TPMT_PUBLIC",
                 quote ? signature.error().text() : quote.error().text());
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

namespace {

constexpr std::size_t kMaxPcrFile = 256 * 1024;

Status add_value(std::vector<tpm::PcrValue>& out, HashAlg bank, std::string_view index_text,
                 std::string_view hex_text) {
    if (index_text.empty() || index_text.size() > 2 ||
        !std::ranges::all_of(index_text, [](char c) { return c >= '0' && c <= '9'; })) {
        return fail(Code::malformed, "pcrs", "PCR index 0 to 23 wanted, " + quoted(index_text));
    }
    const auto index = static_cast<unsigned>(std::stoul(std::string(index_text)));
    if (hex_text.starts_with("0x") || hex_text.starts_with("0X")) {
        hex_text.remove_prefix(2);
    }
    auto value = parse_hex(hex_text, digest_size(bank));
    if (!value) {
        return std::unexpected(std::move(value).error().in("pcrs: " + std::string(hash_name(bank)) +
                                                           ":" + std::string(index_text)));
    }
    const bool twice = std::ranges::any_of(
        out, [&](const tpm::PcrValue& v) { return v.bank == bank && v.index == index; });
    if (index >= tpm::kPcrCount || twice) {
        return fail(Code::malformed, "pcrs",
                    "PCR index 0 to 23, once each, wanted, " + std::to_string(index) + " found");
    }
    out.push_back({bank, index, *std::move(value)});
    return {};
}

Result<std::vector<tpm::PcrValue>> parse_pcr_json(std::string_view text) {
    RATLS_TRY(const Json json, parse_json(text, {.max_bytes = kMaxPcrFile, .max_depth = 4}));
    std::vector<tpm::PcrValue> out;
    if (const Json::Array* list = json.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string* value = (*list)[i].if_string();
            if (value == nullptr || list->size() != tpm::kPcrCount) {
                return fail(Code::malformed, "pcrs", "a list of 24 hex texts wanted");
            }
            RATLS_CHECK(add_value(out, HashAlg::sha256, std::to_string(i), *value));
        }
        return out;
    }
    if (json.if_object() == nullptr) {
        return fail(Code::malformed, "pcrs", "bank -> index -> hex wanted");
    }
    for (const auto& [bank_name, values] : *json.if_object()) {
        const auto bank = hash_from_name(bank_name);
        if (!bank || values.if_object() == nullptr) {
            return fail(Code::unsupported, "pcrs", "unknown bank " + quoted(bank_name));
        }
        for (const auto& [index, value] : *values.if_object()) {
            if (value.if_string() == nullptr) {
                return fail(Code::malformed, "pcrs", "a hex text wanted at " + quoted(index));
            }
            RATLS_CHECK(add_value(out, *bank, index, *value.if_string()));
        }
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// As `tpm2_pcrread` prints: "  sha256:" and below it "    0 : 0x00..".
Result<std::vector<tpm::PcrValue>> parse_pcr_tools(std::string_view text) {
    std::vector<tpm::PcrValue> out;
    std::optional<HashAlg> bank;
    for (const std::string_view line : split(text, '\n')) {
        const std::string_view content = trim(line);
        if (content.empty()) {
            continue;
        }
        const std::size_t colon = content.find(':');
        if (colon == std::string_view::npos) {
            return fail(Code::malformed, "pcrs", "not a line of tpm2_pcrread: " + quoted(content));
        }
        const std::string_view key = trim(content.substr(0, colon));
        const std::string_view value = trim(content.substr(colon + 1));
        if (value.empty()) {
            bank = hash_from_name(key);
            if (!bank) {
                return fail(Code::unsupported, "pcrs", "unknown bank " + quoted(key));
            }
        } else if (!bank) {
            return fail(Code::malformed, "pcrs", "a value before the first bank");
        } else {
            RATLS_CHECK(add_value(out, *bank, key, value));
        }
    }
    return out;
}

}  // namespace

Result<std::vector<tpm::PcrValue>> parse_pcr_values(ByteView file) {
    const std::string_view text = as_text(file);
    if (text.size() > kMaxPcrFile || !is_utf8(text)) {
        return fail(Code::malformed, "pcrs", "a text of at most 256 KiB wanted");
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
        return parse_pcr_json(text);
    }
    return parse_pcr_tools(text);
}

}  // namespace ratls::verify
