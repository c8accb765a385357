#include "ratls/codec/json.h"

#include <algorithm>
#include <limits>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/json_canonical.h"

namespace ratls {
namespace {

/// Builds the tree of a value. Recursion ends at the cursor's limit.
class TreeReader {
  public:
    TreeReader(JsonCursor& in, std::size_t max_values) : in_(in), left_(max_values) {}

    void read(Json& out) {
        if (left_ == 0) {
            in_.fail("more values than may be here");
            return;
        }
        --left_;
        switch (in_.kind()) {
            case JsonCursor::Kind::null:
                in_.null();
                break;
            case JsonCursor::Kind::boolean:
                out.emplace<bool>(in_.boolean());
                break;
            case JsonCursor::Kind::integer:
                out.emplace<std::int64_t>(
                    in_.integer(-JsonCursor::kMaxInteger, JsonCursor::kMaxInteger));
                break;
            case JsonCursor::Kind::string:
                out.emplace<std::string>(in_.string());
                break;
            case JsonCursor::Kind::array: {
                auto& items = out.emplace<Json::Array>();
                in_.items(std::numeric_limits<std::size_t>::max(),
                          [&] { read(items.emplace_back()); });
                break;
            }
            case JsonCursor::Kind::object: {
                auto& members = out.emplace<Json::Object>();
                in_.any_members([&](std::string_view name) {
                    read(members.emplace_back(name, Json()).second);
                });
                check_names(members);
                break;
            }
        }
    }

  private:
    void check_names(const Json::Object& members) {
        names_.clear();
        for (const auto& [name, value] : members) {
            names_.push_back(name);
        }
        std::ranges::sort(names_);
        if (const auto twice = std::ranges::adjacent_find(names_); twice != names_.end()) {
            in_.fail("member " + quoted(*twice) + " occurs twice");
        }
    }

    JsonCursor& in_;
    std::size_t left_;                     // values that may still come
    std::vector<std::string_view> names_;  // of one object
};

enum class Form { indented, line, canonical };

void write_unit(std::string& out, std::uint32_t unit) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) {
        out += kDigits[(unit >> shift) & 15U];
    }
}

/// One character that is no ASCII, as it is or escaped. All that are escaped have one UTF-16 unit.
void write_character(std::string& out, std::string_view& text) {
    const std::string_view rest = text;
    const auto character = take_utf8(text);
    if (!character) {
        text.remove_prefix(1);
        out += "\\ufffd";
    } else if (is_unseen(*character)) {
        write_unit(out, *character);
    } else {
        out += rest.substr(0, rest.size() - text.size());
    }
}

void write_string(std::string& out, std::string_view text, Form form) {
    if (form == Form::canonical) {
        append_json_string(text, out);
        return;
    }
    out += '"';
    while (!text.empty()) {
        const auto ascii = static_cast<std::size_t>(
            std::ranges::find_if(text,
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x7f; }) -
            text.begin());
        append_json_escaped(text.substr(0, ascii), out);
        text.remove_prefix(ascii);
        if (!text.empty()) {
            write_character(out, text);
        }
    }
    out += '"';
}

/// `depth`: of the indented form.
void write(std::string& out, const Json& json, Form form, std::size_t depth) {
    const auto new_line = [&](std::size_t indent) {
        if (form == Form::indented) {
            out += '\n';
            out.append(indent * 2, ' ');
        }
    };
    if (const bool* boolean = json.if_bool()) {
        out += *boolean ? "true" : "false";
    } else if (const std::int64_t* integer = json.if_int()) {
        out += std::to_string(*integer);
    } else if (const std::string* string = json.if_string()) {
        write_string(out, *string, form);
    } else if (const Json::Array* array = json.if_array()) {
        out += '[';
        for (std::size_t i = 0; i < array->size(); ++i) {
            out += i > 0 ? "," : "";
            new_line(depth + 1);
            write(out, (*array)[i], form, depth + 1);
        }
        if (!array->empty()) {
            new_line(depth);
        }
        out += ']';
    } else if (const Json::Object* object = json.if_object()) {
        std::vector<const std::pair<std::string, Json>*> members;
        for (const auto& member : *object) {
            members.push_back(&member);
        }
        if (form == Form::canonical) {
            std::ranges::sort(members, {}, [](const auto* member) { return member->first; });
        }
        out += '{';
        for (std::size_t i = 0; i < members.size(); ++i) {
            out += i > 0 ? "," : "";
            new_line(depth + 1);
            write_string(out, members[i]->first, form);
            out += form == Form::indented ? ": " : ":";
            write(out, members[i]->second, form, depth + 1);
        }
        if (!members.empty()) {
            new_line(depth);
        }
        out += '}';
    } else {
        out += "null";
    }
}

}  // namespace

