// A cursor over hostile bytes. The first failure sticks.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

/// Reads fields one after the other. A failed read sticks: later reads give zeros and empty views,
/// and `finish` reports the first failure, or bytes left over. So a parser is a flat list in the
/// order of the specification, and only loops need to look at `ok`.
///
/// Names are string literals (they are kept as views). Views that it returns point into the input.
class Reader {
  public:
    Reader(ByteView in, std::string_view name) : in_(in), name_(name) {}

    bool ok() const { return !failed_; }
    std::size_t left() const { return failed_ ? 0 : in_.size() - at_; }
    std::size_t offset() const { return at_; }

    std::uint8_t u8(std::string_view field) { return little<std::uint8_t>(field); }
    std::uint16_t u16_le(std::string_view field) { return little<std::uint16_t>(field); }
    std::uint32_t u32_le(std::string_view field) { return little<std::uint32_t>(field); }
    std::uint64_t u64_le(std::string_view field) { return little<std::uint64_t>(field); }
    std::uint16_t u16_be(std::string_view field) { return big<std::uint16_t>(field); }
    std::uint32_t u32_be(std::string_view field) { return big<std::uint32_t>(field); }
    std::uint64_t u64_be(std::string_view field) { return big<std::uint64_t>(field); }

    /// The next `count` bytes, or an empty view if there are not so many.
    ByteView bytes(std::size_t count, std::string_view field);

    template <std::size_t N>
    std::array<std::uint8_t, N> array(std::string_view field) {
        std::array<std::uint8_t, N> out{};
        const ByteView view = bytes(N, field);
        std::copy(view.begin(), view.end(), out.begin());
        return out;
    }

    /// A length, then that many bytes.
    ByteView bytes_u16_be(std::string_view field) { return bytes(u16_be(field), field); }
    ByteView bytes_u32_le(std::string_view field) { return bytes(u32_le(field), field); }

    /// Bytes that must be zero.
    void zeros(std::size_t count, std::string_view field);

    /// A value that must be this one.
    template <std::integral T>
    void expect(T got, std::type_identity_t<T> want, std::string_view field) {
        if (ok() && got != want) {
            fail(Code::malformed, field,
                 std::to_string(want) + " wanted, " + std::to_string(got) + " found");
        }
    }

    /// Records a failure that the parser itself noticed. The first one stays.
    void fail(Code code, std::string_view field, std::string what);

    /// The value, if nothing failed and nothing is left over.
    template <typename T>
    Result<std::remove_cvref_t<T>> finish(T&& value) {
        refuse_trailing();
        if (failed_) {
            return std::unexpected(error_);
        }
        return std::forward<T>(value);
    }

    /// Where reading failed; meaningful only if not `ok`.
    const Error& error() const { return error_; }

  private:
    template <std::unsigned_integral T>
    T little(std::string_view field) {
        const ByteView view = bytes(sizeof(T), field);
        std::uint64_t value = 0;
        for (std::size_t i = view.size(); i > 0; --i) {
            value = (value << 8) | view[i - 1];
        }
        return static_cast<T>(value);
    }

    template <std::unsigned_integral T>
    T big(std::string_view field) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : bytes(sizeof(T), field)) {
            value = (value << 8) | byte;
        }
        return static_cast<T>(value);
    }

    void refuse_trailing();

    ByteView in_;
    std::string_view name_;
    std::size_t at_ = 0;
    bool failed_ = false;
    Error error_;
};

}  // namespace ratls
