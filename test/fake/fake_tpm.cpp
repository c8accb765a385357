#include "test/fake/fake_tpm.h"

#include <stdexcept>

#include "ratls/base/writer.h"

namespace ratls::test {
namespace {

constexpr std::uint32_t kGeneratedByTpm = 0xff544347;
constexpr std::uint16_t kAttestQuote = 0x8018;
constexpr std::uint32_t kEndorsementHierarchy = 0x4000000b;
constexpr std::uint16_t kCurveP256 = 0x0003;
constexpr std::size_t kSelectSize = 3;  // bytes of a PCR bitmap

PrivateKey new_key() {
    auto key = PrivateKey::generate(KeyKind::p256);
    if (!key) {
        throw std::runtime_error(key.error().text());
    }
    return *std::move(key);
}

void write_sized(Writer& out, ByteView bytes) {  // TPM2B
    out.u16_be(static_cast<std::uint16_t>(bytes.size())).bytes(bytes);
}

Bytes name_of(ByteView public_area) {
    return Writer().u16_be(tpm::kSha256).bytes(sha256(public_area)).take();
}

/// Source: TPM 2.0 Library, Part 1, 26.5: nameAlg || H(qualified name of the parent || name). That
/// of a hierarchy is its handle.
Bytes qualified_name_of(ByteView name) {
    const Bytes parent = Writer().u32_be(kEndorsementHierarchy).take();
    return Writer().u16_be(tpm::kSha256).bytes(sha256({parent, name})).take();
}

}  // namespace

FakeTpm::FakeTpm() : FakeTpm(new_key()) {}

FakeTpm::FakeTpm(PrivateKey ak) : ak_(std::move(ak)) {
    reboot();
    reset_count = 1;
}

void FakeTpm::reboot() {
    ++reset_count;
    for (const HashAlg alg : {HashAlg::sha1, HashAlg::sha256, HashAlg::sha384}) {
        Bank& bank = banks_[alg];
        for (unsigned i = 0; i < bank.size(); ++i) {
            bank[i] = Digest(digest_size(alg));
            if (i >= 17 && i <= 22) {  // PC Client Platform TPM Profile, table "PCR Attributes"
                std::ranges::fill(bank[i].writable(), std::uint8_t{0xff});
            }
        }
    }
}

const FakeTpm::Bank* FakeTpm::bank(HashAlg alg) const {
    const auto found = banks_.find(alg);
    return found == banks_.end() ? nullptr : &found->second;
}

Bytes FakeTpm::public_area() const {  // TPMT_PUBLIC
    const Bytes& spki = ak_.public_key().spki();
    Writer out;
    out.u16_be(tpm::kEcc).u16_be(tpm::kSha256).u32_be(attributes);
    write_sized(out, {});                          // authPolicy
    out.u16_be(tpm::kNull);                        // symmetric
    out.u16_be(tpm::kEcdsa).u16_be(tpm::kSha256);  // scheme
    out.u16_be(kCurveP256).u16_be(tpm::kNull);     // curve, kdf
    write_sized(out, ByteView(spki).last(64).first(32));
    write_sized(out, ByteView(spki).last(32));
    return out.take();
}

Status FakeTpm::check() {
    if (failure) {
        return std::unexpected(*failure);
    }
    return {};
}

Result<Bytes> FakeTpm::ak_public() {
    return public_area();
}

FakeEk& FakeTpm::ek(EkKind kind) {
    const KeyKind key = kind == EkKind::rsa    ? KeyKind::rsa
                        : kind == EkKind::p256 ? KeyKind::p256
                                               : KeyKind::p384;
    const auto found = eks_.find(kind);
    return found != eks_.end() ? found->second : eks_.emplace(kind, FakeEk(key)).first->second;
}

Result<Bytes> FakeTpm::ek_public(EkKind kind) {
    return ek(kind).public_area();
}

Result<Secret> FakeTpm::activate(EkKind kind, ByteView id_object, ByteView encrypted_secret) {
    auto secret = ek(kind).activate(name_of(public_area()), id_object, encrypted_secret);
    if (!secret) {
        return fail(Code::mismatch, "tpm: TPM2_ActivateCredential", "no such credential");
    }
    return Secret(*std::move(secret));
}

Result<SignedQuote> FakeTpm::quote(ByteView qualifying_data,
                                   std::span<const tpm::PcrSelection> selection) {
    if (before_quote) {
        before_quote();
    }
    RATLS_CHECK(check());
    RATLS_CHECK(check_quote_arguments(qualifying_data, selection));
    Writer out;
    out.u32_be(kGeneratedByTpm).u16_be(kAttestQuote);
    write_sized(out, qualified_name_of(name_of(public_area())));
    write_sized(out, qualifying_data);
    out.u64_be(clock_ms++).u32_be(reset_count).u32_be(restart_count).u8(1).u64_be(firmware_version);
    out.u32_be(static_cast<std::uint32_t>(selection.size()));
    Hasher digest(HashAlg::sha256);
    for (const tpm::PcrSelection& one : selection) {
        const Bank* values = bank(one.bank);
        if (values == nullptr) {
            return fail(Code::unsupported, "tpm: TPM2_Quote", "no such bank");
        }
        out.u16_be(tpm::hash_id(one.bank)).u8(kSelectSize);
        for (std::size_t i = 0; i < kSelectSize; ++i) {
            out.u8(static_cast<std::uint8_t>(one.mask >> (8 * i)));
        }
        for (std::size_t i = 0; i < values->size(); ++i) {
            if (((one.mask >> i) & 1) != 0) {
                digest.update((*values)[i].view());
            }
        }
    }
    write_sized(out, digest.finish().view());

    SignedQuote quote{.attest = out.take(), .signature = {}};
    RATLS_TRY(const Bytes rs, ak_.sign_ecdsa(HashAlg::sha256, quote.attest));
    Writer signature;
    signature.u16_be(tpm::kEcdsa).u16_be(tpm::kSha256);
    write_sized(signature, ByteView(rs).first(32));
    write_sized(signature, ByteView(rs).last(32));
    quote.signature = signature.take();
    return quote;
}

Result<std::vector<Digest>> FakeTpm::read_pcrs(HashAlg alg, std::span<const unsigned> indexes) {
    RATLS_CHECK(check_pcr_indexes(indexes));
    const Bank* values = bank(alg);
    if (values == nullptr) {
        return fail(Code::unsupported, "tpm: TPM2_PCR_Read", "no such bank");
    }
    std::vector<Digest> out;
    for (const unsigned index : indexes) {
        out.push_back((*values)[index]);
    }
    return out;
}

Result<Bytes> FakeTpm::read_nv(std::uint32_t index) {
    RATLS_CHECK(check_nv_index(index));
    if (before_nv_read) {
        before_nv_read(index);
    }
    const auto found = nv_.find(index);
    if (found == nv_.end() || !found->second.content) {
        return fail(Code::unavailable, "tpm: TPM2_NV_Read", "no such index, or nothing in it");
    }
    if (found->second.size > kMaxNvSize) {
        return fail(Code::too_large, "tpm: NV index", "is too large");
    }
    return *found->second.content;
}

Status FakeTpm::write_nv(std::uint32_t index, ByteView content) {
    RATLS_CHECK(check_nv_index(index));
    const auto found = nv_.find(index);
    if (found == nv_.end()) {
        return fail(Code::unavailable, "tpm: TPM2_NV_Write", "no such index");
    }
    RATLS_CHECK(check_nv_content(found->second.size, content));
    found->second.content = to_bytes(content);
    if (after_nv_write) {
        after_nv_write(index, content);
    }
    return {};
}

Status FakeTpm::define_nv(std::uint32_t index, std::size_t size) {
    RATLS_CHECK(check_nv_index(index));
    RATLS_CHECK(check_nv_size(size));
    if (!nv_.try_emplace(index, Nv{.size = size}).second) {
        return fail(Code::io, "tpm: NV index", "is there already");
    }
    return {};
}

void FakeTpm::put_nv(std::uint32_t index, Bytes content) {
    const std::size_t size = content.size();
    nv_[index] = Nv{size, std::move(content)};
}

void FakeTpm::extend(unsigned pcr, HashAlg alg, ByteView digest) {
    Digest& value = banks_.at(alg).at(pcr);
    value = Hasher(alg).update(value.view()).update(digest).finish();
}

void FakeTpm::set_pcr(unsigned pcr, HashAlg alg, ByteView value) {
    if (value.size() != digest_size(alg)) {
        throw std::invalid_argument("a PCR value of another size");
    }
    banks_.at(alg).at(pcr) = Digest(value);
}

}  // namespace ratls::test
