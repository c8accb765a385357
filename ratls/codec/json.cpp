#include "ratls/codec/json.h"

#include <cjson/cJSON.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls {
namespace {

constexpr double kMaxInteger = 9007199254740991.0;  // 2^53-1, exact in a double

/// What cJSON lets through and we do not: bad UTF-8, control characters and NUL in strings, numbers
/// in other than the JSON form, deep nesting. Strings and numbers only; the grammar is cJSON's
/// work.
Status prescan(std::string_view text, const JsonLimits& limits) {
    const auto refuse = [](std::size_t at, const char* what) {
        return fail(Code::malformed, "json",
                    std::string(what) + " at offset " + std::to_string(at));
    };
    if (text.size() > limits.max_bytes) {
        return fail(Code::too_large, "json",
                    "at most " + std::to_string(limits.max_bytes) + " bytes wanted, " +
                        std::to_string(text.size()) + " found");
    }
    if (!is_utf8(text)) {
        return fail(Code::malformed, "json", "not UTF-8");
    }
    if (text.starts_with("\xef\xbb\xbf")) {
        return refuse(0, "byte order mark");
    }
    unsigned depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                if (static_cast<unsigned char>(text[i]) < 0x20) {
                    return refuse(i, "control character in a string");
                }
                if (text[i] == '\\') {
                    ++i;
                    if (text.substr(i, 1) == "u") {
                        const auto digits = text.substr(i + 1, 4);
                        if (digits.size() != 4 || !parse_hex(digits)) {
                            return refuse(i, "4 hex digits wanted");  // cJSON would take a NUL
                        }
                        if (digits == "0000") {
                            return refuse(i, "NUL in a string");
                        }
                    }
                }
            }
        } else if (c == '{' || c == '[') {
            if (++depth > limits.max_depth) {
                return fail(Code::too_large, "json",
                            "more than " + std::to_string(limits.max_depth) + " levels of nesting");
            }
        } else if (c == '}' || c == ']') {
            if (depth > 0) {
                --depth;
            }
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            const std::size_t start = i;
            if (c == '-') {
                ++i;
            }
            const std::size_t first = i;
            while (i < text.size() && text[i] >= '0' && text[i] <= '9') {
                ++i;
            }
            const bool next_is_number_text =
                i < text.size() && (text[i] == '.' || text[i] == 'e' || text[i] == 'E');
            if (i == first || (text[first] == '0' && i - first > 1) || next_is_number_text ||
                i - first > 16) {
                return refuse(start, "a number that is not a plain integer below 2^53");
            }
            --i;
        } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return refuse(i, "control character");
        }
    }
    return {};
}

Result<Json> convert(const cJSON& node) {
    if (cJSON_IsNull(&node)) {
        return Json();
    }
    if (cJSON_IsBool(&node)) {
        return Json(static_cast<bool>(cJSON_IsTrue(&node)));
    }
    if (cJSON_IsNumber(&node)) {
        if (std::abs(node.valuedouble) > kMaxInteger) {
            return fail(Code::malformed, "json", "a number beyond 2^53-1");
        }
        return Json(static_cast<std::int64_t>(node.valuedouble));
    }
    if (cJSON_IsString(&node)) {
        return Json(std::string(node.valuestring));
    }
    if (cJSON_IsArray(&node)) {
        Json::Array array;
        array.reserve(static_cast<std::size_t>(cJSON_GetArraySize(&node)));
        for (const cJSON* item = node.child; item != nullptr; item = item->next) {
            RATLS_TRY(Json value, convert(*item));
            array.push_back(std::move(value));
        }
        return Json(std::move(array));
    }
    if (!cJSON_IsObject(&node)) {
        return fail(Code::malformed, "json", "a value of no known kind");
    }
    Json::Object object;
    object.reserve(static_cast<std::size_t>(cJSON_GetArraySize(&node)));
    for (const cJSON* item = node.child; item != nullptr; item = item->next) {
        RATLS_TRY(Json value, convert(*item));
        object.emplace_back(item->string, std::move(value));
    }
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const auto& [name, value] : object) {
        names.push_back(name);
    }
    std::ranges::sort(names);
    if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
        return fail(Code::malformed, "json", "member " + quoted(*twice) + " occurs twice");
    }
    return Json(std::move(object));
}

/// Finds where things end, without looking inside. A failure sticks.
class RawScanner {
  public:
    explicit RawScanner(std::string_view text) : text_(text) {}

    std::size_t offset() const { return at_; }
    bool at_end() {
        skip_space();
        return ok_ && at_ == text_.size();
    }
    bool accept(char c) {
        skip_space();
        const bool found = ok_ && at_ < text_.size() && text_[at_] == c;
        at_ += found ? 1 : 0;
        return found;
    }
    void expect(char c) { ok_ = accept(c) && ok_; }

    /// What stands between the quotes.
    std::string_view string() {
        expect('"');
        const std::size_t start = at_;
        skip_string();
        return ok_ ? text_.substr(start, at_ - start - 1) : std::string_view();
    }
    /// Up to the comma or bracket that ends it, without the white space before that.
    std::string_view value() {
        skip_space();
        const std::size_t start = at_;
        std::size_t depth = 0;
        for (; ok_ && at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                skip_string();
                --at_;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if ((c == ',' || c == '}' || c == ']') && depth == 0) {
                break;
            } else if (c == '}' || c == ']') {
                --depth;
            }
        }
        std::string_view out = text_.substr(start, at_ - start);
        while (!out.empty() && is_space(out.back())) {
            out.remove_suffix(1);
        }
        ok_ = ok_ && !out.empty();
        return out;
    }

