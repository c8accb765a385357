// JSON, strict in, read in the order of the text. The parser behind it is simdjson.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/result.h"

namespace ratls {

struct JsonLimits {
    std::size_t max_bytes = std::size_t{64} << 20;
    unsigned max_depth = 32;
    /// Of brackets, commas, colons, texts, numbers and words. The parser's index and every tree of
    /// values grow with them, so this bounds memory where the text comes from anybody. It is looked
    /// at before anything else, and costs a pass over the text unless it is the default.
    std::size_t max_tokens = std::numeric_limits<std::size_t>::max();
};

/// Bytes behind a text that the parser may read: with as many, a cursor makes no copy of the text.
inline constexpr std::size_t kJsonPadding = 64;

/// A member that an object may have, for `JsonCursor::members`.
template <typename Read>
struct JsonMember {
    std::string_view name;
    bool required;
    Read read;
};

/// Stands on one value of a text after the other and keeps none: for what is read often and has a
/// place of its own. Refused beyond RFC 8259: numbers that are not integers within +-(2^53-1), NUL
/// in strings, a byte order mark, trailing text, an outermost value that is no object or list, and
/// of an object what `members` says. Failures
/// stick, as in Reader, and name the value ("tcbInfo: tcbLevels[2]: tcb: pcesvn"), or if the text
/// is no JSON, "json" and the offset.
class JsonCursor {
  public:
    enum class Kind : std::uint8_t { null, boolean, integer, string, array, object };
    static constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;

    /// On the outermost value. `name` stands for it in errors; it may be empty.
    JsonCursor(std::string_view text, std::string name, JsonLimits limits = {});
    /// The same on a text that is not copied: it outlives this, and `readable_behind` bytes behind
    /// it, at least kJsonPadding, may be read, whatever they are.
    JsonCursor(std::string_view text, std::size_t readable_behind, std::string name,
               JsonLimits limits);
    ~JsonCursor();
    JsonCursor(const JsonCursor&) = delete;
    JsonCursor& operator=(const JsonCursor&) = delete;

    bool ok() const { return !error_; }
    /// Of the value; `null` after a failure.
    Kind kind();

    /// The value, which must be of this kind; each must be read, once. After a failure: nothing.
    void null();
    bool boolean();
    std::int64_t integer(std::int64_t least, std::int64_t most);
    /// The view lasts as long as the cursor.
    std::string_view string();
    /// Calls `read()` on each item of a list of at most `most`.
    template <typename Read>
    void items(std::size_t most, const Read& read) {
        each_item(most, &read, [](const void* context) { (*static_cast<const Read*>(context))(); });
    }
    /// Calls the `read()` of each member that the object has. Fails for one that is unknown, twice
    /// there, or missing and required.
    template <typename... Read>
    void members(const JsonMember<Read>&... known) {
        static_assert(sizeof...(known) <= 32);
        std::uint32_t seen = 0;
        any_members([&](std::string_view name) {
            [[maybe_unused]] std::uint32_t bit = 1;
            const bool found = (is_next(known, name, seen, bit) || ...);
            if (!found) {
                refuse_member(name);
            }
        });
        [[maybe_unused]] std::uint32_t bit = 1;
        ((require(known.name, !known.required || (seen & bit) != 0), bit <<= 1), ...);
    }
    /// Calls `read(name)` on the value of each member of an object, also if a name is there twice.
    template <typename Read>
    void any_members(const Read& read) {
        each_member(&read, [](const void* context, std::string_view name) {
            (*static_cast<const Read*>(context))(name);
        });
    }
    /// Calls `read()`, which reads the value, and gives the value's text: the part of the input.
    template <typename Read>
    std::string_view text_of(const Read& read) {
        const std::size_t begin = offset();
        read();
        return text_between(begin, offset());
    }

    /// Fails at the value, at `key` below it, or as said.
    void fail(std::string what) { fail_at({}, std::move(what)); }
    void fail_at(std::string_view key, std::string what);
    void fail(Error error);
    /// Fails if anything failed, or stands behind the outermost value.
    Status finish();

  private:
    struct State;
    void open(std::string_view text, std::size_t readable_behind, JsonLimits limits);
    struct Place {
        std::string_view key;   ///< of a member, or
        std::size_t index = 0;  ///< of an item
    };
    static constexpr std::size_t kMember = static_cast<std::size_t>(-1);  ///< an index of none

    /// The rest of what `members` does for one that may be `name`; false if it is another.
    template <typename Read>
    bool is_next(const JsonMember<Read>& known, std::string_view name, std::uint32_t& seen,
                 std::uint32_t& bit) {
        if (known.name != name) {
            bit <<= 1;
            return false;
        }
        if ((seen & bit) != 0) {
            fail("occurs twice");
        }
        seen |= bit;
        known.read();
        return true;
    }
    void require(std::string_view name, bool there);
    void refuse_member(std::string_view name);
    void each_item(std::size_t most, const void* context, void (*read)(const void*));
    void each_member(const void* context, void (*read)(const void*, std::string_view));
    bool may_read();
    bool may_read_scalar(std::string_view wanted);
    bool took(int error, std::string_view wanted);
    void check_taken();
    bool enter();
    std::size_t offset();
    std::string_view text_between(std::size_t begin, std::size_t end) const;
    void refuse_text(std::string what);
    std::string where() const;
    void check_string(std::string_view text);

    std::string name_;
    std::vector<Place> path_;
    std::optional<Error> error_;
    std::unique_ptr<State> state_;
};

/// Members for `JsonCursor::members`.
template <typename Read>
JsonMember<Read> json_required(std::string_view name, Read read) {
    return {name, true, std::move(read)};
}
template <typename Read>
JsonMember<Read> json_optional(std::string_view name, Read read) {
    return {name, false, std::move(read)};
}

}  // namespace ratls
