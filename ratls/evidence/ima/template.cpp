#include "ratls/evidence/ima/template.h"

#include <algorithm>

namespace ratls::ima {

std::string_view field_name(Field field) {
    switch (field) {
        case Field::digest:
            return "d-ng";
        case Field::digest_typed:
            return "d-ngv2";
        case Field::path:
            return "n-ng";
        case Field::signature:
            return "sig";
        case Field::buffer:
            return "buf";
        case Field::digest_modsig:
            return "d-modsig";
        case Field::modsig:
            return "modsig";
        case Field::evm_signature:
            return "evmsig";
        case Field::xattr_names:
            return "xattrnames";
        case Field::xattr_lengths:
            return "xattrlengths";
        case Field::xattr_values:
            return "xattrvalues";
        case Field::uid:
            return "iuid";
        case Field::gid:
            return "igid";
        case Field::mode:
            return "imode";
    }
    return "field";
}

const Template* find_template(std::string_view name) {
    using enum Field;
    static constexpr std::array<Template, 8> kTemplates = {{
        {"ima-ng", 2, {digest, path}},
        {"ima-sig", 3, {digest, path, signature}},
        {"ima-ngv2", 2, {digest_typed, path}},
        {"ima-sigv2", 3, {digest_typed, path, signature}},
        {"ima-buf", 3, {digest, path, buffer}},
        {"ima-modsig", 5, {digest, path, signature, digest_modsig, modsig}},
        {"evm-sig",
         9,
         {digest, path, evm_signature, xattr_names, xattr_lengths, xattr_values, uid, gid, mode}},
        {"ima", 0, {}},
    }};
    const auto* found = std::ranges::find(kTemplates, name, &Template::name);
    return found == kTemplates.end() ? nullptr : found;
}

}  // namespace ratls::ima
