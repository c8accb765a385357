#include "ratls/codec/der.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ratls::der {

std::optional<std::uint8_t> Parser::peek() const {
    if (at_end()) {
        return std::nullopt;
    }
    return in_[at_];
}

Parser Parser::nested(ByteView content) const {
    Parser inner(content, name_);
    inner.error_ = error_;
    return inner;
}

ByteView Parser::whole(std::uint8_t tag, std::string_view field) {
    const std::size_t start = at_;
    element(tag, field);
    return error_ ? ByteView{} : in_.subspan(start, at_ - start);
}

ByteView Parser::element(std::uint8_t tag, std::string_view field) {
    if (error_) {
        return {};
    }
    const ByteView rest = in_.subspan(at_);
    if (rest.size() < 2) {
        fail(field, "an element wanted, the input ends");
        return {};
    }
    if (rest[0] != tag) {
        fail(field,
             "tag " + std::to_string(tag) + " wanted, " + std::to_string(rest[0]) + " found");
        return {};
    }
    if ((tag & 0x1f) == 0x1f) {
        fail(field, "a tag of several bytes");
        return {};
    }
    std::size_t header = 2;
    std::size_t length = rest[1];
    if (length >= 0x80) {
        const std::size_t count = length & 0x7f;
        if (count == 0 || count > 4 || rest.size() < 2 + count) {
            fail(field, "a definite length of at most 4 bytes wanted");
            return {};
        }
        length = 0;
        for (std::size_t i = 0; i < count; ++i) {
            length = (length << 8) | rest[2 + i];
        }
        header += count;
        if (length < 0x80 || rest[2] == 0) {
            fail(field, "the length is not in its shortest form");
            return {};
        }
    }
    if (length > rest.size() - header) {
        fail(field, std::to_string(length) + " bytes wanted, " +
                        std::to_string(rest.size() - header) + " left");
        return {};
    }
    at_ += header + length;
    return rest.subspan(header, length);
}

std::optional<ByteView> Parser::optional(std::uint8_t tag, std::string_view field) {
    if (peek() != tag) {
        return std::nullopt;
    }
    return element(tag, field);
}

std::uint64_t Parser::uint(std::string_view field) {
    const ByteView content = element(kInteger, field);
    if (error_) {
        return 0;
    }
    const auto value = parse_uint(content);
    if (!value) {
        fail(field, value.error().what);
        return 0;
    }
    return *value;
}

void Parser::fail(std::string_view field, std::string what) {
    if (!error_) {
        error_ = {Code::malformed, std::string(name_) + ": " + std::string(field), std::move(what)};
    }
}

Status Parser::finish() {
    if (!error_ && at_ != in_.size()) {
        fail("end", std::to_string(in_.size() - at_) + " trailing bytes");
    }
    if (error_) {
        return std::unexpected(*error_);
    }
    return {};
}

void Parser::absorb(Parser& nested) {
    if (auto status = nested.finish(); !status && !error_) {
        error_ = std::move(status).error();
    }
}

Result<std::uint64_t> parse_uint(ByteView content) {
    if (content.empty() || content.size() > 8 || (content[0] & 0x80) != 0) {
        return fail(Code::malformed, "der.integer", "a number from 0 to 2^63-1 wanted");
    }
    if (content.size() > 1 && content[0] == 0 && (content[1] & 0x80) == 0) {
        return fail(Code::malformed, "der.integer", "not in its shortest form");
    }
    std::uint64_t value = 0;
    for (const std::uint8_t b : content) {
        value = (value << 8) | b;
    }
    return value;
}

namespace {

/// Hands each arc of an OBJECT IDENTIFIER to `visit`; the first two are one number.
template <typename Visit>
Status walk_oid(ByteView content, Visit visit) {
    std::uint64_t arc = 0;
    bool inside = false;
    for (const std::uint8_t b : content) {
        if ((!inside && b == 0x80) || arc >> 56 != 0) {
            return fail(Code::malformed, "der.oid", "an arc that is not minimal or too large");
        }
        arc = (arc << 7) | (b & 0x7fU);
        inside = (b & 0x80) != 0;
        if (!inside) {
            visit(arc);
            arc = 0;
        }
    }
    if (content.empty() || inside) {
        return fail(Code::malformed, "der.oid", "empty or cut off");
    }
    return {};
}

}  // namespace

Status check_oid(ByteView content) {
    return walk_oid(content, [](std::uint64_t) {});
}

Result<std::string> oid_text(ByteView content) {
    std::string out;
    const auto put = [&out](std::uint64_t arc) {
        std::array<char, 20> digits{};
        const auto end = std::to_chars(digits.begin(), digits.end(), arc).ptr;
        out.append(digits.begin(), end);
    };
    RATLS_CHECK(walk_oid(content, [&](std::uint64_t arc) {
        if (out.empty()) {
            const std::uint64_t first = arc < 80 ? arc / 40 : 2;
            put(first);
            arc -= first * 40;
        }
        out += '.';
        put(arc);
    }));
    return out;
}

Bytes encode(std::uint8_t tag, ByteView content) {
    constexpr std::size_t kMaxHeader = 6;
    Bytes out;
    out.reserve(kMaxHeader + content.size());
    out.push_back(tag);
    const std::size_t size = content.size();
    if (size < 0x80) {
        out.push_back(static_cast<std::uint8_t>(size));
    } else {
        std::size_t count = 1;
        while (count < 4 && size >> (8 * count) != 0) {
            ++count;
        }
        out.push_back(static_cast<std::uint8_t>(0x80 | count));
        for (std::size_t i = count; i > 0; --i) {
            out.push_back(static_cast<std::uint8_t>(size >> (8 * (i - 1))));
        }
    }
    append(out, content);
    return out;
}

Bytes encode_uint(ByteView number) {
    if ((number[0] & 0x80) == 0) {
        return encode(kInteger, number);
    }
    Bytes content(1 + number.size());  // without the zero it would be negative
    std::ranges::copy(number, content.begin() + 1);
    return encode(kInteger, content);
}

}  // namespace ratls::der
