#include "ratls/codec/json_canonical.h"

#include <algorithm>

#include "ratls/base/text.h"

namespace ratls {
namespace {

class Canonical {
  public:
    Canonical(JsonCursor& in, std::size_t max_members, std::string& out)
        : in_(in), max_members_(max_members), out_(out) {}

    void value() {
        switch (in_.kind()) {
            case JsonCursor::Kind::null:
                in_.null();
                out_ += "null";
                break;
            case JsonCursor::Kind::boolean:
                out_ += in_.boolean() ? "true" : "false";
                break;
            case JsonCursor::Kind::integer:
                out_ +=
                    std::to_string(in_.integer(-JsonCursor::kMaxInteger, JsonCursor::kMaxInteger));
                break;
            case JsonCursor::Kind::string:
                append_json_string(in_.string(), out_);
                break;
            case JsonCursor::Kind::array:
                array();
                break;
            case JsonCursor::Kind::object:
                object();
                break;
        }
    }

  private:
    /// Where a member stands in the output, from its name's quote to the end of its value.
    struct Member {
        std::string_view name;  // lasts as long as the cursor
        std::size_t begin;
        std::size_t end;
    };

    void array() {
        out_ += '[';
        bool first = true;
        in_.items(std::numeric_limits<std::size_t>::max(), [&] {
            out_ += first ? "" : ",";
            first = false;
            value();
        });
        out_ += ']';
    }

    void object() {
        std::vector<Member> members;
        out_ += '{';
        in_.any_members([&](std::string_view name) {
            if (members.size() == max_members_) {
                in_.fail("more than " + std::to_string(max_members_) + " members");
                return;
            }
            out_ += members.empty() ? "" : ",";
            const std::size_t begin = out_.size();
            append_json_string(name, out_);
            out_ += ':';
            value();
            members.push_back({name, begin, out_.size()});
        });
        out_ += '}';
        if (in_.ok() && !std::ranges::is_sorted(members, {}, &Member::name)) {
            sort(members);
        }
        if (const auto twice = std::ranges::adjacent_find(members, {}, &Member::name);
            twice != members.end()) {
            in_.fail("member " + quoted(twice->name) + " occurs twice");
        }
    }

    /// Puts the members of the object that ends the output into their order.
    void sort(std::vector<Member>& members) {
        const std::size_t begin = members.front().begin;
        const std::string text = out_.substr(begin);
        std::ranges::sort(members, {}, &Member::name);
        std::size_t at = begin;
        for (const Member& member : members) {
            const std::size_t size = member.end - member.begin;
            if (at != begin) {
                out_[at++] = ',';
            }
            text.copy(&out_[at], size, member.begin - begin);
            at += size;
        }
    }

    JsonCursor& in_;
    const std::size_t max_members_;
    std::string& out_;
};

/// The letter of a short escape; 0 if the character has none.
char short_escape(char c) {
    switch (c) {
        case '"':
        case '\\':
            return c;
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        default:
            return 0;
    }
}

bool needs_escape(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

}  // namespace

void append_canonical(JsonCursor& in, std::size_t max_members, std::string& out) {
    Canonical(in, max_members, out).value();
}

void append_json_escaped(std::string_view text, std::string& out) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    while (!text.empty()) {
        const auto plain =
            static_cast<std::size_t>(std::ranges::find_if(text, needs_escape) - text.begin());
        out += text.substr(0, plain);
        if (plain == text.size()) {
            break;
        }
        const char c = text[plain];
        if (const char letter = short_escape(c); letter != 0) {
            out += '\\';
            out += letter;
        } else {
            out += "\\u00";
            out += kDigits[static_cast<unsigned char>(c) >> 4];
            out += kDigits[static_cast<unsigned char>(c) & 15];
        }
        text.remove_prefix(plain + 1);
    }
}

void append_json_string(std::string_view text, std::string& out) {
    out += '"';
    append_json_escaped(text, out);
    out += '"';
}

}  // namespace ratls
