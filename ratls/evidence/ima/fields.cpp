#include "ratls/evidence/ima/fields.h"

#include <algorithm>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"

namespace ratls::ima {
namespace {

constexpr std::size_t kMd5DigestSize = 16;

/// The kernel's names: "sha256", "sm3", "streebog512", "sha3-256".
bool is_hash_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxHashName && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// A digest field before its digest: "sha256:", or "verity:sha256:" if it has a type.
struct DigestPrefix {
    bool verity = false;
    std::string_view hash_name;
    std::optional<HashAlg> hash;
    ByteView digest;
};

DigestPrefix read_prefix(Reader& r, ByteView field, Field form) {
    DigestPrefix out;
    const std::string_view text = as_text(field);
    const std::size_t nul = text.find('\0');
    if (nul == std::string_view::npos || nul == 0 || text[nul - 1] != ':') {
        r.fail(Code::malformed, field_name(form), "an algorithm, a colon and a NUL wanted");
        return out;
    }
    out.digest = field.subspan(nul + 1);
    out.hash_name = text.substr(0, nul - 1);
    if (form == Field::digest_typed) {
        out.verity = out.hash_name.starts_with("verity:");
        if (!out.verity && !out.hash_name.starts_with("ima:")) {
            r.fail(Code::malformed, field_name(form), "type ima or verity wanted");
            return out;
        }
        out.hash_name.remove_prefix(out.hash_name.find(':') + 1);
    }
    if (!is_hash_name(out.hash_name)) {
        r.fail(Code::malformed, field_name(form),
               "an algorithm wanted, " + quoted(out.hash_name) + " found");
    }
    out.hash = hash_from_name(out.hash_name);
    return out;
}

/// For a violation, Linux 4.20 to 5.18 name the default algorithm but leave room for SHA-1 only.
/// Source: Linux commit "ima: fix violation measurement list record".
void check_digest_size(Reader& r, const DigestPrefix& prefix, Field form, bool violation) {
    const std::size_t size = prefix.digest.size();
    if (violation && size == kSha1DigestSize) {
        return;
    }
    if (prefix.hash && size != digest_size(*prefix.hash)) {
        r.fail(Code::malformed, field_name(form),
               std::to_string(digest_size(*prefix.hash)) + " bytes of " +
                   std::string(prefix.hash_name) + " wanted, " + std::to_string(size) + " found");
    } else if (size == 0 || size > kMaxFileDigest) {
        r.fail(Code::malformed, field_name(form),
               "1 to 64 bytes wanted, " + std::to_string(size) + " found");
    }
}

/// "d" has no algorithm: its size tells SHA-1 from MD5, which is the other one that it can be.
/// Source: Linux ima_template_lib.c, ima_eventdigest_init.
DigestPrefix read_bare_digest(Reader& r, ByteView field) {
    if (field.size() != kSha1DigestSize && field.size() != kMd5DigestSize) {
        r.fail(Code::malformed, field_name(Field::digest_bare),
               "16 or 20 bytes wanted, " + std::to_string(field.size()) + " found");
    }
    const bool sha1 = field.size() == kSha1DigestSize;
    return {.hash_name = sha1 ? "sha1" : "md5",
            .hash = sha1 ? std::optional(HashAlg::sha1) : std::nullopt,
            .digest = field};
}

/// A path and its NUL. A C program would see a path with a NUL inside as another, shorter one.
std::string_view read_path(Reader& r, ByteView field, Field form) {
    const std::size_t most = form == Field::path_short ? kLegacyNameBytes - 1 : kMaxPath;
    const std::string_view text = as_text(field);
    if (text.size() < 2 || text.find('\0') != text.size() - 1) {
        r.fail(Code::malformed, field_name(form),
               "a name with exactly one NUL, at its end, wanted");
        return {};
    }
    if (text.size() - 1 > most) {
        r.fail(Code::too_large, field_name(form),
               "at most " + std::to_string(most) + " bytes wanted, " +
                   std::to_string(text.size() - 1) + " found");
    }
    return text.substr(0, text.size() - 1);
}

void expect_size_or_empty(Reader& r, ByteView field, Field form, std::size_t size) {
    if (!field.empty() && field.size() != size) {
        r.fail(Code::malformed, field_name(form),
               "0 or " + std::to_string(size) + " bytes wanted, " + std::to_string(field.size()) +
                   " found");
    }
}

/// Reads the fields of one entry. Nothing covers the template's name, so whoever hands the log over
/// could call any field anything. Digest and path are therefore taken only from before all fields
/// whose bytes the owner of a file may choose, and only if no second one says something else.
class FieldReader {
  public:
    explicit FieldReader(Entry& out) : out_(out) {}

