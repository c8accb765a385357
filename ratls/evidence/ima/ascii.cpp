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

template <typename T>
Result<Bytes> number_field(std::string_view word) {
    T value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
        return fail(Code::malformed, "number",
                    "a decimal of " + std::to_string(sizeof(T)) + " bytes wanted, " + quoted(word) +
                        " found");
    }
    Bytes out;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    return out;
}

Bytes text_field(std::string_view word) {
    Bytes out = to_bytes(as_bytes(word));
    out.push_back(0);
    return out;
}

/// An empty field is shown as nothing. Source: Linux ima_template_lib.c, ima_show_template_field.
Result<Bytes> field_value(Field form, std::string_view word) {
    if (word.empty() && form != Field::digest && form != Field::digest_typed) {
        return Bytes();
    }
    switch (form) {
        case Field::digest:
        case Field::digest_typed:
        case Field::digest_modsig:
            return digest_field(word);
        case Field::path_short:
        case Field::path:
        case Field::xattr_names:
            return text_field(word);
        case Field::uid:
        case Field::gid:
            return number_field<std::uint32_t>(word);
        case Field::mode:
            return number_field<std::uint16_t>(word);
        case Field::unknown:
            return fail(Code::unsupported, "field",
                        "its ascii form is not known; hand over the binary list");
        default:
            return parse_hex(word);
    }
}

Result<Bytes> legacy_data(std::string_view line) {
    Writer out;
    RATLS_TRY(const Bytes digest, parse_hex(take_word(line), kSha1DigestSize));
    out.bytes(digest);
    put_field(out, as_bytes(line));
    return out.take();
}

/// A path has no spaces, as the kernel writes '_' for them, but one that was made up may; so what
/// follows it is taken from the end of the line.
Result<Bytes> template_data(const Template& form, std::string_view line) {
    const std::span<const Field> fields = form.fields();
    const auto is_path = [](Field field) {
        return field == Field::path || field == Field::path_short;
    };
    const auto path =
        static_cast<std::size_t>(std::ranges::find_if(fields, is_path) - fields.begin());
    std::vector<std::string_view> words(fields.size());
    for (std::size_t i = 0; i < path; ++i) {
        words[i] = take_word(line);
    }
    for (std::size_t i = fields.size(); path < fields.size() && i-- > path + 1;) {
        const std::size_t space = line.rfind(' ');
        if (space == std::string_view::npos) {
            return fail(Code::malformed, "line",
                        "a field " + std::string(field_name(fields[i])) + " wanted");
        }
        words[i] = line.substr(space + 1);
        line = line.substr(0, space);
    }
    if (path < fields.size()) {
        words[path] = line;
    } else if (!line.empty()) {
        return fail(Code::malformed, "line", "more than the fields of its template");
    }
    Writer out;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        RATLS_TRY(const Bytes value, field_value(fields[i], words[i]));
        put_field(out, value);
    }
    return out.take();
}

/// By the first line: digests that are longer than those of other lists are of one bank.
std::size_t digest_size_of(std::string_view ascii) {
    std::string_view line = ascii.substr(0, ascii.find('\n'));
    line.remove_prefix(line.starts_with(' ') ? 1 : 0);
    take_word(line);
    const std::size_t digits = take_word(line).size();
    const auto* found =
        std::ranges::find(kAllHashAlgs, digits, [](HashAlg alg) { return 2 * digest_size(alg); });
    return found == kAllHashAlgs.end() ? kSha1DigestSize : digest_size(*found);
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
    const std::optional<Template> form = find_template(name);
    if (!form || form->opaque) {
        return fail(Code::unsupported, "template name",
                    quoted(name) + " is not known; hand over the binary list");
    }
    RATLS_TRY(const Bytes data, form->legacy ? legacy_data(line) : template_data(*form, line));
    out.u32_le(pcr).bytes(digest);
    put_field(out, as_bytes(name));
    if (form->legacy) {
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

Result<Bytes> ascii_to_binary(std::string_view ascii) {
    if (ascii.size() > kMaxLogBytes) {
        return fail(Code::too_large, "ima",
                    "at most 256 MiB wanted, " + std::to_string(ascii.size()) + " bytes found");
    }
    Writer out;
    const std::size_t digest_size = digest_size_of(ascii);
    std::size_t index = 0;
    while (!ascii.empty()) {
        const std::size_t end = ascii.find('\n');
        const std::string_view line = ascii.substr(0, end);
        ascii.remove_prefix(end == std::string_view::npos ? ascii.size() : end + 1);
        const std::string where = "ima: line " + std::to_string(++index);
        if (line.size() > kMaxLine) {
            return fail(Code::too_large, where, std::to_string(line.size()) + " characters");
        }
        if (auto status = add_line(line, digest_size, out); !status) {
            return std::unexpected(std::move(status).error().in(where));
        }
        if (out.size() > kMaxLogBytes) {
            return fail(Code::too_large, where, "more than 256 MiB in the binary form");
        }
    }
    return out.take();
}

}  // namespace ratls::ima