  private:
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) {
            ++at_;
        }
    }
    /// From behind the opening quote to behind the closing one.
    void skip_string() {
        for (; ok_ && at_ < text_.size() && text_[at_] != '"'; ++at_) {
            at_ += text_[at_] == '\\' ? 1U : 0U;
        }
        ok_ = ok_ && at_ < text_.size();
        at_ = ok_ ? at_ + 1 : std::min(at_, text_.size());  // an escape may end the text
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

void write_string(std::string& out, std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += "\\u00";
                    out += kDigits[static_cast<unsigned char>(c) >> 4];
                    out += kDigits[static_cast<unsigned char>(c) & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

/// indent < 0: the canonical form; else the current depth of the indented form.
void write(std::string& out, const Json& json, int indent) {
    const bool canonical = indent < 0;
    const auto new_line = [&](int depth) {
        if (!canonical) {
            out += '\n';
            out.append(static_cast<std::size_t>(depth) * 2, ' ');
        }
    };
    const int inner = canonical ? indent : indent + 1;
    if (const bool* boolean = json.if_bool()) {
        out += *boolean ? "true" : "false";
    } else if (const std::int64_t* integer = json.if_int()) {
        out += std::to_string(*integer);
    } else if (const std::string* string = json.if_string()) {
        write_string(out, *string);
    } else if (const Json::Array* array = json.if_array()) {
        out += '[';
        for (std::size_t i = 0; i < array->size(); ++i) {
            out += i > 0 ? "," : "";
            new_line(inner);
            write(out, (*array)[i], inner);
        }
        if (!array->empty()) {
            new_line(indent);
        }
        out += ']';
    } else if (const Json::Object* object = json.if_object()) {
        std::vector<const std::pair<std::string, Json>*> members;
        for (const auto& member : *object) {
            members.push_back(&member);
        }
        if (canonical) {
            std::ranges::sort(members, {}, [](const auto* member) { return member->first; });
        }
        out += '{';
        for (std::size_t i = 0; i < members.size(); ++i) {
            out += i > 0 ? "," : "";
            new_line(inner);
            write_string(out, members[i]->first);
            out += canonical ? ":" : ": ";
            write(out, members[i]->second, inner);
        }
        if (!members.empty()) {
            new_line(indent);
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
    write(out, *this, 0);
    return out + "\n";
}

std::string Json::canonical() const {
    std::string out;
    write(out, *this, -1);
    return out;
}

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
    RATLS_CHECK(prescan(text, limits));
    const char* end = nullptr;
    const std::unique_ptr<cJSON, void (*)(cJSON*)> root(
        cJSON_ParseWithLengthOpts(text.data(), text.size(), &end, 0), cJSON_Delete);
    const auto at = static_cast<std::size_t>(end == nullptr ? 0 : end - text.data());
    if (!root) {
        return fail(Code::malformed, "json", "not JSON at offset " + std::to_string(at));
    }
    if (text.substr(at).find_first_not_of(" \t\r\n") != std::string_view::npos) {
        return fail(Code::malformed, "json", "trailing text at offset " + std::to_string(at));
    }
    return convert(*root);
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

Result<std::map<std::string_view, std::string_view>> raw_members(std::string_view text) {
    RawScanner scan(text);
    std::map<std::string_view, std::string_view> out;
    scan.expect('{');
    do {
        const std::string_view name = scan.string();
        scan.expect(':');
        const std::string_view value = scan.value();
        if (!out.emplace(name, value).second || name.find('\\') != std::string_view::npos) {
            return fail(Code::malformed, "json",
                        "member " + quoted(name) + " occurs twice or is written with an escape");
        }
    } while (scan.accept(','));
    scan.expect('}');
    if (!scan.at_end()) {
        return fail(Code::malformed, "json",
                    "one object wanted, broken at offset " + std::to_string(scan.offset()));
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
        known_.resize(object->size());
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
    for (std::size_t i = 0; i < known_.size(); ++i) {
        const auto& [name, value] = (*json_->if_object())[i];
        if (name == key) {
            known_[i] = true;
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
    if (!failed_) {
        failed_ = true;
        error_ = std::move(error);
    }
}

void JsonReader::object(std::string_view key, const std::function<void(JsonReader& object)>& read) {
    if (const Json* value = member(key)) {
        JsonReader nested(*value, *this, key);
        read(nested);
        absorb(nested);
    }
}

void JsonReader::each(std::string_view key, std::size_t most,
                      const std::function<void(JsonReader& item)>& read) {
    const Json* value = member(key);
    if (value == nullptr) {
        return;
    }
    const Json::Array* items = value->if_array();
    if (items == nullptr || items->size() > most) {
        fail(key, items == nullptr ? "a list wanted"
                                   : "at most " + std::to_string(most) + " items wanted");
        return;
    }
    for (std::size_t i = 0; ok() && i < items->size(); ++i) {
        JsonReader item((*items)[i], *this, key, i);
        read(item);
        absorb(item);
    }
}

void JsonReader::absorb(JsonReader& nested) {
    if (auto status = nested.finish(); !status) {
        fail(std::move(status).error());
    }
}

Status JsonReader::finish() {
    if (ok()) {
        if (const auto unknown = std::ranges::find(known_, false); unknown != known_.end()) {
            const auto& object = *json_->if_object();
            fail(quoted(object[static_cast<std::size_t>(unknown - known_.begin())].first),
                 "unknown member");
        }
    }
    if (!ok()) {
        return std::unexpected(error_);
    }
    return {};
}

}  // namespace ratls
