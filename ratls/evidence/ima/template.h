// The templates of IMA: which fields an entry has.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ratls::ima {

/// Source: Linux security/integrity/ima/ima_template.c, supported_fields.
enum class Field : std::uint8_t {
    digest_bare,    ///< "d": a digest of SHA-1 or MD5
    digest,         ///< "d-ng": algorithm, colon, NUL, digest
    digest_typed,   ///< "d-ngv2": type, colon, algorithm, colon, NUL, digest
    path_short,     ///< "n": as n-ng, at most 255 bytes
    path,           ///< "n-ng": path and NUL
    signature,      ///< "sig"
    buffer,         ///< "buf"
    digest_modsig,  ///< "d-modsig": empty, or as d-ng; without the appended signature
    modsig,         ///< "modsig": PKCS#7
    evm_signature,  ///< "evmsig"
    xattr_names,    ///< "xattrnames": names, joined by '|'
    xattr_lengths,  ///< "xattrlengths": u32 each
    xattr_values,   ///< "xattrvalues"
    uid,            ///< "iuid": u32, or empty if there is no file
    gid,            ///< "igid": likewise
    mode,           ///< "imode": u16, likewise
    unknown,        ///< of a later kernel: hashed, not read
};

/// As the kernel calls it.
std::string_view field_name(Field field);

/// Of one format. Source: Linux ima_template.c, TEMPLATE_NUM_FIELDS_MAX.
inline constexpr std::size_t kMaxFields = 15;

struct Template {
    std::size_t field_count = 0;
    std::array<Field, kMaxFields> all_fields{};
    /// "ima", the first one: a digest of 20 bytes and a name, without the lengths of other ones.
    bool legacy = false;
    /// A name that says nothing about the fields: the data is hashed and not read.
    bool opaque = false;

    std::span<const Field> fields() const { return std::span(all_fields).first(field_count); }
};

/// The name of a legacy entry is hashed as so many bytes: TCG_EVENT_NAME_LEN_MAX + 1 of the kernel.
inline constexpr std::size_t kLegacyNameBytes = 256;

/// True if the template's name is the list of its fields, as with `ima_template_fmt=`.
bool is_format(std::string_view name);

/// The fields by the name of a template, which may be a format. Nothing for more than 15 fields, or
/// for what cannot be a name. Source: Linux security/integrity/ima/ima_template.c,
/// builtin_templates, ima_template_fmt_setup; ima_fs.c, ima_measurements_show.
std::optional<Template> find_template(std::string_view name);

}  // namespace ratls::ima
