#include "verify/appraise/snapshot_text.h"

#include <algorithm>

#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json_canonical.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kDomain("ratls-vm/snapshot/1\0", 20);
constexpr std::size_t kMaxMembers = 64;  // of one object; none that a snapshot may have has as many
constexpr std::size_t kMaxSignatures = 64;
constexpr std::string_view kIma = "ima";

/// Hands over what is signed, part by part: as one it would take the size of the text again.
template <typename Members, typename Part>
void visit(const Members& members, const Part& part) {
    part(kDomain);
    std::string before = "{";
    for (const auto& member : members) {
        part(before.append("\"").append(member.name).append("\":"));
        part(member.text());
        before = ",";
    }
    part(members.empty() ? "{}" : "}");
}

SnapshotSignature read_signature(JsonCursor& in) {
    SnapshotSignature out;
    in.members(json_required("key",
                             [&] {
                                 const auto key = parse_hex(in.string(), out.key.size());
                                 if (!key) {
                                     in.fail(key.error().what);
                                     return;
                                 }
                                 std::ranges::copy(*key, out.key.begin());
                             }),
               json_required("signature", [&] {
                   auto bytes = parse_base64(in.string());
                   if (!bytes || (bytes->size() != 64 && bytes->size() != 96)) {
                       in.fail("base64 of r and s, 64 or 96 bytes, wanted");
                       return;
                   }
                   out.signature = *std::move(bytes);
               }));
    return out;
}

}  // namespace

Result<SnapshotText> SnapshotText::read(Bytes text) {
    const std::size_t size = text.size();
    text.resize(size + kJsonPadding);
    JsonCursor in(as_text(ByteView(text).first(size)), kJsonPadding, "snapshot",
                  {.max_bytes = kMaxSnapshotText,
                   .max_depth = kMaxSnapshotDepth,
                   .max_tokens = kMaxSnapshotTokens});
    SnapshotText out;
    const auto member = [&](std::string_view name) {
        return json_optional(name, [&, name] {
            std::string& value = out.members_.emplace_back(name, std::string()).value;
            if (name == kIma) {
                value.reserve(size +
                              kJsonPadding);  // nearly all of it, so let it not grow by copies
            }
            append_canonical(in, kMaxMembers, value);
            if (value.size() > kMaxSnapshotMember && name != kIma) {
                in.fail("at most " + std::to_string(kMaxSnapshotMember) + " bytes wanted");
            }
            value.append(kJsonPadding, '\0');
        });
    };
    in.members(member("ratls_snapshot"), member("name"), member("sequence"), member("not_before"),
               member("not_after"), member("origin"), member("dialects"), member("taken_from"),
               member("image"), member("tool"), member("evidence"), member("tee"), member("tpm"),
               member(kIma), json_optional("signatures", [&] {
                   in.items(kMaxSignatures, [&] { out.signatures_.push_back(read_signature(in)); });
               }));
    if (auto status = in.finish(); !status) {
        Error error = std::move(status).error();
        return std::unexpected(error.where.starts_with("snapshot")
                                   ? std::move(error)
                                   : std::move(error).in("snapshot"));
    }
    std::ranges::sort(out.members_, {}, &Member::name);
    return out;
}

Bytes SnapshotText::signed_bytes() const {
    Bytes out;
    visit(members_, [&](std::string_view part) { append(out, as_bytes(part)); });
    return out;
}

Digest SnapshotText::hash(HashAlg alg) const {
    Hasher hasher(alg);
    visit(members_, [&](std::string_view part) { hasher.update(as_bytes(part)); });
    return hasher.finish();
}

std::string_view SnapshotText::ima() const {
    const auto found = std::ranges::find(members_, kIma, &Member::name);
    return found == members_.end() ? std::string_view() : found->text();
}

std::string SnapshotText::rest() const {
    std::string out = "{";
    for (const Member& member : members_) {
        if (member.name != kIma) {
            out.append(out.size() == 1 ? "\"" : ",\"").append(member.name).append("\":");
            out += member.text();
        }
    }
    return out + "}";
}

Status SnapshotText::verify(const PublicKey& key) const {
    if (signatures_.empty()) {
        return fail(Code::untrusted, "snapshot", "it is not signed");
    }
    const auto found = std::ranges::find(signatures_, key.spki_sha256(), &SnapshotSignature::key);
    if (found == signatures_.end()) {
        return fail(Code::untrusted, "snapshot", "it is signed, but not by the given key");
    }
    const ByteView bytes(found->signature);
    const std::size_t half = bytes.size() / 2;
    if (!key.verify_ecdsa_digest(hash(snapshot_hash(key)), bytes.first(half),
                                 bytes.subspan(half))) {
        return fail(Code::untrusted, "snapshot", "its content is not what was signed");
    }
    return {};
}

HashAlg snapshot_hash(const PublicKey& key) {
    return key.kind() == KeyKind::p384 ? HashAlg::sha384 : HashAlg::sha256;
}

}  // namespace ratls::verify
