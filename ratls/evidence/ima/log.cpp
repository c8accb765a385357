#include "ratls/evidence/ima/log.h"

#include <algorithm>
#include <array>

#include "ratls/base/reader.h"
#include "ratls/base/text.h"
#include "ratls/evidence/ima/fields.h"

namespace ratls::ima {
namespace {

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

/// The digest of a measured buffer is that of the buffer beside it, always. In a format of one's
/// own, files have an empty one. Source: Linux ima_main.c, process_buffer_measurement.
Status check_buffer(const Entry& entry) {
    const bool measured = entry.template_name == "ima-buf" || !entry.buffer.empty();
    if (entry.violation || !measured || entry.file_hash_name.empty()) {
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
               "1 to 255 wanted, " + std::to_string(name_length) + " found");
    }
    out.template_name = as_text(r.bytes(name_length, "template name"));
    const std::optional<Template> form =
        r.ok() ? find_template(out.template_name) : std::optional<Template>();
    if (r.ok() && !form) {
        r.fail(Code::malformed, "template name",
               "a name or at most 15 fields wanted, " + quoted(out.template_name) + " found");
    }
    if (form && form->legacy) {
        const std::size_t start = r.offset();
        read_legacy(r, out);
        out.template_data = log.subspan(start, r.offset() - start);
    } else if (form) {
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
    if (!form->legacy && !form->opaque) {
        RATLS_CHECK(read_fields(*form, out));
    }
    RATLS_CHECK(check_violation(out));
    RATLS_CHECK(check_buffer(out));
    out.raw = log.first(r.offset());
    return r.offset();
}

/// True if an entry is read with a digest of this size, and it is the entry's own.
bool fits(ByteView log, HashAlg alg) {
    Entry entry;
    Hasher hasher(alg);
    return read_entry(log, digest_size(alg), entry) &&
           (entry.violation || equal(template_hash(entry, hasher).view(), entry.template_digest));
}

}  // namespace

std::string logged_name(std::string_view name) {
    std::string out(name);
    std::ranges::replace(out, ' ', '_');
    return out;
}

std::size_t template_digest_size(ByteView log) {
    const auto* found =
        std::ranges::find_if(kAllHashAlgs, [&](HashAlg alg) { return fits(log, alg); });
    if (found == kAllHashAlgs.end()) {  // a damaged one, of which the reader says what is wrong
        Entry entry;
        found = std::ranges::find_if(kAllHashAlgs, [&](HashAlg alg) {
            return read_entry(log, digest_size(alg), entry).has_value();
        });
    }
    return found == kAllHashAlgs.end() ? kSha1DigestSize : digest_size(*found);
}

LogReader::LogReader(ByteView log, std::size_t digest_size, std::size_t first)
    : log_(log),
      digest_size_(digest_size == kByContent ? template_digest_size(log) : digest_size),
      index_(first) {
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
                const std::function<void()>& piece_over) {
    std::size_t digest_size = LogReader::kByContent;
    for (std::size_t index = first;;) {
        RATLS_TRY(const LogSource::Piece piece, log.at(offset));
        const std::size_t size = piece.bytes.size();
        if (offset > kMaxLogBytes || size > kMaxLogBytes - offset) {
            return fail(Code::too_large, "ima", "at most 256 MiB wanted");
        }
        if (size < kMaxEntryBytes && !piece.last) {
            return fail(Code::internal, "ima", "a piece that is too small for an entry");
        }
        LogReader reader(piece.bytes, digest_size, index);
        digest_size = reader.digest_size();
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