const Json* Json::find(std::string_view key) const {
    if (const Object* object = if_object()) {
        for (const auto& [name, value] : *object) {
            if (name == key) {
                return &value;
            }
        }
    }
    return nullptr;
}

Json& Json::set(std::string_view key, Json value) {
    if (if_object() == nullptr) {
        value_ = Object{};
    }
    auto& object = std::get<Object>(value_);
    for (auto& [name, old] : object) {
        if (name == key) {
            old = std::move(value);
            return *this;
        }
    }
    object.emplace_back(key, std::move(value));
    return *this;
}

Json& Json::push(Json value) {
    if (if_array() == nullptr) {
        value_ = Array{};
    }
    std::get<Array>(value_).push_back(std::move(value));
    return *this;
}

std::string Json::pretty() const {
    std::string out;
    append_pretty(out, 0);
    return out + "\n";
}

void Json::append_pretty(std::string& out, std::size_t level) const {
    write(out, *this, Form::indented, level);
}

std::string Json::line() const {
    std::string out;
    write(out, *this, Form::line, 0);
    return out;
}

std::string Json::canonical() const {
    std::string out;
    write(out, *this, Form::canonical, 0);
    return out;
}

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
    JsonCursor cursor(text, "json", limits);
    Json out;
    TreeReader(cursor, std::numeric_limits<std::size_t>::max()).read(out);
    RATLS_CHECK(cursor.finish());
    return out;
}

Json read_json(JsonCursor& in, std::size_t max_values) {
    Json out;
    TreeReader(in, max_values).read(out);
    return in.ok() ? std::move(out) : Json();
}

Json hex_array(const std::vector<std::vector<std::uint8_t>>& values) {
    Json out(Json::Array{});
    for (const auto& value : values) {
        out.push(hex(value));
    }
    return out;
}

Json text_array(const std::vector<std::string>& values) {
    Json out(Json::Array{});
    for (const std::string& value : values) {
        out.push(value);
    }
    return out;
}

JsonReader::JsonReader(const Json& json, std::string where)
    : json_(&json), where_(std::move(where)) {
    begin();
}

JsonReader::JsonReader(const Json& json, const JsonReader& parent, std::string_view key)
    : JsonReader(json, parent, key, kNoIndex) {}

JsonReader::JsonReader(const Json& json, const JsonReader& parent, std::string_view key,
                       std::size_t index)
    : json_(&json), parent_(&parent), key_(key), index_(index) {
    begin();
}

void JsonReader::begin() {
    if (const Json::Object* object = json_->if_object()) {
        count_ = object->size();
        known_.resize(count_ > kFirst ? count_ - kFirst : 0);
    } else {
        fail({}, "an object wanted");
    }
}

std::string JsonReader::where() const {
    if (parent_ == nullptr) {
        return where_;
    }
    return parent_->where() + ": " + std::string(key_) +
           (index_ == kNoIndex ? "" : "[" + std::to_string(index_) + "]");
}

const Json* JsonReader::member(std::string_view key) {
    for (std::size_t i = 0; i < count_; ++i) {
        const auto& [name, value] = (*json_->if_object())[i];
        if (name == key) {
            if (i < kFirst) {
                first_known_.set(i);
            } else {
                known_[i - kFirst] = true;
            }
            return &value;
        }
    }
    return nullptr;
}

const Json* JsonReader::required(std::string_view key) {
    const Json* value = member(key);
    if (value == nullptr) {
        fail(key, "missing");
    }
    return value;
}

bool JsonReader::boolean(std::string_view key, bool otherwise) {
    const Json* value = member(key);
    if (value == nullptr) {
        return otherwise;
    }
    if (value->if_bool() == nullptr) {
        fail(key, "true or false wanted");
        return otherwise;
    }
    return *value->if_bool();
}

