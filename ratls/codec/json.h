// JSON as a tree, strict in, canonical out.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratls/base/result.h"
#include "ratls/codec/json_cursor.h"

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

    /// Makes this a T of these arguments; T is a type that has an `if_` above.
    template <typename T, typename... Args>
    T& emplace(Args&&... args) {
        return value_.emplace<T>(std::forward<Args>(args)...);
    }

    /// Indented text for people and files; members in their order. Characters that are not seen but
    /// change how others are (`is_unseen`) are escaped, and a byte that is no UTF-8 is U+FFFD.
    std::string pretty() const;
    /// The same in one line, without the line's end.
    std::string line() const;
    /// The same inside of a larger text, at this level and without the last line's end.
    void append_pretty(std::string& out, std::size_t level) const;

    /// The one text that is signed: no white space, members sorted by their UTF-8 bytes, shortest
    /// escapes. For the values that this class can hold, with keys in ASCII, it is the form of
    /// RFC 8785 (JSON Canonicalization Scheme).
    std::string canonical() const;

  private:
    static constexpr std::int64_t kMaxInteger = JsonCursor::kMaxInteger;

    std::variant<std::monostate, bool, std::int64_t, std::string, Array, Object> value_;
};

/// Parses one JSON text. Refused beyond RFC 8259: duplicate member names, numbers that are not
/// integers within +-(2^53-1), NUL in strings, a byte order mark, trailing text, an outermost value
/// that is no object or list.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// The value that a cursor stands on, as a tree; null after a failure. More than `max_values` of
/// them, the ones in lists and objects included, are a failure.
Json read_json(JsonCursor& in, std::size_t max_values);

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

    bool ok() const { return !error_; }
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
    /// Hands a reader of a member that is an object to `read`; an absent one is none.
    template <typename Read>
    void object(std::string_view key, const Read& read) {
        if (const Json* value = member(key)) {
            JsonReader nested(*value, *this, key);
            read(nested);
            absorb(nested);
        }
    }
    /// Hands a reader of each object of a list to `read`, which asks it for its members. An absent
    /// list has no items; a list of more than `most` fails.
    template <typename Read>
    void each(std::string_view key, std::size_t most, const Read& read) {
        if (const Json::Array* items = list(key, most)) {
            for (std::size_t i = 0; ok() && i < items->size(); ++i) {
                JsonReader item((*items)[i], *this, key, i);
                read(item);
                absorb(item);
            }
        }
    }
    /// Takes over the failure of a nested reader, what it was not asked for included.
    void absorb(JsonReader& nested);
    /// Fails if a member was not asked for, or anything failed.
    Status finish();

  private:
    static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);
    static constexpr std::size_t kFirst = 64;

    JsonReader(const Json& json, const JsonReader& parent, std::string_view key, std::size_t index);
    void begin();
    /// The member if it is a list of at most so many; null if absent or failed.
    const Json::Array* list(std::string_view key, std::size_t most);

    const Json* json_;
    const JsonReader* parent_ = nullptr;
    std::string_view key_;             ///< in the parent
    std::size_t index_ = kNoIndex;     ///< in a list there
    std::string where_;                ///< if there is no parent
    std::size_t count_ = 0;            ///< of the members
    std::bitset<kFirst> first_known_;  ///< which of the first members were asked for
    std::vector<bool> known_;          ///< and which of those behind them
    std::optional<Error> error_;
};

}  // namespace ratls
