// JSON, strict in, canonical out. The parser behind it is cJSON.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratls/base/result.h"

namespace ratls {

/// A JSON value. Numbers are integers from -(2^53-1) to 2^53-1: nothing that we read or write needs
/// others, and larger ones become text.
class Json {
  public:
    using Array = std::vector<Json>;
    using Object = std::vector<std::pair<std::string, Json>>;  // in the order of the text

    Json() = default;
    Json(std::nullptr_t) {}
    Json(bool value) : value_(value) {}
    Json(int value) : value_(static_cast<std::int64_t>(value)) {}
    Json(std::int64_t value) {
        if (value > kMaxInteger || value < -kMaxInteger) {
            value_ = std::to_string(value);
        } else {
            value_ = value;
        }
    }
    Json(std::uint64_t value) {
        if (value > kMaxInteger) {
            value_ = std::to_string(value);
        } else {
            value_ = static_cast<std::int64_t>(value);
        }
    }
    Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    const bool* if_bool() const { return std::get_if<bool>(&value_); }
    const std::int64_t* if_int() const { return std::get_if<std::int64_t>(&value_); }
    const std::string* if_string() const { return std::get_if<std::string>(&value_); }
    const Array* if_array() const { return std::get_if<Array>(&value_); }
    const Object* if_object() const { return std::get_if<Object>(&value_); }

    /// The member of an object; null if absent or this is no object.
    const Json* find(std::string_view key) const;

    /// Adds or replaces a member; turns anything but an object into one.
    Json& set(std::string_view key, Json value);
    /// Adds an item; turns anything but an array into one.
    Json& push(Json value);

    /// Indented text for people and files; members in their order.
    std::string pretty() const;

    /// The one text that is signed: no white space, members sorted by their UTF-8 bytes, shortest
    /// escapes. For the values that this class can hold, with keys in ASCII, it is the form of
    /// RFC 8785 (JSON Canonicalization Scheme).
    std::string canonical() const;

  private:
    static constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;

    std::variant<std::monostate, bool, std::int64_t, std::string, Array, Object> value_;
};

struct JsonLimits {
    std::size_t max_bytes = std::size_t{64} << 20;
    unsigned max_depth = 32;
};

/// Parses one JSON text. Refused beyond RFC 8259: duplicate member names, numbers that are not
/// integers within +-(2^53-1), NUL in strings, a byte order mark, trailing text.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// The members of the outermost object as they stand in the text: what a signature over a value
/// covers. Looks at the outermost level only; whoever uses a value gives it to `parse_json`.
/// Refused: a name twice or with an escape, anything but white space around the object.
Result<std::map<std::string_view, std::string_view>> raw_members(std::string_view text);

/// Lists of byte strings in hex, and of texts.
Json hex_array(const std::vector<std::vector<std::uint8_t>>& values);
Json text_array(const std::vector<std::string>& values);

/// Walks an object with strict keys: what was not asked for is an error that names it.
/// Failures stick, as in Reader; `where` grows with each level: "policy: snp: min_tcb".
class JsonReader {
  public:
    JsonReader(const Json& json, std::string where);
    /// For a member of an object that has a reader, which outlives this one, as does `key`.
    JsonReader(const Json& json, const JsonReader& parent, std::string_view key);

    bool ok() const { return !failed_; }
    std::string where() const;

    /// The member, or null; marks the key as known.
    const Json* member(std::string_view key);
    const Json* required(std::string_view key);

    bool boolean(std::string_view key, bool otherwise);
    std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                         std::int64_t most);
    std::string string(std::string_view key, std::string otherwise);
    std::string required_string(std::string_view key);
    /// A byte string in hex, of exactly `size` bytes if `size` is not 0.
    std::vector<std::uint8_t> hex_bytes(std::string_view key, std::size_t size);
    std::vector<std::vector<std::uint8_t>> hex_list(std::string_view key, std::size_t size);
    std::vector<std::string> strings(std::string_view key);
    std::vector<std::int64_t> integers(std::string_view key, std::int64_t least, std::int64_t most);

    void fail(std::string_view key, std::string what);
    void fail(Error error);
    /// Hands a member that is an object to `read`; an absent one is none.
    void object(std::string_view key, const std::function<void(JsonReader& object)>& read);
    /// Hands each object of a list to `read`, which asks it for its members. An absent list has no
    /// items; a list of more than `most` fails.
    void each(std::string_view key, std::size_t most,
              const std::function<void(JsonReader& item)>& read);
    /// Takes over the failure of a nested reader, what it was not asked for included.
    void absorb(JsonReader& nested);
    /// Fails if a member was not asked for, or anything failed.
    Status finish();

  private:
    static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

    JsonReader(const Json& json, const JsonReader& parent, std::string_view key, std::size_t index);
    void begin();

    const Json* json_;
    const JsonReader* parent_ = nullptr;
    std::string_view key_;          ///< in the parent
    std::size_t index_ = kNoIndex;  ///< in a list there
    std::string where_;             ///< if there is no parent
    std::vector<bool> known_;       ///< which members were asked for
    bool failed_ = false;
    Error error_;
};

}  // namespace ratls