std::int64_t JsonReader::integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                 std::int64_t most) {
    const Json* value = member(key);
    if (value == nullptr) {
        return otherwise;
    }
    const std::int64_t* number = value->if_int();
    if (number == nullptr || *number < least || *number > most) {
        fail(key,
             "a number from " + std::to_string(least) + " to " + std::to_string(most) + " wanted");
        return otherwise;
    }
    return *number;
}

std::string JsonReader::string(std::string_view key, std::string otherwise) {
    const Json* value = member(key);
    if (value == nullptr) {
        return otherwise;
    }
    if (value->if_string() == nullptr) {
        fail(key, "a text wanted");
        return otherwise;
    }
    return *value->if_string();
}

std::string JsonReader::required_string(std::string_view key) {
    required(key);
    return string(key, {});
}

std::vector<std::uint8_t> JsonReader::hex_bytes(std::string_view key, std::size_t size) {
    if (member(key) == nullptr) {
        return {};
    }
    const std::string text = string(key, {});
    if (!ok()) {
        return {};
    }
    auto bytes = size == 0 ? parse_hex(text) : parse_hex(text, size);
    if (!bytes) {
        fail(key, bytes.error().what);
        return {};
    }
    return *std::move(bytes);
}

std::vector<std::string> JsonReader::strings(std::string_view key) {
    std::vector<std::string> out;
    const Json* value = member(key);
    if (value == nullptr) {
        return out;
    }
    if (value->if_array() == nullptr) {
        fail(key, "a list wanted");
        return out;
    }
    for (const Json& item : *value->if_array()) {
        if (item.if_string() == nullptr) {
            fail(key, "a list of texts wanted");
            return out;
        }
        out.push_back(*item.if_string());
    }
    return out;
}

std::vector<std::vector<std::uint8_t>> JsonReader::hex_list(std::string_view key,
                                                            std::size_t size) {
    std::vector<std::vector<std::uint8_t>> out;
    for (const std::string& text : strings(key)) {
        auto bytes = size == 0 ? parse_hex(text) : parse_hex(text, size);
        if (!bytes) {
            fail(key, bytes.error().what);
            return out;
        }
        out.push_back(*std::move(bytes));
    }
    return out;
}

std::vector<std::int64_t> JsonReader::integers(std::string_view key, std::int64_t least,
                                               std::int64_t most) {
    std::vector<std::int64_t> out;
    const Json* value = member(key);
    if (value == nullptr) {
        return out;
    }
    if (value->if_array() == nullptr) {
        fail(key, "a list wanted");
        return out;
    }
    for (const Json& item : *value->if_array()) {
        const std::int64_t* number = item.if_int();
        if (number == nullptr || *number < least || *number > most) {
            fail(key, "numbers from " + std::to_string(least) + " to " + std::to_string(most) +
                          " wanted");
            return out;
        }
        out.push_back(*number);
    }
    return out;
}

void JsonReader::fail(std::string_view key, std::string what) {
    fail(Error{Code::malformed, where() + (key.empty() ? "" : ": " + std::string(key)),
               std::move(what)});
}

void JsonReader::fail(Error error) {
    if (!error_) {
        error_ = std::move(error);
    }
}

const Json::Array* JsonReader::list(std::string_view key, std::size_t most) {
    const Json* value = member(key);
    if (value == nullptr) {
        return nullptr;
    }
    const Json::Array* items = value->if_array();
    if (items == nullptr || items->size() > most) {
        fail(key, items == nullptr ? "a list wanted"
                                   : "at most " + std::to_string(most) + " items wanted");
        return nullptr;
    }
    return items;
}

void JsonReader::absorb(JsonReader& nested) {
    if (auto status = nested.finish(); !status) {
        fail(std::move(status).error());
    }
}

Status JsonReader::finish() {
    for (std::size_t i = 0; ok() && i < count_; ++i) {
        if (i < kFirst ? !first_known_.test(i) : !known_[i - kFirst]) {
            fail(quoted((*json_->if_object())[i].first), "unknown member");
        }
    }
    if (!ok()) {
        return std::unexpected(*error_);
    }
    return {};
}

}  // namespace ratls
