#include "ratls/evidence/ima/log.h"

#include <algorithm>
#include <array>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/evidence/ima/template.h"

namespace ratls::ima {
namespace {

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

void read_digest(Reader& r, ByteView field, Field form, Entry& out) {
    const DigestPrefix prefix = read_prefix(r, field, form);
    if (r.ok()) {
        check_digest_size(r, prefix, form, out.violation);
    }
    out.verity = prefix.verity;
    out.file_hash_name = prefix.hash_name;
    out.file_hash = prefix.hash;
    out.file_digest = prefix.digest;
}

/// A path and its NUL. A C program would see a path with a NUL inside as another, shorter one.
void read_path(Reader& r, ByteView field, Entry& out) {
    const std::string_view text = as_text(field);
    if (text.size() < 2 || text.find('\0') != text.size() - 1) {
        r.fail(Code::malformed, field_name(Field::path),
               "a name with exactly one NUL, at its end, wanted");
    } else if (text.size() - 1 > kMaxPath) {
        r.fail(Code::too_large, field_name(Field::path),
               "at most 4096 bytes wanted, " + std::to_string(text.size() - 1) + " found");
    } else {
        out.path = text.substr(0, text.size() - 1);
    }
}

void expect_size_or_empty(Reader& r, ByteView field, Field form, std::size_t size) {
    if (!field.empty() && field.size() != size) {
        r.fail(Code::malformed, field_name(form),
               "0 or " + std::to_string(size) + " bytes wanted, " + std::to_string(field.size()) +
                   " found");
    }
}

void read_field(Reader& r, ByteView value, Field form, Entry& out) {
    switch (form) {
        case Field::digest:
        case Field::digest_typed:
            read_digest(r, value, form, out);
            break;
        case Field::path:
            read_path(r, value, out);
            break;
        case Field::signature:
        case Field::evm_signature:
            if (value.size() > kMaxSignature) {
                r.fail(Code::too_large, field_name(form), std::to_string(value.size()) + " bytes");
            }
            if (form == Field::signature) {
                out.signature = value;
            }
            break;
        case Field::buffer:
            out.buffer = value;
            break;
        case Field::digest_modsig:
            if (!value.empty()) {
                const DigestPrefix prefix = read_prefix(r, value, form);
                if (r.ok()) {
                    check_digest_size(r, prefix, form, out.violation);
                }
            }
            break;
        case Field::xattr_lengths:
            if (value.size() % 4 != 0) {
                r.fail(Code::malformed, field_name(form), "lengths of 4 bytes each wanted");
            }
            break;
        case Field::uid:
        case Field::gid:
            expect_size_or_empty(r, value, form, 4);
            break;
        case Field::mode:
            expect_size_or_empty(r, value, form, 2);
            break;
        case Field::modsig:
        case Field::xattr_names:
        case Field::xattr_values:
            break;  // carried and hashed, not read
    }
}

Status read_fields(const Template& form, Entry& out) {
    Reader r(out.template_data, "template data");
    for (const Field field : form.fields()) {
        const ByteView value = r.bytes_u32_le(field_name(field));
        if (!r.ok()) {
            break;
        }
        read_field(r, value, field, out);
    }
    if (auto done = r.finish(true); !done) {
        return std::unexpected(std::move(done).error());
    }
    return {};
}

/// Template "ima": a SHA-1 digest, a length, a name without a NUL.
void read_legacy(Reader& r, Entry& out) {
    out.file_hash_name = "sha1";
    out.file_hash = HashAlg::sha1;
    out.file_digest = r.bytes(kSha1DigestSize, "digest");
    const std::uint32_t length = r.u32_le("name length");
    if (r.ok() && (length == 0 || length >= kLegacyNameBytes)) {
        r.fail(Code::malformed, "name length",
               "1 to 255 wanted, " + std::to_string(length) + " found");
    }
    out.path = as_text(r.bytes(length, "name"));
    if (out.path.find('\0') != std::string_view::npos) {
        r.fail(Code::malformed, "name", "a NUL inside");
    }
}

/// Only 0xff bytes are extended for a violation, so all its text is anybody's; a digest there would
/// look like a measurement.
Status check_violation(const Entry& entry) {
    if (entry.violation &&
        (!all_zero(entry.file_digest) || !entry.signature.empty() || !entry.buffer.empty())) {
        return fail(Code::malformed, "template digest",
                    "zero, as for a violation, but the entry measures something");
    }
    return {};
}

/// The digest of an ima-buf entry is that of the buffer beside it, always.
/// Source: Linux ima_main.c, process_buffer_measurement.
Status check_buffer(const Entry& entry) {
    if (entry.violation || entry.template_name != "ima-buf") {
        return {};
    }
    if (!entry.file_hash) {
        return fail(Code::unsupported, "buf",
                    "cannot check its digest of " + quoted(entry.file_hash_name));
    }
    if (!equal(hash(*entry.file_hash, entry.buffer).view(), entry.file_digest)) {
        return fail(Code::mismatch, "buf", "its digest is not the one in the entry");
    }
    return {};
}

/// Reads the entry at the beginning of a log; gives its size.
Result<std::size_t> read_entry(ByteView log, std::size_t digest_size, Entry& out) {
    Reader r(log, "header");
    out = Entry{};
    out.pcr = r.u32_le("pcr");
    if (out.pcr > kMaxPcr) {
        r.fail(Code::malformed, "pcr", "0 to 23 wanted, " + std::to_string(out.pcr) + " found");
    }
    out.template_digest = r.bytes(digest_size, "template digest");
    out.violation = all_zero(out.template_digest);
    const std::uint32_t name_length = r.u32_le("template name length");
    if (r.ok() && (name_length == 0 || name_length > kMaxTemplateName)) {
        r.fail(Code::malformed, "template name length",
               "1 to 96 wanted, " + std::to_string(name_length) + " found");
    }
    out.template_name = as_text(r.bytes(name_length, "template name"));
    const Template* form = r.ok() ? find_template(out.template_name) : nullptr;
    if (r.ok() && form == nullptr) {
        r.fail(Code::unsupported, "template name", quoted(out.template_name));
    }
    if (form != nullptr && form->legacy()) {
        const std::size_t start = r.offset();
        read_legacy(r, out);
        out.template_data = log.subspan(start, r.offset() - start);
    } else if (form != nullptr) {
        const std::uint32_t length = r.u32_le("template data length");
        if (length > kMaxTemplateData) {
            r.fail(Code::too_large, "template data length",
                   "at most 1 MiB wanted, " + std::to_string(length) + " found");
        }
        out.template_data = r.bytes(length, "template data");
    }
    if (!r.ok()) {
        return std::unexpected(r.error());
    }
    if (!form->legacy()) {
        RATLS_CHECK(read_fields(*form, out));
    }
    RATLS_CHECK(check_violation(out));
    RATLS_CHECK(check_buffer(out));
    out.raw = log.first(r.offset());
    return r.offset();
}

}  // namespace

LogReader::LogReader(ByteView log, std::size_t template_digest_size, std::size_t first)
    : log_(log), digest_size_(template_digest_size), index_(first) {
    if (log.size() > kMaxLogBytes) {
        error_ = Error{Code::too_large, "ima",
                       "at most 256 MiB wanted, " + std::to_string(log.size()) + " bytes found"};
    }
}

bool LogReader::next(Entry& out) {
    if (error_ || offset_ == log_.size()) {
        return false;
    }
    auto size = read_entry(log_.subspan(offset_), digest_size_, out);
    if (!size) {
        error_ = std::move(size).error().in("ima: entry " + std::to_string(index_));
        return false;
    }
    offset_ += *size;
    ++index_;
    return true;
}

Status LogReader::status() const {
    if (error_) {
        return std::unexpected(*error_);
    }
    return {};
}

Status read_log(LogSource& log, std::uint64_t offset, std::size_t first,
                const std::function<Result<bool>(const Entry&)>& visit,
                const std::function<void()>& piece_over, std::size_t template_digest_size) {
    for (std::size_t index = first;;) {
        RATLS_TRY(const LogSource::Piece piece, log.at(offset));
        const std::size_t size = piece.bytes.size();
        if (offset > kMaxLogBytes || size > kMaxLogBytes - offset) {
            return fail(Code::too_large, "ima", "at most 256 MiB wanted");
        }
        if (size < kMaxEntryBytes && !piece.last) {
            return fail(Code::internal, "ima", "a piece that is too small for an entry");
        }
        LogReader reader(piece.bytes, template_digest_size, index);
        Entry entry;
        // The last entries of a piece may be cut off, so they are read with the next one.
        while ((piece.last || size - reader.offset() >= kMaxEntryBytes) && reader.next(entry)) {
            RATLS_TRY(const bool more, visit(entry));
            if (!more) {
                return {};
            }
        }
        RATLS_CHECK(reader.status());
        if (piece_over) {
            piece_over();
        }
        if (piece.last) {
            return {};
        }
        offset += reader.offset();
        index = reader.index();
    }
}

Digest template_hash(const Entry& entry, Hasher& hasher) {
    if (entry.violation) {
        Digest out(digest_size(hasher.alg()));
        std::ranges::fill(out.writable(), std::uint8_t{0xff});
        return out;
    }
    hasher.reset();
    if (entry.template_name == "ima") {
        static constexpr std::array<std::uint8_t, kLegacyNameBytes> kPadding{};
        hasher.update(entry.file_digest).update(as_bytes(entry.path));
        return hasher.update(ByteView(kPadding).first(kLegacyNameBytes - entry.path.size()))
            .finish();
    }
    return hasher.update(entry.template_data).finish();
}

}  // namespace ratls::ima
