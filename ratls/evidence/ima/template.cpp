#include "ratls/evidence/ima/template.h"

#include <algorithm>
#include <utility>

namespace ratls::ima {
namespace {

using enum Field;

constexpr std::array<std::pair<std::string_view, Field>, 16> kFields = {{
    {"d", digest_bare},
    {"d-ng", digest},
    {"d-ngv2", digest_typed},
    {"n", path_short},
    {"n-ng", path},
    {"sig", signature},
    {"buf", buffer},
    {"d-modsig", digest_modsig},
    {"modsig", modsig},
    {"evmsig", evm_signature},
    {"xattrnames", xattr_names},
    {"xattrlengths", xattr_lengths},
    {"xattrvalues", xattr_values},
    {"iuid", uid},
    {"igid", gid},
    {"imode", mode},
}};

constexpr std::array<std::pair<std::string_view, Template>, 8> kTemplates = {{
    {"ima-ng", {2, {digest, path}}},
    {"ima-sig", {3, {digest, path, signature}}},
    {"ima-ngv2", {2, {digest_typed, path}}},
    {"ima-sigv2", {3, {digest_typed, path, signature}}},
    {"ima-buf", {3, {digest, path, buffer}}},
    {"ima-modsig", {5, {digest, path, signature, digest_modsig, modsig}}},
    {"evm-sig",
     {9, {digest, path, evm_signature, xattr_names, xattr_lengths, xattr_values, uid, gid, mode}}},
    {"ima", {.legacy = true}},
}};

Field field_of(std::string_view name) {
    const auto* found = std::ranges::find(kFields, name, &decltype(kFields)::value_type::first);
    return found == kFields.end() ? unknown : found->second;
}

}  // namespace

std::string_view field_name(Field field) {
    const auto* found = std::ranges::find(kFields, field, &decltype(kFields)::value_type::second);
    return found == kFields.end() ? "field" : found->first;
}

bool is_format(std::string_view name) {
    return name.contains('|') || field_of(name) != unknown;
}

std::optional<Template> find_template(std::string_view name) {
    const auto* found =
        std::ranges::find(kTemplates, name, &decltype(kTemplates)::value_type::first);
    if (found != kTemplates.end()) {
        return found->second;
    }
    const auto is_graphic = [](char c) { return c > ' ' && c < '\x7f'; };
    if (name.empty() || !std::ranges::all_of(name, is_graphic)) {
        return std::nullopt;
    }
    Template out;
    if (!is_format(name)) {
        out.opaque = true;
        return out;
    }
    while (true) {
        if (out.field_count == kMaxFields) {
            return std::nullopt;
        }
        const std::size_t end = name.find('|');
        out.all_fields[out.field_count++] = field_of(name.substr(0, end));
        if (end == std::string_view::npos) {
            return out;
        }
        name.remove_prefix(end + 1);
    }
}

}  // namespace ratls::ima
