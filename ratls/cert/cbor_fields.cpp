#include "ratls/cert/cbor_fields.h"

#include <algorithm>

#include "ratls/base/text.h"

namespace ratls::cert {

using cbor::Value;

namespace {

std::string_view kind_name(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::uint:
            return "an integer";
        case Value::Kind::bytes:
            return "a byte string";
        case Value::Kind::text:
            return "a text";
        case Value::Kind::array:
            return "an array";
        case Value::Kind::map:
            return "a map";
    }
    return "something else";
}

std::string range(std::uint64_t least, std::uint64_t most) {
    return least == most ? std::to_string(least)
                         : std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace

const Value* at(const Value* array, std::size_t index) {
    return array != nullptr && array->is(Value::Kind::array) && index < array->items().size()
               ? &array->items()[index]
               : nullptr;
}

void Fields::fail(Code code, std::string_view field, std::string what) {
    if (!failed_) {
        failed_ = true;
        error_ = {code, std::string(name_) + ": " + std::string(field), std::move(what)};
    }
}

bool Fields::want(const Value* value, Value::Kind kind, std::string_view field) {
    if (failed_) {
        return false;
    }
    if (value == nullptr) {
        fail(Code::malformed, field, "missing");
        return false;
    }
    if (!value->is(kind)) {
        fail(Code::malformed, field,
             std::string(kind_name(kind)) + " wanted, " + std::string(kind_name(value->kind())) +
                 " found");
        return false;
    }
    return true;
}

std::uint64_t Fields::number(const Value* value, std::uint64_t least, std::uint64_t most,
                             std::string_view field, Code otherwise) {
    if (!want(value, Value::Kind::uint, field)) {
        return 0;
    }
    if (value->number() < least || value->number() > most) {
        fail(otherwise, field,
             range(least, most) + " wanted, " + std::to_string(value->number()) + " found");
        return 0;
    }
    return value->number();
}

ByteView Fields::bytes(const Value* value, std::size_t least, std::size_t most,
                       std::string_view field) {
    if (!want(value, Value::Kind::bytes, field)) {
        return {};
    }
    const std::size_t size = value->bytes().size();
    if (size < least || size > most) {
        fail(size > most ? Code::too_large : Code::malformed, field,
             range(least, most) + " bytes wanted, " + std::to_string(size) + " found");
        return {};
    }
    return value->bytes();
}

Sha256Digest Fields::digest(const Value* value, std::string_view field) {
    Sha256Digest out{};
    std::ranges::copy(bytes(value, out.size(), out.size(), field), out.begin());
    return out;
}

std::string Fields::word(const Value* value, std::size_t most, std::string_view field) {
    if (!want(value, Value::Kind::text, field)) {
        return {};
    }
    const std::string_view text = value->text();
    if (text.empty() || text.size() > most) {
        fail(Code::malformed, field,
             range(1, most) + " characters wanted, " + std::to_string(text.size()) + " found");
        return {};
    }
    if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; })) {
        fail(Code::malformed, field, "printable ASCII wanted, " + quoted(text) + " found");
        return {};
    }
    return std::string(text);
}

std::size_t Fields::array(const Value* value, std::size_t least, std::size_t most,
                          std::string_view field) {
    if (!want(value, Value::Kind::array, field)) {
        return 0;
    }
    const std::size_t count = value->items().size();
    if (count < least || count > most) {
        fail(Code::malformed, field,
             range(least, most) + " items wanted, " + std::to_string(count) + " found");
        return 0;
    }
    return count;
}

std::vector<Sha256Digest> Fields::digests(const Value* value, std::size_t most,
                                          std::string_view field) {
    std::vector<Sha256Digest> out;
    const std::size_t count = array(value, 1, most, field);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(digest(at(value, i), field));
    }
    return out;
}

std::vector<std::string> Fields::words(const Value* value, std::size_t most,
                                       std::size_t most_characters, std::string_view field) {
    std::vector<std::string> out;
    const std::size_t count = array(value, 1, most, field);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(word(at(value, i), most_characters, field));
    }
    return out;
}

void Fields::known_keys(const Value& map, std::initializer_list<std::uint64_t> known,
                        std::string_view text_key, std::string_view field) {
    if (!want(&map, Value::Kind::map, field)) {
        return;
    }
    for (std::size_t i = 0; i < map.items().size(); i += 2) {
        const Value& key = map.items()[i];
        if (key.is(Value::Kind::text)) {
            if (text_key.empty() || key.text() != text_key) {
                fail(Code::unsupported, field, "unknown key " + quoted(key.text()));
            }
        } else if (key.number() < kFirstIgnored &&
                   std::ranges::find(known, key.number()) == known.end()) {
            fail(Code::unsupported, field, "unknown key " + std::to_string(key.number()));
        }
    }
}

}  // namespace ratls::cert
