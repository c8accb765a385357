// Deterministic CBOR, strict both ways.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::cbor {

struct Limits {
    unsigned max_depth = 4;       ///< nesting of arrays and maps
    std::size_t max_items = 256;  ///< data items in all
};

/// One data item. Byte and text strings are views into the parsed input. Only what our formats use
/// exists: unsigned integers, byte strings, text strings, arrays, maps.
class Value {
  public:
    enum class Kind { uint, bytes, text, array, map };

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }

    std::uint64_t number() const { return number_; }            ///< kind uint
    ByteView bytes() const { return string_; }                  ///< kinds bytes and text
    std::string_view text() const { return as_text(string_); }  ///< kind text
    /// Kind array: the items. Kind map: key, value, key, value, in the order of their encoding.
    const std::vector<Value>& items() const { return items_; }

    /// The value of an integer or text key of a map; null if absent or this is no map.
    const Value* find(std::uint64_t key) const;
    const Value* find(std::string_view key) const;

  private:
    friend class Decoder;
    Kind kind_ = Kind::uint;
    std::uint64_t number_ = 0;
    ByteView string_;
    std::vector<Value> items_;
};

/// Parses one data item that fills the input. Refused: indefinite lengths, lengths and integers
/// that are not in their shortest form, map keys that are not sorted by their encoded bytes or
/// occur twice, negative integers, tags, floats, simple values, invalid UTF-8, trailing bytes.
/// Source: RFC 8949, section 4.2.1. `name` is the place in error messages.
Result<Value> parse(ByteView in, std::string_view name, Limits limits = {});

/// Writes items one after the other. The caller gives map keys in the order of their encoded bytes;
/// the parser, which refuses another order, is the check in every test.
class Encoder {
  public:
    Encoder& uint(std::uint64_t value) { return head(0, value); }
    Encoder& bytes(ByteView value);
    Encoder& text(std::string_view value);
    Encoder& array(std::size_t count) { return head(4, count); }
    Encoder& map(std::size_t pairs) { return head(5, pairs); }

    const Bytes& view() const { return out_; }
    Bytes take() { return std::move(out_); }

  private:
    Encoder& head(unsigned major, std::uint64_t value);

    Bytes out_;
};

}  // namespace ratls::cbor
