// The ascii form of the list, turned into the binary one, so that there is one way to read it.
#include <algorithm>
#include <charconv>
#include <vector>

#include "ratls/base/text.h"
#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/evidence/ima/template.h"

namespace ratls::ima {
namespace {

constexpr std::size_t kMaxLine = 2 * std::size_t{kMaxTemplateData} + 8192;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Takes the text up to the next space; the rest stays.
std::string_view take_word(std::string_view& line) {
    const std::size_t space = line.find(' ');
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return word;
}

void put_field(Writer& out, ByteView value) {
    out.u32_le(static_cast<std::uint32_t>(value.size())).bytes(value);
}

/// "sha256:hex" or "ima:sha256:hex" as the bytes of a digest field.
Result<Bytes> digest_field(std::string_view word) {
    const std::size_t colon = word.rfind(':');
    if (colon == std::string_view::npos) {
        return fail(Code::malformed, "digest", "algorithm:hex wanted, " + quoted(word) + " found");
    }
    RATLS_TRY(const Bytes digest, parse_hex(word.substr(colon + 1)));
    Bytes out = to_bytes(as_bytes(word.substr(0, colon + 1)));
    out.push_back(0);
    append(out, digest);
    return out;
}

/// A field behind the path; an empty one is shown as nothing.
Result<Bytes> later_field(Field form, std::string_view word) {
    switch (form) {
        case Field::digest_modsig:
            return word.empty() ? Result<Bytes>(Bytes()) : digest_field(word);
        case Field::signature:
        case Field::buffer:
        case Field::modsig:
            return parse_hex(word);
        default:
            return fail(Code::unsupported, std::string(field_name(form)),
                        "its ascii form does not say how long it is");
    }
}

Result<Bytes> legacy_data(std::string_view line) {
    Writer out;
    RATLS_TRY(const Bytes digest, parse_hex(take_word(line), kSha1DigestSize));
    out.bytes(digest);
    put_field(out, as_bytes(line));
    return out.take();
}

/// Digest, path, others. A path has no spaces, as the kernel writes '_' for them, but one that was
/// made up may; so what follows it is taken from the end of the line.
Result<Bytes> template_data(const Template& form, std::string_view line) {
    Writer out;
    RATLS_TRY(const Bytes digest, digest_field(take_word(line)));
    put_field(out, digest);
    const std::span<const Field> later = form.fields().subspan(2);
    std::vector<Bytes> values(later.size());
    for (std::size_t i = later.size(); i > 0; --i) {
        const std::size_t space = line.rfind(' ');
        if (space == std::string_view::npos) {
            return fail(Code::malformed, "line",
                        "a field " + std::string(field_name(later[i - 1])) + " wanted");
        }
        RATLS_TRY(values[i - 1], later_field(later[i - 1], line.substr(space + 1)));
        line = line.substr(0, space);
    }
    Bytes path = to_bytes(as_bytes(line));
    path.push_back(0);
    put_field(out, path);
    for (const Bytes& value : values) {
        put_field(out, value);
    }
    return out.take();
}

Status add_line(std::string_view line, std::size_t digest_size, Writer& out) {
    if (line.starts_with(' ')) {
        line.remove_prefix(1);  // the kernel prints the PCR with "%2d"
    }
    const std::string_view pcr_text = take_word(line);
    std::uint32_t pcr = 0;
    const auto [end, error] =
        std::from_chars(pcr_text.data(), pcr_text.data() + pcr_text.size(), pcr);
    if (error != std::errc() || end != pcr_text.data() + pcr_text.size() || pcr > kMaxPcr) {
        return fail(Code::malformed, "pcr", "0 to 23 wanted, " + quoted(pcr_text) + " found");
    }
    RATLS_TRY(const Bytes digest, parse_hex(take_word(line), digest_size));
    const std::string_view name = take_word(line);
    const Template* form = find_template(name);
    if (form == nullptr) {
        return fail(Code::unsupported, "template name", quoted(name));
    }
    RATLS_TRY(const Bytes data, form->legacy() ? legacy_data(line) : template_data(*form, line));
    out.u32_le(pcr).bytes(digest);
    put_field(out, as_bytes(name));
    if (form->legacy()) {
        out.bytes(data);
    } else {
        put_field(out, data);
    }
    return {};
}

}  // namespace

bool looks_like_ascii(ByteView log) {
    std::string_view text = as_text(log.first(std::min<std::size_t>(log.size(), 16)));
    if (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    const std::size_t space = text.find(' ');
    return space != std::string_view::npos && space > 0 &&
           std::ranges::all_of(text.substr(0, space), is_digit);
}

Result<Bytes> ascii_to_binary(std::string_view ascii, std::size_t template_digest_size) {
    if (ascii.size() > kMaxLogBytes) {
        return fail(Code::too_large, "ima",
                    "at most 256 MiB wanted, " + std::to_string(ascii.size()) + " bytes found");
    }
    Writer out;
    std::size_t index = 0;
    while (!ascii.empty()) {
        const std::size_t end = ascii.find('\n');
        const std::string_view line = ascii.substr(0, end);
        ascii.remove_prefix(end == std::string_view::npos ? ascii.size() : end + 1);
        const std::string where = "ima: line " + std::to_string(++index);
        if (line.size() > kMaxLine) {
            return fail(Code::too_large, where, std::to_string(line.size()) + " characters");
        }
        if (auto status = add_line(line, template_digest_size, out); !status) {
            return std::unexpected(std::move(status).error().in(where));
        }
    }
    return out.take();
}

}  // namespace ratls::ima