    Status read(const Template& form) {
        Reader r(out_.template_data, "template data");
        for (const Field field : form.fields()) {
            const ByteView value = r.bytes_u32_le(field_name(field));
            if (!r.ok()) {
                break;
            }
            read_field(r, value, field);
        }
        if (auto done = r.finish(true); !done) {
            return std::unexpected(std::move(done).error());
        }
        out_.path = paths_differ_ ? std::string_view() : out_.path;
        return {};
    }

  private:
    void read_field(Reader& r, ByteView value, Field form) {
        switch (form) {
            case Field::digest_bare:
                take_digest(r, read_bare_digest(r, value), form);
                return;
            case Field::digest:
            case Field::digest_typed: {
                const DigestPrefix prefix = read_prefix(r, value, form);
                if (r.ok()) {
                    check_digest_size(r, prefix, form, out_.violation);
                }
                take_digest(r, prefix, form);
                return;
            }
            case Field::path_short:
            case Field::path:
                take_path(read_path(r, value, form));
                return;
            case Field::uid:
            case Field::gid:
                expect_size_or_empty(r, value, form, 4);
                return;
            case Field::mode:
                expect_size_or_empty(r, value, form, 2);
                return;
            default:
                read_free_field(r, value, form);
                behind_ = true;
        }
    }

    /// A field with bytes that the kernel does not choose.
    void read_free_field(Reader& r, ByteView value, Field form) {
        switch (form) {
            case Field::signature:
            case Field::evm_signature:
                if (value.size() > kMaxSignature) {
                    r.fail(Code::too_large, field_name(form),
                           std::to_string(value.size()) + " bytes");
                }
                if (form == Field::signature) {
                    out_.signature = value;
                }
                break;
            case Field::buffer:
                out_.buffer = value;
                break;
            case Field::digest_modsig:
                if (!value.empty()) {
                    const DigestPrefix prefix = read_prefix(r, value, form);
                    if (r.ok()) {
                        check_digest_size(r, prefix, form, out_.violation);
                    }
                }
                break;
            case Field::xattr_lengths:
                if (value.size() % 4 != 0) {
                    r.fail(Code::malformed, field_name(form), "lengths of 4 bytes each wanted");
                }
                break;
            default:
                break;  // carried and hashed, not read
        }
    }

    /// Of several the one whose form says most: d-ngv2, d-ng, d.
    void take_digest(Reader& r, const DigestPrefix& prefix, Field form) {
        if (behind_) {
            return;
        }
        if (out_.file_hash_name == prefix.hash_name && !equal(out_.file_digest, prefix.digest)) {
            r.fail(Code::malformed, field_name(form), "a second digest, and not the same");
        }
        out_.verity = out_.verity || prefix.verity;
        if (out_.file_hash_name.empty() || form > digest_form_) {
            out_.file_hash_name = prefix.hash_name;
            out_.file_hash = prefix.hash;
            out_.file_digest = prefix.digest;
            digest_form_ = form;
        }
    }

    void take_path(std::string_view path) {
        if (!behind_) {
            paths_differ_ = paths_differ_ || (!out_.path.empty() && out_.path != path);
            out_.path = path;
        }
    }

    Entry& out_;
    Field digest_form_ = Field::digest_bare;
    bool behind_ = false;  ///< a field whose bytes are not the kernel's
    bool paths_differ_ = false;
};

}  // namespace

Status read_fields(const Template& form, Entry& entry) {
    return FieldReader(entry).read(form);
}

}  // namespace ratls::ima
