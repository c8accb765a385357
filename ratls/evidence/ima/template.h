// The templates of IMA: which fields an entry has.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace ratls::ima {

/// Source: Linux security/integrity/ima/ima_template.c, supported_fields.
enum class Field : std::uint8_t {
    digest,         ///< "d-ng": algorithm, colon, NUL, digest
    digest_typed,   ///< "d-ngv2": type, colon, algorithm, colon, NUL, digest
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
};

/// As the kernel calls it.
std::string_view field_name(Field field);

inline constexpr std::size_t kMaxFields = 9;

struct Template {
    std::string_view name;
    std::size_t field_count = 0;
    std::array<Field, kMaxFields> all_fields{};

    std::span<const Field> fields() const { return std::span(all_fields).first(field_count); }
    /// "ima", the first one: a digest of 20 bytes and a name, without the lengths of other ones.
    bool legacy() const { return field_count == 0; }
};

/// The name of a legacy entry is hashed as so many bytes: TCG_EVENT_NAME_LEN_MAX + 1 of the kernel.
inline constexpr std::size_t kLegacyNameBytes = 256;

/// Null for a template that we do not know, custom formats ("d-ng|n-ng|iuid") included.
/// Source: Linux security/integrity/ima/ima_template.c, builtin_templates.
const Template* find_template(std::string_view name);

}  // namespace ratls::ima
