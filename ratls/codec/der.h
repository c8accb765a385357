// Strict DER, as far as certificates need it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::der {

/// Identifier octets that we meet. Source: ITU-T X.690, section 8.1.2.
enum Tag : std::uint8_t {
    kBoolean = 0x01,
    kInteger = 0x02,
    kBitString = 0x03,
    kOctetString = 0x04,
    kNull = 0x05,
    kOid = 0x06,
    kUtf8String = 0x0c,
    kIa5String = 0x16,
    kSequence = 0x30,
};

/// Context-specific tag [number], constructed.
constexpr std::uint8_t context(unsigned number) {
    return static_cast<std::uint8_t>(0xa0 + number);
}

/// Walks the elements of one DER value. Definite, shortest lengths only. Failures stick, as in
/// Reader; the content views point into the input.
class Parser {
  public:
    Parser(ByteView in, std::string_view name) : in_(in), name_(name) {}

    bool ok() const { return !error_; }
    bool at_end() const { return error_ || at_ == in_.size(); }
    /// The identifier of the next element, none at the end.
    std::optional<std::uint8_t> peek() const;

    /// The content of the next element, which must have this identifier.
    ByteView element(std::uint8_t tag, std::string_view field);
    /// The next element with its identifier and length.
    ByteView whole(std::uint8_t tag, std::string_view field);
    /// The content if the next element has this identifier, else nothing and no failure.
    std::optional<ByteView> optional(std::uint8_t tag, std::string_view field);
    Parser sequence(std::string_view field) { return nested(element(kSequence, field)); }
    Parser nested(ByteView content) const;

    /// A non-negative INTEGER of at most 63 bits.
    std::uint64_t uint(std::string_view field);

    void fail(std::string_view field, std::string what);
    /// Fails if anything is left over or went wrong.
    Status finish();
    /// Takes over the failure of a nested parser, or its trailing bytes.
    void absorb(Parser& nested);

  private:
    ByteView in_;
    std::string_view name_;
    std::size_t at_ = 0;
    std::optional<Error> error_;
};

/// A non-negative INTEGER of at most 63 bits from its content octets, shortest form.
Result<std::uint64_t> parse_uint(ByteView content);

/// That these are the content octets of an OBJECT IDENTIFIER, by the same rules as `oid_text`.
Status check_oid(ByteView content);

/// Dotted text of the content octets of an OBJECT IDENTIFIER; fails for non-minimal forms and arcs
/// above 63 bits.
Result<std::string> oid_text(ByteView content);

/// One element: identifier, length, content.
Bytes encode(std::uint8_t tag, ByteView content);

/// A positive INTEGER, from a big-endian number without zeros in front.
Bytes encode_uint(ByteView number);

}  // namespace ratls::der
